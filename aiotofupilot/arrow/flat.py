"""Items as rows of a flat table, for databases and other places without nested columns.

A field of a nested value becomes a column of its own. Its name joins the names on the way there, such as
``unit__part__number``. A list or a mapping becomes JSON text, with the names of the attributes. A duration becomes a
number of seconds, whatever its length.
"""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import attrs
import pyarrow as pa

from aiotofupilot.models.fields import shown_fields

from .columns import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aiotofupilot.models.fields import Field

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
    for field in shown_fields(model):
        path = (*above, field.name)
        if field.model is not None and not field.is_array:
            yield from _found(field.model, path)
        elif field.kind is timedelta and not field.is_array:
            yield _Leaf(path, pa.float64(), _seconds, is_json=False)
        elif field.kind in RULES and not field.is_array:
            yield _Leaf(path, *RULES[field.kind], is_json=False)
        else:
            yield _Leaf(path, pa.string(), partial(_texts, field), is_json=True)


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


def _texts(field: Field, values: Sequence[Any]) -> pa.Array[Any]:
    texts = [None if value is None else _json(_document(value, field)) for value in values]
    return pa.array(texts, pa.string())


def _document(value: Any, field: Field) -> Any:  # noqa: ANN401 - any value
    """Return the value of a field with dicts of what may be shown as models and structs, and null as NaN."""
    if value is None:
        return None
    if field.model is not None:
        return [_members(item, field.model) for item in value] if field.is_array else _members(value, field.model)
    if field.kind is float and field.is_array:
        return [None if point != point else point for point in value]  # noqa: PLR0124 - only NaN differs from itself
    return value


def _members(value: Any, model: Any) -> dict[str, Any]:  # noqa: ANN401 - a model or struct
    return {field.name: _document(getattr(value, field.name), field) for field in shown_fields(model)}


def _json(value: object) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> object:  # noqa: ANN401 - whatever JSON has no word for
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
