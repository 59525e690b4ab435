"""Reads and sets the bounds of a query on a time of its items. Items at a bound are within it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from aiotofupilot._arguments import for_parameter
from aiotofupilot._wire.times import format_date_time, read_date_time

Pairs = tuple[tuple[str, str], ...]
"""Names and values of a query, in order. A name repeats where its parameter takes several values."""


def bounds_of(pairs: Pairs, name: str) -> tuple[datetime | None, datetime | None]:
    """Return the earliest and the latest time that a query asks for; None: there is no bound.

    The names of the parameters that bound the time begin with the name, such as ``created``.

    Raises:
        ValueError: A bound is not a date-time with a UTC offset. The query of a parsed shard can have such a bound.
    """
    bounds = {key: _read(key, text) for key, text in pairs if key in (f"{name}_after", f"{name}_before")}
    return bounds.get(f"{name}_after"), bounds.get(f"{name}_before")


def bounded(pairs: Pairs, name: str, *, after: datetime | None = None, before: datetime | None = None) -> Pairs:
    """Return a query for the items between two times, to the milliseconds around them. Its own bounds still hold.

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
    """
    return bounded(pairs, name, after=start and _moved(start, -by), before=end and _moved(end, by))


def _moved(time: datetime, milliseconds: int) -> datetime:
    try:
        return time.astimezone(UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:  # the first or the last time of all
        return time


def _read(name: str, text: str) -> datetime:
    try:
        return read_date_time(text)
    except ValueError as error:
        raise for_parameter(ValueError(f"{name} must be a date-time with a UTC offset, got {text!r}"), name) from error
