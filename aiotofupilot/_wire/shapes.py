"""The models as types for msgspec, which parses a body with them.

msgspec parses JSON and checks its types in one pass of C. It makes structs in that pass. They cost less than the dicts
that another parser would make. A shape is such a struct. It has the fields of its model under the same names, and it
knows their names on the wire, their types and their bounds. msgspec is strict and refuses some pages that are good. The
codec then parses these again in another way.
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
"""The type that msgspec reads from a date-time (RFC 3339) with a UTC offset."""

_INTEGER = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]

_INTEGER_AMONG_NUMBERS = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""An integer of at most 64 bits. orjson reads a larger one as a float. msgspec refuses a larger one, so that orjson
reads it, and both ways have the same result."""

_NUMBER: Any = Union[_INTEGER_AMONG_NUMBERS, float]  # noqa: UP007 - the first is no class
"""A field of type float can have an integer too, as for type checkers. The value keeps its type."""

_WHOLE_NUMBER: Any = Union[_INTEGER, float]  # noqa: UP007 - likewise
"""Older servers wrote 50.0 for 50. The hook of the model checks that such a float is whole."""

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
    """Return the type that msgspec parses for a type in the annotations of models.

    Raises:
        TypeError: The type is not known here. A new kind of field in a model needs a rule here.
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
    if arrays:  # msgspec allows one array in a union, so a hook checks afterwards that its items are of one type
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
    # Shapes live as long as one page, and are in no reference cycles, so the garbage collector need not track them.
    return msgspec.defstruct(model.__name__, fields, rename=renamed, kw_only=True, gc=False)
