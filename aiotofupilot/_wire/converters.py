"""The converters from shapes to models, and from models to the spelling of the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn

from .assembly import array_assembler, is_one_of, model_assembler, one_kind_of_array
from .detailed import integer, renamings
from .spelling import spell_duration, spell_moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from .assembly import Hook

__all__ = ["shape_converter", "wire_converter"]


def _whole(value: Any, kind: object) -> Any:
    return value if value.__class__ is int else integer(value, kind)


@cache
def shape_converter() -> Converter:
    """Return the converter from shapes to models."""
    converter = Converter(detailed_validation=False)
    find_hook = converter.get_structure_hook
    converter.register_structure_hook(int, _whole)
    converter.register_structure_hook(dict, lambda value, _: value)

    def model_hook(model: Any) -> Hook:
        return model_assembler(model, find_hook)

    def array_hook(array: Any) -> Hook:
        return array_assembler(array, find_hook)

    def union_hook(union: Any) -> Hook:
        return one_kind_of_array(get_args(union))

    converter.register_structure_hook_factory(attrs.has, model_hook)
    converter.register_structure_hook_factory(is_one_of(list, tuple), array_hook)
    converter.register_structure_hook_factory(is_one_of(Union, UnionType), union_hook)
    return converter


@cache
def wire_converter() -> Converter:
    """Return the converter from models to JSON."""
    converter = Converter()

    @converter.register_unstructure_hook_factory(attrs.has)
    def model_hook(model: Any) -> Callable[[Any], dict[str, Any]]:
        return make_dict_unstructure_fn(model, converter, **renamings(model))

    converter.register_unstructure_hook(datetime, spell_moment)
    converter.register_unstructure_hook(timedelta, spell_duration)
    return converter
