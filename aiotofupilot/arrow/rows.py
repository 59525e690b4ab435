"""How items become rows: with nested or flat columns, all or chosen ones."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import attrs
import pyarrow as pa

from aiotofupilot._checks import boolean, for_parameter, must_be
from aiotofupilot.errors import DecodeError
from aiotofupilot.models.fields import near_column

from .columns import arrays_of, flat_columns, nested_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .columns import Column

_SEPARATOR = "."
"""What stands between the names in the name of a flat column, as in CSV."""

_arrow: Any = pa  # the stubs do not know all arguments of the constructors


class Rows:
    """How items become rows, one row for each item."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self.schema: pa.Schema = pa.schema([column.field for column in columns])
        """The schema of every batch."""

    def batch(self, items: Sequence[object]) -> pa.RecordBatch:
        """Return a record batch of items: models of a class, or structs with their values.

        An attribute of another type than the model says is a TypeError. A duration that is too long, or a number that
        no double can hold, is an OverflowError.
        """
        batch: pa.RecordBatch = _arrow.RecordBatch.from_arrays(arrays_of(self._columns, items), schema=self.schema)
        return batch

    def sent(self, items: Sequence[object]) -> pa.RecordBatch:
        """Return a record batch of items that a server sent. What Arrow cannot hold is a `DecodeError`."""
        batch, faults = self.readable(items)
        if faults:
            raise faults[0]
        return batch

    def readable(self, items: Sequence[object]) -> tuple[pa.RecordBatch, Sequence[DecodeError]]:
        """Return a record batch of those items that Arrow can hold, and why it cannot hold the others."""
        try:
            return self.batch(items), ()
        except OverflowError:
            faults = [*map(self._fault, items)]
        fitting = [item for item, fault in zip(items, faults, strict=True) if fault is None]
        return self.batch(fitting), [fault for fault in faults if fault is not None]

    def _fault(self, item: Any) -> DecodeError | None:  # noqa: ANN401 - a model or a struct
        """Return which of its values Arrow cannot hold, if there is one."""
        for column in self._columns:
            try:
                arrays_of((column,), (item,))
            except OverflowError as error:
                name = column.field.name
                return DecodeError(f"{name} of {item.id!r}: {error}", path=name)
        return None


@cache
def database_rows(model: type) -> Rows:
    """Return how items of a model become the rows of a database, where a dot in a name would need quotes."""
    return Rows(flat_columns(model, "__"))


def rows_of(model: object, *, flat: bool = False, columns: Sequence[str] | None = None) -> Rows:
    """Return how items of a model become rows, after checking the arguments."""
    if not isinstance(model, type) or not attrs.has(model):
        raise must_be(TypeError, "model", "a model such as Run", model)
    every = flat_columns(model, _SEPARATOR) if boolean("flat", flat) else nested_columns(model)
    if columns is None:
        return Rows(every)
    named: dict[str, Column] = {column.field.name: column for column in every}
    return Rows([named[name] for name in checked_names(columns, named, f"{model.__name__} with flat={flat}")])


def checked_names(columns: object, known: Iterable[str], what: str) -> list[str]:
    """Return names of columns, after checking that they are known, and that there are some."""
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise for_parameter(TypeError(f"columns must be several names, got {columns!r}"), "columns")
    names, taken = list(known), list[str]()
    for name in cast("Iterable[str]", columns):
        if name not in names:
            near = near_column(name, names)
            raise for_parameter(ValueError(f"columns: {what} has no column {name!r}{near}"), "columns")
        if name in taken:
            raise for_parameter(ValueError(f"columns: {name!r} is named twice"), "columns")
        taken.append(name)
    if not taken:
        raise for_parameter(ValueError("columns must not be empty"), "columns")
    return taken


def schema(model: type, *, flat: bool = False, columns: Sequence[str] | None = None) -> pa.Schema:
    """Return the schema of a model's columns. It follows from the model, and not from any data.

    Args:
        model: The model of an item, such as `Run`, or of a part of an item, such as `Repository`.
        flat: As in `table`.
        columns: As in `table`.

    Raises:
        TypeError: It is not a model, or an argument is of the wrong type.
        ValueError: There is no such column, or a column is named twice.
    """
    return rows_of(model, flat=flat, columns=columns).schema


def record_batch(
    items: Iterable[object], model: type, *, flat: bool = False, columns: Sequence[str] | None = None
) -> pa.RecordBatch:
    """Return a record batch with a row for each item.

    Args:
        items: Models of one class. If there are none, the batch is empty, and has the whole schema.
        model: Their class.
        flat: As in `table`.
        columns: As in `table`.

    Raises:
        TypeError: An item is of another class, or an attribute is of another type than the model says.
        ValueError: There is no such column, or a column is named twice.
        OverflowError: A duration is longer than 106,751,991 days, the longest that Arrow can hold, or the texts of a
            column have more than 2 GiB.
    """
    found, rows = list(items), rows_of(model, flat=flat, columns=columns)
    if others := {type(item).__name__ for item in found if not isinstance(item, model)}:
        raise for_parameter(
            TypeError(f"items must be of the class {model.__name__}, got {', '.join(sorted(others))}"), "items"
        )
    return rows.batch(found)


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
