"""The columns of a model, nested or flat, and how they are made of items.

The values of an attribute are read from many items at once and become one array. So an item can be a model or a struct
of msgspec, and a row costs no dict.

Nested columns have the types of the model. Flat ones are for frames, databases and other places without nested columns:
a field of a nested value becomes a column of its own, whose name joins the names on the way there. A list or a mapping
becomes JSON text, with the names of the attributes. A duration becomes a number of seconds, whatever its length.
"""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
import pyarrow as pa

from aiotofupilot.models.fields import shown_fields
from aiotofupilot.models.refs import JSON, Expected, Metadata, Number, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aiotofupilot.models.fields import Field

    Array = pa.Array[Any]
    """An array of Arrow. The type of its elements is known when the program runs."""
    Build = Callable[[Sequence[Any]], Array]
    """Makes an array of values. A value may be None."""

_STRING, _DOUBLE, _DURATION = pa.string(), pa.float64(), pa.duration("us")
_TIMESTAMP, _MAP = pa.timestamp("us", "UTC"), pa.map_(_STRING, _STRING)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

JSON_FIELD = {b"content": b"JSON"}
"""The metadata of a field of a flat schema whose text is JSON."""

_arrow: Any = pa  # the stubs do not know all arguments of the constructors


@attrs.frozen
class Column:
    """A column, and how it is made of items."""

    path: tuple[str, ...]
    """The names of the attributes that lead from an item to its value."""
    field: Any
    """The field of the schema."""
    build: Build
    """Makes the column of these values."""


def arrays_of(columns: Iterable[Column], items: Sequence[object]) -> list[Array]:
    """Return the columns of items. Where something on the way to a value is None, so is the value."""
    values: dict[tuple[str, ...], Sequence[object]] = {(): items}
    for column in columns:
        for end, name in enumerate(column.path):
            if (path := column.path[: end + 1]) not in values:
                above = values[column.path[:end]]
                values[path] = [None if value is None else getattr(value, name) for value in above]
    return [column.build(values[column.path]) for column in columns]


@cache
def nested_columns(model: type) -> tuple[Column, ...]:
    """Return the columns of a model, one for each attribute."""
    return tuple(map(_nested, shown_fields(model)))


@cache
def flat_columns(model: type, separator: str, above: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """Return the columns that items of a model have as flat rows. The separator joins the names on the way."""
    columns: list[Column] = []
    for field in shown_fields(model):
        path = (*above, field.name)
        if field.model is not None and not field.is_array:
            columns += flat_columns(field.model, separator, path)
            continue
        rule = None if field.is_array else _FLAT_RULES.get(field.kind)
        kind, build = rule or (_STRING, partial(_documents, field))
        is_nullable = path != ("id",)  # which every item has
        metadata = None if rule else JSON_FIELD
        made = pa.field(separator.join(path), kind, nullable=is_nullable, metadata=metadata)
        columns.append(Column(path, made, build))
    return tuple(columns)


def _nested(field: Field) -> Column:
    kind, build = _rule(field.kind)
    if field.is_array:
        # Parquet has this name for the values of a list, so a table is the same after it was written and read.
        kind = pa.list_(pa.field("element", kind))
        build = partial(_lists, kind, points if field.kind is float else partial(_elements, build))
    return Column((field.name,), pa.field(field.name, kind), build)


def _rule(kind: Any) -> tuple[pa.DataType, Build]:  # noqa: ANN401 - the type of a field
    """Return the type of the column for values of a type, and what makes it.

    A new kind of attribute needs a row in the table. Until then, it is a TypeError.
    """
    if attrs.has(kind):
        columns = nested_columns(kind)
        struct = pa.struct([column.field for column in columns])
        return struct, partial(_structs, struct, columns)
    if kind not in _NESTED_RULES:
        raise TypeError(f"Arrow has no column for {kind!r}")
    return _NESTED_RULES[kind]


def _structs(kind: pa.DataType, columns: Iterable[Column], values: Sequence[object]) -> Array:
    array: Array = _arrow.StructArray.from_arrays(arrays_of(columns, values), type=kind, mask=_mask(values))
    return array


def _lists(
    kind: pa.DataType, build: Callable[[Iterable[Sequence[Any]]], Array], values: Sequence[Sequence[object] | None]
) -> Array:
    offsets = pa.array(accumulate(map(len, (value or () for value in values)), initial=0), pa.int32())
    elements = build([value for value in values if value])
    array: Array = _arrow.ListArray.from_arrays(offsets, elements, type=kind, mask=_mask(values))
    return array


def _elements(build: Build, lists: Iterable[Sequence[object]]) -> Array:
    return build([element for each in lists for element in each])


def points(series: Iterable[Sequence[float]]) -> Array:
    """Return the points of some series, one after another. NaN becomes null, as in the API's JSON.

    ``array.array`` takes half of the time that pyarrow takes for them.
    """
    numbers = array("d")
    for each in series:
        numbers += array("d", each)
    found: Array = _arrow.Array.from_buffers(_DOUBLE, len(numbers), [None, pa.py_buffer(numbers)])
    is_nan = _arrow.Array.is_nan(found)  # which imports pyarrow.compute: it takes a while, so nothing else does
    return _arrow.compute.if_else(is_nan, None, found) if is_nan.true_count else found


def _mask(values: Sequence[object]) -> Array:
    return pa.array([value is None for value in values], pa.bool_())


def _maps(values: Sequence[Mapping[str, object] | None]) -> Array:
    return pa.array(
        [None if value is None else [(key, _json(member)) for key, member in value.items()] for value in values], _MAP
    )


def json_texts(values: Sequence[object]) -> Array:
    """Return the JSON text of each value, and null for None."""
    return pa.array([None if value is None else _json(value) for value in values], _STRING)


def _documents(field: Field, values: Sequence[object]) -> Array:
    return json_texts([_document(value, field) for value in values])


def _document(value: Any, field: Field, *, is_item: bool = False) -> object:  # noqa: ANN401 - any value
    """Return what the JSON text has for the value of a field, or an item of it, if it is an array.

    It has no secrets, times in UTC, and durations in seconds.
    """
    if value is None or field.kind is float:  # JSON has null for NaN
        return value
    if field.is_array and not is_item:
        return [_document(item, field, is_item=True) for item in value]
    if field.model is not None:
        return {each.name: _document(getattr(value, each.name), each) for each in shown_fields(field.model)}
    if field.kind is timedelta:
        return value.total_seconds()
    return value.astimezone(UTC) if field.kind is datetime else value


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _doubles(values: Sequence[float | None]) -> Array:
    try:
        return pa.array(values, _DOUBLE)
    except pa.ArrowInvalid:  # no double is exactly this integer; JavaScript, which the server speaks, rounds it too
        return pa.array([None if value is None else float(value) for value in values], _DOUBLE)


def _seconds(values: Sequence[timedelta | None]) -> Array:
    return pa.array([None if value is None else value.total_seconds() for value in values], _DOUBLE)


def _durations(values: Sequence[timedelta | None]) -> Array:
    try:
        return pa.array(values, _DURATION)
    except pa.ArrowInvalid as error:
        longest = max((value for value in values if value is not None), key=abs)
        raise OverflowError(f"Arrow holds a duration of at most 106,751,991 days, got {longest}") from error


def _timestamps(values: Sequence[datetime | None]) -> Array:
    """Return aware datetimes as an array. pyarrow converts durations in a quarter of the time that datetimes take."""
    return _durations([None if value is None else value - _EPOCH for value in values]).view(pa.int64()).view(_TIMESTAMP)


RULES: dict[Any, tuple[pa.DataType, Build]] = {
    str: (_STRING, partial(pa.array, type=_STRING)),
    bool: (pa.bool_(), partial(pa.array, type=pa.bool_())),
    int: (pa.int64(), partial(pa.array, type=pa.int64())),
    float: (_DOUBLE, _doubles),
    Number: (_DOUBLE, _doubles),
    datetime: (_TIMESTAMP, _timestamps),
    timedelta: (_DURATION, _durations),
}
"""The type of the column for values of a type, and what makes it."""

_NESTED_RULES = {**RULES, Metadata: (_MAP, _maps), **dict.fromkeys((Scalar, Expected, JSON), (_STRING, json_texts))}
"""The same, with those that are objects or of several types."""

_FLAT_RULES = {**RULES, timedelta: (_DOUBLE, _seconds)}
"""The types of plain values, where nothing is nested and a duration is a number of seconds."""
