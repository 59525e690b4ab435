"""Fetches pages in order, with several in flight. `course` decides which pages.

While cursors advance by the length of a page, `Window` computes the next ones and fetches their pages early. Each page
handed over must confirm the cursor of the next. The page handed over most recently is called the last page.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Generic, cast

from attrs import define

from aiotofupilot.errors import BadRequestError, TofuPilotError
from aiotofupilot.models.page import Page

from .course import Course, Place, Query, Request
from .source import CountedFetch, OnUnreadable, PageSource, T, leads_nowhere
from .tasks import Tasks, result
from .unreadable import Bisection, Gap, may_be_read_in_parts

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Coroutine, Mapping
    from datetime import datetime

    from aiotofupilot.stats import RequestCounts

    from .position import Begins, Position

_log = logging.getLogger("aiotofupilot")

_FEW = 6
"""Until this many pages came as predicted, at most one more than this many are in flight, so that a short listing costs
few needless requests. The window begins with the concurrency divided by this number, and grows by one with each page.
Then it doubles with each page."""

_GOOD_PAGES = 10
"""After this many good pages in a row, the length of halved pages is doubled."""

_WAITS_AT_MOST = 3
"""A page requested ahead waits for at most this many searches. Then it is requested again, because the listing may have
moved."""


@define(eq=False)
class _Length:
    """How many items are requested per page: fewer if the server caps pages or pages take too long."""

    whole: int
    """The length if no page takes too long."""
    requested: int
    """The requested length of the last page, or of the failed page that the last page is a part of."""
    is_capped: bool = False
    """Whether the server caps pages at this length."""
    _too_long: int = 0
    """How many pages in a row had to be read in parts."""
    _good: int = 0
    """How many pages in a row were read whole since pages were halved."""

    def came_whole(self, limit: int) -> int:
        """Count a page of ``limit`` items as read whole, and return how many items to request next."""
        if self.requested == self.whole:
            self._too_long = 0
        elif limit < self.whole:
            self._good += 1
            if self._good == _GOOD_PAGES:
                self._good = 0
                return min(2 * limit, self.whole)
        return limit

    def came_in_parts(self, requested: int) -> bool:
        """Count a page as too long, and return whether to request shorter pages.

        The first time it returns False, because the server may have been slow for another reason.
        """
        self._too_long += 1
        self._good, self.requested = 0, requested
        return self._too_long > 1


@define(eq=False)
class _Width:
    """How many pages may be in flight: one at first, and more with each predicted page."""

    most: int
    """The concurrency, or 1 once cursors cannot be predicted."""
    now: int = 1
    predicted: int = 0
    """How many pages came as predicted since the window was narrowed."""
    is_sequential: bool = False
    """Whether only one page is in flight, although more are allowed, because cursors cannot be predicted."""

    def grow(self) -> None:
        """Widen the window after a page that came as predicted."""
        self.predicted += 1
        wider = 2 * self.now
        if self.predicted < _FEW:
            wider = min(_FEW + 1, max(self.now + 1, self.most // _FEW))
        self.now = min(self.most, wider)


class Window(Generic[T]):
    """Hands over page after page, with up to ``concurrency`` of them in flight or waiting.

    The first page is fetched alone. Then the window grows with each page that came as predicted. If a page did not come
    as predicted, the pages after it are dropped. If the page is only shorter, the server caps the limit, and the window
    continues with pages of that length. Otherwise each page is requested only when needed, at the server's cursor.

    Pages are only fetched while `next` is called, so a consumer that stops also stops the requests. Tasks do not refer
    to the window. So it can be freed when it is dropped, and then cancels what is in flight.
    """

    def __init__(
        self,
        source: PageSource[T],
        fetch: CountedFetch[T],
        counts: RequestCounts,
        *,
        position: Position[T] | None,
        cursor: int,
        passed: int,
        limit: int,
        concurrency: int,
        on_unreadable: OnUnreadable | None,
    ) -> None:
        listing: Query[T] = Query(fetch)
        self.course: Course[T] = Course(source, counts, listing, position, Place(listing, cursor, passed), limit)
        self.length = _Length(limit, limit)
        self.width = _Width(concurrency)
        self._on_unreadable: OnUnreadable | None = on_unreadable
        """What to do if an item cannot be read. None once positions within a page cannot be computed."""
        self._has_offsets = False
        """Whether a page with more than one item has shown that cursors are offsets."""
        self._bisection: Bisection[T] | None = None
        """Reads the failed page that the last page is a part of. None if the last page is whole."""
        self._tasks: Tasks[Request, Page[T]] = Tasks()
        self._held: tuple[Request, Page[T]] | None = None
        """A page that waits for its turn, because it begins after the position."""
        self._waits = 0
        """How often pages have waited since the last page that no search requested."""
        self._last: tuple[Request, Page[T]] | None = None
        """The last page and its request. None if there is none to continue from."""
        self.left_out: Mapping[int, TofuPilotError] = {}
        """The errors of unreadable items before the last page, by position in the listing, as far as known."""
        self._ended = False

    @property
    def is_part(self) -> bool:
        """Whether the last page is a part of a failed one."""
        return self._bisection is not None

    @property
    def may_be_short(self) -> bool:
        """Whether the last page may be short, because it is a part that has all the items requested."""
        return self._bisection is not None and not self._bisection.is_cut

    @property
    def gap(self) -> Gap | None:
        """The unreadable items before the last page. None if the page begins where it should."""
        return None if self._bisection is None else self._bisection.gap

    @property
    def gap_length(self) -> int | None:
        """How many items the last page lacks because of the gap. None if there is no gap."""
        gap = self.gap
        if gap is None or self._last is None:
            return None
        return self._last[1].cursor - (gap.begin if self.course.position is None else gap.passed)

    @property
    def query(self) -> Query[T]:
        return self.course.place.query if self._last is None else self._last[0].query

    @property
    def begins(self) -> Begins:
        if self._last is None:
            return "page"
        request, page = self._last
        gap, position = self.gap, self.course.position
        if gap is not None and gap.has_moved:
            return "moved"
        if not (page.cursor if gap is None else gap.start):
            return "listing" if request.query.bound is None else request.query.begins
        is_behind_passed = gap is not None and gap.before is not None and position and position.knows(gap.before)
        return "gap" if is_behind_passed else "page"

    @property
    def expected(self) -> int | None:
        """How many items of the last page were read earlier, if the listing has not moved. None if unknown."""
        course, position = self.course, self.course.position
        if self._last is None or position is None or course.behind:
            return None
        request, page = self._last
        if course.level is None:
            known = course.place.query.base + course.place.passed - request.query.base - page.cursor
        elif course.level == 0 and self.begins in ("query", "guess"):
            known = position.count
        else:
            return None
        return min(max(0, known), len(page.data))  # items of one time may have been passed in another order

    @property
    def hides(self) -> bool:
        """Whether the last page shows an item already read that a query with an earlier bound left out."""
        course = self.course
        if not course.level or self._last is None or course.position is None or self.is_part:
            return False
        return self._last[0].query.bound is not None and course.position.has(self._last[1].data)

    async def next(self, at_most: int = sys.maxsize) -> Page[T] | None:
        """Return the next page, or None at the end. At most ``at_most`` more pages are needed.

        Raise a `PaginationError` if the last page's cursor leads nowhere. After an error or a cancellation, nothing is
        in flight, and the next call requests the same page again.
        """
        if self._ended:
            await self.aclose()
            return None
        self._check_last()
        try:
            if not self._tasks.is_settled:
                await self._tasks.settle()
            if self._bisection is None and (page := await self._whole(at_most)) is not None:
                return page
            return await self._part()  # outside the except clause, whose error must not become a context
        except BaseException as error:
            ended = type(error).__name__
            _log.debug("the wait for cursor %d ended with %s: pages in flight are dropped", self.course.at, ended)
            self.step_back()
            raise

    def passed(self, new: int) -> bool:
        """Count the last page as read, with ``new`` new items. Return whether the walk can continue after it.

        It cannot if all items of the page have the same key, because the next page would begin where this page does.
        """
        if self._last is None:
            return True
        (request, page), course = self._last, self.course
        position, following, gap, was_part = course.position, page.following, self.gap, self.is_part
        end = page.cursor + len(page.data) if following is None else following
        if not new and self._has_been_passed(request, page):
            return True
        begin, is_alone = end if position is None else page.cursor + position.begin, not self._tasks and not self._held
        course.passed(request, begin, end, new=new, left_out=len(self.left_out), is_alone=is_alone, is_part=was_part)
        self._last = request, Page([], page.meta, page.cursor)  # frees the items, because thousands of walks may wait
        if self._bisection is not None:
            self._note_part(self._bisection, end)
        if following is None:
            if not page.meta.has_more:
                self._drop_ahead()
                self._bisection = None
                self._ended = not course.goes_on()
        elif position is not None and not (position.begin or position.is_early) and (gap is not None or not was_part):
            return self._gets_on(position, is_behind_gap=gap is not None)
        elif course.is_deep(end, request.query):
            course.go_up(request, is_alone=is_alone)
        return True

    def _gets_on(self, position: Position[T], *, is_behind_gap: bool) -> bool:
        """Return whether the walk can continue although the next page would begin where this page does."""
        if is_behind_gap:
            keys = position.keys
            if keys[0] != keys[-1]:
                return len(keys) < self.course.limit
            if not self.course.can_bound:
                position.is_group_read = True  # no item of the group can be read before this page
            elif not self.course.behind:
                self._look_for_position()
            return True
        if position.is_group_read:
            self.go_through()
        return position.is_group_read

    def lost(self) -> bool:
        """Look for the position, which the last page misses. Return whether the listing moved.

        If it did not move, the page only begins after the position, and waits for its turn.
        """
        if self._last is None:
            return False
        (request, page), bisection, course = self._last, self._bisection, self.course
        if bisection is None and not request.is_detour and self._waits < _WAITS_AT_MOST:
            self._held = request, page
        self._last = None
        has_moved = course.lost(request, page.data[0] if page.data else None, is_part=self.is_part)
        if bisection is not None and course.detour is not None:
            bisection.look_in(course.detour)
        return has_moved

    def distrust(self) -> None:
        """See `Course`."""
        self.step_back()
        self.course.distrust()

    def look_again(self, limit: int) -> bool:
        """Request the last page and all later ones with ``limit`` items. Return False for a part, or for as many."""
        if self._last is None or self.is_part or self._last[0].limit >= limit:
            return False
        self._drop_ahead()
        course, request = self.course, self._last[0]
        course.limit = self.length.whole = limit
        course.detour = course.request(request.query, request.cursor, is_detour=True)
        return True

    def go_through(self) -> None:
        """See `Course`."""
        self._drop_ahead()
        self.course.go_through()

    def go_behind(self, bound: datetime) -> None:
        """See `Course`."""
        self._drop_ahead()
        self._last = None
        self.course.go_behind(bound)

    def follow(self, cursor: int, limit: int, *, has_page: bool) -> None:
        """Follow the server's cursors from ``cursor`` on, with pages that do not overlap.

        ``has_page`` says that the last page begins at ``cursor``.
        """
        last = self._last
        self.step_back()
        self._last = last if has_page else None
        self.course.follow(cursor)
        self.course.limit = self.length.whole = limit
        self._ended = False

    def step_back(self) -> None:
        """Drop the pages in flight, and request the next page alone."""
        self._drop_ahead()
        self._last = self._bisection = None

    async def aclose(self) -> None:
        """End, and wait until nothing is in flight."""
        self._ended = True
        self._drop_ahead()
        await self._tasks.settle()

    def _check_last(self) -> None:
        if self._last is not None:
            page = self._last[1]
            if page.meta.has_more and (page.following is None or page.following <= page.cursor):
                raise leads_nowhere(page.cursor, page.following)

    async def _whole(self, at_most: int) -> Page[T] | None:
        """Return the next page, or None if it failed and is to be read in parts."""
        course = self.course
        while True:
            request, fetching = self._due(at_most)
            self.left_out = {}
            if fetching is None:
                self._waits += 1
                (_, page), self._last, self._held = cast("tuple[Request, Page[T]]", self._held), self._held, None
                return page
            self.length.requested = request.limit
            try:
                page = await fetching
            except BadRequestError as error:
                if not (request.cursor and course.may_be_refused):
                    raise
                # If the next request is refused as well, the depth was not the reason.
                error.with_traceback(None)
                _log.info("the server refuses cursor %d: %s", request.cursor, error)
                self.step_back()
                course.refused(request)
            except TofuPilotError as error:
                if not may_be_read_in_parts(error, self._on_unreadable):
                    raise
                # The traceback refers to this frame and its window, so pages of a dropped walk would stay in flight.
                error.with_traceback(None)
                if self._tasks and not request.is_detour and request.position < course.at:
                    self._drop_ahead()  # requested before a search read past the page's beginning
                    continue
                self._begin_parts(error, request)
                return None
            else:
                self._last = request, page
                if not request.is_detour:
                    self._waits = 0
                    self._tasks.drop_first()
                    self._settle(page, request.limit)
                return page

    def _due(self, at_most: int) -> tuple[Request, Awaitable[Page[T]] | None]:
        """Fill the window. Return its first request and the task of the page, or None if the page has arrived."""
        tasks, course, held = self._tasks, self.course, self._held
        front = held[0] if held else tasks.first[1] if tasks else None
        if course.detour is not None or (front is not None and course.begins_late(front)):
            detour = cast("Request", course.detour)
            return detour, _fetch(detour)
        if held is not None:
            return held[0], None
        wanted = min(self.width.now, at_most)
        request: Request | None = tasks.last if tasks else None
        if wanted > 1 and (arrived := [(its, page) for task, its in tasks.items() if (page := _arrived(task))]):
            course.go_up_ahead(*arrived[-1])
            if any(page.following is None for _, page in arrived):
                wanted = 1  # after a page that shows the end, there is nothing to request ahead
        while wanted > 1 and len(tasks) < wanted:
            request = course.due() if request is None else course.beyond(request)
            if request is None:
                break
            tasks.start(_fetch(request), request)
        if tasks:
            task, request = tasks.first
            return request, result(task)
        request = course.due()
        return request, _fetch(request)

    def _has_been_passed(self, request: Request, page: Page[T]) -> bool:
        """Return whether a search for an unreadable item has read past a page that was requested earlier."""
        course = self.course
        is_ahead = not (request.is_detour or self.is_part or course.position is None or page.following is None)
        return is_ahead and request.query.base + page.cursor + len(page.data) <= course.at

    def _begin_parts(self, error: TofuPilotError, request: Request) -> None:
        """Begin to read a failed page in parts. The pages requested after it stay valid."""
        if not request.is_detour:
            self._tasks.drop_first()
        course, deadline = self.course, request.deadline
        read = None if not request.position else (course.listing.fetch, 0)
        if self._last is not None:
            read = self._last[0].query.fetch, self._last[1].cursor
        # In a query bounded by the position, new items do not move the unreadable ones.
        is_bounded = request.query.bound is not None and request.query is course.place.query
        if course.can_bound and course.level is None and not is_bounded and request.query.begins != "behind":
            course.look_for_position(0)
            request = course.detour or request
        self._bisection = Bisection(
            request,
            error,
            deadline,
            overlaps=course.position is not None,
            has_offsets=self._has_offsets or request.limit == 1,  # with limit 1, no other limit is requested
            read=read,
        )
        self._last = None

    async def _part(self) -> Page[T]:
        bisection, course = cast("Bisection[T]", self._bisection), self.course
        request, place, position = bisection.request, course.place, course.position
        begin = passed = request.cursor
        if course.level == 0 and request.query.bound is not None:
            passed += 0 if position is None else position.count
        elif course.level is None and (request.query is place.query or request.query.begins != "behind"):
            shift = place.query.base - request.query.base
            begin, passed = max(0, place.begin + shift), max(0, place.passed + shift)
        # If the position is unknown, the walk may already be behind the unreadable items. Only the page after them
        # shows it.
        is_known = course.level in (None, 0) and not course.behind
        skips = self._on_unreadable == "skip" or not is_known
        page = await bisection.next(begin, max(passed, begin), skips=skips)
        self._last = request._replace(cursor=page.cursor), page
        self.left_out = {} if bisection.gap is None else self._new_in(bisection.gap, request.query, page)
        return page

    def _new_in(self, gap: Gap, query: Query[T], page: Page[T]) -> Mapping[int, TofuPilotError]:
        """Return the errors of those items in the gap before a page that are new, by position."""
        position, passed = self.course.position, 0
        if position is not None and (gap.before is not None or query.bound is not None):
            passed = 0 if gap.before is not None and position.has([gap.before]) else position.count
            if page.data and position.knows(page.data[0]):
                return {}
        return {query.base + at: error for at, error in gap.left_out.items() if at >= gap.start + passed}

    def _look_for_position(self) -> None:
        """Request next a page that shows the position. Read it in parts if a failed page is not read to its end."""
        self.course.look_for_position(0)
        if self._bisection is not None and self.course.detour is not None:
            self._bisection.look_in(self.course.detour)

    def _note_part(self, bisection: Bisection[T], passed: int) -> None:
        if not bisection.is_under_way(passed):
            self._bisection = None
            limit = bisection.request.limit
            if bisection.is_too_long and self.length.came_in_parts(limit):
                self.course.limit = max(self.course.overlap + 1, limit // 2)
                self._drop_ahead()
            elif self.course.position is None and self._tasks and self._tasks.first[1].cursor != passed:
                self._drop_ahead()

    def _settle(self, page: Page[T], requested: int) -> None:
        """Compare a page with its prediction, and adapt the requests after it."""
        self.course.limit = self.length.came_whole(self.course.limit)
        following, length = page.following, len(page.data)
        if following is None:
            return
        self._has_offsets |= following - page.cursor == length > 1
        if following == page.cursor + requested:
            self.width.grow()
            return
        if self._tasks:
            _log.debug(
                "the page at cursor %d leads to %d: %d pages requested ahead are dropped",
                page.cursor,
                following - self.course.overlap,
                len(self._tasks),
            )
        self._drop_ahead()
        if following != page.cursor + length:
            self._on_unreadable = None  # positions within a page cannot be computed
        is_short = self.course.overlap < length < requested and following == page.cursor + length
        if is_short and not self.length.is_capped:
            self.course.limit = self.length.whole = length
            self.length.is_capped = True
        elif self.width.most > 1:
            self.width.most, self.width.is_sequential = 1, True

    def _drop_ahead(self) -> None:
        """Drop the pages in flight or waiting, and continue with one page."""
        self._held = None
        self._tasks.clear()
        self.width.now, self.width.predicted = 1, 0


def _fetch(request: Request) -> Coroutine[Any, Any, Page[Any]]:
    return request.query.fetch(request.cursor, request.limit, deadline=request.deadline)


def _arrived(task: asyncio.Task[Page[Any]]) -> Page[Any] | None:
    """Return the page that a task fetched. None if it is running or has failed."""
    if not task.done() or task.cancelled() or task.exception() is not None:
        return None
    return task.result()
