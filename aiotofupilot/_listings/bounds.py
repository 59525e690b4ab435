"""Reads and sets the bounds of a query on a moment of its items. Items at a bound are within it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aiotofupilot._arguments import named
from aiotofupilot._wire.moments import read_date_time
from aiotofupilot._wire.spelling import spell_date_time

if TYPE_CHECKING:
    from datetime import datetime

    from aiotofupilot._wire.query import Pairs

__all__ = ["bounded", "bounds_of"]


def bounds_of(pairs: Pairs, name: str) -> tuple[datetime | None, datetime | None]:
    """Return the earliest and the latest moment that a query asks for; None: there is no bound.

    Args:
        pairs: The query.
        name: The beginning of the names of the parameters that bound the moment, such as ``created``.

    Raises:
        ValueError: A bound is not a date-time with a UTC offset. The query of a parsed shard can have such a bound.
    """
    bounds = {key: _moment(key, spelled) for key, spelled in pairs if key in (f"{name}_after", f"{name}_before")}
    return bounds.get(f"{name}_after"), bounds.get(f"{name}_before")


def bounded(pairs: Pairs, name: str, *, after: datetime | None = None, before: datetime | None = None) -> Pairs:
    """Return a query for the items between two moments. Its own bounds still hold.

    Args:
        pairs: The query.
        name: The beginning of the names of the parameters that bound the moment, such as ``created``.
        after: Timezone-aware. A fraction of a millisecond is dropped. None: no further bound.
        before: Timezone-aware. A fraction of a millisecond is rounded up. None: no further bound.

    Raises:
        ValueError: As in `bounds_of`.
    """
    bounds: dict[str, str] = {}
    if after is not None:
        bounds[f"{name}_after"] = spell_date_time(after)
    if before is not None:
        bounds[f"{name}_before"] = spell_date_time(before, round_up=True)
    for key, own in pairs:
        if key in bounds:
            choose = max if key.endswith("_after") else min
            bounds[key] = choose(own, bounds[key], key=partial(_moment, key))
    return (*(pair for pair in pairs if pair[0] not in bounds), *bounds.items())


def _moment(name: str, spelled: str) -> datetime:
    try:
        return read_date_time(spelled)
    except ValueError as error:
        raise named(ValueError(f"{name} must be a date-time with a UTC offset, got {spelled!r}"), name) from error
