"""Counts the items of a listing in a few requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from attrs import evolve

from aiotofupilot.checkpoint import Checkpoint
from aiotofupilot.stats import RequestCounts

from .extent import Extent
from .walk import Walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot.models import Page, RawItem

    from .extent import Look
    from .plan import Fetch, Plan
    from .source import Source

__all__ = ["count_items", "count_left_out", "look_at"]

_AT_ONCE = 4
"""At most this many pages are in flight. More would save little time, and each that is not needed is a request."""


async def count_items(fetch: Fetch[Any], plan: Plan) -> int:
    """Return how many items a listing has, wherever the plan begins and ends.

    Args:
        fetch: Fetches a page.
        plan: Its limit says how long pages are, and its concurrency how many may be in flight.

    Raises:
        DriftError: The server's cursors are no offsets. Or the listing changes too much.
        PaginationError: The server's cursor does not advance, or is missing.
    """
    extent, at_most = Extent(plan.limit), min(plan.concurrency, _AT_ONCE)
    while (length := extent.length) is None:
        looks = extent.looks(at_most)
        for look, page in zip(looks, await look_at(fetch, looks), strict=True):
            extent.note(page, look.limit)
    return length


async def count_left_out(source: Source[Any], plan: Plan) -> int:
    """Return how many items the server lists that the plan does not keep. They lie near the bounds of the query.

    Args:
        source: A query with bounds that are a little wider than what is kept.
        plan: How the listing is walked.
    """
    keep = plan.keep
    if keep is None or source.timeline is None:
        return 0

    def is_left_out(item: RawItem) -> bool:
        return not keep(item)

    start = Checkpoint(listing=plan.start.listing)
    plan = evolve(plan, start=start, max_items=None, on_drift="ignore", keep=is_left_out)
    return len({item.id for edge in source.timeline.edges() async for item in Walk(edge.fetch, plan)})


async def look_at(fetch: Fetch[Any], looks: Sequence[Look]) -> list[Page[Any]]:
    """Return the pages that are looked at. When one of them cannot be had, none stays in flight."""
    counts = RequestCounts()
    if len(looks) == 1:
        return [await fetch(looks[0].cursor, looks[0].limit, counts)]
    tasks = [asyncio.create_task(fetch(look.cursor, look.limit, counts)) for look in looks]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        del tasks  # which know their errors, which know this frame
