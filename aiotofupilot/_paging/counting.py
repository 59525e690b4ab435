"""Counts the items of a listing in a few requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiotofupilot.stats import RequestCounts

from .extent import Extent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot.models import Page

    from .extent import Look
    from .plan import Fetch, Plan

__all__ = ["count_items"]

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
        for look, page in zip(looks, await _pages(fetch, looks), strict=True):
            extent.note(page, look.limit)
    return length


async def _pages(fetch: Fetch[Any], looks: Sequence[Look]) -> list[Page[Any]]:
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
