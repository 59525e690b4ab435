"""Structs are the models' types as msgspec parses them, where the models themselves are not parsed."""

import copy
import pickle
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Thread
from typing import get_type_hints

import attrs
import pytest
from fakes.wire_listings import EVERYTHING, EXAMPLES, MODELS, OPTIONAL, PageDecoder, body, inside, is_bare
from msgspec import ValidationError, json, structs

from aiotofupilot import models
from aiotofupilot._wire.structs import AwareDatetime, parsed_type
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Measurement, PageMeta, Procedure
from aiotofupilot.models.fields import fields_of
from aiotofupilot.models.refs import Expected


@pytest.mark.parametrize("structs", [False, True])
def test_a_field_is_parsed_by_its_name_on_the_wire(structs):
    """The model's own name stays the name of the attribute."""
    parse = json.Decoder(parsed_type(models.Repository, structs=structs)).decode
    repository = parse(b'{"id":"r","name":"n","fullName":"o/n","full_name":"of an older server"}')
    assert (repository.full_name, repository.provider) == ("o/n", None)


def test_a_model_is_parsed_as_itself():
    assert {name for name, model in MODELS.items() if parsed_type(model, structs=False) is not model} == set()


def renamed():
    """A model that msgspec has not read yet. The wire has other names for two fields, and none for the last one."""
    fields = {
        "number": attrs.field(type=int, metadata={"wire": "theNumber"}),
        "name": attrs.field(type=str | None, default=None, metadata={"wire": "theName"}),
        "owner": attrs.field(type=str | None, default=None, metadata={"wire": None}),
    }
    return attrs.make_class("Renamed", fields, frozen=True, slots=True)


@pytest.mark.parametrize("is_known", [False, True])
def test_a_renamed_field_does_not_depend_on_what_msgspec_has_read_before(is_known):
    model = renamed()
    if is_known:
        assert json.decode(b'{"number":1,"theNumber":2}', type=model).number == 1
    parse = json.Decoder(parsed_type(model, structs=False)).decode
    assert parse(b'{"number":1,"theNumber":2,"theName":"n"}') == model(2, "n")
    assert parse(b'{"theNumber":2}') == model(2)
    with pytest.raises(ValidationError, match="theNumber"):
        parse(b'{"number":1}')


def test_an_object_is_as_one_of_the_constructor():
    """It is equal, has the same hash and text, and can be pickled and changed into another one."""
    made = models.Repository("r", "n", "o/n")
    parsed = json.decode(b'{"id":"r","name":"n","fullName":"o/n"}', type=parsed_type(models.Repository, structs=False))
    assert (parsed, hash(parsed), repr(parsed), attrs.asdict(parsed)) == (
        made,
        hash(made),
        repr(made),
        {"id": "r", "name": "n", "full_name": "o/n", "provider": None},
    )
    assert pickle.loads(pickle.dumps(parsed)) == copy.deepcopy(parsed) == made  # noqa: S301 - what this test wrote
    assert attrs.evolve(parsed, full_name="o/m").full_name == "o/m"
    for name in ("full_name", "fullName"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(parsed, name, "o/m")


def test_a_model_that_several_threads_parse_first_keeps_its_fields():
    """Each of them has msgspec read the class, which has other names for so long."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            model = renamed()
            fields = attrs.fields(model)
            fields_of(model)
            threads = [Thread(target=parsed_type, args=(model,), kwargs={"structs": False}) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert attrs.fields(model) is fields
    finally:
        sys.setswitchinterval(interval)


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
        (tuple[bool, ...] | None, tuple[bool, ...] | None),
        (Mapping[str, str | int | float | bool], dict[str, str | int | float | bool]),
        (Expected | None, Expected | None),
        (int | float | None, int | float | None),
    ],
    ids=str,
)
def test_a_type_is_parsed_as_its_json(kind, expected):
    """A date-time must have an offset, and a tuple is an array."""
    model = attrs.make_class("Model", {"field": attrs.field(type=kind, metadata={"wire": "Field"})})
    (field,) = structs.fields(parsed_type(model, structs=True))
    assert field.type == expected
    assert (field.name, field.encode_name) == ("field", "Field")


def test_the_annotations_and_fields_of_a_model_stay_as_they_are():
    """msgspec reads others, and nobody else does."""
    for name in MODELS:
        model = MODELS[name]
        parsed_type(model, structs=False)
        assert get_type_hints(model) == {field.name: field.type for field in attrs.fields(model)}
        assert all(field.name == field.alias for field in attrs.fields(model))


def test_a_model_has_one_struct():
    """A struct is made once, with the fields of its model."""
    for name in MODELS:
        model = MODELS[name]
        struct = parsed_type(model, structs=True)
        assert struct is parsed_type(model, structs=True)
        assert {field.name for field in structs.fields(struct)} == {field.name for field in model.__attrs_attrs__}


@pytest.mark.parametrize("kind", [bytes, set[str], complex | float, Mapping[str, bytes], object], ids=str)
def test_a_type_that_no_model_has_is_refused(kind):
    """It would otherwise be decoded in a way that nobody chose."""
    with pytest.raises(TypeError, match=r"^the wire has no type for "):
        parsed_type(kind, structs=False)


def decoded(name, document):
    """A page as models and as structs."""
    return [
        PageDecoder(MODELS[name], bare=is_bare(name), structs=structs)(json.encode(document), 0)
        for structs in (False, True)
    ]


def test_structs_have_the_values_of_the_models():
    for name in MODELS:
        models, structs = decoded(name, body(name, EXAMPLES[name], EVERYTHING[name]))
        assert repr(structs.data) == repr(models.data)
        assert not isinstance(structs.data[0], MODELS[name])
        assert structs.meta == models.meta
        assert type(structs.meta) is PageMeta


def test_what_is_absent_is_none():
    for name, path, _ in OPTIONAL:
        item = json.decode(json.encode(EVERYTHING[name]))
        del inside(item, path)[path[-1]]
        models, structs = decoded(name, body(name, item))
        assert repr(structs.data) == repr(models.data), (name, path)


@pytest.mark.parametrize(
    ("name", "field", "value", "path"),
    [
        ("runs", "duration", "1.5 h", "$.data[0].duration"),
        (
            "runs",
            "sequences",
            [EXAMPLES["runs"]["sequences"][0] | {"duration": "1 s"}],
            "$.data[0].sequences[0].duration",
        ),
        ("measurements", "retry_count", 2**53, "$.data[0].retry_count"),
        ("measurements", "retry_count", 1.5, "$.data[0].retry_count"),
        ("procedures", "created_at", "2024-01-15T10:30:00", "$.data[0].created_at"),
    ],
)
def test_a_page_that_breaks_the_contract_is_refused_with_its_path(name, field, value, path):
    decode = PageDecoder(MODELS[name], structs=True)
    with pytest.raises(DecodeError) as refused:
        decode(json.encode(body(name, EXAMPLES[name] | {field: value})), 0)
    assert refused.value.path == path


def test_a_page_in_a_format_that_is_seldom_met_has_models():
    """They have the same attributes, so that a reader of values need not care."""
    _, page = decoded("procedures", body("procedures", EXAMPLES["procedures"] | {"created_at": "2026-03-02T08:14Z"}))
    assert isinstance(page.data[0], Procedure)


@pytest.mark.parametrize("expected", [[1, None], [[1]], [{}]])
def test_an_array_of_anything_but_scalars_is_refused(expected):
    validators = [EXAMPLES["measurements"]["validators"][0] | {"expected_value": expected}]
    with pytest.raises(DecodeError) as refused:
        PageDecoder(Measurement, structs=True)(
            json.encode(body("measurements", EXAMPLES["measurements"] | {"validators": validators})), 0
        )
    assert refused.value.path == "$.data[0].validators[0].expected_value"
