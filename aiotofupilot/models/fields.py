"""A description of the fields of a model, for code that reads or writes all models in the same way."""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin

import attrs

__all__ = ["wire_name"]


@attrs.frozen
class Field:
    """A field of a model."""

    name: str
    """Its name in Python."""
    wire_name: str
    """Its name in the API's JSON."""
    kind: Any
    """The type of its value, without None. For a tuple, the type of its items."""
    is_optional: bool
    """Whether it may be None."""
    is_array: bool
    """Whether it is a tuple of `kind`."""
    model: Any
    """`kind` if that is a model, or None."""
    default: object
    """The value if the server leaves it out. ``attrs.NOTHING`` if the server must send it."""
    is_left_out: bool
    """Whether the server leaves it out if it is None. Otherwise the server sends null."""
    is_secret: bool
    """Whether it is a secret, such as the address of an attachment. No repr shows it (``repr=False``)."""


@cache
def fields_of(model: Any) -> tuple[Field, ...]:
    """Return the fields of a model that are on the wire, in their order."""
    return tuple(_described(attribute) for attribute in attrs.fields(model) if wire_name(attribute) is not None)


@cache
def shown_fields(model: object) -> tuple[Field, ...]:
    """Return the fields of a model that may be written to a table, a file or a database: those that are not secrets."""
    return tuple(field for field in fields_of(model) if not field.is_secret)


@attrs.frozen
class Leaf:
    """A field of a model or of a nested model, as a column of a flat table."""

    field: Field
    attributes: tuple[str, ...]
    """Where it is in the model."""
    path: tuple[str, ...]
    """Where it is on the wire."""


@cache
def leaves_of(model: object, attributes: tuple[str, ...] = (), path: tuple[str, ...] = ()) -> tuple[Leaf, ...]:
    """Return the leaves of a model and its nested models, below a path of attributes and a path on the wire."""
    leaves: list[Leaf] = []
    for field in shown_fields(model):
        below = ((*attributes, field.name), (*path, field.wire_name))
        leaves += [Leaf(field, *below)] if field.model is None or field.is_array else leaves_of(field.model, *below)
    return tuple(leaves)


def _described(attribute: attrs.Attribute[object]) -> Field:
    kinds = get_args(attribute.type) if get_origin(attribute.type) in {Union, UnionType} else (attribute.type,)
    present: list[Any] = [kind for kind in kinds if kind is not NoneType]
    is_array = len(present) == 1 and get_origin(present[0]) is tuple
    if is_array:
        present = [get_args(present[0])[0]]
    kind: Any = Union[tuple(present)]  # noqa: UP007 - of a tuple of types
    return Field(
        name=attribute.name,
        wire_name=wire_name(attribute) or attribute.name,
        kind=kind,
        is_optional=NoneType in kinds,
        is_array=is_array,
        model=kind if attrs.has(kind) else None,
        default=attribute.default,
        is_left_out=attribute.metadata.get("null") is False,
        is_secret=attribute.repr is False,
    )


def wire_name(field: attrs.Attribute[object]) -> str | None:
    """Return the key that a field of a model has in the API's JSON, or None if it is not there.

    Args:
        field: One of ``attrs.fields(model)``.
    """
    name: str | None = field.metadata.get("wire", field.name)
    return name


def immutable(value: object) -> object:
    """Return a JSON value with tuples as its arrays, at any depth."""
    if isinstance(value, list):
        return tuple(map(immutable, cast("Any", value)))
    if isinstance(value, dict):
        return {key: immutable(member) for key, member in cast("Any", value).items()}
    return value
