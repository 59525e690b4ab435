"""An endless stream of the items that are created in a listing. It makes one pass over what is new after another."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from aiotofupilot._documentation import internal
from aiotofupilot._paging.iteration import Iteration
from aiotofupilot._paging.source import Identified
from aiotofupilot.errors import TofuPilotError
from aiotofupilot.stats import WalkStats

from .beginning import Beginning
from .incremental import IncrementalWalk
from .left_out import LeftOut
from .restarting import Stretch
from .seen import OVERLAP, Seen, moment_of

if TYPE_CHECKING:
    from aiotofupilot._paging.plan import Plan
    from aiotofupilot._paging.source import Source
    from aiotofupilot.watermark import Watermark

    from .left_out import Behind

__all__ = ["JITTER", "FollowedListing"]

T = TypeVar("T", bound=Identified)

JITTER = 0.1
"""An interval is made longer or shorter by up to this part of it, so that many clients do not poll in step."""


class _Poll(IncrementalWalk[T]):
    """A pass that knows what it left out."""

    @property
    def left_out(self) -> Behind | None:
        """Where the items begin behind those that were left out, once everything was seen; None: none is known."""
        return self._news.left_out


class FollowedListing(Iteration[T]):
    """An endless stream of the items that are created in a listing. It makes requests only while you wait for an item.

    It ends when it is closed, and with a `SessionError` when its session is closed, even while it waits. After any
    other error you can ask for the next item. The stream then waits for an interval, and continues where it was. An
    error of this package that it raises also has the ``watermark``.
    """

    _in_use = "another task is waiting for the stream's next item: give each task a stream of its own"

    @internal
    def __init__(
        self, source: Source[T], plan: Plan, *, interval: float, unseen: Watermark, since: Watermark | None
    ) -> None:
        self._source = source
        self._plan = plan
        self._interval = interval
        self._unseen = unseen
        self._watermark = since
        self._wanted = plan.max_items
        self._stats = WalkStats()
        self._existing: IncrementalWalk[T] | None = None
        self._poll: _Poll[T] | None = None
        self._left_out = LeftOut()
        self._behind: Behind | None = None
        self._items_before = 0
        self._due = -math.inf
        self._is_to_wait = True
        self._has_ended = False

    def __repr__(self) -> str:
        return f"<FollowedListing: {self._stats.items} items, {self._stats.requests} requests so far>"

    async def __anext__(self) -> T:
        self._check_idle()
        self._is_asking = True
        try:
            while not self._has_ended and self._wanted != 0:
                poll = await self._poll_at_hand()
                async for item in poll:
                    if self._wanted is not None:
                        self._wanted -= 1
                    return item
                self._note_end(poll)
        except TofuPilotError as error:
            error.watermark = self.watermark
            self._due, self._is_to_wait = self._next_due(), True
            raise
        finally:
            self._is_asking = False
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End the stream after the item that was yielded last, and wait until nothing of it is in flight.

        Raises:
            RuntimeError: Another task is waiting for the stream's next item.
        """
        self._check_idle()
        self._has_ended = True
        for walk in (self._existing, self._poll):
            if walk is not None:
                await walk.aclose()

    @property
    def watermark(self) -> Watermark | None:
        """What has been seen, up to the item that was yielded last. ``follow(since=watermark)`` yields the rest.

        None: the stream begins with items that are created from now on, and does not know yet which items exist.
        """
        return self._watermark if self._poll is None else self._poll.watermark

    @property
    def stats(self) -> WalkStats:
        """The counts of the stream so far, as one object that is kept up to date.

        ``duplicates`` counts the items that the server listed although they had been seen. Every poll lists the items
        of the last 60 seconds again. ``unreadable`` counts an item at every poll that meets it. If the API sorts by
        creation, that is one poll per minute, and one in five minutes while nothing new comes.
        """
        return self._stats

    def _next_due(self) -> float:
        clock = self._source.clock
        return clock.monotonic() + self._interval * clock.uniform(1 - JITTER, 1 + JITTER)

    async def _poll_at_hand(self) -> _Poll[T]:
        """Return the poll that is under way, or begin one when it is due."""
        while True:
            if self._is_to_wait:
                if (delay := self._due - self._source.clock.monotonic()) > 0:
                    await self._source.pause(delay)
                self._due, self._is_to_wait = self._next_due(), False
            if self._poll is not None:
                return self._poll
            if self._watermark is not None:
                self._poll = self._next_poll(self._watermark)
                return self._poll
            await self._pass_what_exists()
            self._is_to_wait = True

    def _next_poll(self, watermark: Watermark) -> _Poll[T]:
        plan = evolve(self._plan, max_items=self._wanted)
        self._items_before = self._stats.items
        self._behind = self._left_out.behind(self._source.clock.monotonic())
        return _Poll(self._source, plan, watermark, sorts=True, behind=self._behind, stats=self._stats)

    def _note_end(self, poll: _Poll[T]) -> None:
        self._watermark, self._poll, self._is_to_wait = poll.watermark, None, True
        has_news, now = self._stats.items > self._items_before, self._source.clock.monotonic()
        self._left_out.note(self._behind, poll.left_out, has_news=has_news, now=now)

    async def _pass_what_exists(self) -> None:
        plan, stats = evolve(self._plan, max_items=None), WalkStats(counts=self._stats.counts)
        if self._existing is None:
            watermark = await before_newest(self._source, plan, self._unseen, stats)
            self._existing = IncrementalWalk(self._source, plan, watermark, stats=stats)
        async for _ in self._existing:
            pass
        self._watermark, self._existing = self._existing.watermark, None


async def before_newest(source: Source[Any], plan: Plan, unseen: Watermark, stats: WalkStats) -> Watermark:
    """Return a watermark that leaves only what was created lately to be seen, at the cost of one request.

    Where the API cannot be asked for the newest first, everything is left to be seen.

    Args:
        source: A listing.
        plan: How it is walked. Where items that cannot be read are skipped, the newest one that can be read counts.
        unseen: A watermark of the listing of which nothing was seen.
        stats: Where the request is counted.
    """
    dated = source.runs() or source
    if not (dated.can_be_bounded and dated.can_be_ordered):
        return unseen
    beginning, seen = Beginning(), Seen(unseen)
    plan = evolve(plan, max_items=1, on_drift="ignore", keep=plan.keep if dated is source else None)
    async with Stretch(partial(beginning.fetch, dated.narrowed(order="desc")), plan, stats) as newest:
        moments = [created_at async for item in newest if (created_at := dated.created_at(item)) is not None]
    for created_at in moments:
        seen.settle(min(moment_of(created_at), beginning.moment) - OVERLAP)
    return evolve(unseen, floor=seen.floor_at)
