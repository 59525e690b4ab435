"""Turns parsed JSON into models step by step, so that a fault is named by its JSON path; and models into JSON.

This way takes ten times as long as the usual one. Each of its checks is a separate function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from math import nan
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import attrs
from cattrs import BaseValidationError, ClassValidationError, Converter, IterableValidationError
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory
from cattrs.gen import (
    make_dict_structure_fn,
    make_dict_unstructure_fn,
    make_mapping_structure_fn,  # pyright: ignore[reportUnknownVariableType] - two of its parameters have no types
    override,
)

from aiotofupilot.errors import DecodeError
from aiotofupilot.models import PageMeta, RawItem
from aiotofupilot.models.fields import check_array, fields_of, immutable, shown_fields
from aiotofupilot.models.refs import JSON
from aiotofupilot.positions import LARGEST

from .times import format_duration, format_timestamp, read_date_time, read_duration

Hook = Callable[[Any, Any], Any]
"""A function that takes a value and a type, and returns the value as that type. This is what cattrs calls a hook."""

_NAMES: dict[type, str] = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", NoneType: "null"}


def _unexpected(wanted: str, value: object) -> str:
    return f"expected {wanted}, got {_NAMES.get(type(value), 'a number')}"


def _expect(cls: type, wanted: str, value: object) -> None:
    if value.__class__ is not cls:
        raise TypeError(_unexpected(wanted, value))


def _leaf(cls: type, wanted: str, read: Callable[[Any], Any] | None = None) -> Hook:
    """Return the hook for a value of exactly one class, which is then read."""

    def structure(value: Any, _: object) -> Any:
        _expect(cls, wanted, value)
        return value if read is None else read(value)

    return structure


def _integer(value: Any, _: object) -> Any:
    if value.__class__ is float and value.is_integer():  # older servers wrote 50.0
        value = int(value)
    _expect(int, "an integer", value)
    if abs(value) > LARGEST:
        raise ValueError(f"expected an integer from -(2 ** 53 - 1) to 2 ** 53 - 1, got {value}")
    return value


def _number(value: Any, _: object) -> Any:
    if value.__class__ is not int:
        _expect(float, "a number", value)
    return value


_LEAVES: dict[Any, Hook] = {
    str: _leaf(str, "a string"),
    bool: _leaf(bool, "a boolean"),
    int: _integer,
    float: _number,
    datetime: _leaf(str, "a date-time string", read_date_time),
    timedelta: _leaf(str, "a duration string", read_duration),
}


def _union(union: Any, find_hook: Callable[[Any], Hook]) -> Hook:
    """Return the hook for a value that may be null, or that may be one of several scalars or an array of them."""
    kinds = get_args(union)
    present = [kind for kind in kinds if kind is not NoneType]
    if Union[tuple(present)] == JSON:  # noqa: UP007 - of a tuple of types
        return lambda value, _: immutable(value)
    otherwise = find_hook(present[0]) if len(present) == 1 else _scalars(present, union)

    def structure(value: Any, _: object) -> Any:
        return None if value is None and NoneType in kinds else otherwise(value, present[0])

    return structure


def _scalars(kinds: list[Any], union: Any) -> Hook:
    arrays = [kind for kind in kinds if get_origin(kind) is tuple]
    classes = {kind for kind in kinds if kind not in arrays} | {int for kind in kinds if kind is float}
    scalars = [_NAMES.get(cls, "a number") for cls in (bool, int, float, str) if cls in classes]
    wanted = " or ".join(dict.fromkeys([*scalars, *["an array" for _ in arrays]]))

    def structure(value: Any, _: object) -> Any:
        if value.__class__ in classes:
            return value
        if value.__class__ is list and arrays:
            check_array(union, array := tuple(value))
            return array
        raise TypeError(_unexpected(wanted, value))

    return structure


_SERIES: Any = tuple[float, ...]


def _is_series(kind: Any) -> bool:
    return bool(kind == _SERIES)


def structured(document: Any, kind: Any) -> Any:
    """Return parsed JSON as a model or a list of models. The path of the first fault is in a `DecodeError`."""
    try:
        return _converter().structure(document, kind)
    except (BaseValidationError, TypeError) as error:
        path, fault = _locate(error)
    raise DecodeError(f"{path}: {fault}", path=path)  # outside of the handler, because cattrs' errors quote the body


def structured_page(document: Any, item: Any, *, bare: bool) -> tuple[list[Any], PageMeta]:
    """Return the items of a page, and what it says about the rest. `PageDecoder` explains the arguments."""
    if bare:
        return structured(document, list[item]), PageMeta(has_more=False)
    page = structured(document, _envelope(item))
    return page.data, page.meta


@cache
def _envelope(item: Any) -> Any:
    members = {"data": attrs.field(type=list[item]), "meta": attrs.field(type=PageMeta)}
    return attrs.make_class("Envelope", members)


@cache
def _converter() -> Converter:
    """Return the converter from parsed JSON to models. It says where a fault is."""
    converter = Converter(detailed_validation=True)
    for kind, hook in _LEAVES.items():
        converter.register_structure_hook(kind, hook)

    def is_compound(kind: Any) -> bool:
        return attrs.has(kind) or get_origin(kind) is not None

    @converter.register_structure_hook_factory(is_compound)
    def compound(kind: Any) -> Hook:
        origin = get_origin(kind)
        if origin in {Union, UnionType}:
            return _union(kind, converter.get_structure_hook)
        cls, factory = (dict, _model_hook) if attrs.has(kind) else _CONTAINERS[origin]
        build = factory(kind, converter)

        def structure(value: Any, _: object) -> Any:
            _expect(cls, _NAMES[cls], value)
            return build(value, kind)

        def points(value: Any, _: object) -> tuple[float, ...]:
            if value.__class__ is list:  # JSON has no NaN, so servers write null in its place
                value = [nan if point is None else point for point in value]
            return tuple(map(float, structure(value, kind)))

        return points if _is_series(kind) else structure

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
            overrides[field.name] = override(struct_hook=_or_empty(converter.get_structure_hook(field.type)))
    return make_dict_structure_fn(model, converter, **overrides)


def _or_empty(array: Hook) -> Hook:
    """Return the hook for an array that may be absent. Null, which the official SDK takes too, is as good."""
    return lambda value, kind: () if value is None else array(value, kind)


_CONTAINERS: dict[Any, tuple[type, Callable[[Any, Converter], Any]]] = {
    list: (list, list_structure_factory),
    tuple: (list, homogenous_tuple_structure_factory),
    Mapping: (dict, make_mapping_structure_fn),
}
"""The class of JSON for a container, and what makes the hook for its members."""


def renamings(model: Any, *, with_secrets: bool = True) -> dict[str, Any]:
    """Return the arguments that tell cattrs the names of a model's fields in the API's JSON."""
    names = {field.name: field.wire_name for field in (fields_of if with_secrets else shown_fields)(model)}
    return {
        field.name: override(rename=names[field.name]) if field.name in names else override(omit=True)
        for field in attrs.fields(model)
    }


def _locate(error: BaseException, path: str = "$") -> tuple[str, str]:
    """Return the JSON path of the first fault, and what is wrong there."""
    if isinstance(error, IterableValidationError):
        (fault, element), *_ = error.group_exceptions()[0]
        return _locate(fault, f"{path}[{element.index!r}]")
    if isinstance(error, ClassValidationError):
        (fault, member), *_ = error.group_exceptions()[0]
        names = {field.name: field.wire_name for field in fields_of(error.cl)}
        return _locate(fault, f"{path}.{names[member.name]}")
    return path, "it is missing" if isinstance(error, KeyError) else str(error)


@cache
def wire_converter(*, with_secrets: bool) -> Converter:
    """Return the converter from models to JSON."""
    converter = Converter()

    @converter.register_unstructure_hook_factory(attrs.has)
    def model_hook(model: Any) -> Callable[[Any], dict[str, Any]]:
        return make_dict_unstructure_fn(model, converter, **renamings(model, with_secrets=with_secrets))

    def without_nan(data: tuple[float, ...]) -> list[float | None]:
        return [None if point != point else point for point in data]  # noqa: PLR0124 - only NaN differs from itself

    converter.register_unstructure_hook_func(_is_series, without_nan)
    converter.register_unstructure_hook(datetime, format_timestamp)
    converter.register_unstructure_hook(timedelta, format_duration)
    return converter
