"""The columns of a model, and items as columns.

The values of an attribute are read from many items at once and become one array. So an item can be a model or a struct
of msgspec, and a row costs no dict.

The points of a series become an array by way of ``array.array``, which takes half of the time that pyarrow takes.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import accumulate
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, cast, get_origin

import attrs
import msgspec
import pyarrow as pa
from pyarrow import compute

from aiotofupilot.errors import DecodeError
from aiotofupilot.models.fields import shown_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiotofupilot.models.fields import Field

    Build = Callable[[Sequence[Any]], pa.Array[Any]]
    """Makes an array of values. A value may be None."""

_STRING, _DOUBLE, _DURATION = pa.string(), pa.float64(), pa.duration("us")
_TIMESTAMP, _MAP = pa.timestamp("us", "UTC"), pa.map_(_STRING, _STRING)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_arrow: Any = pa  # the stubs do not know all arguments of the constructors
_compute: Any = compute  # likewise, of the functions


@attrs.frozen
class Column:
    """A column, and how it is made of items."""

    path: tuple[str, ...]
    """The names of the attributes that lead from an item to its value."""
    field: Any
    """The field of the schema."""
    build: Build
    """Makes the column of these values."""

    @property
    def name(self) -> str:
        """The name of the column."""
        return cast("str", self.field.name)


class Rows:
    """How items become rows, one row for each item.

    Args:
        columns: The columns.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._paths = dict.fromkeys(column.path[: end + 1] for column in columns for end in range(len(column.path)))
        self.schema: pa.Schema = pa.schema([column.field for column in columns])
        """The schema of every batch."""

    def batch(self, items: Sequence[Any]) -> pa.RecordBatch:
        """Return a record batch of items: models of a class, or structs with their values.

        Raises:
            TypeError: An attribute is of another type than the model says.
            OverflowError: A duration is longer than Arrow can hold.
        """
        values: dict[tuple[str, ...], Sequence[Any]] = {(): items}
        for path in self._paths:  # where something on the way is None, so is what comes after it
            above, name = values[path[:-1]], path[-1]
            values[path] = [None if value is None else getattr(value, name) for value in above]
        arrays = [column.build(values[column.path]) for column in self._columns]
        batch: pa.RecordBatch = _arrow.RecordBatch.from_arrays(arrays, schema=self.schema)
        return batch

    def sent(self, items: Sequence[Any]) -> pa.RecordBatch:
        """Return a record batch of items that a server sent.

        Raises:
            DecodeError: A duration is longer than Arrow can hold.
        """
        try:
            return self.batch(items)
        except OverflowError as error:
            raise DecodeError(str(error)) from error


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
def nested_columns(model: type) -> tuple[Column, ...]:
    """Return the columns of a model, one for each attribute."""
    return tuple(map(_column, shown_fields(model)))


def _column(field: Field) -> Column:
    kind, build = _rule(field.kind)
    if field.is_array:
        # Parquet has this name for the values of a list, so a table is the same after it was written and read.
        kind = pa.list_(pa.field("element", kind))
        build = partial(_lists, kind, points if field.kind is float else partial(_elements, build))
    return Column((field.name,), pa.field(field.name, kind), build)


def _rule(kind: Any) -> tuple[pa.DataType, Build]:  # noqa: ANN401 - the type of a field
    """Return the type of the column for values of a type, and what makes it.

    Raises:
        TypeError: The type is not known here. A new kind of attribute needs a rule here.
    """
    if attrs.has(kind):
        columns = nested_columns(kind)
        struct = pa.struct([column.field for column in columns])
        return struct, partial(_structs, struct, columns)
    if kind in RULES:
        return RULES[kind]
    if get_origin(kind) is Mapping:
        return _MAP, _maps
    if get_origin(kind) in {Union, UnionType}:
        return _STRING, json_texts
    raise TypeError(f"Arrow has no column for {kind!r}")


def _structs(kind: pa.DataType, columns: Iterable[Column], values: Sequence[Any]) -> pa.Array[Any]:
    arrays = [
        column.build([None if value is None else getattr(value, name) for value in values])
        for column in columns
        for name in column.path
    ]
    array: pa.Array[Any] = _arrow.StructArray.from_arrays(arrays, type=kind, mask=_mask(values))
    return array


def _lists(
    kind: pa.DataType, build: Callable[[Iterable[Sequence[Any]]], pa.Array[Any]], values: Sequence[Sequence[Any] | None]
) -> pa.Array[Any]:
    offsets = pa.array(accumulate(map(len, (value or () for value in values)), initial=0), pa.int32())
    elements = build([value for value in values if value])
    array: pa.Array[Any] = _arrow.ListArray.from_arrays(offsets, elements, type=kind, mask=_mask(values))
    return array


def _elements(build: Build, lists: Iterable[Sequence[Any]]) -> pa.Array[Any]:
    return build([element for each in lists for element in each])


def points(series: Iterable[Sequence[float]]) -> pa.Array[Any]:
    """Return the points of some series, one after another, as one array. NaN becomes null, as in the API's JSON."""
    numbers = array("d")
    for each in series:
        numbers += array("d", each)
    found: pa.Array[Any] = _arrow.Array.from_buffers(_DOUBLE, len(numbers), [None, pa.py_buffer(numbers)])
    is_nan = _compute.is_nan(found)
    return _compute.if_else(is_nan, None, found) if is_nan.true_count else found


def _mask(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array([value is None for value in values], pa.bool_())


def _maps(values: Sequence[Mapping[str, Any] | None]) -> pa.Array[Any]:
    return pa.array(
        [None if value is None else [(key, _json(member)) for key, member in value.items()] for value in values], _MAP
    )


def json_texts(values: Sequence[Any]) -> pa.Array[Any]:
    """Return the JSON text of each value, and null for None."""
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
