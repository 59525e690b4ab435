"""Counts the items of a listing in a few requests."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from aiotofupilot._paging.source import Identified
from aiotofupilot._paging.unreadable.isolation import Isolation
from aiotofupilot._paging.walk import Walk
from aiotofupilot.checkpoint import Checkpoint
from aiotofupilot.clock import Deadline
from aiotofupilot.errors import TofuPilotError
from aiotofupilot.stats import RequestCounts

from .extent import Extent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot._paging.plan import Fetch, Plan
    from aiotofupilot._paging.source import Source
    from aiotofupilot.models import Page, RawItem

    from .extent import Look

__all__ = ["count_items", "count_left_out", "look_at", "reading_around"]

T = TypeVar("T", bound=Identified)

_AT_ONCE = 4
"""At most this many pages are in flight. More would save little time, and each that is not needed is a request."""


async def count_items(fetch: Fetch[Any], plan: Plan) -> int:
    """Return how many items a listing has, wherever the plan begins and ends.

    Args:
        fetch: Fetches a page.
        plan: Its limit says how long pages are, and its concurrency how many may be in flight.

    Items that cannot be read count too, where they are to be skipped.

    Raises:
        DriftError: The server's cursors are no offsets. Or the listing changes too much.
        PaginationError: The server's cursor does not advance, or is missing.
    """
    extent, at_most = Extent(plan.limit), min(plan.concurrency, _AT_ONCE)
    fetch = reading_around(fetch, plan)
    while (length := extent.length) is None:
        looks = extent.looks(at_most)
        for look, page in zip(looks, await look_at(fetch, looks), strict=True):
            extent.note(page, look)
    return length


def reading_around(fetch: Fetch[T], plan: Plan) -> Fetch[T]:
    """Return how to fetch a page, or else the first part of it, or what is behind it, that can be read.

    Where unreadable items are not to be skipped, pages are fetched as they are.
    """
    if plan.on_unreadable != "skip":
        return fetch

    read_at: int | None = None
    has_offsets = False

    async def fetch_around(cursor: int, limit: int, counts: RequestCounts, **how: Any) -> Page[T]:  # noqa: ANN401 - as fetch has it
        nonlocal read_at, has_offsets
        ask = partial(fetch, counts=counts)
        try:
            page = await ask(cursor, limit, **how)
        except TofuPilotError as error:
            isolation = Isolation(ask, "skip")
            if not isolation.helps(error):
                raise
            page = await isolation.begin(
                cursor, limit, error, deadline=Deadline(), passed=cursor, read_at=read_at, has_offsets=has_offsets
            )
        if page.data:
            read_at = page.cursor
            has_offsets = has_offsets or page.following == page.cursor + len(page.data) > page.cursor + 1
        return page

    return fetch_around


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
