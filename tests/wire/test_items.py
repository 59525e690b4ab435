"""`from_wire` is the way back from `to_wire`."""

from collections import OrderedDict

import pytest
from fakes.wire_listings import EXAMPLES, MODELS

from aiotofupilot import (
    Checkpoint,
    DecodeError,
    Page,
    PageMeta,
    Procedure,
    RawItem,
    Shard,
    Watermark,
    from_wire,
    to_wire,
)


def test_what_the_api_sends_is_read_and_written_again():
    for name in MODELS:
        item = from_wire(EXAMPLES[name], MODELS[name])
        assert type(item) is MODELS[name]
        assert from_wire(to_wire(item), MODELS[name]) == item


@pytest.mark.parametrize(
    ("document", "path", "fault"),
    [
        ({"id": "a"}, "$.name", "it is missing"),
        ([], "$", "expected an object, got an array"),
        (None, "$", "expected an object, got null"),
        (EXAMPLES["procedures"] | {"name": 3}, "$.name", "expected a string, got a number"),
        (OrderedDict(EXAMPLES["procedures"]), "$", "expected an object, got OrderedDict"),
    ],
    ids=["missing", "array", "null", "type", "not JSON"],
)
def test_what_is_not_such_an_item_is_refused_with_its_path(document, path, fault):
    with pytest.raises(DecodeError) as caught:
        from_wire(document, Procedure)
    assert (caught.value.path, str(caught.value)) == (path, f"{path}: {fault}")


def test_an_item_without_a_model_is_read_like_any_object():
    assert from_wire(RawItem(EXAMPLES["runs"]), MODELS["runs"]) == from_wire(EXAMPLES["runs"], MODELS["runs"])


def test_what_is_not_a_model_is_refused():
    for model in [dict, "Run", int, None, Page, PageMeta, Shard, Checkpoint, Watermark]:
        with pytest.raises(TypeError, match=r"^model must be a model of aiotofupilot, such as Run, got "):
            from_wire({}, model)
