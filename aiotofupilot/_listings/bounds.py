"""Bounds on a moment of a listing's items, as a query's pairs spell them. Both bounds are included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot._wire.moments import read_date_time
from aiotofupilot._wire.spelling import spell_date_time

if TYPE_CHECKING:
    from datetime import datetime

    from aiotofupilot._wire.query import Pairs

__all__ = ["bounded", "bounds_of"]


def bounds_of(pairs: Pairs, name: str) -> tuple[datetime | None, datetime | None]:
    """Return the earliest and the latest moment that a query asks for; None: there is no such bound.

    Args:
        pairs: The query.
        name: The beginning of the names of the parameters that bound the moment, such as ``created``.
    """
    spelled = dict(pairs)
    after, before = spelled.get(f"{name}_after"), spelled.get(f"{name}_before")
    return None if after is None else read_date_time(after), None if before is None else read_date_time(before)


def bounded(pairs: Pairs, name: str, *, after: datetime | None = None, before: datetime | None = None) -> Pairs:
    """Return a query for the items between two moments. Its own bounds still hold.

    Args:
        pairs: The query.
        name: The beginning of the names of the parameters that bound the moment, such as ``created``.
        after: Timezone-aware. A fraction of a millisecond is dropped. None: no further bound.
        before: Timezone-aware. A fraction of a millisecond is rounded up. None: no further bound.
    """
    bounds: dict[str, str] = {}
    if after is not None:
        bounds[f"{name}_after"] = spell_date_time(after)
    if before is not None:
        bounds[f"{name}_before"] = spell_date_time(before, round_up=True)
    for key, own in pairs:
        if key in bounds:
            choose = max if key.endswith("_after") else min
            bounds[key] = choose(own, bounds[key], key=read_date_time)
    return (*(pair for pair in pairs if pair[0] not in bounds), *bounds.items())
