"""One pass over a listing: `window` fetches pages, `position` says which items are new, and the walk yields them.

`Pages` is the same pass, but yields the pages as the server cuts them.
"""

from __future__ import annotations

import logging
import sys
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic

from attrs import evolve

from aiotofupilot._otel import WalkSpan
from aiotofupilot._public import internal
from aiotofupilot.errors import DriftError, TofuPilotError
from aiotofupilot.models.page import Page, PageMeta
from aiotofupilot.positions import Checkpoint
from aiotofupilot.stats import WalkStats

from .course import LONGEST
from .iteration import ItemIteration, Iteration
from .position import FRUITLESS_AT_MOST, ByCursor, ByKey, ByTime, OutOfBoundError, Position, UnsortedError
from .source import (
    BY_ID,
    MILLISECOND,
    SHORTEST,
    Fetch,
    Identified,
    PageSource,
    Plan,
    SortOrder,
    Y,
    check_offsets,
    counted,
)
from .window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .receipts import Receipt

__all__ = ["Walk"]

_FEW = 4
"""The most pages in flight when items of the same time are read."""

_FRUITLESS_BESIDE_GAPS = 20
"""Around unreadable items, at most this many pages in a row may lack new items. Each takes up to a hundred requests."""

LEFT_OUT_KEPT = 1000
"""At most this many positions or IDs of left-out items are kept."""

_log = logging.getLogger("aiotofupilot")


class Walk(ItemIteration[Y]):
    """One pass over a listing, in the server's order. Pages are requested only while you wait for an item.

    You may leave a walk at any item. Nothing stays in flight after it ended, failed, was closed, cancelled or dropped.
    After a ``break``, a walk that a variable still holds is not dropped, so enter it with ``async with``, or call
    `aclose`. After an error you can ask for the next item, and the walk requests the missing page again. This does not
    work after a `PaginationError`, or if the receipt cannot be written.
    """

    _yields_items = True
    """Whether items are yielded, not pages. If so, a page may be short, or lack an item that was
    yielded before."""

    @internal
    def __init__(
        self,
        source: PageSource[Any],
        plan: Plan,
        stats: WalkStats | None = None,
        receipt: Receipt | None = None,
        *,
        fetch: Fetch[Any] | None = None,
    ) -> None:
        self._source = source
        self._plan = plan
        self._stats = WalkStats() if stats is None else stats
        self._position, cursor, passed, limit = _start(source.order, plan, yields_items=self._yields_items)
        self._has_short_pages = limit < plan.limit
        self._window: Window[Identified] = Window(
            source,
            counted(fetch or source.fetch, self._stats.counts),
            self._stats.counts,
            position=None if isinstance(self._position, ByCursor) else self._position,
            cursor=cursor,
            passed=passed,
            limit=limit,
            concurrency=plan.concurrency,
            on_unreadable=plan.on_unreadable,
        )
        self._ties: Ties[Identified] | None = None
        """Reads the items of a time that has more than a page of them. None if no such time is being read."""
        self._resyncs = self._duplicates = 0
        self._fruitless = 0  # how many pages in a row brought nothing new
        self._wanted = sys.maxsize if plan.max_items is None else plan.max_items
        self._page: Page[Identified] | None = None  # the page whose items are being yielded
        self._new: Sequence[Identified] = ()
        self._end: tuple[int, int, int | None] | None = None  # that page's cursor, length and next cursor
        self._yielded_before = 0
        self._receipt = receipt
        self._reason = "first"  # why the next page is requested, for the receipt
        self._receipt_error: tuple[object, ...] | None = None  # arguments of an error that ended the walk
        self._span = WalkSpan(plan.start.listing, plan.described())

    def __del__(self) -> None:
        if hasattr(self, "_span"):
            self._span.end(self.stats)

    @property
    def checkpoint(self) -> Checkpoint:
        """The place after the last item that was yielded. ``list(cursor=...)`` resumes there."""
        if self._end is None:
            return self._plan.start
        (cursor, count, following), position = self._end, self._position
        upcoming = self._new[self._yielded] if self._yielded < len(self._new) else None
        skip = passed = count
        if self._page is not None and upcoming is not None:
            skip = passed = next(at for at, item in enumerate(self._page.data) if item is upcoming)
        # If the server's cursors count pages, the next cursor means another position once pages have another length.
        if passed == count and not self._has_short_pages and following is not None and following > cursor:
            cursor, skip = following, 0
        value, seen = position.place(upcoming, has_yielded=self._yielded > 0)
        return evolve(self._plan.start, cursor=cursor, skip=skip + position.skip, value=value, seen=seen)

    @property
    def stats(self) -> WalkStats:
        """The counts of the walk so far. It is always the same object, brought up to date."""
        self._stats.items = self._yielded_before + self._yielded
        self._stats.duplicates = self._duplicates
        self._stats.resyncs = self._resyncs
        self._stats.is_sequential = self._window.width.is_sequential
        return self._stats

    async def _close(self) -> None:
        self._drop()
        self._span.end(self.stats)
        if self._receipt is not None:
            self._receipt.close()
        if self._ties is not None:
            await self._ties.aclose()
        await self._window.aclose()

    def _note_failure(self, error: Exception) -> None:
        note_checkpoint(error, self.checkpoint, self._plan.start)
        self._span.end(self.stats, error)

    async def _advance(self) -> bool:
        if self._receipt_error is not None:
            raise OSError(*self._receipt_error)  # a new error each time, because its traceback refers to the walk
        if self._wanted:  # frees a yielded page, because thousands of walks may wait
            self._page, self._new = None, ()
            self._position.settle()
        while self._wanted:
            if self._ties is not None:
                if await self._take_ties(self._ties):
                    return True
                continue
            page = await self._next_page()
            if page is None:
                break
            new = self._new_of(page)
            if new is not None:
                await self._pass(page, new)
                return True
        self._span.end(self.stats)
        if self._receipt is not None:
            self._receipt.end(is_limited=not self._wanted, is_checked=not self._stats.is_unchecked)
        return False

    async def _next_page(self) -> Page[Identified] | None:
        window = self._window
        with self._span.fetching():
            # The most full pages that are still needed.
            page = await window.next(
                -(-(self._wanted + self._position.skip) // (window.course.limit - window.course.overlap))
            )
        if page is None and window.course.is_end_doubtful:
            self._doubt("the listing may continue after its apparent end, and no filter by time can show it")
        return page

    async def _pass(self, page: Page[Identified], new: Sequence[Identified]) -> None:
        """Hand over the new items of a page, and continue after it."""
        window = self._window
        self._note_left_out(window.left_out)
        await self._hand_over(page, new)
        if not window.passed(len(page.data) - self._position.passed_again) and not window.look_again(LONGEST):
            self._begin_ties()

    def _doubt(self, fault: str, page: Page[Identified] | None = None) -> None:
        """Raise a `DriftError` because items may be missed. If the plan allows drift, only warn."""
        if self._plan.on_drift is not None:
            if page is not None:
                self._position.reject()
            self._window.step_back()
            raise DriftError(
                f"{fault}: a walk without on_drift lists the pages as they are", cursor=self._end[0] if self._end else 0
            )
        self._warn(fault)

    def _new_of(self, page: Page[Identified]) -> Sequence[Identified] | None:
        """Return the items of a page to yield, or None if another page is due before it."""
        position, window = self._position, self._window
        # A part of a failed page may begin after items that cannot be read.
        is_held = not (isinstance(position, ByCursor) or position.is_anywhere or window.is_part)
        expected = window.expected if is_held else None
        try:
            new = self._admitted(page)
            if new is None:
                self._look_elsewhere(page)
                return None
        except OutOfBoundError:
            window.distrust()
            return None
        except DriftError as error:
            error.with_traceback(None)  # its frames refer to this walk, which could otherwise not be freed
            return self._follow_otherwise(page, error)
        except TofuPilotError:
            window.step_back()  # the page does not count as read
            raise
        if self._plan.on_unreadable == "raise":
            for unreadable in window.left_out.values():  # only now they are known to be new
                position.reject()
                window.step_back()
                raise unreadable
        if position.is_torn:
            self._doubt("items of the same time are next to an item that cannot be read", page)
        self._duplicates += max(0, position.passed_again - (expected or 0)) if is_held else 0
        return self._plan.kept_of(new)

    def _admitted(self, page: Page[Identified]) -> Sequence[Identified] | None:
        position, window = self._position, self._window
        if isinstance(position, ByCursor):
            new = position.admit(page, window.begins, gap=window.gap_length)
            self._duplicates += position.passed_again
            return new
        check_offsets(page, may_be_short=window.may_be_short)
        if window.hides:
            raise OutOfBoundError
        new = position.admit(page, window.begins, window.query.bound, gap=window.gap_length)
        self._fruitless = 0 if new else self._fruitless + 1
        if self._fruitless > (FRUITLESS_AT_MOST if window.gap is None else _FRUITLESS_BESIDE_GAPS):
            fault = "the listing moves too much to be followed, or its pages disagree"
            raise DriftError(f"{fault}: {self._fruitless} pages in a row brought nothing new", cursor=page.cursor)
        return new

    def _look_elsewhere(self, page: Page[Identified]) -> None:
        """Look for the position after a page that misses it."""
        position = self._position
        if position.is_bounded and position.is_ascending is None and self._window.look_again(LONGEST):
            return  # a longer page may show which items come first
        cursor = self._window.query.base + page.cursor
        if self._window.lost():
            self._resyncs += 1
            self._span.event("resync", {"cursor": cursor})
            listing = self._plan.start.listing
            _log.debug("%s have moved: the page at cursor %d begins after the walk's position", listing, cursor)
        self._reason = "search"

    def _follow_otherwise(self, page: Page[Identified], fault: DriftError) -> Sequence[Identified] | None:
        """Continue, if the plan allows it, after a page that cannot be checked against the position.

        If the first page is not sorted by its time, items are told apart by ID from then on. After any other page, the
        server's cursor is followed, as with ``on_drift="ignore"``.
        """
        plan, window, position = self._plan, self._window, self._position
        is_first = self._end is None and position.is_anywhere and not page.cursor
        if is_first and isinstance(fault, UnsortedError) and isinstance(position, ByTime):
            by_key: ByKey[Identified] = ByKey(BY_ID, plan.start)
            try:
                new = by_key.admit(page, window.begins)
            except UnsortedError:
                new = None
            if new is not None:
                self._stand_on(by_key)
                return plan.kept_of(new)
        if plan.on_drift is not None:
            window.step_back()  # the page does not count as read
            raise fault
        self._warn(fault)
        followed, cursor, _, limit = _start(self._source.order, evolve(plan, on_drift="ignore"), yields_items=True)
        base = window.query.base
        if self._end is not None and self._end[-1] is not None:
            cursor, limit, followed.skip = window.course.passed_at, window.course.limit, position.skip
            followed.know(position)
            if isinstance(followed, ByCursor) and window.query.bound is not None:
                followed.left_at = position.place(None, has_yielded=True)
        is_of_listing = window.query.bound is None and not window.is_part
        follows = is_of_listing and base + page.cursor == cursor and window.course.limit == limit
        self._position, self._has_short_pages = followed, limit < plan.limit
        window.follow(cursor, limit, has_page=follows)
        if not follows:
            return None
        return plan.kept_of(followed.admit(page, "page") or ())

    def _stand_on(self, position: Position[Identified]) -> None:
        self._position = position
        self._window.course.position = position

    def _begin_ties(self) -> None:
        """Read the items of the position's time in another order, because they fill more than a page."""
        position, plan = self._position, self._plan
        if position.can_bound:
            _log.debug("%s have more than a page of items with the time %s", plan.start.listing, position.key)
            self._ties = Ties(self._source, position, plan, self._stats)
            self._window.step_back()  # otherwise more pages could be in flight than the plan allows
        else:
            self._go_through_ties()

    async def _take_ties(self, ties: Ties[Identified]) -> bool:
        """Hand over a page of ties, and return whether there was one. There is none if no order shows all ties."""
        position = self._position
        try:
            page = await ties.take()
        except UnsortedError:
            if self._plan.on_drift is not None:
                raise
            page = None
        if page is None:
            self._ties = None
            self._go_through_ties()
            return False
        new = self._plan.kept_of(position.admit(page, "behind") or ())
        self._window.course.passed_at += len(page.data) - position.passed_again
        if ties.is_read:
            position.is_group_read = True
            self._window.go_behind(ties.bound)
        await self._hand_over(page, new)
        if ties.is_read:
            self._ties = None
        return True

    def _go_through_ties(self) -> None:
        """Follow the server's cursor among items of the same time. Items may be doubled or missed."""
        position = self._position
        time = "no time" if position.is_null else f"the time {position.key}"
        fault = f"more than a page of items have {time}, and no other order tells them apart"
        self._doubt(fault)
        position.is_group_read = True
        self._window.go_through()

    def _warn(self, fault: object) -> None:
        """Warn once that items may now be missed or doubled."""
        if not self._stats.is_unchecked:
            _log.warning("%s: some %s may be missed or doubled", fault, self._plan.start.listing)
        self._stats.is_unchecked = True

    def _note_left_out(self, left_out: Mapping[int, TofuPilotError]) -> None:
        stats = self._stats
        stats.unreadable += len(left_out)
        stats.unreadable_positions += islice(left_out, LEFT_OUT_KEPT - len(stats.unreadable_positions))
        for position, reason in left_out.items():
            _log.warning("the item at position %d cannot be read, so it is left out: %s", position, reason)
            self._span.event("skip", {"position": position})

    async def _hand_over(self, page: Page[Identified], new: Sequence[Identified]) -> None:
        """Queue the new items of a page. The page may be in another order than the listing."""
        window, offered = self._window, new[: self._wanted]
        if self._receipt is not None:
            self._write(self._receipt, page, offered)
        self._yielded_before += self._offered
        self._page, self._new = None, new
        if self._ties is None:
            self._page, base, following = page, window.query.base, page.following
            self._end = (base + page.cursor, len(page.data), None if following is None else base + following)
        self._stats.pages += 1
        self._offer(self._plan.yielded(offered))
        self._wanted -= self._offered
        if not self._wanted:
            await window.aclose()

    def _write(self, receipt: Receipt, page: Page[Identified], offered: Sequence[Identified]) -> None:
        """Write to the receipt the items that `_hand_over` is about to offer."""
        window, position, ties = self._window, self._position, self._ties
        keys = position.keys if len(position.keys) == len(page.data) else ()
        values = [key if isinstance(key, datetime) else None for key in keys] or [None] * len(page.data)
        about: dict[str, object] = {"reason": "alike", "unreadable": 0}
        if ties is None:
            about = {"reason": "part" if window.is_part else self._reason, "unreadable": len(window.left_out)}
        start = self._plan.start
        is_unheld = self._end is None and (start.cursor or start.skip) and not start.seen  # from a bare cursor
        covers = not (is_unheld or isinstance(position, ByCursor))
        about |= {"limit": window.length.requested, "covers": covers}
        bound, until = (window.query.bound, None) if ties is None else (ties.key, ties.bound)
        try:
            receipt.page(page, values, offered, bound=bound, until=until, **about)
        except OSError as error:
            position.reject()  # the page does not count as read
            window.step_back()
            self._receipt_error = (error.errno, error.strerror, error.filename)
            raise
        self._reason = "next"


class PageWalk(Walk[Identified]):
    """Yields pages as the server cuts them, and checks them like a walk."""

    _yields_items = False

    @property
    def checkpoint(self) -> Checkpoint:
        """The place after the last page that was yielded."""
        return evolve(super().checkpoint, value=None, seen=())

    async def next(self) -> Page[Identified] | None:
        """Return the next page, or None if no other is needed or left."""
        with self._waiting():
            has_page = await self._advance()
        self._items = iter(())  # they are yielded with the page
        return self._page if has_page else None


class Pages(Iteration["Page[Y]"]):
    """Yields as many pages as a plan needs, whatever the plan says about drift; see `Paginator.pages`."""

    def __init__(self, source: PageSource[Any], plan: Plan) -> None:
        self._plan = plan
        self._walk = PageWalk(source, evolve(plan, on_drift="ignore"))

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


class Ties(Generic[Y]):
    """Reads items of the same time that fill more than a page, in an order that tells them apart.

    It also reads everything up to a millisecond after that time. So the walk can continue at a bound that leaves all
    these items out, however exact the server's times are, and whether or not its filter includes the bound.
    """

    def __init__(self, source: PageSource[Any], position: Position[Identified], plan: Plan, stats: WalkStats) -> None:
        self._keys = source.order.keys
        self._position, self.key = position, position.key
        self.bound = position.behind(2 * MILLISECOND)
        """The bound of a query for everything after these items."""
        self.is_read = False
        """Whether everything up to the bound was read."""
        self._shows_passed = False
        """Whether the query showed an item that the walk had already read. A query that hides known items may hide new
        ones."""
        self._behind: list[Identified] = []
        """The items after those of this time, up to the bound."""
        self._before: PageSource[Any] | None = None
        """Looks for older items, if the listing begins with this time but should begin with the oldest. None once
        done."""
        if position.has_one_key and position.is_ascending:
            self._before = source.between(before=position.before(2 * MILLISECOND))
        after, before = sorted((self.key, position.behind(MILLISECOND)))
        self._orders = iter(source.between(after=after, before=before).reordered())
        self._plan = evolve(
            plan,
            limit=LONGEST,
            start=Checkpoint(listing=plan.start.listing),
            max_items=None,
            on_drift="resync",
            keep=None,
            holds_values=False,
            concurrency=min(plan.concurrency, _FEW),
        )
        self._stats = stats
        self._walk: Walk[Identified] | None = None

    async def take(self) -> Page[Identified] | None:
        """Return a page of more items of this time, or None if no order shows all of them.

        The last page also has the later items up to the bound. Its ``next_cursor`` is None if a single response showed
        everything.

        Raises:
            UnsortedError: The listing begins with items of this time, although older items should come first.
        """
        if self._before is not None:
            page = await self._before.fetch(0, 1, self._stats.counts)
            if any(abs(key - self.key) > MILLISECOND for key in self._keys(page.data) if key is not None):
                raise UnsortedError("the server does not list the oldest first", cursor=0)
            self._before = None
        while True:
            if self._walk is None:
                source = next(self._orders, None)
                if source is None:
                    return None
                self._walk = Walk(source, self._plan, WalkStats(self._stats.counts))
            walk, before = self._walk, self._walk.stats.unreadable
            try:
                items = await walk.take(sys.maxsize)
            except DriftError as error:
                _log.debug("another order is tried: %s", error)
                await self.aclose()
                continue
            except TofuPilotError as error:
                error.position = None  # it is a position in the other order
                forget_checkpoint(error)
                raise
            finally:
                self._stats.unreadable += walk.stats.unreadable - before
            keys = self._keys(items)
            if any(key is None or abs(key - self.key) > 3 * MILLISECOND for key in keys):
                await self.aclose()  # the server does not filter by this time
                return None
            page = self._page_of(items, keys, walk)
            if page.data or self.is_read:
                return page if self._shows_passed or not self.is_read else None

    def _page_of(self, items: Sequence[Identified], keys: Sequence[Any], walk: Walk[Identified]) -> Page[Identified]:
        """Return a page with a response's items of this time, and note whether it is the last page.

        The last page also has the later items up to the bound.
        """
        ties = [item for item, key in zip(items, keys, strict=True) if key == self.key]
        first, last = sorted((self.key, self.bound))
        self._behind += (item for item, key in zip(items, keys, strict=True) if first < key < last)
        self._shows_passed |= self._position.has(ties)
        page = walk._page  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - of the class above
        is_whole = walk.stats.pages == 1 and page is not None and not (page.cursor or page.meta.has_more)
        self.is_read = is_whole or not items
        if self.is_read:
            position = self._position
            ties += sorted(self._behind, key=lambda item: position.distance(*position.keys_of([item])))
        return Page(ties, PageMeta(has_more=not is_whole, next_cursor=len(ties)))

    async def aclose(self) -> None:
        walk, self._walk = self._walk, None
        if walk is not None:
            await walk.aclose()


def _start(order: SortOrder, plan: Plan, *, yields_items: bool) -> tuple[Position[Identified], int, int, int]:
    """Return a walk's first position and cursor, the cursor up to which all was read, and the page length."""
    start, limit = plan.start, plan.limit
    ignores, passed = plan.on_drift == "ignore", start.cursor + start.skip * yields_items
    # If few items are wanted, short pages are enough, with three exceptions. If items are left out, a short page may
    # not be enough. If the server's cursors count pages, they depend on the page length. A resumed walk looks for its
    # position in whole pages.
    may_shorten = yields_items and plan.keep is None and not start.cursor and (ignores or not start.seen)
    if may_shorten and plan.max_items is not None:
        limit = max(1, min(limit, plan.max_items + start.skip))
    if ignores:
        return ByCursor(order, start), start.cursor, passed, limit
    limit = max(SHORTEST, limit)
    if order.is_time and (start.value is not None or not start.seen):
        position: Position[Identified] = ByTime(order, start)
    else:
        position = ByKey(order if not order.is_time else BY_ID, start)
    if not start.seen:
        return position, start.cursor, start.cursor, limit
    begin = passed - (1 + len(start.seen) if order.is_time and start.value is not None else 2)
    return position, max(0, begin), passed, limit


def note_checkpoint(error: Exception, checkpoint: Checkpoint, start: Checkpoint) -> None:
    """Add to an error where the walk is. Unless the walk has just begun there, add how to resume."""
    if isinstance(error, TofuPilotError):
        error.checkpoint = checkpoint
        position = error.position
        if position is not None and position > checkpoint.cursor + checkpoint.skip:
            error.position = None  # not the next item, because the walk was looking for its position
        elif position is not None:
            error.add_note(
                f'only the item at position {position} cannot be read: use on_unreadable="skip" to leave it out'
            )
    if checkpoint != start:
        error.add_note(
            f"the walk stopped at cursor {checkpoint.cursor}: resume with cursor=Checkpoint.parse({str(checkpoint)!r})"
        )


def forget_checkpoint(error: TofuPilotError) -> None:
    """Remove the checkpoint from an error of a walk that serves another walk."""
    error.checkpoint = None
    vars(error).pop("__notes__", None)
