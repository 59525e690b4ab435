"""Converts parsed JSON to models and names the JSON path of a fault. Converts models to JSON.

Reading takes ten times as long as the fast way.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from math import nan
from types import NoneType
from typing import Any, get_args, get_origin

import attrs
from cattrs import BaseValidationError, ClassValidationError, Converter, IterableValidationError
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory
from cattrs.gen import (
    make_dict_structure_fn,
    make_dict_unstructure_fn,
    make_mapping_structure_fn,  # pyright: ignore[reportUnknownVariableType] - two of its parameters have no types
    override,
)

from aiotofupilot._checks import LARGEST
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Page, PageMeta, RawItem
from aiotofupilot.models.fields import fields_of, immutable, shown_fields
from aiotofupilot.models.refs import JSON, Expected, Number, Scalar

from .times import format_duration, format_timestamp, read_date_time, read_duration

Hook = Callable[[Any, Any], Any]
"""A cattrs hook: it takes a value and a type, and returns the value as that type."""

NAMES: dict[type, str] = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    Decimal: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
    NoneType: "null",
}


def checked(value: object, classes: Collection[type], wanted: str) -> Any:
    if value.__class__ not in classes:
        raise TypeError(f"expected {wanted}, got {NAMES.get(value.__class__, value.__class__.__name__)}")
    return value


def _integer(value: Any, _: object) -> Any:
    if value.__class__ is float and value.is_integer():  # older servers wrote 50.0
        value = int(value)
    if abs(checked(value, {int}, "an integer")) > LARGEST:
        raise ValueError(f"expected an integer from -(2 ** 53 - 1) to 2 ** 53 - 1, got {value}")
    return value


def _any_of(*classes: type) -> Hook:
    """Return the hook for values of these classes. They stay unchanged, except that arrays become tuples."""
    wanted = " or ".join(dict.fromkeys(NAMES[cls] for cls in classes))

    def structure(value: Any, _: object) -> object:
        if checked(value, classes, wanted).__class__ is not list:
            return value
        return tuple(checked(item, get_args(Scalar), "only scalars in the array") for item in value)

    return structure


LEAVES: dict[Any, Hook] = {
    str: _any_of(str),
    bool: _any_of(bool),
    int: _integer,
    **dict.fromkeys((float, Number), _any_of(int, float)),
    Scalar: _any_of(bool, int, float, str),
    Expected: _any_of(bool, int, float, str, list),
    JSON: lambda value, _: immutable(value),
    datetime: lambda value, _: read_date_time(checked(value, {str}, "a date-time string")),
    timedelta: lambda value, _: read_duration(checked(value, {str}, "a duration string")),
}

_SERIES: Any = tuple[float, ...]


def structured(document: object, kind: Any) -> Any:
    """Return parsed JSON as a model, or as the items of a ``list`` or `Page` with their `PageMeta`.

    A `DecodeError` has the path of the first fault.
    """
    (item,) = get_args(kind) or (kind,)
    is_page = get_origin(kind) is Page
    try:
        found = _converter().structure(document, _envelope(item) if is_page else kind)
    except (BaseValidationError, TypeError) as error:
        path, fault = locate(error, "$", lambda cls: {field.name: field.wire_name for field in fields_of(cls)})
    else:
        if is_page:
            return found.data, found.meta
        return found if item is kind else (found, PageMeta(has_more=False))
    message = "it is missing" if isinstance(fault, KeyError) else str(fault)
    raise DecodeError(f"{path}: {message}", path=path)  # outside the handler, because cattrs' errors quote the body


@cache
def _envelope(item: Any) -> Any:
    members = {"data": attrs.field(type=list[item]), "meta": attrs.field(type=PageMeta)}
    return attrs.make_class("Envelope", members)


@cache
def _converter() -> Converter:
    converter = Converter(detailed_validation=True)
    for kind, hook in LEAVES.items():
        converter.register_structure_hook(kind, hook)
        converter.register_structure_hook(kind | None, or_default(None, hook))

    @converter.register_structure_hook_factory(lambda kind: attrs.has(kind) or get_origin(kind) in CONTAINERS)
    def compound(kind: Any) -> Hook:
        cls, factory = (dict, _model_hook) if attrs.has(kind) else CONTAINERS[get_origin(kind)]
        build = factory(kind, converter)

        def structure(value: object, _: object) -> Any:
            return build(checked(value, {cls}, NAMES[cls]), kind)

        def points(value: Any, _: object) -> tuple[float, ...]:
            if value.__class__ is list:  # servers write null for NaN
                value = [nan if point is None else point for point in value]
            return tuple(map(float, structure(value, kind)))

        return points if kind == _SERIES else structure

    has_id = converter.get_structure_hook(attrs.make_class("Identified", {"id": attrs.field(type=str)}))

    def raw_item(value: Any, _: object) -> RawItem:
        has_id(value, None)
        return RawItem(value)

    converter.register_structure_hook(RawItem, raw_item)
    return converter


def _model_hook(model: Any, converter: Converter) -> Hook:
    overrides = renamings(model)
    for field in attrs.fields(model):
        if field.default == ():
            overrides[field.name] = override(struct_hook=or_default((), converter.get_structure_hook(field.type)))
    return make_dict_structure_fn(model, converter, **overrides)


def or_default(default: object, hook: Hook) -> Hook:
    """Return a hook that replaces null by a default. The official SDK reads null as an absent array."""
    return lambda value, kind: default if value is None else hook(value, kind)


CONTAINERS: dict[object, tuple[type, Callable[[Any, Converter], Any]]] = {
    list: (list, list_structure_factory),
    tuple: (list, homogenous_tuple_structure_factory),
    Mapping: (dict, make_mapping_structure_fn),
}
"""The JSON class of a container, and the factory of its hook."""


def renamings(model: Any, *, with_secrets: bool = True) -> dict[str, Any]:
    """Return the cattrs overrides for the names of a model's fields in the API's JSON."""
    names = {field.name: field.wire_name for field in (fields_of if with_secrets else shown_fields)(model)}
    return {
        field.name: override(rename=names[field.name]) if field.name in names else override(omit=True)
        for field in attrs.fields(model)
    }


def locate(error: BaseException, path: str, keys_of: Callable[[Any], Mapping[str, str]]) -> tuple[str, BaseException]:
    """Return the JSON path and the error of the first fault. ``keys_of`` maps field names to keys."""
    if isinstance(error, IterableValidationError):
        (fault, element), *_ = error.group_exceptions()[0]
        return locate(fault, f"{path}[{element.index!r}]", keys_of)
    if isinstance(error, ClassValidationError):
        members, others = error.group_exceptions()
        if not members:
            return path, others[0]  # an error of the constructor itself
        fault, name = members[0][0], members[0][1].name
        return locate(fault, f"{path}.{keys_of(error.cl).get(name, name)}", keys_of)
    return path, error


@cache
def wire_converter(*, with_secrets: bool) -> Converter:
    converter = Converter()

    @converter.register_unstructure_hook_factory(attrs.has)
    def model_hook(model: Any) -> Callable[[Any], dict[str, Any]]:
        return make_dict_unstructure_fn(model, converter, **renamings(model, with_secrets=with_secrets))

    def without_nan(data: tuple[float, ...]) -> list[float | None]:
        return [None if point != point else point for point in data]  # noqa: PLR0124 - only NaN differs from itself

    converter.register_unstructure_hook_func(lambda kind: kind == _SERIES, without_nan)
    converter.register_unstructure_hook(datetime, format_timestamp)
    converter.register_unstructure_hook(timedelta, format_duration)
    return converter
