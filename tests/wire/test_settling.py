"""A page that is decoded to shapes says what the page of models says, and is refused where that is refused."""

import orjson
import pytest
from fakes.wire_listings import EVERYTHING, EXAMPLES, MODELS, OPTIONAL, body, inside, is_bare

from aiotofupilot._wire.codec import PageDecoder, ShapeDecoder
from aiotofupilot._wire.converters import shape_converter
from aiotofupilot._wire.settling import settler
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Measurement, PageMeta, Procedure

FIND_HOOK = shape_converter().get_structure_hook


def decoded(name, document):
    """A page as models and as shapes."""
    kinds = (PageDecoder, ShapeDecoder)
    return [kind(MODELS[name], bare=is_bare(name))(orjson.dumps(document), 0) for kind in kinds]


@pytest.mark.parametrize("name", MODELS)
def test_shapes_have_the_values_of_the_models(name):
    models, shapes = decoded(name, body(name, EXAMPLES[name], EVERYTHING[name]))
    assert repr(shapes.data) == repr(models.data)
    assert not isinstance(shapes.data[0], MODELS[name])
    assert shapes.meta == models.meta
    assert type(shapes.meta) is PageMeta


@pytest.mark.parametrize(("name", "path", "field"), OPTIONAL)
def test_what_is_absent_is_none(name, path, field):
    item = orjson.loads(orjson.dumps(EVERYTHING[name]))
    del inside(item, path)[path[-1]]
    models, shapes = decoded(name, body(name, item))
    assert repr(shapes.data) == repr(models.data)


def test_a_shape_that_has_the_values_already_is_not_touched():
    """Procedures hold nothing but strings and moments, which msgspec reads; measurements hold integers."""
    assert settler(list[Procedure], FIND_HOOK) is None
    assert settler(list[Measurement], FIND_HOOK) is not None


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
        ("measurements", "retry_count", 1.5, "$.data[0].retry_count"),
        ("procedures", "created_at", "2024-01-15T10:30:00", "$.data[0].created_at"),
    ],
)
def test_a_page_that_breaks_the_contract_is_refused_with_its_path(name, field, value, path):
    decode = ShapeDecoder(MODELS[name])
    with pytest.raises(DecodeError) as refused:
        decode(orjson.dumps(body(name, EXAMPLES[name] | {field: value})), 0)
    assert refused.value.path == path


def test_a_page_in_a_spelling_that_is_seldom_met_has_models():
    """They have the same attributes, so that a reader of values need not care."""
    _, page = decoded("procedures", body("procedures", EXAMPLES["procedures"] | {"created_at": "2026-03-02T08:14Z"}))
    assert isinstance(page.data[0], Procedure)


def test_an_array_of_two_types_is_refused():
    """A validator may expect numbers or strings, but not both."""
    validators = [EXAMPLES["measurements"]["validators"][0] | {"expected_value": [1, "a"]}]
    with pytest.raises(DecodeError) as refused:
        ShapeDecoder(Measurement)(
            orjson.dumps(body("measurements", EXAMPLES["measurements"] | {"validators": validators})), 0
        )
    assert refused.value.path == "$.data[0].validators[0].expected_value"
