"""Pages in order, several of them in flight, each in a task of its own.

The cursor to follow is the one that the server gave. While the cursors advance by the length of a page, `Window`
computes those beyond, and fetches their pages early. Each page that is handed over must confirm the cursor of the next.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Generic, NamedTuple

from attrs import define

from aiotofupilot._request import Deadline
from aiotofupilot.errors import TofuPilotError

from .source import CountedFetch, OnUnreadable, T, leads_nowhere
from .tasks import Tasks, result
from .unreadable import Bisection, Gap, may_be_read_in_parts

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable

    from aiotofupilot.models import Page

_log = logging.getLogger("aiotofupilot")

_CAUTIOUS = 4
"""Up to this width the window grows by one with each page, so that a short listing costs few needless requests."""

_WIDE = 16
"""A wider window looks at one item far ahead, beside the second page, because it would take several round trips to open
step by step."""

_GOOD_PAGES = 10
"""After this many good pages in a row, pages that were halved are twice as long again."""


class _Request(NamedTuple):
    """A page that is requested."""

    cursor: int
    limit: int
    deadline: Deadline


@define(eq=False)
class _Length:
    """How many items are requested per page: fewer than at first if the server caps them or pages take too long."""

    limit: int
    """As many as are requested now."""
    whole: int
    """As many as are requested if no page takes too long."""
    requested: int
    """As many as were requested with the page handed over last, or with the one that it is a part of."""
    is_capped: bool = False
    """Whether the server has shown that it gives no longer pages."""
    too_long: int = 0
    """How many pages came only in parts, because they were too long, since a whole page came."""
    good: int = 0
    """How many pages in a row came whole since they were halved."""

    def came_whole(self) -> None:
        """Note that a page came as it was requested."""
        if self.requested == self.whole:
            self.too_long = 0
        elif self.limit < self.whole:
            self.good += 1
            if self.good == _GOOD_PAGES:
                self.limit, self.good = min(2 * self.limit, self.whole), 0

    def came_in_parts(self, requested: int, *, at_least: int) -> bool:
        """Note that a page was too long, and return whether the next ones are shorter, with ``at_least`` so many items.

        The first time, the server may have been slow for another reason.
        """
        self.too_long += 1
        if self.too_long == 1:
            return False
        self.limit, self.good = max(at_least, requested // 2), 0
        return True

    def cap(self, length: int) -> None:
        """Note that the server gives no longer pages."""
        self.limit = self.whole = length
        self.is_capped = True


@define(eq=False)
class _Width:
    """How many pages may be in flight: one at first, and more with each that comes as predicted."""

    most: int
    """The concurrency. 1 as soon as cursors cannot be predicted."""
    now: int = 1
    is_sequential: bool = False
    """Whether one page is in flight at most, although more are allowed, because cursors cannot be predicted."""
    has_looked_far: bool = False
    """Whether one item far ahead was requested."""

    def grow(self, *, goes_on_far: bool) -> None:
        """Note that a page came as predicted. All that may be in flight are, if the listing goes on far ahead."""
        wider = self.now + (1 if self.now < _CAUTIOUS else 2)
        self.now = self.most if goes_on_far else min(wider, self.most)

    def give_up(self) -> None:
        """Note that cursors cannot be predicted."""
        if self.most > 1:
            self.most, self.is_sequential = 1, True


@define(eq=False)
class _Parts(Generic[T]):
    """How pages that failed are read part by part."""

    on_unreadable: OnUnreadable | None
    """As in `Plan`. None too once a page has shown that the cursors are not offsets."""
    has_offsets: bool = False
    """Whether a page with more than one item has shown that the cursors are offsets."""
    bisection: Bisection[T] | None = None
    """What reads the page of which the one handed over last is a part. None: that one is whole."""

    def begin(
        self,
        error: TofuPilotError,
        request: _Request,
        fetch: CountedFetch[T],
        *,
        overlap: int,
        passed: int,
        read_at: int | None,
    ) -> Bisection[T]:
        """Return what reads a page that failed. ``read_at`` is where the page before was read, if it was."""
        has_offsets = self.has_offsets or request.limit == 1  # then no other limit is requested
        self.bisection = Bisection(
            fetch,
            error,
            *request,
            skips=self.on_unreadable == "skip",
            overlap=overlap,
            passed=passed,
            has_offsets=has_offsets,
            read_at=read_at if has_offsets else None,
        )
        return self.bisection


class Window(Generic[T]):
    """Hands over one page after the other, and keeps up to ``concurrency`` of them in flight or waiting.

    The first page is fetched alone. From then on the window grows with each page that came as predicted, or opens at
    once if the listing is known to go on far ahead. At the first page that did not come as predicted, the pages fetched
    beyond it are thrown away. If that page is only shorter, the server caps the limit, and the window goes on with
    pages of that length. Otherwise a page is requested only when the walk needs it, at the cursor that the server gave.

    Nothing is fetched before `next` is called, so a consumer that stops stops the requests. A window that is dropped
    cancels what it has in flight; its tasks know nothing of it, so nothing keeps it alive.
    """

    def __init__(
        self,
        fetch: CountedFetch[T],
        *,
        cursor: int,
        limit: int,
        overlap: int,
        concurrency: int,
        on_unreadable: OnUnreadable | None,
        passed: int,
    ) -> None:
        self._fetch = fetch
        self.cursor: int = cursor
        """Where the next page begins."""
        self.overlap: int = overlap
        """How many items of a page the next one is to begin with; less than `limit`."""
        self.passed: int = passed
        """The position before which all items have been passed."""
        self._length = _Length(limit, limit, limit)
        self._width = _Width(concurrency)
        self._parts: _Parts[T] = _Parts(on_unreadable)
        self._tasks: Tasks[_Request, Page[T]] = Tasks()
        """The pages that are prefetched, and beside them the request of one item far ahead."""
        self._last: tuple[int, int | None] | None = None
        """The cursor of the page handed over last, and the cursor that it gave. None: there is none to go on from."""
        self._ended = False

    @property
    def limit(self) -> int:
        """How many items are requested per page."""
        return self._length.limit

    @property
    def requested(self) -> int:
        """How many items were requested with the page handed over last, or with the one that it is a part of."""
        return self._length.requested

    @property
    def is_sequential(self) -> bool:
        """Whether one page is in flight at most, although more are allowed, because cursors cannot be predicted."""
        return self._width.is_sequential

    @property
    def gap(self) -> Gap | None:
        """What lies before the page handed over last, if that is a part of one that failed. None: it is whole."""
        bisection = self._parts.bisection
        return None if bisection is None or bisection.is_stuck else bisection.gap  # then it is as the server cuts it

    def restart(self, cursor: int) -> None:
        """Throw away what is in flight and go on at another cursor, with one page at first."""
        self._step_back()
        self.cursor, self.passed = cursor, 0
        self._ended = False

    def follow(self, cursor: int, limit: int, *, passed: int) -> None:
        """Go on at another cursor as `restart` does, with pages that do not overlap."""
        self.restart(cursor)
        self.overlap, self.passed = 0, passed
        self._length.limit = self._length.whole = limit

    async def next(self, at_most: int = sys.maxsize) -> Page[T] | None:
        """Return the next page; None: the one before was the last. At most so many can be needed from here on.

        After an error, or when cancelled, nothing is in flight, and the next call requests the same page again. If the
        page before led nowhere, that is a `PaginationError`.
        """
        if self._ended:
            await self.aclose()
            return None
        part = self._parts.bisection
        if part is None or not part.is_under_way:
            part = None
            self._check_last()
        try:
            if not self._tasks.is_settled:
                await self._tasks.settle()
            if part is None:
                request, fetching = self._due(at_most)
                self._length.requested = request.limit
                try:
                    page = await fetching
                except TofuPilotError as error:
                    if not may_be_read_in_parts(error, self._parts.on_unreadable):
                        raise
                    # Its frames lead to this one, which has the window: pages of a dropped walk would stay in flight.
                    error.with_traceback(None)
                    part = self._bisected(error, request)
                else:
                    self._tasks.drop_first()
                    self._settle(page, request.limit)
                    return page
            return await self._part(part)  # not in the except clause: its error is not the context of what fails here
        except BaseException as error:
            ended = type(error).__name__
            _log.debug("the wait for cursor %d ended with %s: its requests are dropped", self.cursor, ended)
            self._step_back()
            raise

    def _check_last(self) -> None:
        """Raise an error if the page handed over last leads nowhere."""
        if self._last is not None:
            cursor, following = self._last
            if following is None or self.cursor <= cursor:
                raise leads_nowhere(cursor, None if following is None else self.cursor)

    async def aclose(self) -> None:
        """End, and wait until nothing is in flight."""
        self._ended = True
        self._drop_prefetched()
        await self._tasks.settle()

    def _step_back(self) -> None:
        """Throw away what is in flight, and let the page that is due be requested alone."""
        self._drop_prefetched()
        self._last = self._parts.bisection = None

    def _due(self, at_most: int) -> tuple[_Request, Awaitable[Page[T]]]:
        """Fill the window, and return its first page, and what waits for it."""
        tasks, limit, width = self._tasks, self._length.limit, self._width
        request = _Request(self.cursor, limit, Deadline())
        is_looking_far = tasks.beside is not None and not tasks.beside.done()
        wanted = min(width.now, at_most, width.most - is_looking_far)
        while wanted > 1 and len(tasks) < wanted:
            if tasks:
                last = tasks.last
                request = _Request(last.cursor + last.limit - self.overlap, limit, Deadline())
            tasks.start(self._fetch(request.cursor, limit, deadline=request.deadline), request)
        widest = min(width.most, at_most)
        if wanted > 1 and not width.has_looked_far and widest > _WIDE:
            width.has_looked_far = True
            tasks.start_beside(self._fetch(self.cursor + widest * (limit - self.overlap), 1, once=True))
        if tasks:
            task, request = tasks.first
            return request, result(task)
        return request, self._fetch(request.cursor, limit, deadline=request.deadline)

    def _bisected(self, error: TofuPilotError, request: _Request) -> Bisection[T]:
        """Return how to read the page that is due in parts. The pages requested beyond it are as good as ever."""
        self._tasks.drop_first()
        last, overlap, passed = self._last, self.overlap, self.passed
        if overlap:  # the parts begin with the item passed last
            ahead = max(0, min(passed - 1 - self.cursor, request.limit - 1))
            request = request._replace(cursor=self.cursor + ahead, limit=request.limit - ahead)
        read_at = None if last is None else last[0]
        return self._parts.begin(error, request, self._fetch, overlap=min(1, overlap), passed=passed, read_at=read_at)

    async def _part(self, bisection: Bisection[T]) -> Page[T]:
        """Return the next part of a page that failed."""
        page = await bisection.next()
        self._note(page)
        if bisection.is_too_long and self._length.came_in_parts(bisection.limit, at_least=self.overlap + 1):
            self._drop_prefetched()
        is_joined = self._tasks and self._tasks.first[1].cursor == self.cursor
        if not is_joined and not bisection.is_under_way:
            self._drop_prefetched()
        return page

    def _settle(self, page: Page[T], requested: int) -> None:
        """Hold a page to what was predicted when so many items were requested, and note what follows it."""
        self._length.came_whole()
        self._parts.bisection = None
        following, length = page.following, len(page.data)
        if following == page.cursor + requested:
            self._width.grow(goes_on_far=_goes_on(self._tasks.beside))
        elif following is None:
            self._drop_prefetched()
        else:
            if self._tasks:
                _log.debug(
                    "the page at cursor %d leads to %d: %d requested ahead are dropped",
                    page.cursor,
                    following - self.overlap,
                    len(self._tasks),
                )
            self._drop_prefetched()
            if following != page.cursor + length:
                self._parts.on_unreadable = None  # positions within a page cannot be computed
            is_short = self.overlap < length < requested and following == page.cursor + length
            if is_short and not self._length.is_capped:
                self._length.cap(length)
            else:
                self._width.give_up()
        self._note(page)

    def _note(self, page: Page[T]) -> None:
        """Note what follows a page that is handed over."""
        following = page.following
        self._last = page.cursor, following
        self._ended = following is None and not page.meta.has_more
        if following is not None:
            # A page that is as short as the overlap has to lead further on, too.
            self.cursor, self.passed = following - min(self.overlap, max(1, len(page.data) - 1)), following
            if following - page.cursor == len(page.data) > 1:
                self._parts.has_offsets = True

    def _drop_prefetched(self) -> None:
        """Throw away what is in flight, and go on with one page."""
        self._tasks.clear()
        self._width.now = 1


def _goes_on(far: asyncio.Task[Page[T]] | None) -> bool:
    """Return whether the listing is known to go on far ahead. Some servers show their last item there instead."""
    if far is None or not far.done() or far.cancelled() or far.exception() is not None:
        return False
    return far.result().following is not None
