"""One pass over a listing: `prefetch` fetches pages, `drift` says what is new, the walk yields item by item.

`Pages` is the same pass, page by page, as the server cuts them.
"""

from __future__ import annotations

import logging
import sys
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from attrs import evolve

from aiotofupilot._checks import integer
from aiotofupilot._otel import WalkSpan
from aiotofupilot._public import internal
from aiotofupilot.errors import TofuPilotError
from aiotofupilot.positions import BEGINNING, Checkpoint
from aiotofupilot.stats import WalkStats

from .drift import DetectDrift
from .iteration import AsyncOnly, Iteration, listed
from .memory import IgnoreDrift
from .prefetch import Window
from .source import Fetch, Identified, Plan, Y, counted

if TYPE_CHECKING:
    from aiotofupilot.models import Page

    from .receipts import Receipt

__all__ = ["Walk"]

R = TypeVar("R")
P = TypeVar("P")
E = TypeVar("E")

LEFT_OUT_KEPT = 1000
"""At most this many positions or IDs of items that were left out are kept."""

_log = logging.getLogger("aiotofupilot")


class CountedIteration(Iteration[R]):
    """Counts what it yields, and what that took."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.stats.items} items, {self.stats.requests} requests so far>"

    @property
    @abstractmethod
    def stats(self) -> WalkStats:
        """The counts up to now."""


class ItemIteration(CountedIteration[R]):
    """Yields items that arrive page by page."""

    _wanted: int
    """How many more items may be offered."""

    def batches(self) -> AsyncIterator[list[R]]:
        """Yield the items in lists, as they arrive: first those at hand, then the new items of each page.

        The ``checkpoint`` or ``watermark`` is then about everything up to this list. If you store both together, each
        item is stored exactly once.
        """
        return Batches(self)

    async def take(self, at_most: int) -> list[R]:
        """Return the next items: those at hand, or else those of the next page. No items: the walk has ended.

        The ``checkpoint`` or ``watermark`` is then about everything up to them.

        Args:
            at_most: The most items to return, 1 or more.
        """
        integer("at_most", at_most, low=1)
        while True:
            for taken in listed(self._items, at_most):
                return taken
            if not await self._load(at_most):
                return []

    async def _take_placed(self, at_most: int, place: Callable[[Self], P]) -> list[tuple[R, P]]:
        """Return what `take` does, each item with where the walk is after it."""
        async for item in self:
            placed = [(item, place(self))]
            placed += ((following, place(self)) for following in islice(self._items, at_most - 1))
            return placed
        return []

    def _has_yielded_all(self) -> bool:
        return self._wanted == 0 and self._yielded == self._offered


class MarkedIteration(ItemIteration[R], Generic[R, E]):
    """Notes what it has yielded as soon as somebody asks where it is, because an item is yielded by taking it.

    An item may be noted again after an interrupt in another thread, which does no harm.
    """

    _stats: WalkStats
    _origins: Sequence[E] = ()
    """What the items come from that were offered last."""
    _noted = 0
    """How many of these were noted as yielded."""

    def _offer_from(self, items: Sequence[R], origins: Sequence[E]) -> None:
        """Have other items at hand, and note which of those before were yielded."""
        self._note_yielded()
        self._offer(items)
        self._origins, self._noted = origins, 0

    def _note_yielded(self) -> None:
        for at in range(self._noted, self._yielded):
            self._pass(self._origins[at])
            self._noted, self._stats.items = at + 1, self._stats.items + 1

    @abstractmethod
    def _pass(self, origin: E) -> None:
        """Note that what came from this was yielded."""


class Batches(AsyncOnly, AsyncIterator[list[R]]):
    """Yields the items of a walk in lists. After an error or a cancellation it goes on, as the walk does."""

    def __init__(self, walk: ItemIteration[R]) -> None:
        self._walk = walk

    async def __anext__(self) -> list[R]:
        if batch := await self._walk.take(sys.maxsize):
            return batch
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the walk."""
        await self._walk.aclose()


class Walk(ItemIteration[Y]):
    """One pass over a listing, in the server's order. Pages are requested only while you wait for an item.

    You may leave a walk at any item. Nothing of it stays in flight after it ended, failed, was closed, was cancelled or
    was dropped. It cannot notice a ``break`` while a variable still holds it. So enter it with ``async with``, which
    closes it, or call `aclose`. After an error you can ask for the next item. The walk then requests the page again
    that it did not get, except after a `PaginationError`, or if its receipt cannot be written.
    """

    _yields_items = True
    """Whether items are yielded, and not pages. So a page may be short, or lack an item that was passed before."""

    @internal
    def __init__(
        self, fetch: Fetch[Any], plan: Plan, stats: WalkStats | None = None, receipt: Receipt | None = None
    ) -> None:
        start = plan.start
        self._plan = plan
        self._drift, cursor, limit = _start(plan, may_shorten=self._yields_items)
        self._has_short_pages = limit < plan.limit
        self._stats = WalkStats() if stats is None else stats
        self._window: Window[Identified] = Window(
            counted(fetch, self._stats.counts),
            cursor=cursor,
            limit=limit,
            overlap=self._drift.overlap,
            concurrency=plan.concurrency,
            on_unreadable=plan.on_unreadable,
            passed=start.cursor + start.skip if self._yields_items else 0,
        )
        self._wanted = sys.maxsize if plan.max_items is None else plan.max_items
        self._page: Page[Identified] | None = None  # the page at hand
        self._new: Sequence[Identified] = ()
        self._end: tuple[int, int, int | None] | None = None  # of that page: its cursor, its length and the next cursor
        self._yielded_before = 0
        self._receipt = receipt
        self._reason = "first"  # why the next page is requested, in the words of a receipt
        self._receipt_error: tuple[object, ...] | None = None  # what it says; after it, the walk cannot go on
        self._span = WalkSpan(start.listing, plan.described())

    def __del__(self) -> None:
        if hasattr(self, "_span"):
            self._span.end(self.stats)

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the walk is, after the last item that it yielded. ``list(cursor=...)`` resumes there."""
        if self._end is None:
            return self._plan.start
        (cursor, count, following), drift = self._end, self._drift
        skip = passed = count
        if self._page is not None and self._yielded < len(self._new):
            upcoming = self._new[self._yielded]
            skip = passed = next(at for at, item in enumerate(self._page.data) if item is upcoming)
        # A server that counts pages would mean another position by the next cursor once short pages are longer again.
        if passed == count and not self._has_short_pages and following is not None and following > cursor:
            cursor, skip = following, 0
        anchors, ahead = drift.memory.anchors(passed), drift.memory.ahead(passed)
        return evolve(self._plan.start, cursor=cursor, skip=skip + drift.skip, anchors=anchors, ahead=ahead)

    @property
    def stats(self) -> WalkStats:
        """The counts of the walk so far. It is the same object each time, brought up to date."""
        self._stats.items = self._yielded_before + self._yielded
        self._stats.duplicates = self._drift.memory.duplicates
        self._stats.resyncs = self._drift.resyncs
        self._stats.is_sequential = self._window.is_sequential
        return self._stats

    async def _close(self) -> None:
        self._drop()
        self._span.end(self.stats)
        if self._receipt is not None:
            self._receipt.close()
        await self._window.aclose()

    def _note_failure(self, error: Exception) -> None:
        note_checkpoint(error, self.checkpoint, self._plan.start)
        self._span.end(self.stats, error)

    async def _advance(self) -> bool:
        if self._receipt_error is not None:
            raise OSError(*self._receipt_error)  # another one each time, because its traceback refers to the walk
        window = self._window
        if self._wanted:
            self._page, self._new = None, ()  # all of it was yielded, and thousands of walks may wait at once
        while self._wanted:
            with self._span.fetching():
                # At most so many full pages are still needed.
                page = await window.next(-(-(self._wanted + self._drift.skip) // (window.limit - window.overlap)))
            if page is None:
                if not self._drift.is_unproven():
                    break
                _log.debug(
                    "%s has ended: looking at cursor %d, where items that are sorted alike begin",
                    self._plan.start.listing,
                    self._drift.next_probe,
                )
                self._look_at_probe()
                continue
            self._span.arrived()
            new = self._new_of(page)
            if self._drift.has_ended:
                await window.aclose()
            if new is not None:
                if window.gap is not None:
                    self._note_left_out(window.gap.left_out)
                await self._hand_over(page, new)
                return True
        self._span.end(self.stats)
        if self._receipt is not None:
            self._receipt.end(is_limited=not self._wanted)
        return False

    def _new_of(self, page: Page[Identified]) -> Sequence[Identified] | None:
        """Return the items of a page that are to be yielded. None: another page is needed to know, and is due next."""
        drift, window, keep = self._drift, self._window, self._plan.keep
        resyncs = drift.resyncs
        dropped: Collection[str] = ()
        try:
            if keep is not None:
                dropped = {item.id for item in page.data if not keep(item)}
            new = drift.admit(page, window.gap)
        except TofuPilotError as error:
            if self._plan.on_drift is not None or drift.can_check:
                window.restart(page.cursor)  # the page does not count as passed
                raise
            error.with_traceback(None)  # its frames lead to this walk, which could not be freed when it is dropped
            new = self._follow_cursor(page, error)
            if new is None:
                return None
        if drift.resyncs > resyncs:
            self._span.event("resync", {"cursor": page.cursor})
        if new is None and not drift.has_ended:
            _log.debug(
                "the page of %s at cursor %d does not go on where the walk is: looking at cursor %d",
                self._plan.start.listing,
                page.cursor,
                drift.next_probe,
            )
        if new is None:
            self._look_at_probe()
            return None
        return [item for item in new if item.id not in dropped] if dropped else new

    def _look_at_probe(self) -> None:
        window, drift = self._window, self._drift
        window.overlap = drift.overlap
        window.restart(drift.next_probe)
        self._reason = "search"

    def _follow_cursor(self, page: Page[Identified], fault: TofuPilotError) -> Sequence[Identified] | None:
        """Follow the server's cursor from here on, as with ``on_drift="ignore"``. Say so once.

        Return the new items of the page at hand if it is the one that follows. Otherwise, that one is requested next.
        """
        _log.warning("%s, and this one of %s now does: items may be missed or doubled", fault, self._plan.start.listing)
        self._stats.is_unchecked = True
        drift, cursor, limit = _start(evolve(self._plan, on_drift="ignore"), may_shorten=True)
        window, following = self._window, None if self._end is None else self._end[-1]
        if following is not None:
            cursor, limit, drift.skip = following, window.limit, 0
        drift.memory, drift.resyncs = self._drift.memory, self._drift.resyncs
        self._drift, self._has_short_pages = drift, limit < self._plan.limit
        follows = page.cursor == cursor and window.limit == limit and window.gap is None
        window.follow(window.cursor + window.overlap if follows else cursor, limit, passed=cursor + drift.skip)
        return drift.admit(page) if follows else None

    def _note_left_out(self, left_out: Mapping[int, str]) -> None:
        stats = self._stats
        stats.unreadable += len(left_out)
        stats.unreadable_positions += islice(left_out, LEFT_OUT_KEPT - len(stats.unreadable_positions))
        for position, reason in left_out.items():
            _log.warning("the item at position %d cannot be read and is left out: %s", position, reason)
            self._span.event("skip", {"position": position})

    async def _hand_over(self, page: Page[Identified], new: Sequence[Identified]) -> None:
        offered = new[: self._wanted]
        if self._receipt is not None:
            gap, about = self._window.gap, {"anchor": self._drift.anchor, "limit": self._window.requested}
            reason, unreadable = (self._reason, 0) if gap is None else ("part", len(gap.left_out))
            try:
                self._receipt.page(page, offered, reason=reason, unreadable=unreadable, **about)
            except OSError as error:
                self._drift.memory.reject()  # the page does not count as passed
                self._receipt_error = (error.errno, error.strerror, error.filename)
                raise
            self._reason = "next"
        self._yielded_before += self._offered
        self._page, self._new, self._end = page, new, (page.cursor, len(page.data), page.following)
        self._stats.pages += 1
        self._offer(self._plan.yielded(offered))
        self._wanted -= self._offered
        if not self._wanted:
            await self._window.aclose()


class PageWalk(Walk[Identified]):
    """A walk whose pages are taken as the server cuts them, with what of them was yielded before."""

    _yields_items = False

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the walk is, after the last page that it yielded."""
        return evolve(super().checkpoint, anchors=(), ahead=())

    async def next(self) -> Page[Identified] | None:
        """Return the next page; None: the one before was the last, or is enough."""
        with self._waiting():
            has_page = await self._advance()
        self._items = iter(())  # all of them are yielded with the page
        return self._page if has_page else None


class Pages(Iteration["Page[Y]"]):
    """Yields pages, as many as a plan needs, whatever it says about drift; see `Paginator.pages`."""

    def __init__(self, fetch: Fetch[Any], plan: Plan) -> None:
        self._plan = plan
        self._walk = PageWalk(fetch, evolve(plan, on_drift="ignore"))

    async def _advance(self) -> bool:
        page = await self._walk.next()
        if page is None:
            await self._close()
            return False
        self._offer([self._plan.kept(page)])
        return True

    async def _close(self) -> None:
        self._drop()
        await self._walk.aclose()


def _start(plan: Plan, *, may_shorten: bool) -> tuple[IgnoreDrift[Identified], int, int]:
    """Return what says which items of a page are new, where the first page begins, and how many items a page has."""
    start, limit = plan.start, plan.limit
    anchors = start.anchors or (() if start.cursor or start.skip else (BEGINNING,))
    ignores = plan.on_drift == "ignore"
    # If few items are wanted, the pages are short. With other items left out, no short page is sure to be enough. A
    # server that counts pages means another position by the same cursor if the pages have another length. The position
    # of a walk that is resumed is looked for in whole pages.
    may_shorten = may_shorten and plan.keep is None and not start.cursor and (ignores or not start.anchors)
    if may_shorten and plan.max_items is not None:
        limit = max(1, min(limit, plan.max_items + start.skip))
    if ignores:
        return IgnoreDrift((*start.ahead, *anchors), skip=start.skip), start.cursor, limit
    limit = max(2, limit)  # the first item of each page is the last item of the page before
    expected = start.cursor + start.skip - 1
    drift = DetectDrift[Identified](
        anchors,
        start.ahead,
        limit=limit,
        resync=plan.on_drift != "raise",
        sort_key=plan.sort_key,
        expected=expected if start.anchors else -1,
    )
    # The first page of a walk that is resumed shows all items that its checkpoint names, if they are where they were.
    early = min(len(start.anchors), max(1, limit // 2))
    return drift, max(0, expected + 1 - early), limit


def note_checkpoint(error: Exception, checkpoint: Checkpoint, start: Checkpoint) -> None:
    """Tell with an error where the walk is, and how to resume there unless that is where it began."""
    if isinstance(error, TofuPilotError):
        error.checkpoint = checkpoint
        position = error.position
        if position is not None and position > checkpoint.cursor + checkpoint.skip:
            error.position = None  # the walk was looking for its own position, and items before it are still to come
        elif position is not None:
            error.add_note(
                f'the item at position {position} cannot be read, and others can: on_unreadable="skip" leaves it out, '
                f"or resume after it with cursor=Checkpoint.parse({str(checkpoint.after(position))!r})"
            )
    if checkpoint != start:
        error.add_note(f"cursor={checkpoint.cursor}, resume with cursor=Checkpoint.parse({str(checkpoint)!r})")
