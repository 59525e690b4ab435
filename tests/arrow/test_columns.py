"""A schema follows from its model, and items fit into it, whatever they hold."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import attrs
import pyarrow as pa
import pytest
from fakes.wire_listings import (
    ENDPOINTS,
    EVERYTHING,
    EXAMPLES,
    FIELDS,
    MODELS,
    OPTIONAL,
    PageDecoder,
    body,
    inside,
    is_bare,
)
from msgspec import json

from aiotofupilot import Measurement, Operator, Procedure, RawItem, Repository, Run, Station
from aiotofupilot.arrow import record_batch, schema
from aiotofupilot.arrow.rows import rows_of

NAMES = {"linkedRepository": "linked_repository", "fullName": "full_name"}
METADATA = pa.map_(pa.string(), pa.string())
MOMENT = pa.timestamp("us", "UTC")


def at(kind, path):
    """Return the type of a column by the path of its field on the wire."""
    kind = pa.struct(list(kind))
    for step in path:
        kind = kind.value_type if step == 0 else kind.field(NAMES.get(step, step)).type
    return kind


def test_every_field_of_the_api_has_its_column():
    for name, path, field in FIELDS:
        found = at(schema(MODELS[name]), path)
        match field:
            case {"format": "date-time"}:
                expected = found == MOMENT
            case {"type": "string"}:
                expected = found == (pa.duration("us") if path[-1] == "duration" else pa.string())
            case {"type": "object", "fields": members}:
                names = [NAMES.get(member, member) for member in attrs_order(found, members)]
                expected = [member.name for member in found] == names
            case {"type": "array"}:
                expected = pa.types.is_struct(found.value_type)
            case _:
                kinds = {"boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64(), "union": pa.string()}
                expected = found == (kinds | {"object": METADATA})[field["type"]]
        assert expected, (name, path, found)


def attrs_order(found, members):
    """Return the wire's names of a struct in the order of its columns, after checking that none is lost."""
    names = {NAMES.get(member, member): member for member in members}
    assert set(names) <= {member.name for member in found}
    return [names.get(member.name, member.name) for member in found]


def test_the_schema_of_runs_is_this():
    """Whoever has stored tables relies on it."""
    user = "struct<id: string, name: string, email: string>"
    expected = {
        "id": "string",
        "created_at": "timestamp[us, tz=UTC]",
        "started_at": "timestamp[us, tz=UTC]",
        "ended_at": "timestamp[us, tz=UTC]",
        "duration": "duration[us]",
        "outcome": "string",
        "execution_id": "string",
        "slot_key": "string",
        "slot_name": "string",
        "procedure": "struct<id: string, name: string, version: struct<id: string, tag: string>>",
        "unit": (
            "struct<id: string, serial_number: string, sample: string, part: struct<id: string, number: string, "
            "name: string, revision: struct<id: string, number: string>>, batch: struct<id: string, number: string>>"
        ),
        "docstring": "string",
        "created_by_user": user,
        "created_by_station": "struct<id: string, name: string>",
        "operated_by": user,
        "metadata": "map<string, string>",
        "sequences": (
            "list<element: struct<id: string, path: string, key: string, parent_path: string, name: string, "
            "source: string, outcome: string, started_at: timestamp[us, tz=UTC], ended_at: timestamp[us, tz=UTC], "
            "duration: duration[us]>>"
        ),
    }
    assert {field.name: str(field.type) for field in schema(Run)} == expected


def test_columns_are_named_and_ordered_as_the_attributes():
    for model in MODELS.values():
        assert schema(model).names == [field.name for field in attrs.fields(model)]
        assert all(field.nullable for field in schema(model))


@pytest.mark.parametrize("model", [dict, RawItem, Run(**dict.fromkeys(attrs.fields_dict(Run))), "runs", None])
def test_what_is_not_a_model_has_no_schema(model):
    with pytest.raises(TypeError, match="model must be a model such as Run, got ") as refused:
        schema(model)
    assert refused.value.parameter == "model"


def test_an_attribute_of_an_unknown_type_has_no_column():
    """Somebody has to say what it is."""
    newer = attrs.make_class("Newer", {"payload": attrs.field(type=bytes)})
    with pytest.raises(TypeError, match="Arrow has no column for <class 'bytes'>"):
        schema(newer)


def decoded(name, kind, *items):
    return kind(MODELS[name], bare=is_bare(name))(json.encode(body(name, *items)), 0).data


def plain(value):
    """Return what a row of an attribute holds."""
    match value:
        case tuple():
            return [plain(element) for element in value]
        case _ if attrs.has(type(value)):
            return {field.name: as_json(getattr(value, field.name), field) for field in attrs.fields(type(value))}
        case _:
            return value


def as_json(value, field):
    """Return what a row holds of a field, where that is JSON text."""
    if field.name == "expected_value":
        return None if value is None else json.encode(value).decode()
    if field.name == "metadata":
        return None if value is None else [(key, json.encode(member).decode()) for key, member in value.items()]
    return plain(value)


def test_a_row_holds_what_the_item_holds():
    for name, model in MODELS.items():
        minimal = ENDPOINTS[name].get("example_item_minimal", EXAMPLES[name])
        items = decoded(name, PageDecoder, EXAMPLES[name], EVERYTHING[name], minimal)
        batch = record_batch(items, model)
        batch.validate(full=True)
        assert batch.schema == schema(model)
        assert batch.to_pylist() == [plain(item) for item in items]


def test_what_is_absent_is_null():
    for name, path, _ in OPTIONAL:
        lacking = json.decode(json.encode(EVERYTHING[name]))
        del inside(lacking, path)[path[-1]]
        items = decoded(name, PageDecoder, EVERYTHING[name], lacking)
        batch = record_batch(items, MODELS[name])
        batch.validate(full=True)
        assert batch.to_pylist() == [plain(item) for item in items], (name, path)


def test_a_part_of_an_item_may_lack_an_id():
    """A column that has null must be nullable. Otherwise no Parquet file can be written of it."""
    someone = Operator(**dict.fromkeys(attrs.fields_dict(Operator)))
    batch = record_batch([someone], Operator, flat=True)
    assert batch.schema.field("id").nullable
    assert not schema(Run, flat=True).field("id").nullable


def test_structs_make_the_same_rows_as_models():
    """A page in a rare form has models, among pages of structs."""
    for name, model in MODELS.items():
        items = (EXAMPLES[name], EVERYTHING[name])
        models, structs = (decoded(name, kind, *items) for kind in (PageDecoder, partial(PageDecoder, structs=True)))
        whole = record_batch(models, model)
        for mixture in (structs, [structs[0], models[1]], [models[0], structs[1]]):
            assert rows_of(model).sent(mixture).equals(whole)


def test_no_items_have_the_whole_schema():
    for model in MODELS.values():
        batch = record_batch([], model)
        batch.validate(full=True)
        assert (batch.num_rows, batch.schema) == (0, schema(model))


MOMENTS = [
    datetime(2026, 11, 25, 9, 30, 0, 123_456, tzinfo=timezone(timedelta(hours=2))),
    datetime.max.replace(tzinfo=UTC),
    datetime.min.replace(tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


def test_a_timestamp_is_exact_in_utc():
    batch = record_batch([Procedure("x", "X", moment) for moment in MOMENTS], Procedure)
    assert batch["created_at"].to_pylist() == MOMENTS
    assert batch["created_at"].type == MOMENT


def test_a_naive_timestamp_is_refused():
    """It would be taken for UTC."""
    with pytest.raises(TypeError, match="naive"):
        record_batch([Procedure("x", "X", datetime(2026, 1, 1))], Procedure)  # noqa: DTZ001 - that is the point


def run(**changes):
    (item,) = decoded("runs", PageDecoder, EXAMPLES["runs"])
    return attrs.evolve(item, **changes)


@pytest.mark.parametrize("duration", [timedelta(), timedelta(microseconds=-1), timedelta(days=106_751_991)])
def test_a_duration_is_exact(duration):
    assert record_batch([run(duration=duration)], Run)["duration"].to_pylist() == [duration]


@pytest.mark.parametrize("duration", [timedelta.max, timedelta.min])
def test_a_duration_that_arrow_cannot_hold_is_told(duration):
    with pytest.raises(OverflowError, match=r"at most 106,751,991 days, got -?999999999 days"):
        record_batch([run(), run(duration=duration)], Run)


def test_a_number_is_the_nearest_double():
    """JavaScript has no other numbers, so that the server rounds it likewise."""
    (item,) = decoded("measurements", PageDecoder, EXAMPLES["measurements"])
    values = [63.2, 50, None, 2**53 + 1, -(2**63)]
    batch = record_batch([attrs.evolve(item, value=value) for value in values], Measurement)
    assert batch["value"].to_pylist() == [63.2, 50.0, None, float(2**53), -(2.0**63)]


def test_what_may_be_of_several_types_is_json():
    (item,) = decoded("measurements", PageDecoder, EXAMPLES["measurements"])
    expected = [50, 50.0, True, "on", (1, 2.5), ("a", "b"), (), None]
    validators = tuple(attrs.evolve(item.validators[0], expected_value=value) for value in expected)
    batch = record_batch([attrs.evolve(item, validators=validators)], Measurement)
    assert [validator["expected_value"] for validator in batch["validators"].to_pylist()[0]] == [
        *("50", "50.0", "true", '"on"', "[1,2.5]", '["a","b"]', "[]", None)
    ]


def test_metadata_is_a_map_of_json():
    stations = [Station("s", "S", (), 0, None, values) for values in ({"bay": 4, "ok": False, "é": "ü"}, {}, None)]
    batch = record_batch(stations, Station)
    assert batch["metadata"].to_pylist() == [[("bay", "4"), ("ok", "false"), ("é", '"ü"')], [], None]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([RawItem(id="x")], "items must be of the class Run, got RawItem"),
        ([run(), None, Repository("r", "n", "f")], "items must be of the class Run, got NoneType, Repository"),
    ],
)
def test_items_of_another_class_are_refused(items, message):
    with pytest.raises(TypeError, match=message) as refused:
        record_batch(items, Run)
    assert refused.value.parameter == "items"


@pytest.mark.parametrize(
    ("field", "value"), [("outcome", 7), ("started_at", "2026-01-01"), ("duration", "90 s"), ("sequences", [7])]
)
def test_a_value_of_another_type_is_refused(field, value):
    with pytest.raises((TypeError, AttributeError)):
        record_batch([run(**{field: value})], Run)


def test_more_text_than_an_array_can_hold_is_an_overflow(monkeypatch):
    """pyarrow makes several arrays of more than 2 GiB, which this does instead for any text."""
    array = pa.array
    monkeypatch.setattr(pa, "array", lambda *values, **options: pa.chunked_array([array(*values, **options)]))
    with pytest.raises(OverflowError, match=r"holds at most 2,147,483,647 bytes of text: take fewer rows"):
        record_batch([Station("s", "S", (), 0, None, None)], Station)


def test_without_pyarrow_the_package_says_what_to_install():
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "try:\n    import aiotofupilot.arrow\n"
        "except ModuleNotFoundError as error: print(error.name, error)"
    )
    printed = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert printed.stdout == "pyarrow aiotofupilot.arrow needs pyarrow: install the extra 'arrow'\n"
