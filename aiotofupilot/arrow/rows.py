"""Converts items to rows, with nested or flat columns.

Each attribute of many items becomes one array, so no row needs a dict. An item can be a model or a msgspec struct.

Nested columns have the model's types. Flat columns are for frames, databases and other places without nested columns.
Each field of a nested value is then a column, whose name joins the names on its path. Lists and mappings become JSON
text, with the names of the attributes. A duration becomes a number of seconds, so it can have any length.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
import pyarrow as pa

from aiotofupilot._checks import boolean, for_parameter, must_be
from aiotofupilot.errors import DecodeError
from aiotofupilot.models.fields import leaves_of, shown_fields
from aiotofupilot.models.refs import JSON, Expected, Metadata, Number, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aiotofupilot.models.fields import Field

    Array = pa.Array[Any]
    """An Arrow array, whose element type is known at run time."""
    Build = Callable[[Sequence[Any]], Array]
    """Makes an array of values. None becomes null."""

arrow: Any = pa
"""PyArrow without its stubs, which lack some functions and arguments."""

STRING, INT32, DOUBLE = pa.string(), pa.int32(), pa.float64()
_TIMESTAMP, _DURATION = pa.timestamp("us", "UTC"), pa.duration("us")

JSON_FIELD = {b"content": b"JSON"}
"""The metadata of a flat field of JSON text."""


@attrs.frozen
class Column:
    """A field of a schema, and how to build its column from the values at a path of attributes."""

    path: tuple[str, ...]
    field: Any
    build: Build


def arrays_of(columns: Iterable[Column], items: Sequence[object]) -> list[Array]:
    """Return the columns of items. If an object on the path is None, the value is None."""
    values: dict[tuple[str, ...], Sequence[object]] = {(): items}
    for column in columns:
        for end, name in enumerate(column.path):
            if (path := column.path[: end + 1]) not in values:
                above = values[column.path[:end]]
                values[path] = [None if value is None else getattr(value, name) for value in above]
    return [column.build(values[column.path]) for column in columns]


@cache
def nested_columns(model: type) -> tuple[Column, ...]:
    """Return a column for each attribute of a model."""
    return tuple(map(_nested, shown_fields(model)))


@cache
def flat_columns(model: type, separator: str) -> tuple[Column, ...]:
    """Return a model's flat columns. The separator joins the names on the path."""
    columns: list[Column] = []
    for leaf in leaves_of(model):
        field, path = leaf.field, leaf.attributes
        rule = None if field.is_array else _FLAT_RULES.get(field.kind)
        kind, build = rule or (STRING, partial(_documents, field))
        is_nullable = path != ("id",) or field.is_optional  # every item has an ID
        metadata = None if rule else JSON_FIELD
        made = pa.field(separator.join(path), kind, nullable=is_nullable, metadata=metadata)
        columns.append(Column(path, made, build))
    return tuple(columns)


def _nested(field: Field) -> Column:
    kind, build = _rule(field.kind)
    if field.is_array:
        # Parquet's name for list values, so that a table survives writing and reading.
        kind, elements = pa.list_(pa.field("element", kind)), build
        # NaN becomes null, as it is in JSON. Arrow would keep it as a number.
        points = partial(arrow.array, type=kind, from_pandas=True)
        build = points if field.kind is float else partial(_lists, kind, elements)
    return Column((field.name,), pa.field(field.name, kind), build)


def _rule(kind: Any) -> tuple[pa.DataType, Build]:  # noqa: ANN401 - the type of a field
    """Return the column type for a type of values, and its builder.

    Raise a TypeError for a type that has no rule.
    """
    if attrs.has(kind):
        columns = nested_columns(kind)
        struct = pa.struct([column.field for column in columns])
        return struct, partial(_structs, struct, columns)
    if kind not in _NESTED_RULES:
        raise TypeError(f"Arrow has no column for {kind!r}")
    return _NESTED_RULES[kind]


def _structs(kind: pa.DataType, columns: Sequence[Column], values: Sequence[object]) -> Array:
    is_null = arrow.array([value is None for value in values], pa.bool_())
    made: Array = arrow.StructArray.from_arrays(arrays_of(columns, values), type=kind, mask=is_null)
    return made


def _lists(kind: pa.DataType, elements: Build, values: Sequence[Sequence[object] | None]) -> Array:
    *starts, end = accumulate((len(value or ()) for value in values), initial=0)
    offsets = [None if value is None else start for value, start in zip(values, starts, strict=True)]
    below = elements([element for value in values for element in value or ()])
    made: Array = arrow.ListArray.from_arrays(arrow.array([*offsets, end], INT32), below, type=kind)
    return made


def _strings(values: Sequence[str | None]) -> Array:
    made: Array = arrow.array(values, STRING)
    if isinstance(made, pa.ChunkedArray):
        raise OverflowError("an Arrow array holds at most 2,147,483,647 bytes of text: take fewer rows")
    return made


def _doubles(values: Sequence[float | None]) -> Array:
    """Return doubles. An integer that has no exact double is rounded, as in the server's JavaScript."""
    made: Array = arrow.array([None if value is None else value * 1.0 for value in values], DOUBLE)
    return made


def _timestamps(values: Sequence[datetime | None]) -> Array:
    for value in values:
        if value is not None and value.tzinfo is None:
            raise TypeError(f"a timestamp must be timezone-aware, got the naive {value!r}, which may not be in UTC")
    made: Array = arrow.array(values, _TIMESTAMP)
    return made


def _durations(values: Sequence[timedelta | None]) -> Array:
    try:
        made: Array = arrow.array(values, _DURATION)
    except pa.ArrowInvalid as error:
        longest = max((value for value in values if value is not None), key=abs)
        raise OverflowError(f"Arrow holds a duration of at most 106,751,991 days, got {longest}") from error
    return made


def _maps(values: Sequence[Mapping[str, object] | None]) -> Array:
    texts = [None if value is None else {key: _json(member) for key, member in value.items()} for value in values]
    made: Array = arrow.array(texts, _MAP)
    return made


def _json_texts(values: Sequence[object]) -> Array:
    """Return the JSON text of each value, and null for None."""
    return _strings([None if value is None else _json(value) for value in values])


def _documents(field: Field, values: Sequence[object]) -> Array:
    return _json_texts([_document(value, field) for value in values])


def _document(value: Any, field: Field, *, is_item: bool = False) -> object:  # noqa: ANN401 - any value
    """Return the JSON value for the value of a field, or for an item of an array.

    It leaves out secrets, and has times in UTC and durations in seconds.
    """
    if value is None or field.kind is float:  # the JSON text of NaN is null
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
    return _doubles([None if value is None else value.total_seconds() for value in values])


_BOOL, _INT64, _MAP = pa.bool_(), pa.int64(), pa.map_(STRING, STRING)

RULES: dict[Any, tuple[pa.DataType, Build]] = {
    str: (STRING, _strings),
    bool: (_BOOL, partial(arrow.array, type=_BOOL)),
    int: (_INT64, partial(arrow.array, type=_INT64)),
    float: (DOUBLE, _doubles),
    Number: (DOUBLE, _doubles),
    datetime: (_TIMESTAMP, _timestamps),
    timedelta: (_DURATION, _durations),
}
"""The type of the column for values of a type, and the function that builds it."""

_NESTED_RULES = {
    **RULES,
    Metadata: (_MAP, _maps),
    **dict.fromkeys((Scalar, Expected, JSON), (STRING, _json_texts)),
}
"""The rules of nested columns, which include objects and values of several types."""

_FLAT_RULES = {**RULES, timedelta: (DOUBLE, _seconds)}
"""The rules of flat columns, where a duration is a number of seconds."""


class Rows:
    """Converts items to rows."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self.schema: pa.Schema = pa.schema([column.field for column in columns])

    def batch(self, items: Sequence[object]) -> pa.RecordBatch:
        """Return a record batch of models of one class, or of their structs.

        Raise an OverflowError for a duration or a number that is too large.
        """
        batch: pa.RecordBatch = arrow.RecordBatch.from_arrays(arrays_of(self._columns, items), schema=self.schema)
        return batch

    def sent(self, items: Sequence[object]) -> pa.RecordBatch:
        """Return a record batch of a server's items. Raise a `DecodeError` for a value that Arrow cannot hold."""
        batch, faults = self.readable(items)
        if faults:
            raise faults[0]
        return batch

    def readable(self, items: Sequence[object]) -> tuple[pa.RecordBatch, Sequence[DecodeError]]:
        """Return a record batch of the items that Arrow can hold, and the faults of the others."""
        try:
            return self.batch(items), ()
        except OverflowError:
            faults = [*map(self._fault, items)]
        fitting = [item for item, fault in zip(items, faults, strict=True) if fault is None]
        return self.batch(fitting), [fault for fault in faults if fault is not None]

    def _fault(self, item: Any) -> DecodeError | None:  # noqa: ANN401 - a model or a struct
        """Return the fault of an item, if Arrow cannot hold one of its values."""
        for column in self._columns:
            try:
                arrays_of((column,), (item,))
            except OverflowError as error:
                name = column.field.name
                return DecodeError(f"{name} of {item.id!r}: {error}", path=name)
        return None


@cache
def database_rows(model: type) -> Rows:
    """Return the rows of a database. Names have no dots, because these would need quotes."""
    return Rows(flat_columns(model, "__"))


def rows_of(model: object, *, flat: bool = False) -> Rows:
    """Return the rows of a model, after checking the arguments."""
    if not isinstance(model, type) or not attrs.has(model):
        raise must_be(TypeError, "model", "a model such as Run", model)
    return Rows(flat_columns(model, ".") if boolean("flat", flat) else nested_columns(model))


def schema(model: type, *, flat: bool = False) -> pa.Schema:
    """Return the schema of a model's columns. It depends on no data.

    Args:
        model: The model of an item or of a part of one, such as `Run` or `Repository`.
        flat: As in `table`.

    Raises:
        TypeError: `model` is not a model, or an argument is of the wrong type.
    """
    return rows_of(model, flat=flat).schema


def record_batch(items: Iterable[object], model: type, *, flat: bool = False) -> pa.RecordBatch:
    """Return a record batch with a row for each item.

    Args:
        items: Models of one class. If there are none, the batch is empty with the whole schema.
        model: Their class.
        flat: As in `table`.

    Raises:
        TypeError: An item is of another class, or an attribute is of another type than the model says.
        ValueError: An attribute is of another type, for which pyarrow raises this.
        OverflowError: A duration is longer than 106,751,991 days, the longest that Arrow can hold, or the texts of a
            column have more than 2 GiB.
    """
    found, rows = list(items), rows_of(model, flat=flat)
    if others := {type(item).__name__ for item in found if not isinstance(item, model)}:
        raise for_parameter(
            TypeError(f"items must be of the class {model.__name__}, got {', '.join(sorted(others))}"), "items"
        )
    return rows.batch(found)
