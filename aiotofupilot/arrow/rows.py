"""Which columns the rows of a model have: nested or flat, all or chosen ones; and items that you have as rows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

import attrs

from aiotofupilot._arguments import boolean, for_parameter, must_be

from .columns import Rows, nested_columns
from .flat import flat_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_SEPARATOR = "."
"""What stands between the names in the name of a flat column, as in CSV."""


def rows_of(model: Any, *, flat: bool = False, columns: Sequence[str] | None = None) -> Rows:  # noqa: ANN401 - a class
    """Return how items of a model become rows.

    Raises:
        TypeError: It is not a model, or an argument is of the wrong type.
        ValueError: There is no such column, or a column is named twice.
    """
    if not isinstance(model, type) or not attrs.has(model):
        raise must_be(TypeError, "model", "a model such as Run", model)
    every = flat_columns(model, _SEPARATOR) if boolean("flat", flat) else nested_columns(model)
    if columns is None:
        return Rows(every)
    named = {column.name: column for column in every}
    return Rows([named[name] for name in checked_names(columns, named, f"{model.__name__} with flat={flat}")])


def checked_names(columns: Any, known: Iterable[str], what: str) -> list[str]:  # noqa: ANN401 - it can be anything
    """Return names of columns, after checking that they are known, and that there are some."""
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise for_parameter(TypeError(f"columns must be several names, got {columns!r}"), "columns")
    names, taken = list(known), list[str]()
    for name in cast("Iterable[str]", columns):
        if name not in names:
            raise for_parameter(ValueError(f"columns: {what} has no column {name!r}{_near(name, names)}"), "columns")
        if name in taken:
            raise for_parameter(ValueError(f"columns: {name!r} is named twice"), "columns")
        taken.append(name)
    if not taken:
        raise for_parameter(ValueError("columns must not be empty"), "columns")
    return taken


def _near(name: object, names: Sequence[str]) -> str:
    """Return what else may have been meant."""
    inside = [each for each in names if each.startswith(f"{name}{_SEPARATOR}")]
    near = inside or get_close_matches(str(name), names, n=3) or names
    return f": there are {', '.join(near)}" if len(near) > 1 else f": did you mean {near[0]!r}?"


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
    items: Iterable[Any], model: type, *, flat: bool = False, columns: Sequence[str] | None = None
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
        OverflowError: A duration is longer than 106,751,991 days, the longest that Arrow can hold.
    """
    found, rows = list(items), rows_of(model, flat=flat, columns=columns)
    if others := {type(item).__name__ for item in found if not isinstance(item, model)}:
        raise for_parameter(
            TypeError(f"items must be of the class {model.__name__}, got {', '.join(sorted(others))}"), "items"
        )
    return rows.batch(found)
