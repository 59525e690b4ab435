"""Cuts a listing into shards of similar size, at timestamps that are drawn from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from .count import Probe, count_items, fetch_probes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot.models import Page, RawItem
    from aiotofupilot.positions import Shard

    from .source import Identified, Plan, Source, TimePartitioning

T = TypeVar("T", bound="Identified")

SHARDS_AT_MOST = 1000
"""More parts than this would be more work to hand out than to list."""

_GAP = timedelta(milliseconds=2)
"""How long before the first item of a shard it begins. The shard before it is requested with a millisecond more, and
is not to be sent all the items that may have been created at the timestamp of that first item."""


async def cut(source: Source[T], plan: Plan, n: int) -> tuple[Shard[T], ...]:
    """Return at most n parts of a query, wherever the plan begins and ends; see `Paginator.shards`."""
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
    source: Source[Any], partitioning: TimePartitioning, plan: Plan, total: int, n: int
) -> list[datetime | None]:
    """Return timestamps that divide a listing, among others. None: an item has none, or may have none."""
    ordered = partitioning.ordered()
    if ordered is None:
        # Whatever the order is, pages from all over the listing tell how the timestamps are distributed.
        number = min(2 * n, -(-total // plan.limit))
        probes = [Probe(total * nth // number, plan.limit) for nth in range(number)]
        pages = await _pages(source.raw(), probes, plan.concurrency)
        return [partitioning.timestamp(item) for page in pages for item in page.data]
    # Items without a timestamp stand at one end of the order. The last page reaches beyond the end that was counted,
    # because an item that was created since then may hide one of them.
    probes = [Probe(total * nth // n, 1) for nth in range(n)]
    last_page = Probe(max(0, total - (plan.limit + 1) // 2), plan.limit)
    *pages, last = await _pages(ordered, [*probes, last_page], plan.concurrency)
    items = [item for page in pages for item in page.data] + last.data[-1:]
    is_at_end = bool(last.data) and last.following is None
    return [*map(partitioning.timestamp, items), *([] if is_at_end else [None])]


async def _pages(source: Source[RawItem], probes: Sequence[Probe], at_once: int) -> list[Page[RawItem]]:
    return [
        page
        for first in range(0, len(probes), at_once)
        for page in await fetch_probes(source.fetch, probes[first : first + at_once])
    ]


def _boundaries(timestamps: Sequence[datetime], n: int) -> list[datetime]:
    """Return where the shards but the first begin, given timestamps in order. Each shard has one of them in it."""
    boundaries: list[datetime] = []
    latest = timestamps[0]
    for nth in range(1, n):
        timestamp = timestamps[len(timestamps) * nth // n]
        if timestamp - latest > _GAP:
            boundaries.append(timestamp - _GAP)
            latest = timestamp
    return boundaries
