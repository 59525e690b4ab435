"""Items as rows of a flat table, for frames, databases and other places without nested columns.

A field of a nested value becomes a column of its own. Its name joins the names on the way there: with dots, such as
``unit.part.number``, and in a database ``unit__part__number``. A list or a mapping becomes JSON text, with the names of
the attributes. A duration becomes a number of seconds, whatever its length.
"""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from aiotofupilot.models.fields import shown_fields

from .columns import RULES, Column, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiotofupilot.models.fields import Field

    from .columns import Build

_KEY = "id"
"""The only column that is never null."""

JSON_FIELD = {b"content": b"JSON"}
"""The metadata of a field of the schema whose text is JSON."""


def _columns(model: type, separator: str, above: tuple[str, ...] = ()) -> Iterator[Column]:
    for field in shown_fields(model):
        path = (*above, field.name)
        if field.model is not None and not field.is_array:
            yield from _columns(field.model, separator, path)
            continue
        kind, build, is_json = _rule(field)
        name, metadata = separator.join(path), JSON_FIELD if is_json else None
        yield Column(path, pa.field(name, kind, nullable=path != (_KEY,), metadata=metadata), build)


def _rule(field: Field) -> tuple[pa.DataType, Build, bool]:
    """Return the type of the column of a field, what makes it, and whether it is JSON text."""
    if field.kind is timedelta and not field.is_array:
        return pa.float64(), _seconds, False
    if field.kind in RULES and not field.is_array:
        return *RULES[field.kind], False
    return pa.string(), partial(_texts, field), True


@cache
def flat_columns(model: type, separator: str) -> tuple[Column, ...]:
    """Return the columns that items of a model have as flat rows.

    Args:
        model: The model of a listing, such as `Run`, or of its details.
        separator: What stands between the names in the name of a column.
    """
    return tuple(_columns(model, separator))


@cache
def database_rows(model: type) -> Rows:
    """Return how items of a model become the rows of a database, where a dot in a name would need quotes."""
    return Rows(flat_columns(model, "__"))


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
