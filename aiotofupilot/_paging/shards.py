"""Cuts a listing into shards of similar size, at timestamps that are drawn from it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from aiotofupilot.positions import Checkpoint

from .count import Probe, count_items, fetch_probes
from .walk import Walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aiotofupilot.models import RawItem
    from aiotofupilot.positions import Shard

    from .source import Fetch, Identified, Plan, Source, TimePartitioning

__all__ = ["SHARDS_AT_MOST", "cut"]

T = TypeVar("T", bound="Identified")

SHARDS_AT_MOST = 1000
"""More parts than this would be more work to hand out than to list."""

_GAP = timedelta(milliseconds=2)
"""How long before the first item of a shard it begins. The shard before it is requested with a millisecond more, and
is not to be sent all the items that may have been created at the timestamp of that first item."""


async def cut(source: Source[T], plan: Plan, n: int) -> tuple[Shard[T], ...]:
    """Return parts of a query that do not overlap and leave nothing out, wherever the plan begins and ends.

    Args:
        source: The query.
        plan: Its limit says how long pages are, and its concurrency how many may be in flight.
        n: How many parts there may be.

    Raises:
        DriftError: The server's cursors are not offsets. Or the listing changes too much.
        PaginationError: The server's cursor does not advance, or is missing.
    """
    partitioning = source.partitioning
    if n == 1 or partitioning is None:
        return (source.whole,)
    total = await count_items(source.raw().fetch, plan)
    n = min(n, -(-total // plan.limit))
    timestamps = await _drawn(source, partitioning, plan, total, n) if n > 1 else []
    dated = sorted(timestamp for timestamp in timestamps if timestamp is not None)
    if not dated or len(dated) < len(timestamps):
        return (source.whole,)  # no bound finds the items that lack the timestamp
    whole = source.whole
    # Of a shard, some timestamps may be drawn that lie a little before its start.
    within = (timestamp for timestamp in _boundaries(dated, n) if whole.holds(timestamp) and timestamp != whole.start)
    ends = (whole.start, *within, whole.end)
    return tuple(evolve(whole, start=start, end=end) for start, end in pairwise(ends))


async def _drawn(
    source: Source[T], partitioning: TimePartitioning, plan: Plan, total: int, n: int
) -> list[datetime | None]:
    """Return timestamps that divide a listing, among others."""
    ordered = partitioning.ordered()
    if ordered is not None:
        # Items without a timestamp stand at one end of the order.
        probes = [Probe(total * nth // n, 1) for nth in range(n)]
        timestamps = await _timestamps(ordered.fetch, partitioning, probes, plan.concurrency)
        return [*timestamps, await _last(ordered, partitioning, plan, total)]
    # Whatever the order is, pages from all over the listing tell how the timestamps are distributed.
    pages = min(2 * n, -(-total // plan.limit))
    probes = [Probe(total * nth // pages, plan.limit) for nth in range(pages)]
    return await _timestamps(source.raw().fetch, partitioning, probes, plan.concurrency)


async def _last(ordered: Source[RawItem], partitioning: TimePartitioning, plan: Plan, total: int) -> datetime | None:
    """Return the timestamp of the last item in the order of time. None: it has none, or there is no such item any more.

    The last page that was counted is read, and whatever follows it. So an item that was created after the count cannot
    hide an item that stands after it.
    """
    start = Checkpoint(max(0, total - plan.limit), listing=plan.start.listing)
    plan = evolve(plan, start=start, max_items=None, on_drift="resync", keep=None, sort_key=ordered.sort_key)
    last = None
    async for item in Walk(ordered.fetch, plan):
        last = partitioning.timestamp(item)
    return last


async def _timestamps(
    fetch: Fetch[Any], partitioning: TimePartitioning, probes: Sequence[Probe], at_once: int
) -> list[datetime | None]:
    pages = [
        page
        for first in range(0, len(probes), at_once)
        for page in await fetch_probes(fetch, probes[first : first + at_once])
    ]
    return [partitioning.timestamp(item) for page in pages for item in page.data]


def _boundaries(timestamps: Sequence[datetime], n: int) -> list[datetime]:
    """Return where the shards but the first begin. Each of them has one of the timestamps in it.

    Args:
        timestamps: In ascending order; one or more.
        n: How many shards there may be.
    """
    boundaries: list[datetime] = []
    latest = timestamps[0]
    for nth in range(1, n):
        timestamp = timestamps[len(timestamps) * nth // n]
        if timestamp - latest > _GAP:
            boundaries.append(timestamp - _GAP)
            latest = timestamp
    return boundaries
