"""Decodes bodies into the user's class: an attrs class, a dataclass or a pydantic model.

msgspec parses the class's keys and plain values, and cattrs makes the objects. If that fails, cattrs structures the
whole JSON with detailed validation, which accepts rare forms or names the fault. Pydantic makes its objects from JSON.
cattrs alone would turn null and lists into strings. The hooks of this module refuse that.
"""

import dataclasses
import re
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from typing import Any, TypedDict, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs
import msgspec
from cattrs import Converter, StructureHandlerNotFoundError
from cattrs.cols import list_structure_factory
from cattrs.gen import make_dict_structure_fn, override
from cattrs.preconf.json import make_converter

from aiotofupilot._checks import for_parameter, must_be
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Page, RawItem

from .codec import Decoder
from .detailed import LEAVES, NAMES, Hook, checked, locate, structured
from .response import excerpt, read_json
from .structs import as_parsed, enveloped, fast_way, parsed_type

_PLAIN: tuple[Any, ...] = (str, bool, int, float, datetime, timedelta)
_PARSED: dict[Any, Any] = {kind: float if kind is float else parsed_type(kind, structs=False) for kind in _PLAIN}
"""The types that msgspec parses for plain values."""
_PARSED.update({kind | None: parsed | None for kind, parsed in _PARSED.items()})


class OwnDecoder(Decoder[Any]):
    """Decodes bodies into objects of the user's class.

    The items of a page have an object of the class as their ``value``, and the fields that paging reads: the ID and
    ``keys``. ``envelope`` is `Page`, ``list``, or None for a single object.
    """

    is_own = True

    def __init__(self, model: Any, envelope: Any, keys: tuple[str, ...], converter: Converter | None) -> None:
        super().__init__(model if envelope is None else envelope[model])
        self.item, self.converter, self._envelope = model, converter, envelope
        members: list[Any] = [("id", str), *((key, Any, None) for key in keys), ("value", Any, None)]
        self._keyed: Any = msgspec.defstruct("Keyed", members, gc=False)
        base = (converter or _converter()).copy()
        base.register_structure_hook_factory(
            lambda kind: any(path != field.name for path, field in _fields_of(kind)), _class_hook
        )
        self._structure = base.copy(detailed_validation=True).get_structure_hook(model)
        parsed, self._make = _reading(model, base.copy(detailed_validation=False), is_default=converter is None)
        self._parse: Any = msgspec.json.Decoder(enveloped(parsed, envelope)).decode

    @cached_property
    def _at_once(self) -> Callable[[bytes], Any]:
        parse, make, model, is_page = self._parse, self._make, self.item, self._envelope is Page
        if self._envelope is None:
            return lambda body: make(parse(body), model)
        parse_keys = fast_way(self._envelope[self._keyed], structs=True)

        def decode(body: bytes) -> object:
            items, meta = parse_keys(body)
            found = parse(body)
            for item, one in zip(items, found.data if is_page else found, strict=True):
                item.value = make(one, model)
            return items, meta

        return decode

    def _in_detail(self, body: bytes) -> object:
        document = read_json(body)
        if self._envelope is None:
            return self._detailed(document, "$")
        _, meta = structured(document, self._envelope[RawItem])  # each item has an ID
        at, found = ("$.data", document["data"]) if self._envelope is Page else ("$", document)
        items = msgspec.convert(found, cast("Any", list)[self._keyed])
        for number, item in enumerate(items):
            item.value = self._detailed(found[number], f"{at}[{number}]")
        return items, meta

    def _detailed(self, item: object, path: str) -> object:
        try:
            return self._structure(item, self.item)
        except Exception as error:  # noqa: BLE001 - a constructor may raise any error
            path, fault = _fault(error, path)
        # Raised outside the handler, because the libraries' errors quote the body. Addresses are removed, because a
        # class may quote the value that it refuses, and a key may be an address.
        path, fault = (_SIGNATURE.sub(r"\1***", text) for text in (path, fault))
        raise DecodeError(f"{path}: {fault}", path=path, body=excerpt(msgspec.json.encode(item)))


_own_decoder = lru_cache(maxsize=64)(OwnDecoder)  # a program may define any number of classes


def own_decoder(model: Any, envelope: Any = None, keys: tuple[str, ...] = (), converter: object = None) -> OwnDecoder:
    """Return the decoder for a class. Raise a `TypeError` for a class that cannot be made from JSON."""
    if not isinstance(converter, Converter | None):
        raise for_parameter(must_be(TypeError, "converter", "a Converter of cattrs", converter), "converter")
    if converter is None and not _is_class(model) and not _is_pydantic(model):
        raise must_be(TypeError, "model", "an attrs class, a dataclass or a pydantic model", model)
    try:
        return _own_decoder(model, envelope, keys, converter)
    except (AttributeError, NameError, StructureHandlerNotFoundError, SyntaxError, TypeError) as error:
        raise for_parameter(TypeError(f"model cannot be made from JSON, got {model!r}: {error}"), "model") from error


def _reading(model: Any, converter: Converter, *, is_default: bool) -> tuple[Any, Hook]:
    """Return the type that msgspec parses for a class, and the hook that makes the object."""
    if not is_default or _is_ours(model):
        return dict[str, Any], converter.get_structure_hook(model)
    if _is_pydantic(model):
        return msgspec.Raw, converter.get_structure_hook(model)
    cls, fields = get_origin(model) or model, _fields_of(model)
    hints = {field.name: field.type for _, field in fields} if attrs.has(cls) else get_type_hints(cls)
    keys = [path.partition(".")[0] for path, _ in fields]
    types: dict[str, Any] = dict.fromkeys(keys, Any)
    types |= {path: _PARSED.get(hints.get(field.name), Any) for path, field in fields if keys.count(path) == 1}
    parsed = cast("Any", TypedDict)("Members", types, total=False)  # of types known at run time
    return parsed, _class_hook(model, converter, {key for key, kind in types.items() if kind is not Any})


def _is_class(kind: object) -> bool:
    cls: Any = get_origin(kind) or kind
    return isinstance(cls, type) and (attrs.has(cls) or dataclasses.is_dataclass(cls))


def _is_ours(kind: object) -> bool:
    return str(getattr(kind, "__module__", "")).startswith("aiotofupilot.models.")


def _is_pydantic(kind: object) -> bool:
    return isinstance(kind, type) and hasattr(kind, "__pydantic_validator__")


def _fields_of(kind: Any) -> list[tuple[str, Any]]:
    """Return the constructor's fields, each after the path to its value in the JSON."""
    cls: Any = get_origin(kind) or kind
    fields: Any = attrs.fields(attrs.resolve_types(cls)) if attrs.has(cls) else ()
    fields = fields or (dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ())
    found = [(field.metadata.get("path", field.name), field) for field in fields if field.init]
    for path, field in found:
        if not isinstance(path, str) or "" in path.split("."):
            raise must_be(TypeError, f"the path of {field.name!r}", "keys with dots in between", path)
    return found


def _class_hook(kind: Any, converter: Converter, parsed: Collection[str] = ()) -> Hook:
    """Return the hook that makes an object from a dict. Values of ``parsed`` keys have their types already."""
    fields = _fields_of(kind)
    overrides: Any = {
        field.name: override(rename=path, struct_hook=as_parsed if path in parsed else None)
        for path, field in fields
        if path in parsed or path != field.name
    }
    build: Any = make_dict_structure_fn(kind, converter, **overrides)
    deep = [(path, path.split("."), field) for path, field in fields if "." in path]
    if parsed and not deep:
        return cast("Hook", build)  # msgspec has parsed a dict

    def structure(value: object, _: object) -> object:
        members = checked(value, {dict}, NAMES[dict])
        members = {**members} if deep else members
        for path, keys, field in deep:
            members.pop(path, None)  # a key with dots in its name is not this path
            found = value
            for key in keys:
                if found is None and field.default is getattr(field, "default_factory", attrs.NOTHING):
                    break  # null, because the field has no default
                found = cast("Any", found).get(key, attrs.NOTHING) if found.__class__ is dict else attrs.NOTHING
            if found is not attrs.NOTHING:
                members[path] = found  # where cattrs looks for it
        return build(members, kind)

    return structure


@cache
def _converter() -> Converter:
    converter = make_converter()
    for kind in _PLAIN:
        converter.register_structure_hook(kind, _plain_hook(LEAVES[kind]))
    for kind in (date, Decimal, UUID):
        converter.register_structure_hook(kind, msgspec.convert)
    converter.register_structure_hook_func(lambda kind: kind is object, as_parsed)
    converter.register_structure_hook_factory(_is_array, _array_hook)
    converter.register_structure_hook_factory(_is_class, _class_hook)
    converter.register_structure_hook_func(_is_ours, structured)
    converter.register_structure_hook_factory(_is_pydantic, _pydantic_hook)
    return converter


def _plain_hook(hook: Hook) -> Hook:
    """Return the hook for a plain type or a class derived from it, such as a `StrEnum`."""

    def structure(value: object, kind: Any) -> object:
        found = hook(value, kind)
        return found if isinstance(found, kind) else kind(found)  # an integer may be where a float is

    return structure


def _is_array(kind: object) -> bool:
    cls, inner = get_origin(kind) or kind, get_args(kind)
    return cls in {list, Sequence, set, frozenset} or (cls is tuple and inner[1:] in {(), (...,)})


def _array_hook(kind: object, converter: Converter) -> Hook:
    cls: Any = get_origin(kind) or kind
    make, (member, *_) = cast("Any", list if cls is Sequence else cls), get_args(kind) or (Any,)
    build = list_structure_factory(cast("Any", list)[member], converter)
    return lambda value, _: make(build(checked(value, {list}, NAMES[list]), kind))


def _pydantic_hook(kind: Any, _: Converter) -> Hook:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - there is a class of it, so it is installed

    read = TypeAdapter(kind).validate_json  # validating Python objects would accept other texts

    def structure(value: object, _: object) -> object:
        try:
            return read(msgspec.json.encode(value))
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
        path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault["loc"])
        raise DecodeError(f"{path}: {fault['msg']}", path=path)

    return structure


_SIGNATURE = re.compile(r"(?s)(//[^?]*\?).*")
"""The query of a presigned address, and everything after it, because it may have any character."""


def _fault(error: BaseException, path: str) -> tuple[str, str]:
    path, error = locate(error, path, lambda cls: {field.name: path for path, field in _fields_of(cls)})
    if isinstance(error, DecodeError):  # of a model of this package, or of pydantic
        return f"{path}{error.path[1:]}", str(error).removeprefix(f"{error.path}: ")
    if isinstance(error, KeyError) and error.args and path.endswith(f".{error.args[0]}"):
        return path, "it is missing"
    # Some attrs validators raise errors with the field and the value after the message.
    message = error.args[0] if any(isinstance(one, attrs.Attribute) for one in error.args) else error
    return path, str(message) or type(error).__name__
