"""Shapes are the models' types as msgspec parses them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
import pytest
from fakes.wire_listings import MODELS

from aiotofupilot import models
from aiotofupilot._wire.shapes import AwareDatetime, shape


def test_a_shape_has_the_names_of_the_wire():
    """The model's own names stay the names of the attributes."""
    repository = msgspec.json.decode(b'{"id":"r","name":"n","fullName":"o/n"}', type=shape(models.Repository))
    assert (repository.full_name, repository.provider) == ("o/n", None)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (str, str),
        (bool, bool),
        (datetime, AwareDatetime),
        (timedelta, timedelta),
        (str | None, str | None),
        (timedelta | None, timedelta | None),
        (tuple[str, ...], tuple[str, ...]),
        (list[bool], list[bool]),
        (Mapping[str, str | bool], dict[str, str | bool]),
        (tuple[bool, ...] | tuple[str, ...] | None, tuple[bool | str, ...] | None),
    ],
    ids=str,
)
def test_a_type_has_the_shape_of_its_json(kind, expected):
    """A moment must have an offset, and a tuple is an array."""
    assert shape(kind) == expected


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_one_shape(name):
    """A shape is made once, with the fields of its model."""
    model = MODELS[name]
    assert shape(model) is shape(model)
    assert {field.name for field in msgspec.structs.fields(shape(model))} == {
        field.name for field in model.__attrs_attrs__
    }


@pytest.mark.parametrize("kind", [bytes, set[str], complex | None, object], ids=str)
def test_a_type_that_no_model_has_is_refused(kind):
    """It would otherwise be decoded in a way that nobody chose."""
    with pytest.raises(TypeError, match=r"^the wire has no shape for "):
        shape(kind)
