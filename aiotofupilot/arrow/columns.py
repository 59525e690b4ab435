"""From the type of a model's attribute to the type of a column, and from its values to an array.

The values are read attribute by attribute from many items at once. So it does not matter whether an item is a model or
a shape, and a row costs neither a dict nor a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import accumulate, chain
from operator import attrgetter
from types import NoneType, SimpleNamespace, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import attrs
import orjson
import pyarrow as pa
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Column", "Members", "members_of"]

_arrow: Any = pa  # the stubs know other arguments than the constructors of nested arrays take

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = pa.timestamp("us", "UTC")
_DURATION = pa.duration("us")
_STRING, _DOUBLE = pa.string(), pa.float64()


@frozen
class Column:
    """How values of one type become an array."""

    type: pa.DataType
    """The type of the column."""
    build: Callable[[Sequence[Any]], pa.Array[Any]]
    """From values, which may be None, to an array of the same length."""


@frozen
class Members:
    """The attributes of a model, as columns."""

    fields: tuple[pa.Field[Any], ...]
    """Names and types."""
    columns: tuple[tuple[Callable[[Any], Any], Column], ...]
    """What reads each attribute, and what makes an array of its values."""

    def build(self, items: Sequence[Any]) -> list[pa.Array[Any]]:
        """Return an array for each attribute of some items. None of the items is None."""
        return [column.build(list(map(read, items))) for read, column in self.columns]


def _moments(values: Sequence[datetime | None]) -> pa.Array[Any]:
    # pyarrow takes four times as long for a moment as for the time since another moment.
    since = [None if value is None else value - _EPOCH for value in values]
    return _durations(since).view(pa.int64()).view(_MOMENT)


def _durations(values: Sequence[timedelta | None]) -> pa.Array[Any]:
    try:
        return pa.array(values, _DURATION)
    except pa.ArrowInvalid as error:
        longest = max((value for value in values if value is not None), key=abs)
        raise OverflowError(f"Arrow holds a duration of at most 106,751,991 days, got {longest}") from error


def _numbers(values: Sequence[float | None]) -> pa.Array[Any]:
    try:
        return pa.array(values, _DOUBLE)
    except pa.ArrowInvalid:  # an integer that no double has exactly: JavaScript, which the server speaks, rounds it too
        return pa.array([None if value is None else float(value) for value in values], _DOUBLE)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _texts(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array([None if value is None else _json(value) for value in values], _STRING)


def _lengths(values: Sequence[Any]) -> tuple[pa.Array[Any], pa.Array[Any] | None]:
    """Return where each of some arrays or mappings begins in all of them joined, and which are None, if any is."""
    ends = accumulate((0 if value is None else len(value) for value in values), initial=0)
    return pa.array(list(ends), pa.int32()), _missing(values)


def _missing(values: Sequence[Any]) -> pa.Array[Any] | None:
    missing = [value is None for value in values]
    return pa.array(missing) if True in missing else None


_LEAVES: dict[Any, Column] = {
    str: Column(_STRING, partial(pa.array, type=_STRING)),
    bool: Column(pa.bool_(), partial(pa.array, type=pa.bool_())),
    int: Column(pa.int64(), partial(pa.array, type=pa.int64())),
    float: Column(_DOUBLE, _numbers),
    datetime: Column(_MOMENT, _moments),
    timedelta: Column(_DURATION, _durations),
}


def _struct(model: type) -> Column:
    members = members_of(model)
    fields = list(members.fields)
    blank = SimpleNamespace(**dict.fromkeys(field.name for field in fields))

    def build(values: Sequence[Any]) -> pa.Array[Any]:
        missing = _missing(values)
        if missing is not None:
            values = [blank if value is None else value for value in values]
        arrays = members.build(values)
        array: pa.Array[Any] = _arrow.StructArray.from_arrays(arrays, fields=fields, mask=missing)
        return array

    return Column(pa.struct(fields), build)


def _list(element: Column) -> Column:
    # Parquet calls the values of a list so. Under this name, a table is the same before and after.
    kind = pa.list_(pa.field("element", element.type))

    def build(values: Sequence[Any]) -> pa.Array[Any]:
        starts, missing = _lengths(values)
        elements = element.build(list(chain.from_iterable(filter(None, values))))
        array: pa.Array[Any] = _arrow.ListArray.from_arrays(starts, elements, type=kind, mask=missing)
        return array

    return Column(kind, build)


def _map() -> Column:
    kind = pa.map_(_STRING, _STRING)

    def build(values: Sequence[Any]) -> pa.Array[Any]:
        starts, missing = _lengths(values)
        present = [value for value in values if value]
        keys = pa.array(list(chain.from_iterable(present)), _STRING)
        texts = [_json(member) for value in present for member in value.values()]
        array: pa.Array[Any] = _arrow.MapArray.from_arrays(
            starts, keys, pa.array(texts, _STRING), type=kind, mask=missing
        )
        return array

    return Column(kind, build)


def _column(kind: Any) -> Column:  # noqa: ANN401 - any annotation
    """Return the column for a type that models are annotated with.

    Raises:
        TypeError: No model has had such an attribute before, so nobody has said what its column is.
    """
    kinds = {member for member in get_args(kind) if member is not NoneType}
    if get_origin(kind) in {Union, UnionType}:
        if len(kinds) > 1:
            return _LEAVES[float] if kinds == {int, float} else Column(_STRING, _texts)
        (kind,) = kinds
    if attrs.has(kind):
        return _struct(kind)
    if get_origin(kind) is tuple:
        return _list(_column(get_args(kind)[0]))
    if get_origin(kind) is Mapping:
        return _map()
    if kind in _LEAVES:
        return _LEAVES[kind]
    raise TypeError(f"Arrow has no column for {kind!r}")


@cache
def members_of(model: type) -> Members:
    """Return the attributes of a model, as columns."""
    columns = {field.name: _column(field.type) for field in attrs.fields(model)}
    return Members(
        tuple(pa.field(name, column.type) for name, column in columns.items()),
        tuple((attrgetter(name), column) for name, column in columns.items()),
    )
