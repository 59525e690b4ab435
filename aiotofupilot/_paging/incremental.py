"""One pass over what is new in a listing, and an endless stream of such passes."""

from __future__ import annotations

import logging
import math
import sys
from datetime import date
from functools import partial
from socket import gaierror
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve

from aiotofupilot._checks import OVERLAP, for_parameter
from aiotofupilot._public import internal
from aiotofupilot.errors import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    DecodeError,
    DriftError,
    PaginationError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    TofuPilotError,
)
from aiotofupilot.positions import Watermark, check_query
from aiotofupilot.stats import WalkStats

from .by_creation import NewByCreation, PassClock, Segment
from .by_run import RUNS_AT_ONCE, NewByRun
from .iteration import CountedIteration, MarkedIteration
from .position import UnsortedError
from .source import Identified, Plan, Source, T, Y

if TYPE_CHECKING:
    from datetime import datetime


__all__ = ["FollowedListing", "IncrementalWalk"]

_log = logging.getLogger("aiotofupilot")

_JITTER = 0.1
"""Each interval varies at random by up to this fraction, so that many clients do not poll in step."""

_REREAD_AT_ONCE, _REREAD_EVERY = 10, 30.0
"""If the overlap takes more requests than the first number, a poll lists it again only after the second number of
seconds. Polls in between only find what was created after the newest item."""

_INTERNAL_ERROR = 500


class IncrementalWalk(MarkedIteration[Y, Identified]):
    """One pass over what is new in a listing. Pages are requested only while you wait for an item.

    You may leave it at any item. Store `watermark` with the items, and the next pass continues after the item yielded
    last. Errors of this package that it raises have the ``watermark``, too. As with a `Walk`, nothing stays in flight
    after it ended, failed, was closed, cancelled or dropped, and you can ask for the next item after an error.
    """

    @internal
    def __init__(
        self,
        source: Source[Any],
        plan: Plan,
        watermark: Watermark,
        *,
        overlap: float = OVERLAP,
        sorts: bool = False,
        begins: bool = False,
        brief: bool = False,
        marks: bool = True,
        stats: WalkStats | None = None,
        clock: PassClock | None = None,
    ) -> None:
        self._stats = WalkStats() if stats is None else stats
        self._marks = marks
        """Whether an item counts as yielded when it is taken. Otherwise it counts when `_mark` is called."""
        self._wanted = sys.maxsize if plan.max_items is None else plan.max_items
        self._yielded_of = plan.yielded
        plan = evolve(plan, max_items=None, on_drift="resync", holds_values=False)
        begin = (source, plan, watermark, self._stats)
        self._new: NewByCreation[Identified] | NewByRun[Identified]
        if not source.is_of_runs:
            clock = clock or PassClock()
            self._new = NewByCreation(*begin, clock, overlap=overlap, sorts=sorts, begins=begins, brief=brief)
        else:
            pass_over = partial(IncrementalWalk[Identified], overlap=overlap, begins=begins, brief=brief)
            self._new = NewByRun(*begin, overlap=overlap, brief=brief, pass_over=pass_over)
        self._segment: Segment[Identified] | None = None
        self._has_progressed = False
        """Whether anything new came since the walk over the segment began."""
        self._is_sorted = True
        """Whether the server seems to sort by time. If not, a walk over a segment tells items apart by ID."""

    @property
    def watermark(self) -> Watermark:
        """What has been seen, up to the item yielded last. ``since(watermark)`` yields the rest."""
        self._note_yielded()
        return self._new.watermark

    @property
    def stats(self) -> WalkStats:
        """The counts of the pass so far. It is always the same object, brought up to date.

        ``duplicates`` counts listed items that this pass or an earlier one had seen. ``unreadable_positions`` are
        counted from the watermark on.
        """
        self._note_yielded()
        return self._stats

    def _mark(self, item: Identified) -> None:
        self._new.mark(item)

    async def _close(self) -> None:
        self._drop()
        await self._leave_segment()
        await self._new.aclose()

    async def _advance(self) -> bool:
        self._offer_from((), ())
        found = (await self._next_found())[: self._wanted] if self._wanted else []
        self._wanted -= len(found)
        self._offer_from(self._yielded_of(found), found)
        if not found or not self._wanted:
            self._wanted = 0
            await self._leave_segment()
            await self._new.aclose()
        return bool(found)

    def _pass(self, origin: Identified) -> None:
        if self._marks:
            self._mark(origin)

    async def _next_found(self) -> list[Identified]:
        """Return the next new items, or none if everything was seen.

        If the listing moved too much, the walk over the segment begins again, provided that something new came since
        the walk last began. It also begins again when the server is first found not to sort by time. After an error
        that ends the walk over a segment, the next call begins that segment again from its start.
        """
        while True:
            if self._new.has_ended:  # the last items were handed over before, so a cancellation loses none
                await self._leave_segment()
            if self._segment is None:
                self._segment = await self._new.begin(is_sorted=self._is_sorted)
                self._has_progressed = False
                if self._segment is None:
                    return []
            try:
                items = await self._segment.page()
            except (DriftError, PaginationError) as error:
                await self._leave_segment()
                is_otherwise = self._is_sorted and isinstance(error, UnsortedError)
                may_succeed = self._has_progressed or is_otherwise
                if isinstance(error, PaginationError) or not may_succeed:
                    raise
                self._is_sorted &= not is_otherwise
                error.with_traceback(None)  # its frames refer to this pass, which could otherwise not be freed
                _log.debug("the pass begins again: %s", error)
                continue
            try:
                found = self._new.fresh(items) if items else self._new.end()
            except DecodeError:
                await self._leave_segment()  # because the walk is already behind these items
                raise
            if not items:
                self._segment = None
            if found:
                self._has_progressed = True
                return found

    async def _leave_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            await segment.aclose()

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, TofuPilotError):
            error.watermark = self.watermark


class FollowedListing(CountedIteration[Y]):
    """An endless stream of the items created in a listing. Requests are made only while you wait for an item.

    Without a watermark, it begins when entered with ``async with``, or else when you ask for the first item. It ends
    when it is closed. If its session is closed, it raises a `SessionError`, even while it waits. It outlives outages
    and timeouts, as `Paginator.follow` says. After any other error you can ask for the next item. The stream then waits
    for an interval, and continues where it was. Errors of this package that it raises have the ``watermark``.
    """

    @internal
    def __init__(
        self,
        source: Source[Any],
        plan: Plan,
        *,
        interval: float,
        since: Watermark | None,
        overlap: float,
        max_outage: float | None = None,
    ) -> None:
        self._source = source if max_outage is None else source.within(max_outage)
        self._max_outage = math.inf if max_outage is None else max_outage
        self._failing_since: float | None = None
        self._outlived: TofuPilotError | None = None
        self._plan = plan
        self._interval = interval
        self._watermark = since
        self._overlap = overlap
        self._reread_at = -math.inf
        """When the last poll began that listed the overlap again, by the monotonic clock."""
        self._stats = WalkStats()
        self._poll: IncrementalWalk[Y] | None = None
        self._due = -math.inf
        self._is_to_wait = True

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def _begin(self) -> bool:
        """Get a watermark. Return False if the stream was closed."""
        while self._watermark is None and not (self._is_closed or self._has_yielded_all()):
            with self._waiting():
                await self._poll_when_due()
        return self._watermark is not None

    async def _advance(self) -> bool:
        while not self._has_yielded_all():
            if await self._poll_when_due():
                return True
        return False

    async def _poll_when_due(self) -> bool:
        """Get the next items of the due poll, and return whether there are any.

        There are none if the poll has ended, or failed with an error that the stream outlives.
        """
        try:
            await self._wait_until_due()
            return await self._next_of_poll()
        except TofuPilotError as error:
            self._due, self._is_to_wait = self._next_due(), True
            if not self._outlives(error):
                raise
            self._outlived = error.with_traceback(None)  # its frames refer to this stream
        return False

    def _has_yielded_all(self) -> bool:
        return self.stats.items == self._plan.max_items

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, TofuPilotError):
            error.watermark = self.watermark

    async def _close(self) -> None:
        self._items = iter(())
        if self._poll is not None:
            await self._poll.aclose()

    @property
    def watermark(self) -> Watermark | None:
        """What has been seen, up to the item yielded last. ``follow(since=watermark)`` yields the rest.

        None before the stream has begun. It begins when it is entered or asked for the first item.
        """
        return self._watermark if self._poll is None or self._watermark is None else self._poll.watermark

    @property
    def stats(self) -> WalkStats:
        """The counts of the stream so far. It is always the same object, brought up to date.

        ``duplicates`` counts listed items that had been seen, because each poll lists the ``overlap`` again.
        ``unreadable`` counts an item once for every poll that meets it.
        """
        if self._poll is not None:
            self._poll._note_yielded()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - this object offers its items
        return self._stats

    @property
    def down_since(self) -> datetime | None:
        """When requests of the session began to fail, in UTC. None if the last response was good.

        It is up to date even while the stream waits or polls, so a service can show it.
        """
        return self._source.connection.down_since

    def _next_due(self) -> float:
        clock = self._source.connection.clock
        return clock.monotonic() + self._interval * clock.uniform(1 - _JITTER, 1 + _JITTER)

    async def _wait_until_due(self) -> None:
        if self._is_to_wait:
            error, self._outlived = self._outlived, None
            if (delay := self._due - self._source.connection.clock.monotonic()) > 0:
                await self._source.connection.pause(delay, after=error)
            self._due, self._is_to_wait = self._next_due(), False

    async def _next_of_poll(self) -> bool:
        """Get the next items of a poll, and return whether there are any. Without a watermark, there are none."""
        poll = self._poll = self._poll or self._new_poll()
        while await poll._load():  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - this object offers its items
            self._failing_since = None
            if self._watermark is not None:
                self._items = poll._items  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as above
                return True
            await poll.take(sys.maxsize)
        self._watermark, self._poll, self._is_to_wait = poll.watermark, None, True
        self._stats.is_unchecked |= poll.stats.is_unchecked  # the first poll has its own stats
        self._failing_since = None
        return False

    def _new_poll(self) -> IncrementalWalk[Y]:
        """Return the next pass. Without a watermark, it finds existing items, so that the stream leaves them out."""
        source, plan, stats = self._source, self._plan, self._stats
        overlap, since = self._overlap, self._watermark
        if since is None:
            plan, stats = evolve(plan, max_items=None), WalkStats(counts=stats.counts)
            unseen = Watermark(plan.start.listing, plan.start.query)
            return IncrementalWalk(source, plan, unseen, overlap=overlap, begins=True, stats=stats)
        plan = evolve(plan, max_items=None if plan.max_items is None else plan.max_items - stats.items)
        now = source.connection.clock.monotonic()
        is_brief = now < self._reread_at + _REREAD_EVERY and _requests_again(since, plan.limit) > _REREAD_AT_ONCE
        self._reread_at = self._reread_at if is_brief else now
        return IncrementalWalk(source, plan, since, overlap=overlap, sorts=True, brief=is_brief, stats=stats)

    def _outlives(self, error: TofuPilotError) -> bool:
        """Return whether the next poll tries again after an error. Note when polls began to fail."""
        if not is_passing(error):
            self._failing_since = None
            return False
        now = self._source.connection.clock.monotonic()
        if self._failing_since is None:
            self._failing_since = now - (error.elapsed or 0.0)
        retry_after = error.retry_after if isinstance(error, APIError) else None
        self._due = max(self._due, now + (retry_after or 0.0))
        return self._due < self._failing_since + self._max_outage


def _requests_again(watermark: Watermark, limit: int) -> float:
    """Estimate how many requests it takes to list the overlap again. 0 if each pass has to list it."""
    if watermark.latest is None:
        return 0
    seen = sum(len(digests) for _, digests in watermark.seen)
    return (seen + sum(len(run.yielded) for run in watermark.runs)) / limit + len(watermark.runs) / RUNS_AT_ONCE


def is_passing(error: TofuPilotError) -> bool:
    """Return whether a stream outlives an error, because an outage or a slow server can cause the error.

    A name that cannot be resolved before the first response is probably misspelled. A single 500 may be due to an
    unreadable item, which each poll would meet.
    """
    if isinstance(error, ConnectionFailedError):
        is_misspelled = error.down_since is None and isinstance(error.__cause__, gaierror)
        return not is_misspelled and not isinstance(error, CertificateError)
    is_single = isinstance(error, ServerError) and error.status == _INTERNAL_ERROR and error.attempts <= 1
    is_temporary = isinstance(error, ServerError | RequestTimeoutError | RateLimitedError)
    return is_temporary and not is_single and error.position is None


def check_watermark(method: str, parameter: str, given: object, source: Source[T], plan: Plan) -> Watermark:
    """Check the argument of a method, and return the watermark to begin at: an empty one for None.

    A cursor or an order of the listing is refused, because the method decides on both.
    """
    if any(name in ("sort_by", "sort_order") for name, _ in source.whole.query):
        message = f"{method} decides on the order: leave out sort_by and sort_order"
        raise for_parameter(ValueError(message), "sort_by")
    if plan.start.place != "0":
        message = f"{method} begins at the watermark: leave out cursor, got {plan.start.place}"
        raise for_parameter(ValueError(message), "cursor")
    listing, query = plan.start.listing, plan.start.query
    if given is None:
        return Watermark(listing, query)
    if not isinstance(given, Watermark):
        hint = ": use Watermark.parse()" if isinstance(given, str) else ""
        if isinstance(given, date) and source.is_divided:
            hint = ": to begin at a time, pass list() a filter such as created_after="
        raise for_parameter(TypeError(f"{parameter} must be a Watermark, got {given!r}{hint}"), parameter)
    check_query(parameter, given, listing, query)
    return given
