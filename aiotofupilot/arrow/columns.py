"""The columns of a model, nested or flat, and how they are made of items.

The values of an attribute are read from many items at once and become one array. So an item can be a model or a struct
of msgspec, and a row costs no dict.

Nested columns have the types of the model. Flat ones are for frames, databases and other places without nested columns:
a field of a nested value becomes a column of its own, whose name joins the names on the way there. A list or a mapping
becomes JSON text, with the names of the attributes. A duration becomes a number of seconds, whatever its length.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
import pyarrow as pa

from aiotofupilot.models.fields import shown_fields
from aiotofupilot.models.refs import JSON, Expected, Metadata, Number, Scalar

from . import arrays

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aiotofupilot.models.fields import Field

    from .arrays import Array, Build

JSON_FIELD = {b"content": b"JSON"}
"""The metadata of a field of a flat schema whose text is JSON."""


@attrs.frozen
class Column:
    """A column, and how it is made of items."""

    path: tuple[str, ...]
    """The names of the attributes that lead from an item to its value."""
    field: Any
    """The field of the schema."""
    build: Build
    """Makes the column of these values."""


def arrays_of(columns: Iterable[Column], items: Sequence[object]) -> list[Array]:
    """Return the columns of items. Where something on the way to a value is None, so is the value."""
    values: dict[tuple[str, ...], Sequence[object]] = {(): items}
    for column in columns:
        for end, name in enumerate(column.path):
            if (path := column.path[: end + 1]) not in values:
                above = values[column.path[:end]]
                values[path] = [None if value is None else getattr(value, name) for value in above]
    return [column.build(values[column.path]) for column in columns]


@cache
def nested_columns(model: type) -> tuple[Column, ...]:
    """Return the columns of a model, one for each attribute."""
    return tuple(map(_nested, shown_fields(model)))


@cache
def flat_columns(model: type, separator: str, above: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """Return the columns that items of a model have as flat rows. The separator joins the names on the way."""
    columns: list[Column] = []
    for field in shown_fields(model):
        path = (*above, field.name)
        if field.model is not None and not field.is_array:
            columns += flat_columns(field.model, separator, path)
            continue
        rule = None if field.is_array else _FLAT_RULES.get(field.kind)
        kind, build = rule or (arrays.STRING, partial(_documents, field))
        is_nullable = path != ("id",) or field.is_optional  # every item has an ID
        metadata = None if rule else JSON_FIELD
        made = pa.field(separator.join(path), kind, nullable=is_nullable, metadata=metadata)
        columns.append(Column(path, made, build))
    return tuple(columns)


def _nested(field: Field) -> Column:
    kind, build = _rule(field.kind)
    if field.is_array:
        # Parquet has this name for the values of a list, so a table is the same after it was written and read.
        kind = pa.list_(pa.field("element", kind))
        build = partial(arrays.lists, kind, arrays.points if field.kind is float else partial(_elements, build))
    return Column((field.name,), pa.field(field.name, kind), build)


def _rule(kind: Any) -> tuple[pa.DataType, Build]:  # noqa: ANN401 - the type of a field
    """Return the type of the column for values of a type, and what makes it.

    A new kind of attribute needs a row in the table. Until then, it is a TypeError.
    """
    if attrs.has(kind):
        columns = nested_columns(kind)
        struct = pa.struct([column.field for column in columns])
        return struct, partial(arrays.structs, struct, partial(arrays_of, columns))
    if kind not in _NESTED_RULES:
        raise TypeError(f"Arrow has no column for {kind!r}")
    return _NESTED_RULES[kind]


def _elements(build: Build, lists: Sequence[Sequence[object]]) -> Array:
    return build([element for each in lists for element in each])


def _maps(values: Sequence[Mapping[str, object] | None]) -> Array:
    return arrays.maps(
        [None if value is None else {key: _json(member) for key, member in value.items()} for value in values]
    )


def json_texts(values: Sequence[object]) -> Array:
    """Return the JSON text of each value, and null for None."""
    return arrays.strings([None if value is None else _json(value) for value in values])


def _documents(field: Field, values: Sequence[object]) -> Array:
    return json_texts([_document(value, field) for value in values])


def _document(value: Any, field: Field, *, is_item: bool = False) -> object:  # noqa: ANN401 - any value
    """Return what the JSON text has for the value of a field, or an item of it, if it is an array.

    It has no secrets, times in UTC, and durations in seconds.
    """
    if value is None or field.kind is float:  # JSON has null for NaN
        return value
    if field.is_array and not is_item:
        return [_document(item, field, is_item=True) for item in value]
    if field.model is not None:
        return {each.name: _document(getattr(value, each.name), each) for each in shown_fields(field.model)}
    if field.kind is timedelta:
        return value.total_seconds()
    return value.astimezone(UTC) if field.kind is datetime else value


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _seconds(values: Sequence[timedelta | None]) -> Array:
    return arrays.doubles([None if value is None else value.total_seconds() for value in values])


RULES: dict[Any, tuple[pa.DataType, Build]] = {
    str: (arrays.STRING, arrays.strings),
    bool: (arrays.BOOL, arrays.truths),
    int: (arrays.INT64, arrays.integers),
    float: (arrays.DOUBLE, arrays.doubles),
    Number: (arrays.DOUBLE, arrays.doubles),
    datetime: (arrays.TIMESTAMP, arrays.timestamps),
    timedelta: (arrays.DURATION, arrays.durations),
}
"""The type of the column for values of a type, and what makes it."""

_NESTED_RULES = {
    **RULES,
    Metadata: (arrays.MAP, _maps),
    **dict.fromkeys((Scalar, Expected, JSON), (arrays.STRING, json_texts)),
}
"""The same, with those that are objects or of several types."""

_FLAT_RULES = {**RULES, timedelta: (arrays.DOUBLE, _seconds)}
"""The types of plain values, where nothing is nested and a duration is a number of seconds."""
