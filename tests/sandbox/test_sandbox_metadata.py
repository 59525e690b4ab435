"""The filter of metadata."""

import json
from collections.abc import Mapping
from math import inf

import pytest

from aiotofupilot.listings import Argument
from aiotofupilot.sandbox.document import Refusal
from aiotofupilot.sandbox.query import declared, read

METADATA = {"shift": "Night B", "humidity": 41.5, "layers": 8, "rework": False}


METADATA_FILTER = {"metadata": declared(Argument(name="metadata", annotation=Mapping[str, object], doc=""))}


def parse(text):
    return read(METADATA_FILTER, [("metadata", text)])


def test_an_empty_text_or_object_is_no_filter():
    """The official SDK sends an empty text with every request."""
    assert parse("") == parse("{}") == {}


def test_all_conditions_have_to_be_met():
    """A condition is met only by a value of the same type."""
    for conditions, matching in [
        ({"shift": {"in": ["Night A", "Night B"]}}, True),
        ({"shift": {"in": ["Night"]}}, False),
        ({"shift": {"in": []}}, False),
        ({"shift": {"contains": "ght"}}, True),
        ({"shift": {"contains": "day"}}, False),
        ({"shift": {"in": ["Night B"], "contains": "A"}}, False),
        ({"shift": {"eq": 1}}, False),
        ({"humidity": {"gte": 41.5, "lte": 41.5}}, True),
        ({"humidity": {"gt": 41.5}}, False),
        ({"humidity": {"lt": 41.5}}, False),
        ({"humidity": {"contains": "4"}}, False),
        ({"layers": {"eq": 8.0}}, True),
        ({"layers": {"eq": True}}, False),
        ({"rework": {"eq": False}}, True),
        ({"rework": {"eq": True}}, False),
        ({"rework": {"eq": 0}}, False),
        ({"rework": {"lt": 1}}, False),
        ({"nope": {"eq": 1}}, False),
        ({"layers": {"gt": 7}, "rework": {"eq": False}}, True),
        ({"layers": {"gt": 7}, "rework": {"eq": True}}, False),
    ]:
        assert parse(json.dumps(conditions))["metadata"](METADATA) is matching


def test_an_item_without_metadata_meets_no_condition():
    assert not parse('{"shift": {}}')["metadata"]({})


def test_a_value_that_is_not_an_object_is_refused_with_its_type():
    for text, received in [
        ("{", "string"),
        ('{"a": {"eq": NaN}}', "string"),
        ("[]", "array"),
        ("1", "number"),
        ("null", "null"),
        ("true", "boolean"),
        ('"a"', "string"),
    ]:
        with pytest.raises(Refusal) as caught:
            parse(text)
        assert caught.value.issues == [
            {
                "expected": "record",
                "code": "invalid_type",
                "path": ["metadata"],
                "message": f"Invalid input: expected record, received {received}",
            }
        ]


def test_a_filter_that_is_sent_twice_is_an_array():
    with pytest.raises(Refusal) as caught:
        read(METADATA_FILTER, [("metadata", ""), ("metadata", "")])
    assert [issue["message"] for issue in caught.value.issues] == ["Invalid input: expected record, received array"]


def test_a_condition_that_fits_no_type_is_refused():
    for condition in [
        1,
        "a",
        None,
        [],
        {"eq": "a"},
        {"eq": True, "gt": 1},
        {"in": "a"},
        {"in": [1]},
        {"contains": 1},
        {"gte": "1"},
        {"gte": True},
        {"ne": 1},
        {"in": ["a"], "gt": 1},
        {"gt": inf},
        {"lt": -inf},
        {"eq": 10**400},
    ]:
        # 1e999 is JSON, which `json.dumps` writes only as Infinity, and that is not JSON.
        with pytest.raises(Refusal) as caught:
            parse(json.dumps({"good": {"eq": 1}, "bad": condition}).replace("Infinity", "1e999"))
        assert [(issue["code"], issue["path"]) for issue in caught.value.issues] == [
            ("invalid_union", ["metadata", "bad"])
        ]


def test_at_most_five_keys_are_accepted():
    assert parse(json.dumps({str(n): {"eq": n} for n in range(5)}))["metadata"]({str(n): n for n in range(5)})
    with pytest.raises(Refusal) as caught:
        parse(json.dumps({str(n): {"eq": n} for n in range(6)}))
    assert [(issue["code"], issue["path"]) for issue in caught.value.issues] == [("custom", ["metadata"])]
