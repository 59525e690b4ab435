"""The schema of each model, and items as a record batch with this schema."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

import attrs
import pyarrow as pa

from aiotofupilot._arguments import named
from aiotofupilot.errors import DecodeError

from .columns import members_of
from .rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["received", "record_batch", "schema", "without_durations"]

_AT_ONCE = 500
"""At most this many items are read together, because an array of texts can have at most 2 GiB."""


def schema(model: type) -> pa.Schema:
    """Return the schema of a model's columns. It follows from the model, and not from any data.

    Args:
        model: The model of an item, such as `Run`, or of a part of an item, such as `Repository`.

    Raises:
        TypeError: It is not a model.
    """
    return _schema(_checked(model))


def _checked(model: object) -> type:
    if not isinstance(model, type) or not attrs.has(model):
        raise named(TypeError(f"model must be a model such as Run, got {model!r}"), "model")
    return model


@cache
def _schema(model: type) -> pa.Schema:
    return pa.schema(members_of(model).fields)


def record_batch(items: Iterable[Any], model: type) -> pa.RecordBatch:
    """Return a record batch with a row for each item.

    Args:
        items: Models of one class. If there are none, the batch is empty, and has the whole schema.
        model: Their class.

    Raises:
        TypeError: An item is of another class, or an attribute is of another type than the model says.
        OverflowError: A duration is longer than 106,751,991 days, the longest that Arrow can hold.
    """
    rows = list(items)
    _checked(model)
    if others := {type(item).__name__ for item in rows if not isinstance(item, model)}:
        raise named(TypeError(f"items must be of the class {model.__name__}, got {', '.join(sorted(others))}"), "items")
    return _converted(rows, model)


def received(items: Sequence[Any], model: type) -> pa.RecordBatch:
    """Return a record batch of items that a server sent.

    Args:
        items: Models or structs.
        model: The class of the models, also if the items are structs.

    Raises:
        DecodeError: A duration is longer than Arrow can hold.
    """
    try:
        return _converted(items, model)
    except OverflowError as error:
        raise DecodeError(str(error)) from error


def _converted(items: Sequence[Any], model: type) -> pa.RecordBatch:
    rows = Rows(model, _schema(model))
    for start in range(0, len(items), _AT_ONCE):
        rows.add(items[start : start + _AT_ONCE])
    return rows.build()


def without_durations(kind: pa.Schema) -> pa.Schema:
    """Return a schema with int64 in place of each duration, for formats without durations, such as Delta Lake.

    ``table.cast(without_durations(table.schema))`` then holds microseconds. No value is changed or copied.

    Args:
        kind: The schema, such as that of a table.
    """
    return pa.schema([_plain(field) for field in cast("Any", kind)])


def _plain(field: Any) -> Any:  # noqa: ANN401 - a pa.Field[Any]
    kind: Any = field.type
    if pa.types.is_duration(kind):
        return field.with_type(pa.int64())
    if pa.types.is_struct(kind):
        return field.with_type(pa.struct([_plain(member) for member in cast("Any", kind)]))
    if pa.types.is_list(kind):
        return field.with_type(pa.list_(_plain(kind.value_field)))
    return field
