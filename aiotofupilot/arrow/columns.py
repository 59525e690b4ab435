"""The columns of a model, and items as columns.

The values of an attribute are read from many items at once and become one array. So an item can be a model or a struct
of msgspec, and a row costs no dict.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import accumulate
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, cast, get_origin

import attrs
import msgspec
import pyarrow as pa

from aiotofupilot._arguments import for_parameter, must_be
from aiotofupilot.errors import DecodeError
from aiotofupilot.models.fields import shown_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiotofupilot.models.fields import Field

    Build = Callable[[Sequence[Any]], pa.Array[Any]]
    """Makes an array of values. A value may be None."""

__all__ = ["record_batch", "schema", "sent_batch", "without_durations"]

_STRING, _DOUBLE, _DURATION = pa.string(), pa.float64(), pa.duration("us")
_TIMESTAMP, _MAP = pa.timestamp("us", "UTC"), pa.map_(_STRING, _STRING)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_arrow: Any = pa  # the stubs do not know all arguments of the constructors


@attrs.frozen
class _Column:
    """The column of an attribute."""

    name: str
    """The name of the attribute."""
    type: pa.DataType
    """The type of the column."""
    build: Build
    """Makes the column of the values of the attribute."""


def schema(model: type) -> pa.Schema:
    """Return the schema of a model's columns. It follows from the model, and not from any data.

    Args:
        model: The model of an item, such as `Run`, or of a part of an item, such as `Repository`.

    Raises:
        TypeError: It is not a model.
    """
    anything: Any = model
    if not isinstance(anything, type) or not attrs.has(anything):
        raise must_be(TypeError, "model", "a model such as Run", model)
    return pa.schema([pa.field(column.name, column.type) for column in _columns(model)])


def record_batch(items: Iterable[Any], model: type) -> pa.RecordBatch:
    """Return a record batch with a row for each item.

    Args:
        items: Models of one class. If there are none, the batch is empty, and has the whole schema.
        model: Their class.

    Raises:
        TypeError: An item is of another class, or an attribute is of another type than the model says.
        OverflowError: A duration is longer than 106,751,991 days, the longest that Arrow can hold.
    """
    rows = list(items)
    schema(model)  # refuses what is not a model
    if others := {type(item).__name__ for item in rows if not isinstance(item, model)}:
        raise for_parameter(
            TypeError(f"items must be of the class {model.__name__}, got {', '.join(sorted(others))}"), "items"
        )
    return _batch(rows, model)


def sent_batch(items: Sequence[Any], model: type) -> pa.RecordBatch:
    """Return a record batch of items that a server sent: models of a class, or structs with their values.

    Raises:
        DecodeError: A duration is longer than Arrow can hold.
    """
    try:
        return _batch(items, model)
    except OverflowError as error:
        raise DecodeError(str(error)) from error


def _batch(items: Sequence[Any], model: type) -> pa.RecordBatch:
    batch: pa.RecordBatch = _arrow.RecordBatch.from_arrays(_arrays(_columns(model), items), schema=schema(model))
    return batch


def without_durations(kind: pa.Schema) -> pa.Schema:
    """Return a schema with int64 in place of each duration, for formats without durations, such as Delta Lake.

    ``table.cast(without_durations(table.schema))`` then holds microseconds. No value is changed or copied.

    Args:
        kind: The schema, such as that of a table.
    """
    return pa.schema([_plain(field) for field in cast("Any", kind)])


def _plain(field: Any) -> Any:  # noqa: ANN401 - a pa.Field[Any]
    kind: Any = field.type
    if pa.types.is_duration(kind):
        return field.with_type(pa.int64())
    if pa.types.is_struct(kind):
        return field.with_type(pa.struct([_plain(member) for member in cast("Any", kind)]))
    if pa.types.is_list(kind):
        return field.with_type(pa.list_(_plain(kind.value_field)))
    return field


@cache
def _columns(model: type) -> tuple[_Column, ...]:
    return tuple(map(_column, shown_fields(model)))


def _column(field: Field) -> _Column:
    kind, build = _rule(field.kind)
    if field.is_array:
        # Parquet has this name for the values of a list, so a table is the same after it was written and read.
        kind = pa.list_(pa.field("element", kind))
        build = partial(_lists, kind, build)
    return _Column(field.name, kind, build)


def _rule(kind: Any) -> tuple[pa.DataType, Build]:  # noqa: ANN401 - the type of a field
    """Return the type of the column for values of a type, and what makes it.

    Raises:
        TypeError: The type is not known here. A new kind of attribute needs a rule here.
    """
    if attrs.has(kind):
        struct = pa.struct(list(cast("Any", schema(kind))))
        return struct, partial(_structs, struct, _columns(kind))
    if kind in RULES:
        return RULES[kind]
    if get_origin(kind) is Mapping:
        return _MAP, _maps
    if get_origin(kind) in {Union, UnionType}:
        return _STRING, _texts
    raise TypeError(f"Arrow has no column for {kind!r}")


def _arrays(columns: Iterable[_Column], items: Sequence[Any]) -> list[pa.Array[Any]]:
    """Return the array of each attribute of items. An item may be None."""
    return [
        column.build([None if item is None else getattr(item, column.name) for item in items]) for column in columns
    ]


def _structs(kind: pa.DataType, columns: Iterable[_Column], values: Sequence[Any]) -> pa.Array[Any]:
    array: pa.Array[Any] = _arrow.StructArray.from_arrays(_arrays(columns, values), type=kind, mask=_mask(values))
    return array


def _lists(kind: pa.DataType, build: Build, values: Sequence[Sequence[Any] | None]) -> pa.Array[Any]:
    offsets = pa.array(accumulate(map(len, (value or () for value in values)), initial=0), pa.int32())
    elements = build([element for value in values for element in value or ()])
    array: pa.Array[Any] = _arrow.ListArray.from_arrays(offsets, elements, type=kind, mask=_mask(values))
    return array


def _mask(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array([value is None for value in values], pa.bool_())


def _maps(values: Sequence[Mapping[str, Any] | None]) -> pa.Array[Any]:
    return pa.array(
        [None if value is None else [(key, _json(member)) for key, member in value.items()] for value in values], _MAP
    )


def _texts(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array([None if value is None else _json(value) for value in values], _STRING)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _doubles(values: Sequence[float | None]) -> pa.Array[Any]:
    try:
        return pa.array(values, _DOUBLE)
    except pa.ArrowInvalid:  # no double is exactly this integer; JavaScript, which the server speaks, rounds it too
        return pa.array([None if value is None else float(value) for value in values], _DOUBLE)


def _durations(values: Sequence[timedelta | None]) -> pa.Array[Any]:
    try:
        return pa.array(values, _DURATION)
    except pa.ArrowInvalid as error:
        longest = max((value for value in values if value is not None), key=abs)
        raise OverflowError(f"Arrow holds a duration of at most 106,751,991 days, got {longest}") from error


def _timestamps(values: Sequence[datetime | None]) -> pa.Array[Any]:
    """Return aware datetimes as an array. pyarrow converts durations in a quarter of the time that datetimes take."""
    return _durations([None if value is None else value - _EPOCH for value in values]).view(pa.int64()).view(_TIMESTAMP)


RULES: dict[Any, tuple[pa.DataType, Build]] = {
    str: (_STRING, partial(pa.array, type=_STRING)),
    bool: (pa.bool_(), partial(pa.array, type=pa.bool_())),
    int: (pa.int64(), partial(pa.array, type=pa.int64())),
    float: (_DOUBLE, _doubles),
    int | float: (_DOUBLE, _doubles),
    datetime: (_TIMESTAMP, _timestamps),
    timedelta: (_DURATION, _durations),
}
