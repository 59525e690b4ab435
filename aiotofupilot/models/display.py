"""How values show themselves in a notebook: as short tables.

Like a repr, a table shows no secret.

Source: https://ipython.readthedocs.io/en/stable/config/integrating.html
"""

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

from .fields import shown_fields

__all__ = ["rows_of_items", "showing", "shown", "text_of"]

C = TypeVar("C", bound=type)

_WIDTH = 80
"""A value is shown with at most this many characters."""

_ENOUGH = 10
"""For a longer sequence, only the number of its values is shown."""

_LABELS = ("name", "serial_number", "number", "tag", "email", "id")
"""For a nested model, the first of these fields that has a value is shown."""


def showing(cls: C) -> C:
    """Let a notebook show an object as the table of its ``_shown()``: a caption, headings and rows.

    If there are no headings, each row begins with one.
    """
    made: Any = cls
    made._repr_html_ = _html
    return cls


if TYPE_CHECKING:
    from attrs import frozen as shown  # type checkers treat it as attrs' `frozen`
else:  # hidden from type checkers, because they know the fields of a class by the decorators of attrs

    def shown(cls: type | None = None, **options: object) -> object:
        """Make a model, as attrs' ``frozen`` does. In a notebook it shows the fields that have a value."""
        if cls is None:
            return partial(shown, **options)
        model = attrs.frozen(cls, **options)
        model._shown = lambda self: (type(self).__name__, (), _rows(self))  # noqa: SLF001 - where `showing` finds it
        return showing(model)


def _html(self: Any) -> str:  # noqa: ANN401 - of any class
    from html import escape  # noqa: PLC0415 - notebooks only

    caption, headings, rows = self._shown()
    cells = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    lines = [f"<tr>{cells}</tr>"] if cells else []
    for first, *others in rows:
        begin = f"<td>{escape(first)}</td>" if headings else f"<th>{escape(first)}</th>"
        lines.append(f"<tr>{begin}{''.join(f'<td>{escape(cell)}</td>' for cell in others)}</tr>")
    return f"<table><caption>{escape(caption)}</caption>{''.join(lines)}</table>"


def _rows(item: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - a model, an item without one, or of the user's class
    values: Mapping[str, object]
    if attrs.has(item.__class__):
        values = {field.name: getattr(item, field.name) for field in shown_fields(item.__class__)}
    elif dataclasses.is_dataclass(item):
        values = {field.name: getattr(item, field.name) for field in dataclasses.fields(item) if field.repr}
    else:
        values = dict(item)  # a dict, or a model of pydantic
    texts = ((name, text_of(value)) for name, value in values.items() if value is not None and value != ())
    return [(name, text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…") for name, text in texts]


def rows_of_items(items: Sequence[object], columns: int) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return headings and rows for items of one kind, with at most ``columns`` columns. Empty columns are left out."""
    rows = [dict(_rows(item)) for item in items]
    headings = list(dict.fromkeys(name for row in rows for name in row))[:columns]
    return headings, [[row.get(heading, "") for heading in headings] for row in rows]


def text_of(value: object) -> str:
    """Return a value as text for people. Times are in UTC, to the minute."""
    match value:
        case bool():
            text = "yes" if value else "no"
        case int():
            text = f"{value:,}"
        case datetime():
            with suppress(OverflowError):  # beyond the years that a date can have in UTC, the offset stays
                value = value.astimezone(UTC)
            text = value.isoformat(" ", "minutes").replace("+00:00", "Z")
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds(), 1), 60)
            hours, minutes = divmod(int(minutes), 60)
            text = f"{hours}:{minutes:02}:{seconds:04.1f}" if hours else f"{minutes}:{seconds:04.1f}"
        case tuple() | list():
            found = cast("Sequence[object]", value)
            is_plain = len(found) <= _ENOUGH and not any(attrs.has(type(one)) or isinstance(one, dict) for one in found)
            text = ", ".join(map(text_of, found)) if is_plain else f"{len(found)} value{'s'[: len(found) > 1]}"
        case Mapping():
            text = ", ".join(f"{key}: {text_of(one)}" for key, one in cast("Mapping[str, object]", value).items())
        case _ if attrs.has(type(value)):
            text = next((str(label) for name in _LABELS if (label := getattr(value, name, None))), type(value).__name__)
        case _:
            text = str(value)
    return text
