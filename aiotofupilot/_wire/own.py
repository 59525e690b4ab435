"""Decodes bodies into objects of a class of the user's own: one of attrs, a dataclass, or a pydantic model.

msgspec parses a body into the objects if it can build them as their own constructors would. Otherwise it parses the
body into dicts that have the values of the fields, and cattrs makes objects of these. A field that msgspec does not
know stays as it is in JSON until cattrs structures it, and pydantic makes its own models of JSON. If any of this fails,
cattrs structures the whole JSON with detailed validation, which takes rare forms too, or names the fault.

Numbers with a fraction are parsed as `Decimal` for cattrs, because a float has 17 digits at most.
"""

import dataclasses
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cached_property, lru_cache, partial
from inspect import getattr_static, isabstract
from itertools import pairwise
from pathlib import Path
from types import MemberDescriptorType, NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    Self,
    TypedDict,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

import attrs
import msgspec
from attrs import frozen
from cattrs import ClassValidationError, Converter, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from aiotofupilot._checks import for_parameter, must_be
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Page, RawItem
from aiotofupilot.models.fields import wire_name

from .codec import Decoder
from .detailed import CONTAINERS, LEAVES, NAMES, Hook, checked, or_default, structured
from .response import excerpt, read_json
from .structs import as_parsed, enveloped, fast_way, parsed_type

_VALUES: set[object] = {str, int, float, NoneType, datetime, timedelta, date, Decimal, UUID, Any, ...}


def _float(value: object, kind: object) -> float:
    return float(LEAVES[float](value, kind))


def _integer(value: object, kind: object) -> int:
    return cast("int", value if value.__class__ is int else LEAVES[int](value, kind))


def _date_time(value: object, kind: object) -> datetime:
    try:
        return cast("datetime", _read(value, datetime))  # without an offset too, as where msgspec makes the object
    except msgspec.ValidationError:
        return cast("datetime", LEAVES[datetime](value, kind))


_LEAVES: dict[object, Hook] = {
    **{kind: LEAVES[kind] for kind in (str, bool, timedelta)},
    float: _float,
    int: _integer,
    datetime: _date_time,
}


def _number(text: str) -> Decimal:
    """Return a number that is not written as an integer. `_encode` does not write it as one either, such as 1.5e1."""
    try:
        number = Decimal(text)
    except InvalidOperation:  # it is too small for a Decimal, and 0.0 as a float
        return Decimal("0.0")
    return Decimal(f"{number}.0") if "e" in text.lower() and number.as_tuple().exponent == 0 else number


_document = msgspec.json.Decoder(float_hook=_number).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _read(value: object, kind: object) -> object:
    """Return a part of a document as msgspec reads it in JSON."""
    return msgspec.json.decode(_encode(value), type=kind)


_UNIONS: set[object] = {Union, UnionType}
_CONTAINERS: set[object] = {list, Sequence, tuple, set, frozenset, dict, Mapping}
"""The types that msgspec knows, beside booleans, enumerations and literals. It coerces none of these."""


class OwnDecoder(Decoder[Any]):
    """Decodes bodies into objects of a class of the user's own.

    The items of a page are what paging knows, and each has an object of the class as its ``value``. Paging reads the ID
    and a few other keys, which the class need not have, so they are parsed for themselves.

    Args:
        model: The class.
        envelope: `Page` or ``list`` for the items of a page, as in `Decoder`. None: the body is a single object.
        keys: The keys that paging reads beside the ID.
    """

    is_own = True

    def __init__(self, model: Any, envelope: Any, keys: tuple[str, ...]) -> None:
        super().__init__(model if envelope is None else envelope[model])
        self.item = model
        self._envelope = envelope
        members: list[Any] = [("id", str), *((key, Any, None) for key in keys), ("value", Any, None)]
        self._keyed = msgspec.defstruct("Keyed", members, gc=False)
        converter = _converter()
        _check(model, converter, "")
        self._structure = converter.get_structure_hook(model)
        parsed, self._make = _reading(model, converter)
        self._parse: Any = msgspec.json.Decoder(enveloped(parsed, envelope)).decode

    @cached_property
    def _at_once(self) -> Callable[[bytes], Any]:
        parse, make, model, is_page = self._parse, self._make, self.item, self._envelope is Page
        if self._envelope is None:
            return lambda body: make(parse(body), model)
        parse_keys = fast_way(self._envelope[self._keyed], structs=True)

        def decode(body: bytes) -> object:
            items, meta = parse_keys(body)
            found = parse(body).data if is_page else parse(body)
            return _with_values(items, found if make is as_parsed else [make(item, model) for item in found]), meta

        return decode

    def _in_detail(self, body: bytes) -> object:
        plain, document = read_json(body), _document(body)
        if self._envelope is None:
            return self._detailed(document, "$")
        _, meta = structured(plain, self._envelope[RawItem])  # each item has an ID
        at, items = ("$.data", document["data"]) if self._envelope is Page else ("$", document)
        values = [self._detailed(item, f"{at}[{number}]") for number, item in enumerate(items)]
        return _with_values([_read(item, self._keyed) for item in items], values), meta

    def _detailed(self, item: object, path: str) -> object:
        """Return an object, or raise a `DecodeError` that names the fault."""
        try:
            return self._structure(item, self.item)
        except Exception as error:  # noqa: BLE001 - a constructor may raise any error
            path, fault = _locate(error, path)
        # Raised outside of the handler, because the errors of the libraries quote the body. A class may quote the value
        # that it refuses, and a key may be an address too.
        path, fault = (_SIGNATURE.sub(r"\1***", text) for text in (path, fault))
        raise DecodeError(f"{path}: {fault}", path=path, body=excerpt(_encode(item)))


_own_decoder = lru_cache(maxsize=64)(OwnDecoder)  # a program may define classes without end


def own_decoder(model: object, envelope: object = None, keys: tuple[str, ...] = ()) -> OwnDecoder:
    """Return the decoder for a class; see `OwnDecoder`. A class that cannot be made of JSON is a `TypeError`."""
    if not _is_class(model) and not _is_pydantic(model):
        raise must_be(TypeError, "model", "an attrs class, a dataclass or a pydantic model", model)
    try:
        return _own_decoder(model, envelope, keys)
    except (AttributeError, NameError, SyntaxError, TypeError) as error:
        raise for_parameter(TypeError(f"model cannot be made of JSON, got {model!r}: {error}"), "model") from error


def _with_values(items: list[Any], values: list[object]) -> list[Any]:
    for item, value in zip(items, values, strict=True):
        item.value = value
    return items


def _is_class(kind: object) -> bool:
    cls: Any = get_origin(kind) or kind
    return isinstance(cls, type) and (attrs.has(cls) or dataclasses.is_dataclass(cls))


def _is_pydantic(kind: object) -> bool:
    base = _of_pydantic("BaseModel")
    return isinstance(kind, type) and issubclass(kind, base) and kind is not base


def _is_native(kind: object, *, classes: bool = True) -> bool:
    """Return whether msgspec makes a value of a type as its constructor would. Without classes: and has none in it."""
    if not _is_known(kind, classes, ()):
        return False
    try:
        msgspec.json.Decoder(kind)
    except (KeyError, NameError, TypeError):
        # Such as a union of two classes; in 0.20, KeyError for a field without a type; NameError for a class of which
        # only `attrs.resolve_types` knows the names.
        return False
    return True


def _is_ours(kind: object) -> bool:
    """Return whether a class is a model of this package. It is read as where it is not in a class of the user's own."""
    return isinstance(kind, type) and attrs.has(kind) and kind.__module__.startswith("aiotofupilot.models.")


def _meant(kind: object) -> object:
    """Return the type that a type is another name for, such as a NewType or an alias, or itself."""
    if get_origin(kind) in {Annotated, Final}:
        return _meant(get_args(kind)[0])
    base = getattr(kind, "__supertype__", getattr(kind, "__value__", None))
    return kind if base is None else _meant(base)


def _is_key(kind: object) -> bool:
    """Return whether a type is for keys of a dict, which are texts in JSON, and for members of a set."""
    kind = _meant(kind)
    if get_origin(kind) in _UNIONS:
        return all(map(_is_key, get_args(kind)))
    return kind in _VALUES or get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum))


def _is_known(kind: object, classes: bool, within: tuple[object, ...]) -> bool:  # noqa: FBT001 - for its own calls
    kind = _meant(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in _UNIONS | _CONTAINERS:
        hashed = inner[:1] if origin in {dict, Mapping, set, frozenset} else ()
        return all(map(_is_key, hashed)) and all(_is_known(one, classes, within) for one in inner)
    if _is_key(kind) or kind in (bool, *_CONTAINERS, *within):
        return True
    if not classes or not isinstance(kind, type) or not _is_class(kind) or not _is_plain(cast("Any", kind)):
        return False
    if _is_ours(kind):
        return parsed_type(kind, structs=False) is kind
    return all(_is_known(hint, classes, (*within, cast("Any", kind))) for hint in _hints_of(kind).values())


def _hints_of(kind: object) -> dict[str, object]:
    """Return the types of the fields of a class, by their names."""
    cls: Any = get_origin(kind) or kind
    known: dict[object, object] = {}
    for each in (kind, *getattr(cls, "__orig_bases__", ())):
        known |= zip(getattr(get_origin(each), "__parameters__", ()), get_args(each), strict=False)
    if attrs.has(cls):
        hints: dict[str, object] = {field.name: field.type for field in attrs.fields(attrs.resolve_types(cls))}
    else:
        hints = get_type_hints(cls, include_extras=True)
    return {field.name: _filled(hints.get(field.name) or Any, known) for field in _fields_of(cls)}


def _filled(hint: Any, known: Mapping[object, object]) -> object:
    """Return a type with what is known of its variables."""
    inner = getattr(hint, "__parameters__", ()) if get_args(hint) else ()
    return hint[tuple(known.get(one, one) for one in inner)] if inner else known.get(hint, hint)


def _is_generated(method: Any) -> bool:
    """Return whether a dataclass or attrs made a method, so that nobody wrote it in the class."""
    code = getattr(method, "__code__", None)
    made_by = "" if code is None else f"{code.co_qualname} {code.co_filename} {method.__globals__.get('__name__')}"
    return "__create_fn__." in made_by or "<attrs generated" in made_by or made_by.endswith(" attr._make")


def _is_plain(cls: Any) -> bool:
    """Return whether the constructor of a class does nothing that msgspec does not do too.

    Where a key is missing, msgspec takes the attribute that the object has without it.
    """
    own = cls.__dict__
    if (
        any(not field.is_native_in(cls) for field in _fields_of(cls))
        or hasattr(cls, "__getattr__")
        or cls.__getattribute__ is not object.__getattribute__
        or cls.__new__ is not object.__new__
        or type(cls).__call__ is not type.__call__
        or not _is_generated(cls.__init__)
        or not (cls.__setattr__ is object.__setattr__ or _is_generated(cls.__setattr__))
        or "_attrs_cached_hash" in getattr(getattr(cls.__hash__, "__code__", None), "co_names", ())
    ):
        return False
    if "__attrs_attrs__" in own:
        fields = attrs.fields(cls)
        return "__attrs_pre_init__" not in own and all(
            field.init
            and field.converter is None
            and field.alias == field.name
            and not getattr(field.default, "takes_self", False)
            for field in fields
        )
    if "__dataclass_fields__" in own:
        members = dataclasses.fields(cls)
        has_others = len(members) < len(own["__dataclass_fields__"])  # such as a ClassVar
        is_of_pydantic = "__pydantic_validator__" in own
        return not has_others and not is_of_pydantic and all(field.init for field in members)
    return False


def _is_init_var(field: dataclasses.Field[object]) -> bool:
    return isinstance(field.type, dataclasses.InitVar) or "InitVar" in str(field.type).partition("[")[0]


@frozen
class _Field:
    """A field of a class."""

    name: str
    path: str
    """Where its value is in the JSON."""
    has_default: bool

    def is_native_in(self, cls: type) -> bool:
        """Return whether msgspec finds the field, and nothing else under its name, such as a base's constant.

        A dataclass has the default there. msgspec would not set it, so `vars` of the object would not have it.
        """
        found = getattr_static(cls, self.name, _MISSING)
        is_hidden = found is not _MISSING and not isinstance(found, MemberDescriptorType)
        return self.path == self.name and self.name.isascii() and not is_hidden  # see `dict_of` for other letters


def _fields_of(cls: Any) -> list[_Field]:
    """Return the fields that the constructor of a class of attrs or of a dataclass takes."""
    of_data: dict[str, dataclasses.Field[object]] = getattr(cls, "__dataclass_fields__", {})
    is_of_attrs = attrs.has(cls)
    if is_of_attrs and of_data:
        raise TypeError("it is made by attrs and by dataclass")
    if isabstract(cls):
        raise TypeError(f"{cls.__name__} is abstract")
    variables = [name for name, field in of_data.items() if _is_init_var(field)]
    if variables:
        raise TypeError(f"{variables[0]!r} is an InitVar, and no field")
    for name, of_pydantic in getattr(cls, "__pydantic_fields__", {}).items():
        if of_pydantic.validation_alias not in (None, name):  # its constructor takes nothing else
            raise TypeError(f"{name!r} has an alias of pydantic: use metadata={{'path': ...}}, or a BaseModel")
    found: Any = attrs.fields(cls) if is_of_attrs else dataclasses.fields(cast("Any", cls))
    fields: list[_Field] = []
    for field in found:
        if not field.init:
            continue
        name, path = field.name, field.metadata.get("path", wire_name(field) or field.name)
        if not isinstance(path, str) or "" in path.split("."):
            message = f"the path of {name!r} must be keys with dots in between, such as 'unit.part.name', got {path!r}"
            raise TypeError(message)
        if name in {"attrs", "cl", "converter", "typevar_map"}:
            raise TypeError(f"cattrs has the name {name!r} for itself: use another, and metadata={{'path': {name!r}}}")
        missing: Any = attrs.NOTHING if is_of_attrs else field.default_factory  # MISSING, or there is no other default
        fields.append(_Field(name, path, field.default is not missing))
    return fields


_DICT: Any = TypedDict
"""Type checkers take no types from it that only the run time knows."""


def _reading(kind: object, converter: Converter, within: tuple[object, ...] = ()) -> tuple[object, Hook]:
    """Return the type that msgspec parses for a type, and what makes a value of what was parsed."""
    if _is_native(kind):
        return kind, as_parsed
    kind = _meant(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if _is_optional(kind):
        parsed, make = _reading(inner[inner[0] is NoneType], converter, within)
        if parsed is not msgspec.Raw:  # msgspec knows no union with it
            return Union[parsed, None], or_default(None, make)  # noqa: UP007 - of types that only the run time knows
    if origin in {list, Sequence} or (origin is tuple and inner[1:] == (...,)):
        parsed, make = _reading(inner[0], converter, within)
        cls: Any = tuple if origin is tuple else list
        return list[parsed], lambda value, _: cls(make(one, None) for one in value)  # type: ignore[valid-type]  # likewise
    if _is_ours(kind):
        return parsed_type(kind, structs=False), lambda value, _: msgspec.convert(value, kind, from_attributes=True)
    if _is_class(kind) and kind not in within and not _has_shared_parts(kind):
        return _class_reading(kind, converter, (*within, kind))
    structure = _structuring(kind, converter)
    return msgspec.Raw, structure if _is_pydantic(kind) else lambda value, _: structure(_document(value), kind)


def _has_shared_parts(cls: Any) -> bool:
    """Return whether a field of a class has what is another field's too, or has the whole of it."""
    paths = sorted(f"{field.path}." for field in _fields_of(get_origin(cls) or cls))
    return any(after.startswith(path) for path, after in pairwise(paths))


def _class_reading(cls: Any, converter: Converter, within: tuple[object, ...]) -> tuple[object, Hook]:
    hints = _hints_of(cls)
    paths = {field.name: field.path.split(".") for field in _fields_of(get_origin(cls) or cls)}
    hooks: dict[str, Hook] = {}

    def dict_of(paths: Mapping[str, Sequence[str]]) -> object:
        """Return the type of a dict with the values of some fields, each at the rest of its path."""
        types: dict[str, object] = {}
        for key in {keys[0]: None for keys in paths.values()}:
            msgspec.json.encode(key)  # a string keeps its UTF-8, and msgspec finds no other key without that
            below = {name: keys[1:] for name, keys in paths.items() if keys[0] == key}
            ((name, rest), *_) = below.items()
            if rest:
                types[key] = Union[dict_of(below), None]  # noqa: UP007 - of types that only the run time knows
            else:
                types[key], hooks[name] = _reading(hints[name], converter, within)
        return _DICT("Members", types, total=False)

    parsed = dict_of(paths)
    for name, keys in paths.items():
        if len(keys) > 1:  # msgspec has not checked whether it may be null
            hooks[name] = _or_null(hooks[name], _structuring(hints[name], converter))
    return parsed, _class_hook(cls, _PLAIN, hooks)


def _or_null(make: Hook, of_null: Hook) -> Hook:
    return lambda value, kind: of_null(None, kind) if value is None else make(value, kind)


def _structuring(kind: Any, converter: Converter) -> Hook:
    """Return what makes a value of a type of plain JSON."""
    return lambda value, _: converter.structure(value, kind)


_PLAIN = Converter(detailed_validation=False)
"""Says how objects are made whose fields have their own hooks."""


def _converter() -> Converter:
    """Return a converter from plain JSON, for types that `_check` lets through."""
    converter = Converter(detailed_validation=True)
    converter.register_structure_hook_func(lambda kind: kind is object, lambda value, _: _read(value, Any))
    for matches, factory in _FACTORIES.items():  # the last one counts
        converter.register_structure_hook_factory(matches, factory)
    converter.register_structure_hook_func(_is_ours, lambda value, kind: structured(_read(value, Any), kind))
    converter.register_structure_hook(Enum, _read)  # cattrs 25.3 takes true for 1
    for kind, hook in _LEAVES.items():
        converter.register_structure_hook(kind, _leaf_hook(kind, hook))
    return converter


def _check(kind: Any, converter: Converter, at: str, within: tuple[object, ...] = ()) -> None:
    """Raise a `TypeError` for the type of a field if no JSON is one, or cattrs would make one of other JSON too."""
    if any(isinstance(note, msgspec.Meta) for note in getattr(kind, "__metadata__", ())) and not _is_native(kind):
        raise TypeError(f"{at}: msgspec does not check {kind!r}: use a validator of the class")
    kind = _meant(kind)
    if kind in (*within, object, ...) or get_origin(kind) is Literal or _is_ours(kind):
        return
    if kind is Self:
        raise TypeError(f"{at}: typing.Self is not read: write the name of the class in quotes")
    if not any(matches(kind) for matches in _FACTORIES) and not _is_of_cattrs(kind):
        raise TypeError(f"{at}: no JSON is a {kind!r}: use a type that JSON has, and convert its value in the class")
    if _is_class(kind) or _is_typed_dict(kind):
        for name, hint in (_hints_of if _is_class(kind) else get_type_hints)(kind).items():
            _check(hint, converter, f"{kind.__name__}.{name}", (*within, kind))
    else:
        for part in get_args(kind):
            _check(part, converter, at, (*within, kind))
    converter.get_structure_hook(kind)  # which may fail too


def _is_of_cattrs(kind: object) -> bool:
    """Return whether cattrs itself makes values of a type, and only of JSON that is one. It tells classes by keys."""
    if get_origin(kind) in _UNIONS:
        classes = [get_origin(one) or one for one in get_args(kind) if one is not NoneType]
        return all(_is_class(cls) and all(field.path == field.name for field in _fields_of(cls)) for cls in classes)
    return isinstance(kind, type) and issubclass(kind, str | int | float | Path)


def _leaf_hook(leaf: object, hook: Hook) -> Hook:
    """Return what makes a value of a type, or of a class that is derived from it, such as a `StrEnum`."""

    def structure(value: object, kind: Any) -> object:
        found = hook(_read(value, float) if value.__class__ is Decimal else value, leaf)
        return found if kind is leaf else kind(found)

    return structure


def _is_optional(kind: object) -> bool:
    inner = get_args(kind)
    return get_origin(kind) in _UNIONS and len(inner) == 2 and NoneType in inner  # noqa: PLR2004 - a type or None


def _optional_hook(kind: object, converter: Converter) -> Hook:
    inner = get_args(kind)
    return or_default(None, _structuring(inner[inner[0] is NoneType], converter))


def _value_hook(kind: object) -> Hook:
    return lambda value, _: msgspec.convert(value, kind, str_keys=True)


def _meant_hook(kind: object, converter: Converter) -> Hook:
    """Return what makes a value of a type by another name, within the bounds that `msgspec.Meta` gives it."""
    make, bounded = _structuring(_meant(kind), converter), _value_hook(kind) if _is_native(kind) else as_parsed
    return lambda value, _: bounded(make(value, None), None)


def _model_hook(model: Any) -> Hook:
    if not model.__pydantic_complete__:
        model.model_rebuild()  # which names what is not defined
    return lambda value, _: model.model_validate_json(_encode(value))  # of objects, it takes other texts too


def _is_container(kind: object) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {dict, Mapping, set, frozenset} and inner:
        return _is_native(cast("Any", dict)[inner[0], Any])
    return origin in {list, Sequence} or (origin is tuple and inner[1:] == (...,))


def _container_hook(kind: object, converter: Converter) -> Hook:
    """Return what makes a container. cattrs takes a text for a list, so the class of the value is checked before."""
    cls: Any = get_origin(kind)
    inner = get_args(kind)
    if cls in {dict, Mapping}:
        build = CONTAINERS[Mapping][1](cast("Any", dict)[str, inner[1]], converter)
        keyed = _value_hook(cast("Any", dict)[inner[0], Any])  # last, because faults of members are named by the texts
        return lambda value, _: keyed(build(checked(value, {dict}, NAMES[dict]), kind), None)
    (member, *_) = inner or (Any,)
    members = cast("Any", list)[object if member is Any else member]  # cattrs would leave what is Any as it was parsed
    build, cls = CONTAINERS[list][1](members, converter), list if cls is Sequence else cls
    return lambda value, _: cls(build(checked(value, {list}, NAMES[list]), kind))


def _is_typed_dict(kind: object) -> bool:
    return hasattr(kind, "__total__")


def _typed_dict_hook(kind: Any, converter: Converter) -> Hook:
    """Return what makes a dict that has the keys of a class alone. cattrs would keep the others as they were parsed.

    A class takes a ``NotRequired`` in quotes for required, so cattrs gets a class with the types themselves.
    """
    known: dict[str, object] = get_type_hints(kind, include_extras=True)
    for key, hint in known.items():
        if get_origin(hint) not in {NotRequired, Required}:
            known[key] = Required[hint] if key in kind.__required_keys__ else NotRequired[hint]
    build = cast("Any", converter).gen_structure_typeddict(_DICT(kind.__name__, known))

    def structure(value: object, _: object) -> object:
        return build({key: one for key, one in checked(value, {dict}, NAMES[dict]).items() if key in known}, kind)

    return structure


def _class_hook(kind: Any, converter: Converter, hooks: Mapping[str, Hook] | None = None) -> Hook:
    """Return what makes an object of a class of a dict. Values at longer paths are found before.

    ``hooks`` make the values of its fields, by their names. Otherwise the converter does.
    """
    hooks = hooks or {name: _structuring(hint, converter) for name, hint in _hints_of(kind).items()}
    fields = _fields_of(get_origin(kind) or kind)
    deep = [(field.path, field.path.split("."), field.has_default) for field in fields if "." in field.path]
    overrides: Any = {field.name: override(rename=field.path, struct_hook=hooks[field.name]) for field in fields}
    build = make_dict_structure_fn(
        kind, converter, _cattrs_detailed_validation=converter.detailed_validation, **overrides
    )

    def structure(value: object, _: object) -> object:
        members = checked(value, {dict}, NAMES[dict])
        if deep:
            members = {**members}
        for path, keys, has_default in deep:
            members.pop(path, None)  # a key with dots in it is another one
            found = value
            for key in keys:
                if found is None and not has_default:
                    break  # nothing is there, as if the field were null
                found = cast("Any", found).get(key, _MISSING) if found.__class__ is dict else _MISSING
            if found is not _MISSING:
                members[path] = found
        return build(members, kind)

    return structure


_FACTORIES: dict[Callable[[object], bool], Callable[[Any, Converter], Hook]] = {
    partial(_is_native, classes=False): lambda _, __: _read,
    lambda kind: _meant(kind) is not kind: _meant_hook,
    _is_container: _container_hook,
    _is_class: _class_hook,
    _is_typed_dict: _typed_dict_hook,
    _is_pydantic: lambda kind, _: _model_hook(kind),
    _is_optional: _optional_hook,
}

_MISSING = object()

_AT = re.compile(r"(?s)(.*) - at `\$(.*)`")
"""How msgspec ends a message, unless the value itself is at fault."""
_SIGNATURE = re.compile(r"(?s)(//[^?]*\?).*")
"""The query of an address, by which anybody can download, and all that follows: it may have any character."""


def _locate(error: BaseException, path: str) -> tuple[str, str]:
    """Return the JSON path of the first fault, and what is wrong there."""
    paths: dict[str, str] = {}
    if isinstance(error, IterableValidationError):
        (fault, note), *_ = error.group_exceptions()[0]
        return _locate(fault, f"{path}[{note.index!r}]")
    if isinstance(error, ClassValidationError):
        members, others = error.group_exceptions()
        cls = get_origin(error.cl) or error.cl
        fields = _fields_of(cls) if _is_class(cls) else []  # a TypedDict has no fields
        paths = {field.name: field.path for field in fields}
        if members:
            fault, name = members[0][0], cast("Any", members[0][1]).name
            return _locate(fault, f"{path}.{paths.get(name, name)}")
        error = others[0]  # the constructor's own
        if not _is_pydantic_error(error) or not hasattr(cls, "__pydantic_fields__"):
            return path, _message(error)
    if isinstance(error, KeyError) and error.args and path.endswith(f".{error.args[0]}"):
        return path, "it is missing"
    if _is_pydantic_error(error):
        first = cast("Any", error).errors(include_url=False, include_input=False)[0]
        loc = (paths.get(step, step) if at == 0 else step for at, step in enumerate(first["loc"]))
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc)
        return f"{path}{''.join(steps)}", first["msg"]
    text = _message(error)
    if isinstance(error, DecodeError):  # of a model of this package
        text, path = text.removeprefix(f"{error.path}: "), f"{path}{error.path[1:]}"
    elif isinstance(error, msgspec.ValidationError) and (at := _AT.fullmatch(text)):
        text, path = at[1], f"{path}{at[2]}"
    return path, text


def _message(error: BaseException) -> str:
    """Return what an error says. Those of some validators of attrs hold the field and the value beside the message."""
    is_of_attrs = any(isinstance(one, attrs.Attribute) for one in error.args)
    return str(error.args[0] if is_of_attrs else error) or type(error).__name__


def _is_pydantic_error(error: BaseException) -> bool:
    return isinstance(error, _of_pydantic("ValidationError"))


def _of_pydantic(name: str) -> Any:
    """Return a class of pydantic. A program that has a model of it has imported it; any other one gets no class."""
    return getattr(sys.modules.get("pydantic"), name, ())
