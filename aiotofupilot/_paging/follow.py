"""An endless stream of the items that are created in a listing. It makes one pass over what is new after another."""

from __future__ import annotations

import math
from functools import partial
from socket import gaierror
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve

from aiotofupilot._arguments import internal
from aiotofupilot.errors import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    TofuPilotError,
)
from aiotofupilot.positions import Watermark
from aiotofupilot.stats import WalkStats

from .by_creation import OVERLAP, PassClock, Seen, Segment
from .incremental import IncrementalWalk
from .source import Plan, Source, T
from .walk import Iteration

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["FollowedListing"]

JITTER = 0.1
"""An interval is made longer or shorter by up to this part of it, so that many clients do not poll in step."""

_INTERNAL_ERROR = 500


class FollowedListing(Iteration[T]):
    """An endless stream of the items that are created in a listing. It makes requests only while you wait for an item.

    It ends when it is closed, and with a `SessionError` when its session is closed, even while it waits. It outlives
    outages and timeouts, as `Paginator.follow` says. After any other error you can ask for the next item. The stream
    then waits for an interval, and continues where it was. An error of this package that it raises also has the
    ``watermark``.
    """

    @internal
    def __init__(
        self,
        source: Source[T],
        plan: Plan,
        *,
        interval: float,
        since: Watermark | None,
        max_outage: float | None = None,
    ) -> None:
        self._source = source if max_outage is None else source.within(max_outage)
        self._max_outage = math.inf if max_outage is None else max_outage
        self._failing_since: float | None = None
        self._outlived: TofuPilotError | None = None
        self._plan = plan
        self._interval = interval
        self._watermark = since
        self._stats = WalkStats()
        self._poll: IncrementalWalk[T] | None = None
        self._due = -math.inf
        self._is_to_wait = True
        self._has_ended = False

    async def __anext__(self) -> T:
        with self._waiting():
            while not self._has_ended and self._stats.items != self._plan.max_items:
                try:
                    await self._wait_until_due()
                    item = await self._next_of_poll()
                    if item is not None:
                        return item
                except TofuPilotError as error:
                    error.watermark = self.watermark
                    self._due, self._is_to_wait = self._next_due(), True
                    if not self._outlives(error):
                        raise
                    self._outlived = error
        raise StopAsyncIteration

    async def _close(self) -> None:
        self._has_ended = True
        if self._poll is not None:
            await self._poll.aclose()

    @property
    def watermark(self) -> Watermark | None:
        """What has been seen, up to the item that was yielded last. ``follow(since=watermark)`` yields the rest.

        None: the stream begins with items that are created from now on, and does not know yet which items exist.
        """
        return self._watermark if self._poll is None or self._watermark is None else self._poll.watermark

    @property
    def stats(self) -> WalkStats:
        """The counts of the stream so far, as one object that is kept up to date.

        ``duplicates`` counts the items that the server listed although they had been seen. Every poll lists the items
        of the last 60 seconds again. ``unreadable`` counts an item at every poll that meets it.
        """
        return self._stats

    @property
    def down_since(self) -> datetime | None:
        """Since when requests of the session fail, and no response has been good, in UTC; None: the last one was good.

        It is up to date while the stream waits or polls too. So a service can show it.
        """
        return self._source.connection.down_since

    def _next_due(self) -> float:
        clock = self._source.connection.clock
        return clock.monotonic() + self._interval * clock.uniform(1 - JITTER, 1 + JITTER)

    async def _wait_until_due(self) -> None:
        if self._is_to_wait:
            error, self._outlived = self._outlived, None
            if (delay := self._due - self._source.connection.clock.monotonic()) > 0:
                await self._source.connection.pause(delay, after=error)
            self._due, self._is_to_wait = self._next_due(), False

    async def _next_of_poll(self) -> T | None:
        """Return the next item of a poll; None: it has ended. Before there is a watermark, nothing is yielded."""
        poll = self._poll = self._poll or await self._new_poll()
        async for item in poll:
            self._failing_since = None
            if self._watermark is not None:
                return item
        self._watermark, self._poll, self._is_to_wait = poll.watermark, None, True
        self._failing_since = None
        return None

    async def _new_poll(self) -> IncrementalWalk[T]:
        """Return the next pass. Without a watermark, it is one over what exists."""
        source, plan, stats = self._source, self._plan, self._stats
        if self._watermark is not None:
            plan = evolve(plan, max_items=None if plan.max_items is None else plan.max_items - stats.items)
            return IncrementalWalk(source, plan, self._watermark, stats=stats)
        plan, stats = evolve(plan, max_items=None), WalkStats(counts=stats.counts)
        return IncrementalWalk(source, plan, await before_newest(source, plan, stats), stats=stats)

    def _outlives(self, error: TofuPilotError) -> bool:
        """Return whether the next poll tries again after an error, and note since when polls fail."""
        if not is_passing(error):
            self._failing_since = None
            return False
        now = self._source.connection.clock.monotonic()
        if self._failing_since is None:
            self._failing_since = now - (error.elapsed or 0.0)
        retry_after = error.retry_after if isinstance(error, APIError) else None
        self._due = max(self._due, now + (retry_after or 0.0))
        return self._due < self._failing_since + self._max_outage


def is_passing(error: TofuPilotError) -> bool:
    """Return whether an error ends by itself, so that a stream outlives it: an outage, or a server that is slow.

    A name that cannot be resolved before the first response is probably misspelled. A single 500 may be due to an item
    that cannot be read, and then each poll would meet it.
    """
    if isinstance(error, ConnectionFailedError):
        is_misspelled = error.down_since is None and isinstance(error.__cause__, gaierror)
        return not is_misspelled and not isinstance(error, CertificateError)
    is_single = isinstance(error, ServerError) and error.status == _INTERNAL_ERROR and error.attempts <= 1
    is_temporary = isinstance(error, ServerError | RequestTimeoutError | RateLimitedError)
    return is_temporary and not is_single and error.position is None


async def before_newest(source: Source[Any], plan: Plan, stats: WalkStats) -> Watermark:
    """Return a watermark that leaves only what was created lately to be seen, at the cost of one request.

    Where the API cannot list the newest first, everything is left to be seen.
    """
    unseen = Watermark(plan.start.listing, plan.start.query)
    dated = source.runs() or source
    if not (dated.can_be_bounded and dated.can_be_ordered):
        return unseen
    clock, seen = PassClock(), Seen(unseen)
    plan = evolve(plan, max_items=1, on_drift="ignore", keep=plan.keep if dated is source else None)
    async with Segment(partial(clock.fetch, dated.narrowed(order="desc")), plan, stats) as newest:
        async for item in newest:
            created = cast("datetime", dated.created_at(item))
            seen.raise_floor(min(created.timestamp(), clock.began_at) - OVERLAP)
    return seen.watermark
