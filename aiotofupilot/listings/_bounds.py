"""Reads and sets the bounds of a query on a time of its items. Items at a bound are within it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from aiotofupilot._arguments import for_parameter
from aiotofupilot._wire.times import format_date_time, read_date_time

__all__ = ["Pairs", "bounded", "bounds_of", "widely_bounded"]

Pairs = tuple[tuple[str, str], ...]
"""Names and values of a query, in order. A name repeats where its parameter takes several values."""

_MILLISECOND = timedelta(milliseconds=1)


def bounds_of(pairs: Pairs, name: str) -> tuple[datetime | None, datetime | None]:
    """Return the earliest and the latest time that a query asks for; None: there is no bound.

    Args:
        pairs: The query.
        name: The beginning of the names of the parameters that bound the time, such as ``created``.

    Raises:
        ValueError: A bound is not a date-time with a UTC offset. The query of a parsed shard can have such a bound.
    """
    bounds = {key: _read(key, text) for key, text in pairs if key in (f"{name}_after", f"{name}_before")}
    return bounds.get(f"{name}_after"), bounds.get(f"{name}_before")


def bounded(pairs: Pairs, name: str, *, after: datetime | None = None, before: datetime | None = None) -> Pairs:
    """Return a query for the items between two times. Its own bounds still hold.

    Args:
        pairs: The query.
        name: As in `bounds_of`.
        after: Timezone-aware. A fraction of a millisecond is dropped. None: no further bound.
        before: Timezone-aware. A fraction of a millisecond is rounded up. None: no further bound.

    Raises:
        ValueError: As in `bounds_of`.
    """
    bounds: dict[str, str] = {}
    if after is not None:
        bounds[f"{name}_after"] = format_date_time(after)
    if before is not None:
        bounds[f"{name}_before"] = format_date_time(before, round_up=True)
    for key, own in pairs:
        if key in bounds:
            choose = max if key.endswith("_after") else min
            bounds[key] = choose(own, bounds[key], key=partial(_read, key))
    return (*(pair for pair in pairs if pair[0] not in bounds), *bounds.items())


def widely_bounded(pairs: Pairs, name: str, start: datetime | None, end: datetime | None, by: int = 1) -> Pairs:
    """Return a query for the items between two times, with some milliseconds more at both ends.

    The stored times of the API may be finer than the milliseconds that it shows. So a part of a query is asked for with
    a millisecond more at both ends. The time that an item shows decides whether it belongs to the part.

    Args:
        pairs: The query. Its own bounds still hold.
        name: As in `bounds_of`.
        start: Timezone-aware; None: no further bound.
        end: Timezone-aware; None: no further bound.
        by: How many milliseconds.
    """
    return bounded(
        pairs,
        name,
        after=None if start is None else _moved(start, -by * _MILLISECOND),
        before=None if end is None else _moved(end, by * _MILLISECOND),
    )


def _moved(time: datetime, by: timedelta) -> datetime:
    try:
        return time.astimezone(UTC) + by
    except OverflowError:  # the first or the last time of all
        return time


def _read(name: str, text: str) -> datetime:
    try:
        return read_date_time(text)
    except ValueError as error:
        raise for_parameter(ValueError(f"{name} must be a date-time with a UTC offset, got {text!r}"), name) from error
