"""Turns shapes into models, with one function for each model that is written out field by field.

Nothing is checked here except what msgspec cannot check, because shapes are checked while they are parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import attrs

__all__ = [
    "FindHook",
    "Hook",
    "array_assembler",
    "is_kept",
    "is_one_of",
    "model_assembler",
    "one_kind_of_array",
    "present",
]

Hook = Callable[[Any, Any], Any]
"""A function that takes a value and a type, and returns the value as that type. This is what cattrs calls a hook."""

FindHook = Callable[[Any], Hook]
"""A function that takes a type and returns its hook."""

_KEPT = frozenset({str, bool, float, dict, datetime, timedelta})


def is_kept(kind: Any) -> bool:
    """Return whether a model keeps the value of its shape in a field, whose type without None is `kind`."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return is_kept(arguments[0])
    if origin in {Union, UnionType}:
        arrays = [member for member in arguments if get_origin(member) is tuple]
        return len(arrays) <= 1 and all(member is int or is_kept(member) for member in arguments)
    return kind in _KEPT or origin is Mapping


def is_one_of(*origins: object) -> Callable[[Any], bool]:
    """Return a function that returns whether a type is a generic one of these, such as ``list[str]`` of `list`."""
    return lambda kind: get_origin(kind) in origins


def present(kind: Any) -> Any:
    """Return a type without None."""
    kinds = tuple(member for member in get_args(kind) if member is not NoneType)
    return Union[kinds] if get_origin(kind) in {Union, UnionType} else kind  # noqa: UP007 - of a tuple of types


def _simple(field: attrs.Attribute[Any]) -> bool:
    return not (field.converter or field.validator or isinstance(field.default, attrs.Factory))  # type: ignore[arg-type]  # it is a class


def model_assembler(model: Any, find_hook: FindHook) -> Hook:
    """Return the hook that turns the shape of a model into the model.

    The hook makes an object without calling ``__init__``, and sets its slots. That takes half of the time of a call of
    the class with keywords. The result is the same for a class whose fields have neither converters nor validators.

    Args:
        model: An attrs class with slots.
        find_hook: Returns the hook of a type.

    Raises:
        TypeError: ``__init__`` of the model does more than setting its fields.
    """
    fields = attrs.fields(model)
    if hasattr(model, "__attrs_post_init__") or not all(map(_simple, fields)):
        raise TypeError(f"the constructor of {model.__name__} does more than setting its fields")
    scope: dict[str, Any] = {"new": object.__new__, "model": model}
    lines = ["def assemble(shape, _):", "    item = new(model)"]
    for field in fields:
        name, kind = field.name, present(field.type)
        if is_kept(kind):
            lines.append(f"    item.{name} = shape.{name}")
            continue
        scope[f"kind_{name}"], scope[f"hook_{name}"] = kind, find_hook(kind)
        optional = "" if kind is field.type else "None if value is None else "
        lines += [f"    value = shape.{name}", f"    item.{name} = {optional}hook_{name}(value, kind_{name})"]
    exec("\n".join([*lines, "    return item"]), scope)  # noqa: S102 - of nothing but the names of a model's fields
    assemble: Hook = scope["assemble"]
    return assemble


def array_assembler(array: Any, find_hook: FindHook) -> Hook:
    """Return the hook that turns shapes into models, for ``list[model]`` and ``tuple[model, ...]``."""
    make, element = get_origin(array), get_args(array)[0]
    hook = find_hook(element)

    def assemble(shapes: Any, _: object) -> Any:
        items = [hook(shape, element) for shape in shapes]
        return items if make is list else tuple(items)

    return assemble


def _classes(element: Any) -> frozenset[Any]:
    classes = frozenset(get_args(element) or [element])
    return classes | {int} if float in classes else classes


def one_kind_of_array(kinds: Iterable[Any]) -> Hook:
    """Return the hook that checks that an array is one of some kinds, such as ``tuple[str, ...]``.

    A value that is not an array passes.
    """
    arrays = [kind for kind in kinds if get_origin(kind) is tuple]
    elements = [_classes(get_args(array)[0]) for array in arrays]

    def check(value: Any, _: object) -> Any:
        if value.__class__ is tuple:
            classes = frozenset(map(type, value))
            if not any(classes <= allowed for allowed in elements):
                raise TypeError("the items of the array differ in type")
        return value

    return check
