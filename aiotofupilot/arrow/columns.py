"""The column for each type that a model's attribute can have, and the class that gathers its values.

The values of an attribute are read from many items at once. So it does not matter whether an item is a model or a
struct, and a row costs neither a dict nor a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import attrs
import pyarrow as pa
from attrs import frozen

from .gathering import MOMENT, Gathering, Lists, Maps, Members, Moments, Plain, Structs, Texts
from .pools import BOOLEAN, DOUBLE, DURATION, INTEGER, STRING, Pools

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Column", "Model", "members_of"]


@frozen
class Column:
    """How values of one type become an array."""

    type: pa.DataType
    """The type of the column."""
    gathering: Callable[[Pools], Gathering]
    """Takes the pools of a record batch, and returns the object that gathers the values of the column."""


@frozen
class Model:
    """The attributes of a model, as columns."""

    fields: tuple[pa.Field[Any], ...]
    """Names and types."""
    columns: Mapping[str, Column]
    """The column of each attribute, by its name."""
    read: Callable[[Sequence[Any]], Sequence[list[Any]]]
    """Takes items, and returns a list of values for each attribute."""

    def gathering(self, pools: Pools) -> Members:
        """Return the object that gathers the values of the columns."""
        return Members(self.read, {name: column.gathering(pools) for name, column in self.columns.items()})


def _leaf(kind: pa.DataType) -> Column:
    return Column(kind, lambda pools: Plain(pools.share(kind)))


_LEAVES: dict[Any, Column] = {
    str: _leaf(STRING),
    bool: _leaf(BOOLEAN),
    int: _leaf(INTEGER),
    float: _leaf(DOUBLE),
    datetime: Column(MOMENT, lambda pools: Moments(pools.share(DURATION))),
    timedelta: _leaf(DURATION),
}

_TEXTS = Column(STRING, lambda pools: Texts(pools.share(STRING)))


def _struct(model: type) -> Column:
    members = members_of(model)
    fields = list(members.fields)
    return Column(pa.struct(fields), lambda pools: Structs(model, fields, members.gathering(pools)))


def _list(element: Column) -> Column:
    # Parquet has this name for the values of a list, so a table is the same after it was written and read.
    kind = pa.list_(pa.field("element", element.type))
    return Column(kind, lambda pools: Lists(kind, element.gathering(pools)))


def _map() -> Column:
    kind = pa.map_(STRING, STRING)
    text = _LEAVES[str]
    return Column(kind, lambda pools: Maps(kind, text.gathering(pools), text.gathering(pools)))


def _column(kind: Any) -> Column:  # noqa: ANN401 - any annotation
    """Return the column for a type that models are annotated with.

    Raises:
        TypeError: The type is not known here. A new kind of attribute needs a rule here.
    """
    kinds = {member for member in get_args(kind) if member is not NoneType}
    if get_origin(kind) in {Union, UnionType}:
        if len(kinds) > 1:
            return _LEAVES[float] if kinds == {int, float} else _TEXTS
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


def _reader(names: Sequence[str]) -> Callable[[Sequence[Any]], Sequence[list[Any]]]:
    """Return a function that reads attributes of items.

    Its code is written out. `attrgetter` would take twice the time.
    """
    lists = ", ".join(f"[item.{name} for item in items]" for name in names)
    read: Callable[[Sequence[Any]], Sequence[list[Any]]] = eval(f"lambda items: [{lists}]")  # noqa: S307 - of nothing but the names of a model's attributes
    return read


@cache
def members_of(model: type) -> Model:
    """Return the attributes of a model, as columns."""
    columns = {field.name: _column(field.type) for field in attrs.fields(model)}
    return Model(tuple(pa.field(name, column.type) for name, column in columns.items()), columns, _reader([*columns]))
