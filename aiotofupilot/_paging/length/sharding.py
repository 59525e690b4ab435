"""Cuts a listing into shards of like size, at moments that are drawn from it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from aiotofupilot._paging.walk import Walk
from aiotofupilot.checkpoint import Checkpoint

from .counting import count_items, look_at, reading_around
from .extent import Look

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aiotofupilot._paging.plan import Fetch, Plan
    from aiotofupilot._paging.source import Identified, Source, Timeline
    from aiotofupilot.models import RawItem
    from aiotofupilot.shard import Shard

__all__ = ["SHARDS_AT_MOST", "cut"]

T = TypeVar("T", bound="Identified")

SHARDS_AT_MOST = 1000
"""More parts than this would be more work to hand out than to list."""

_GAP = timedelta(milliseconds=2)
"""How long before the first item of a shard it begins. The shard before it is asked for with a millisecond more, and
is not to be sent all the items that may have been created at the moment of that first item."""


async def cut(source: Source[T], plan: Plan, n: int) -> tuple[Shard[T], ...]:
    """Return parts of a query that do not overlap and leave nothing out, wherever the plan begins and ends.

    Args:
        source: The query.
        plan: Its limit says how long pages are, and its concurrency how many may be in flight.
        n: How many parts there may be.

    Raises:
        DriftError: The server's cursors are no offsets. Or the listing changes too much.
        PaginationError: The server's cursor does not advance, or is missing.
    """
    timeline = source.timeline
    if n == 1 or timeline is None:
        return (source.whole,)
    total = await count_items(source.raw().fetch, plan)
    n = min(n, -(-total // plan.limit))
    moments = await _drawn(source, timeline, plan, total, n) if n > 1 else []
    dated = sorted(moment for moment in moments if moment is not None)
    if not dated or len(dated) < len(moments):
        return (source.whole,)  # no bound finds the items that lack the moment
    whole = source.whole
    # Of a shard, some moments may be drawn that lie a little before its start.
    within = (moment for moment in _boundaries(dated, n) if whole.holds(moment) and moment != whole.start)
    ends = (whole.start, *within, whole.end)
    return tuple(evolve(whole, start=start, end=end) for start, end in pairwise(ends))


async def _drawn(source: Source[T], timeline: Timeline, plan: Plan, total: int, n: int) -> list[datetime | None]:
    """Return moments that divide a listing, among others."""
    ordered = timeline.ordered()
    if ordered is not None:
        # Items without a moment stand at one end of the order.
        looks = [Look(total * nth // n, 1) for nth in range(n)]
        moments = await _moments(ordered.fetch, timeline, looks, plan)
        return [*moments, await _last(ordered, timeline, plan, total)]
    # Whatever the order is, pages from all over the listing tell how the moments are distributed.
    pages = min(2 * n, -(-total // plan.limit))
    looks = [Look(total * nth // pages, plan.limit) for nth in range(pages)]
    return await _moments(source.raw().fetch, timeline, looks, plan)


async def _last(ordered: Source[RawItem], timeline: Timeline, plan: Plan, total: int) -> datetime | None:
    """Return the moment of the last item in the order of time. None: it has none, or there is no such item any more.

    The last page that was counted is read, and whatever follows it. So an item that was created after the count cannot
    hide an item that stands behind it.
    """
    start = Checkpoint(max(0, total - plan.limit), listing=plan.start.listing)
    plan = evolve(plan, start=start, max_items=None, on_drift="resync", keep=None, sort_key=ordered.sort_key)
    last = None
    async for item in Walk(ordered.fetch, plan):
        last = timeline.moment(item)
    return last


async def _moments(fetch: Fetch[Any], timeline: Timeline, looks: Sequence[Look], plan: Plan) -> list[datetime | None]:
    moments: list[datetime | None] = []
    for first in range(0, len(looks), plan.concurrency):
        for page in await look_at(reading_around(fetch, plan), looks[first : first + plan.concurrency]):
            moments += map(timeline.moment, page.data)
    return moments


def _boundaries(moments: Sequence[datetime], n: int) -> list[datetime]:
    """Return where the shards but the first begin. Each of them has one of the moments in it.

    Args:
        moments: In ascending order; one or more.
        n: How many shards there may be.
    """
    boundaries: list[datetime] = []
    latest = moments[0]
    for nth in range(1, n):
        moment = moments[len(moments) * nth // n]
        if moment - latest > _GAP:
            boundaries.append(moment - _GAP)
            latest = moment
    return boundaries
