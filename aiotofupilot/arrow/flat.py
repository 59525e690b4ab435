"""Items as rows of a flat table, for databases and other places without nested columns.

A field of a nested value becomes a column of its own. Its name joins the names on the way there, such as
``unit__part__number``. A list or a mapping becomes JSON text, with the names of the attributes. A duration becomes a
number of seconds, whatever its length.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
import pyarrow as pa

from aiotofupilot.models.fields import fields_of

from .columns import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["JSON_FIELD", "flat_batch", "flat_schema"]

_KEY = "id"
"""The only column that is never null."""

JSON_FIELD = {b"content": b"JSON"}
"""The metadata of a field of the schema whose text is JSON."""


@attrs.frozen
class _Leaf:
    """A value that is not nested any deeper, and the way to it from an item."""

    path: tuple[str, ...]
    type: pa.DataType
    build: Callable[[Sequence[Any]], pa.Array[Any]]
    """Makes the column of the values."""
    is_json: bool


@cache
def _leaves(model: type) -> tuple[_Leaf, ...]:
    return tuple(_found(model, ()))


def _found(model: type, above: tuple[str, ...]) -> Iterator[_Leaf]:
    for field in fields_of(model):
        path = (*above, field.name)
        if field.model is not None and not field.is_array:
            yield from _found(field.model, path)
        elif field.kind is timedelta and not field.is_array:
            yield _Leaf(path, pa.float64(), _seconds, is_json=False)
        elif field.kind in RULES and not field.is_array:
            yield _Leaf(path, *RULES[field.kind], is_json=False)
        else:
            yield _Leaf(path, pa.string(), _texts, is_json=True)


@cache
def flat_schema(model: type, separator: str = "__") -> pa.Schema:
    """Return the columns that items of a model have as flat rows.

    Args:
        model: The model of a listing, such as `Run`.
        separator: What stands between the names in the name of a column.
    """
    return pa.schema(
        [
            pa.field(
                separator.join(leaf.path),
                leaf.type,
                nullable=leaf.path != (_KEY,),
                metadata=JSON_FIELD if leaf.is_json else None,
            )
            for leaf in _leaves(model)
        ]
    )


def flat_batch(items: Sequence[Any], model: type, separator: str = "__") -> pa.RecordBatch:
    """Return items as flat rows.

    Args:
        items: Models of one class, or structs with their attributes.
        model: The class of the models.
        separator: As in `flat_schema`.
    """
    nodes: dict[tuple[str, ...], Sequence[Any]] = {(): items}

    def values_at(path: tuple[str, ...]) -> Sequence[Any]:
        """Return what stands at a path in each item. If something on the way is None, so is this."""
        if path not in nodes:
            name = path[-1]
            nodes[path] = [None if node is None else getattr(node, name) for node in values_at(path[:-1])]
        return nodes[path]

    arrays = [leaf.build(values_at(leaf.path)) for leaf in _leaves(model)]
    return pa.RecordBatch.from_arrays(arrays, schema=flat_schema(model, separator))  # pyright: ignore[reportUnknownMemberType] - the stubs do not know the types of its arrays


def _seconds(values: Sequence[timedelta | None]) -> pa.Array[Any]:
    return pa.array([None if value is None else value.total_seconds() for value in values], pa.float64())


def _texts(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array([None if value is None else _json(value) for value in values], pa.string())


def _json(value: object) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> object:  # noqa: ANN401 - whatever JSON has no word for
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    return attrs.asdict(value, recurse=False)
