"""A column of a table for people."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

__all__ = ["Column", "Columns", "duration", "moment"]


@frozen
class Column:
    """A column of a table."""

    heading: str
    text: Callable[[Any], str | None]
    """From an item to the text of its cell; None: there is nothing to show."""
    width: int
    """Terminal cells that it needs."""
    enough: int
    """The width up to which more room is of use, in terminal cells."""
    leaves: int
    """Where the terminal is too narrow for all columns, the column with the lowest number is left out first."""


@frozen
class Columns:
    """How the items of a listing are shown."""

    singular: str
    """What one item is called."""
    columns: tuple[Column, ...]
    """Columns of a fixed width come first. Where nothing is cut, a long text moves only what follows it."""


def moment(value: datetime | None) -> str | None:
    """Return a moment to the minute, in UTC."""
    if value is None:
        return None
    try:
        utc = value.astimezone(UTC)
    except OverflowError:  # beyond the years that a date can have in UTC
        return value.isoformat(" ", "minutes")
    return utc.replace(tzinfo=None).isoformat(" ", "minutes") + "Z"


def duration(value: timedelta | None) -> str | None:
    """Return a duration in hours, minutes and seconds."""
    if value is None:
        return None
    minutes, seconds = divmod(value.total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{seconds:04.1f}" if hours else f"{minutes}:{seconds:04.1f}"
