"""Models as msgspec knows them, to parse a body by.

msgspec parses JSON and checks its types in one pass of C. Its structs are made in that pass, and they cost less than
the dicts that any other parser would make. A shape is such a struct: it has the fields of its model, under the same
names, and the wire's names, types and bounds. Strict as it is, msgspec refuses some pages that are good; the codec
then parses them again, in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import attrs
import msgspec

from aiotofupilot.checkpoint import LARGEST
from aiotofupilot.models import wire_name

__all__ = ["AwareDatetime", "parser", "shape"]

AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)]
"""What msgspec reads as a date-time (RFC 3339) with a UTC offset."""

_INTEGER = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]

_INTEGER_AMONG_NUMBERS = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""orjson reads an integer with more bits as a float. msgspec refuses it, so that both ways yield the same."""

_NUMBER: Any = Union[_INTEGER_AMONG_NUMBERS, float]  # noqa: UP007 - the first is no class
"""Where a model takes a float, it takes an integer too, as type checkers have it. Each keeps its type."""

_WHOLE_NUMBER: Any = Union[_INTEGER, float]  # noqa: UP007 - likewise
"""Older servers wrote 50.0 for 50. Whether a float is whole is checked when it becomes an integer."""

_PLAIN: dict[object, Any] = {
    str: str,
    bool: bool,
    int: _WHOLE_NUMBER,
    float: _NUMBER,
    dict: dict[str, Any],
    datetime: AwareDatetime,
    timedelta: timedelta,
    NoneType: None,
}


def parser(kind: Any) -> Callable[[bytes], Any]:
    """Return a function that parses a body into the shapes of a type."""
    return msgspec.json.Decoder(shape(kind)).decode


def shape(kind: Any) -> Any:
    """Return the type that msgspec is to parse, for a type that models are annotated with.

    Raises:
        TypeError: No model has had such a field before, so nobody has said what it looks like on the wire.
    """
    if attrs.has(kind):
        return _struct(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is list:
        return list[shape(arguments[0])]  # type: ignore[misc]  # a type that only the run time knows
    if origin is tuple:
        return tuple[shape(arguments[0]), ...]  # type: ignore[misc]  # likewise
    if origin is Mapping:
        return dict[str, shape(arguments[1])]  # type: ignore[misc]  # likewise
    if origin in {Union, UnionType}:
        return _union(arguments)
    raise TypeError(f"the wire has no shape for {kind!r}")


def _union(kinds: tuple[Any, ...]) -> Any:
    arrays = [kind for kind in kinds if get_origin(kind) is tuple]
    scalars = [kind for kind in kinds if kind not in arrays and not (kind is int and float in kinds)]
    among_others = len(scalars) > 1 + (NoneType in scalars)
    others = [_INTEGER if kind is int and among_others else shape(kind) for kind in scalars]
    if arrays:  # msgspec takes one array in a union, so whether its items are of one type is checked afterwards
        elements = {element for array in arrays for element in (get_args(get_args(array)[0]) or get_args(array)[:1])}
        others.append(tuple[_union(tuple(elements)), ...])  # type: ignore[misc]  # likewise
    return Union[tuple(others)]  # noqa: UP007 - of a tuple of types


@cache
def _struct(model: Any) -> type[msgspec.Struct]:
    fields: list[Any] = []
    renamed: dict[str, str] = {}
    for field in attrs.fields(model):
        default = () if field.default is attrs.NOTHING else (field.default,)
        fields.append((field.name, shape(field.type), *default))
        renamed[field.name] = wire_name(field)
    # Shapes live for the time of one page and refer to nothing that refers to them, so the collector need not know.
    return msgspec.defstruct(model.__name__, fields, rename=renamed, kw_only=True, gc=False)
