"""The fast way to read a body: cattrs leaves it to msgspec, which makes the models in one pass of C.

msgspec parses JSON and checks its types meanwhile. What cattrs structures by itself is in `detailed` and in `own`.
msgspec makes an object of an attrs class without its constructor: it sets an attribute for each key of the JSON that
the class has. So a field that has another name on the wire has its slot under both names. `_taught` says more.

A reader that needs the values alone takes structs of msgspec in place of models, because structs cost half as much.

msgspec is strict and refuses some pages that are good. The codec then parses these again in another way.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import attrs
import msgspec
from cattrs import Converter

from aiotofupilot.models import Page, RawItem
from aiotofupilot.models.fields import Field, fields_of, wire_name
from aiotofupilot.models.refs import JSON, Expected, Metadata, Number, Scalar
from aiotofupilot.positions import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable

AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)]
"""The type that msgspec reads from a date-time (RFC 3339) with a UTC offset."""

_INTEGER = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]

_PLAIN: dict[object, Any] = {
    **{kind: kind for kind in (str, bool, timedelta, Number, Scalar, Expected)},
    int: _INTEGER,
    float: Number,  # as for type checkers; the value keeps its type
    datetime: AwareDatetime,
    Metadata: dict[str, Scalar],
    JSON: Any,
    RawItem: dict[str, Any],
}


def parser(kind: Any, *, structs: bool) -> tuple[Callable[[bytes], Any], Callable[[Any, Any], Any]]:
    """Return a function that parses a body, which is a model, or a ``list`` or a ``Page`` of it, and one for its items.

    The second function makes what is wanted of a list of parsed items. It also takes the type of the result, the list
    of the model. For a body with a fault or in a rare form, either of them raises any error.
    """
    origin: Any = get_origin(kind)
    (item,) = get_args(kind) or (kind,)
    parsed: Any = parsed_type(item, structs=structs)
    if origin is not None:
        parsed = list[parsed]
    if origin is Page:
        meta = msgspec.defstruct("Meta", [("has_more", bool), ("next_cursor", _INTEGER | float | None, None)])
        parsed = msgspec.defstruct("Envelope", [("data", parsed), ("meta", meta)])
    make: Any = _as_parsed if structs else _items_converter().get_structure_hook(list[item])  # type: ignore[valid-type]  # a type that only the run time knows
    return msgspec.json.Decoder(parsed).decode, make


def whole(number: float) -> int:
    """Return an integer that is written as a float: older servers wrote 50.0 for the cursor 50."""
    return msgspec.convert(number, _INTEGER, strict=False)


@cache
def _items_converter() -> Converter:
    """Return the converter to lists of models from what msgspec has parsed, which are models already."""
    converter = Converter(detailed_validation=False)

    @converter.register_structure_hook_factory(lambda _: True)
    def items(kind: Any) -> Callable[[Any, Any], Any]:
        return _raw_items if get_args(kind) == (RawItem,) else _as_parsed

    return converter


def _as_parsed(items: Any, _: object) -> Any:
    """Return what msgspec has parsed as it is: models, or structs."""
    return items


def _raw_items(parsed: list[dict[str, Any]], _: object) -> list[RawItem]:
    if not all(isinstance(item.get("id"), str) for item in parsed):
        raise TypeError("an item has no ID")
    return [*map(RawItem, parsed)]


def parsed_type(kind: Any, *, structs: bool) -> Any:
    """Return the type that msgspec parses for a model, or for the type of a field, as in `Field.kind`.

    A new kind of field needs a row in the table. Until then it is a `TypeError`.
    """
    if attrs.has(kind):
        return _struct(kind) if structs else _taught(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    if kind not in _PLAIN:
        raise TypeError(f"the wire has no type for {kind!r}")
    return _PLAIN[kind]


def _type_of(field: Field, *, structs: bool) -> Any:
    kind: Any = parsed_type(field.kind, structs=structs)
    if field.is_array:
        kind = tuple[float, ...] if field.kind is float else tuple[kind, ...]  # points of a series, as for computing
    return Union[kind, None] if field.is_optional else kind  # noqa: UP007 - of types that only the run time knows


_TEACHING = Lock()


@cache
def _taught(model: Any) -> Any:
    """Return a model, after teaching msgspec names on the wire, offsets of date-times, and bounds.

    msgspec reads the fields of a class and their annotations once, when the first decoder needs them, and keeps what it
    has read. If somebody else had it read the class before, it reads the class again.
    """
    types = {field.wire_name: _type_of(field, structs=False) for field in fields_of(model)}
    with _TEACHING:
        fields, annotations = attrs.fields(model), model.__annotations__
        names = {field.name: wire_name(field) or field.name for field in fields}
        for name, on_wire in names.items():
            if on_wire != name:
                setattr(model, on_wire, getattr(model, name))  # the descriptor of the slot
        if "__msgspec_cache__" in vars(model):
            del model.__msgspec_cache__
        model.__annotations__ = annotations | types
        model.__attrs_attrs__ = tuple(field.evolve(name=names[field.name]) for field in fields)
        try:
            msgspec.json.Decoder(model)
        finally:
            model.__annotations__, model.__attrs_attrs__ = annotations, fields
    return model


@cache
def _struct(model: Any) -> type[msgspec.Struct]:
    """Return a struct with the fields of a model, under the same names."""
    members: list[Any] = []
    for field in fields_of(model):
        default = () if field.default is attrs.NOTHING else (field.default,)
        members.append((field.name, _type_of(field, structs=True), *default))
    # Structs live as long as one page, and are in no reference cycles, so the garbage collector need not track them.
    return msgspec.defstruct(
        model.__name__,
        members,
        rename={field.name: field.wire_name for field in fields_of(model)},
        kw_only=True,
        gc=False,
    )
