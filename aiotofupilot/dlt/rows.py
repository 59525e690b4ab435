"""Items as rows of a flat table, for destinations that have no nested columns.

A field of a nested value becomes a column of its own. Its name joins the names on the way with two underscores, as dlt
joins them: ``unit__part__number``. A list or a mapping becomes JSON text. A duration becomes a number of seconds.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from aiotofupilot.arrow import record_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["rows_of", "schema_of"]

_KEY = "id"
"""The only column that is never null."""

_MICROSECONDS = 1e6  # per second


@cache
def schema_of(model: type) -> pa.Schema:
    """Return the columns that items of a model have as rows.

    Args:
        model: The model of a listing, such as `Run`.
    """
    return rows_of([], model).schema


def rows_of(items: Sequence[Any], model: type) -> pa.RecordBatch:
    """Return items as flat rows.

    Args:
        items: Models of one class.
        model: Their class.
    """
    batch: Any = record_batch(items, model)  # the stubs of pyarrow do not know the types of its arrays
    columns = dict(_columns(items, zip(batch.schema.names, batch.columns, strict=True)))
    fields = [pa.field(name, column.type, nullable=name != _KEY) for name, column in columns.items()]
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=pa.schema(fields))  # pyright: ignore[reportUnknownMemberType] - as above


def _columns(items: Sequence[Any], named: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, column in named:
        if pa.types.is_list(column.type) or pa.types.is_map(column.type):
            # Not from the column: it has text where a value may be of several types.
            yield name, pa.array([_json(getattr(item, name)) for item in items], pa.string())
        else:
            yield from _flat(name, column)


def _flat(name: str, column: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - an array of any type
    kind: Any = column.type
    if pa.types.is_struct(kind):
        for at, part in enumerate(column.flatten()):  # where the whole is null, so is each part
            yield from _flat(f"{name}__{kind.field(at).name}", part)  # pyright: ignore[reportUnknownMemberType] - as above
    elif pa.types.is_duration(kind):
        yield name, pc.divide(column.cast(pa.int64()).cast(pa.float64()), _MICROSECONDS)
    else:
        yield name, column


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> object:  # noqa: ANN401 - whatever JSON has no word for
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return attrs.asdict(value, recurse=False)
