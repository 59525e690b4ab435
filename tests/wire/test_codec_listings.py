"""Items of every listing: each field that the API names, absent, null, of the wrong type, and as it should be."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from fakes.wire_listings import (
    EVERYTHING,
    EXAMPLES,
    FIELDS,
    MODELS,
    NULLABLE,
    OPTIONAL,
    PageDecoder,
    body,
    fields,
    inside,
    is_bare,
    value_at,
)
from msgspec import json

from aiotofupilot import DecodeError, Page, PageMeta
from aiotofupilot._wire.codec import to_wire
from aiotofupilot.models import Operator, RawItem, RunSequence, User, Validator

DECODERS = {name: PageDecoder(model, bare=is_bare(name)) for name, model in MODELS.items()}
LENIENT = {("created_by_user",), ("linkedRepository", "provider"), ("banned",)}
"""Fields that the API requires, and that were absent in its earlier versions."""
REQUIRED = [row for row in FIELDS if row not in OPTIONAL and row not in NULLABLE and row[1] not in LENIENT]


def decoded(name, item):
    (found,) = DECODERS[name](json.encode(body(name, item)), 0).data
    return found


def test_an_example_becomes_its_model():
    """The API's own example is accepted, and the wire's spelling of the model is the example again."""
    for name in MODELS:
        item = decoded(name, EXAMPLES[name])
        assert type(item) is MODELS[name]
        written = to_wire(item)
        for key, value in EXAMPLES[name].items():
            if key == "created_by_user" and value and "email" not in value:
                assert written[key] == {**value, "email": None}
            else:
                assert json.encode(json.decode(json.encode(written[key])), order="sorted") == json.encode(
                    value, order="sorted"
                )


def test_every_field_of_the_api_is_a_field_of_the_model_and_the_reverse():
    """A field that one of the two lacks would be dropped or made up."""
    for name in MODELS:
        assert {field.metadata.get("wire", field.name) for field in attrs.fields(MODELS[name])} == {
            path[0] for path, _ in fields(name)
        }


def test_a_field_that_may_be_absent_has_its_default():
    """Older servers lack some fields, and others are sent on request only."""
    for name, path, _ in OPTIONAL:
        item = deepcopy(EVERYTHING[name])
        inside(item, path).pop(path[-1], None)
        assert value_at(decoded(name, item), path) is None, (name, path)


def test_a_field_that_may_be_null_is_none():
    """Null is no value of any other type."""
    for name, path, _ in NULLABLE:
        item = deepcopy(EVERYTHING[name])
        inside(item, path)[path[-1]] = None
        assert value_at(decoded(name, item), path) is None, (name, path)


WRONG = {
    "string": [1, 1.5, True, ["a"], {}],
    "boolean": [0, 1, "true", [], {}],
    "integer": ["1", 1.5, True, [], {}],
    "number": ["1.5", True, [], {}],
    "object": ["text", 1, True, []],
    "array": ["text", 1, True, {}],
    "union": [{}, [None], [1, None], [[1]], [{}]],
}


def refused(name, item):
    """Return the error of an item; None: it is taken."""
    try:
        decoded(name, item)
    except DecodeError as error:
        return error


def test_a_field_of_the_wrong_type_is_named_by_its_path():
    """Nothing is turned into text, a number or a truth value."""
    for name, path, field in FIELDS:
        for wrong in WRONG[field["type"]]:
            item = deepcopy(EVERYTHING[name])
            inside(item, path)[path[-1]] = wrong
            error = refused(name, item)
            assert error is not None, (name, path, wrong)
            start = "$[0]" if is_bare(name) else "$.data[0]"
            assert error.path == start + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def test_a_required_field_that_is_missing_is_named_by_its_path():
    """Its path is in the wire's spelling."""
    for name, path, _ in REQUIRED:
        item = deepcopy(EVERYTHING[name])
        del inside(item, path)[path[-1]]
        error = refused(name, item)
        assert error is not None, (name, path)
        assert str(error).endswith(": it is missing"), (name, path)
        assert error.path.endswith(f".{path[-1]}"), (name, path)


def test_values_have_the_types_of_their_models():
    """Moments are aware, durations are timedeltas, arrays are tuples, and numbers keep their type."""
    run = decoded("runs", EXAMPLES["runs"])
    assert run.started_at == datetime(2026, 11, 20, 9, 29, 40, 2000, tzinfo=UTC)
    assert run.duration == timedelta(seconds=90.732)
    assert run.operated_by == Operator(name="Night shift")
    assert type(run.sequences) is tuple
    assert type(run.sequences[0]) is RunSequence
    assert run.sequences[0].duration == timedelta(seconds=21.5)
    assert run.metadata == {"shift": "B", "humidity": 41.5, "rework": False}
    station = decoded("stations", EXAMPLES["stations"])
    assert type(station.procedures_count) is int
    assert type(decoded("stations", {**EXAMPLES["stations"], "procedures_count": 1.0}).procedures_count) is float


def test_an_expected_value_is_a_scalar_or_an_array_of_scalars():
    """The value keeps the type that it has in JSON."""
    for sent, expected in [
        (50, 50),
        (50.5, 50.5),
        (True, True),
        ("V", "V"),
        (None, None),
        ([1, 2.5], (1, 2.5)),
        (["a", 2], ("a", 2)),
        ([], ()),
    ]:
        item = deepcopy(EXAMPLES["measurements"])
        item["validators"][0]["expected_value"] = sent
        validator = decoded("measurements", item).validators[0]
        assert type(validator) is Validator
        assert repr(validator.expected_value) == repr(expected)
    item["validators"][0]["expected_value"] = {}
    with pytest.raises(DecodeError) as caught:
        decoded("measurements", item)
    fault = "expected a boolean or a number or a string or an array, got an object"
    assert str(caught.value) == f"{caught.value.path}: {fault}"
    assert caught.value.path == "$.data[0].validators[0].expected_value"


@pytest.mark.parametrize(
    ("metadata", "path"),
    [({"a": 1, "b": None}, "['b']"), ({"a b": {}}, "['a b']"), ({"a": [1]}, "['a']")],
)
def test_metadata_holds_scalars_alone(metadata, path):
    """The path names the key."""
    with pytest.raises(DecodeError, match=r"expected a boolean or a number or a string, got ") as caught:
        decoded("runs", {**EXAMPLES["runs"], "metadata": metadata})
    assert caught.value.path == f"$.data[0].metadata{path}"


def test_unknown_values_of_enumerations_survive():
    """The API adds values without notice."""
    run = deepcopy(EXAMPLES["runs"])
    run["outcome"] = run["unit"]["sample"] = run["sequences"][0]["outcome"] = "LATER"
    found = decoded("runs", run)
    assert (found.outcome, found.unit.sample, found.sequences[0].outcome) == ("LATER",) * 3


def test_a_bare_array_is_one_page_with_nothing_after_it():
    """The listing of users has neither an envelope nor a cursor."""
    page = DECODERS["users"](json.encode([EXAMPLES["users"]]), 0)
    assert page == Page([User("0192f3a4-7c1e-7b52-9d3e-000000000011", "Ines Moreau", "ines@example.com")], page.meta)
    assert page.meta == PageMeta(has_more=False)
    assert page.following is None


@pytest.mark.parametrize("document", [{}, {"data": []}, None, "users"])
def test_a_bare_listing_takes_nothing_but_an_array(document):
    """An envelope would hold pages that nobody asks for."""
    with pytest.raises(DecodeError) as caught:
        DECODERS["users"](json.encode(document), 0)
    assert caught.value.path == "$"


def test_items_can_be_left_as_the_server_sent_them():
    """Keys that no model knows are there too."""
    decode = PageDecoder(RawItem)
    page = decode(json.encode(body("runs", {**EXAMPLES["runs"], "later": [1, None]})), 7)
    assert page == Page([RawItem(EXAMPLES["runs"], later=[1, None])], PageMeta(has_more=True, next_cursor=50), 7)
    with pytest.raises(DecodeError) as caught:
        decode(json.encode(body("runs", EXAMPLES["runs"], [])), 0)
    assert caught.value.path == "$.data[1]"
