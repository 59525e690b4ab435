"""The fast way to read a body. msgspec parses JSON, checks types and makes models or structs in one pass in C.

msgspec reads the fields of a class when it makes the first decoder for it, and never again. While it reads them, the
class has exact types, and the names on the wire. Structs alone cost half as much as models.

msgspec refuses some valid pages. The codec then parses them in detail.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from threading import RLock, get_ident
from typing import Annotated, Any, Union, get_args, get_origin

import attrs
import msgspec
from cattrs import Converter

from aiotofupilot._checks import LARGEST
from aiotofupilot.models import PageMeta, RawItem
from aiotofupilot.models.fields import Field, fields_of, wire_name
from aiotofupilot.models.refs import JSON, Expected, Metadata, Number, Scalar

_INTEGER = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]

_PLAIN: dict[object, object] = {
    **{kind: kind for kind in (str, bool, timedelta, Number, Scalar, Expected)},
    int: _INTEGER,
    float: Number,  # as for type checkers; the value keeps its type
    datetime: Annotated[datetime, msgspec.Meta(tz=True)],  # a date-time (RFC 3339) with a UTC offset
    Metadata: dict[str, Scalar],
    JSON: Any,
    RawItem: dict[str, Any],
}


def fast_way(kind: object, *, structs: bool) -> Callable[[bytes], Any]:
    """Return a `Decoder` that raises any error for a faulty body or a rare form."""
    origin: object = get_origin(kind)
    (item,) = get_args(kind) or (kind,)
    items: Any = list[item]  # type: ignore[valid-type]  # a type that only the run time knows
    make: Any = as_parsed if structs else _items_converter().get_structure_hook(items)
    parse: Any = msgspec.json.Decoder(enveloped(parsed_type(item, structs=structs), origin)).decode
    if origin is None:
        return lambda body: make([parse(body)], items)[0]
    if origin is list:
        return lambda body: (make(parse(body), items), PageMeta(has_more=False))

    def decode(body: bytes) -> object:
        page = parse(body)
        cursor = page.meta.next_cursor
        if cursor.__class__ is float:  # older servers wrote 50.0 for the cursor 50
            cursor = msgspec.convert(cursor, _INTEGER, strict=False)
        return make(page.data, items), PageMeta(page.meta.has_more, cursor)

    return decode


def enveloped(item: Any, origin: object) -> Any:
    """Return the type of a body: an item, or a ``list`` or `Page` of items."""
    if origin is None:
        return item
    items: Any = list[item]
    if origin is list:
        return items
    meta = msgspec.defstruct("Meta", [("has_more", bool), ("next_cursor", _INTEGER | float | None, None)])
    return msgspec.defstruct("Envelope", [("data", items), ("meta", meta)])


@cache
def _items_converter() -> Converter:
    converter = Converter(detailed_validation=False)

    @converter.register_structure_hook_factory(lambda _: True)
    def items(kind: object) -> Callable[[Any, object], object]:
        return _raw_items if get_args(kind) == (RawItem,) else as_parsed

    return converter


def as_parsed(parsed: object, _: object) -> object:
    return parsed


def _raw_items(parsed: list[dict[str, object]], _: object) -> list[RawItem]:
    if not all(isinstance(item.get("id"), str) for item in parsed):
        raise TypeError("an item has no ID")
    return [*map(RawItem, parsed)]


def parsed_type(kind: Any, *, structs: bool) -> Any:
    """Return the type that msgspec parses for a model or a `Field.kind`."""
    if attrs.has(kind):
        with _lock:
            return _struct(kind) if structs else _exact(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    if kind not in _PLAIN:
        raise TypeError(f"the wire has no type for {kind!r}")
    return _PLAIN[kind]


def _type_of(field: Field, *, structs: bool) -> object:
    kind: Any = parsed_type(field.kind, structs=structs)
    if field.is_array:
        kind = tuple[float, ...] if field.kind is float else tuple[kind, ...]  # the points of a series are floats
    return Union[kind, None] if field.is_optional else kind  # noqa: UP007 - of types that only the run time knows


_lock = RLock()
"""Held while msgspec reads a model, so that it reads each model once."""


@cache
def _exact(model: Any) -> object:
    """Return a model after giving msgspec exact types, such as date-times with offsets, and the names on the wire.

    The slot of a renamed field also gets its name on the wire, because msgspec sets it by that name.
    """
    exact = {field.wire_name: _type_of(field, structs=False) for field in fields_of(model)}
    fields, annotations = attrs.fields(model), model.__annotations__
    for field in fields_of(model):
        if field.wire_name != field.name:
            setattr(model, field.wire_name, getattr(model, field.name))
    if "__msgspec_cache__" in vars(model):  # somebody else has had msgspec read the class
        del model.__msgspec_cache__
    try:
        model.__annotations__, model.__attrs_attrs__ = annotations | exact, _on_wire(model, fields)
        msgspec.json.Decoder(model)
    finally:
        model.__annotations__, model.__attrs_attrs__ = annotations, fields
    return model


def _on_wire(model: Any, fields: Any) -> object:
    """Return the same fields, but with the names on the wire in this thread, as long as the model has them."""
    own, renamed = [*fields], [field.evolve(name=wire_name(field) or field.name) for field in fields]
    thread = get_ident()

    class Fields(type(fields)):  # type: ignore[misc]  # attrs makes one for each model
        def __iter__(self) -> Iterator[object]:
            return iter(renamed if model.__attrs_attrs__ is self and get_ident() == thread else own)

    return Fields(fields)


@cache
def _struct(model: type) -> type[msgspec.Struct]:
    members: list[Any] = []
    for field in fields_of(model):
        default = () if field.default is attrs.NOTHING else (field.default,)
        members.append((field.name, _type_of(field, structs=True), *default))
    # Structs live only as long as one page, and have no reference cycles.
    return msgspec.defstruct(
        model.__name__,
        members,
        rename={field.name: field.wire_name for field in fields_of(model)},
        kw_only=True,
        gc=False,
    )
