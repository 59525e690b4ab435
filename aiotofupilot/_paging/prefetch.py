"""Pages in order, several of them in flight, each in a task of its own.

The cursor to follow is the one that the server gave. While the cursors advance by the length of a page, `Window`
computes those beyond, and fetches their pages early. Each page that is handed over must confirm the cursor of the next.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import define

from aiotofupilot._iteration import begun, cancel, cancel_soon
from aiotofupilot._request import Deadline
from aiotofupilot.errors import SessionError, TofuPilotError

from .source import Fetch, OnUnreadable, T, leads_nowhere
from .unreadable import Bisection, Gap, may_be_read_in_parts

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from aiotofupilot.models import Page

R = TypeVar("R")

_log = logging.getLogger("aiotofupilot")

_CAUTIOUS = 4
"""Up to this width the window grows by one with each page, so that a short listing costs few needless requests."""

_WIDE = 16
"""A wider window looks at one item far ahead, beside the second page, because it would take several round trips to open
step by step."""

_GOOD_PAGES = 10
"""After this many good pages in a row, pages that were halved are twice as long again."""


@define(eq=False, repr=False, slots=False)
class Window(Generic[T]):
    """Hands over one page after the other, and keeps up to ``concurrency`` of them in flight or waiting.

    The first page is fetched alone. From then on the window grows with each page that came as predicted, or opens at
    once if the listing is known to go on far ahead. At the first page that did not come as predicted, the pages fetched
    beyond it are thrown away. If that page is only shorter, the server caps the limit, and the window goes on with
    pages of that length. Otherwise a page is requested only when the walk needs it, at the cursor that the server gave.

    Nothing is fetched before `next` is called, so a consumer that stops stops the requests. A window that is dropped
    cancels what it has in flight; its tasks know nothing of it, so nothing keeps it alive.
    """

    fetch: Fetch[T]
    cursor: int
    """Where the next page begins."""
    limit: int
    """How many items are requested per page."""
    overlap: int
    """How many items of a page the next one is to begin with; less than `limit`."""
    concurrency: int
    on_unreadable: OnUnreadable | None
    passed: int
    """The position before which all items have been passed."""

    def __attrs_post_init__(self) -> None:
        self._whole, self._width = self.limit, 1
        self._prefetched: deque[tuple[int, int, Deadline, asyncio.Task[Page[T]]]] = deque()
        self._far: asyncio.Task[Page[T]] | None = None
        """The request of one item far ahead, one of those in flight. None: there was none, or it is of no use."""
        self._has_looked_far = False
        self._cancelled: list[asyncio.Task[Page[T]]] = []
        self._has_learned = self._ended = False
        self._has_offsets = False
        """Whether a page with more than one item has shown that the cursors are offsets."""
        self.is_sequential = False
        """Whether one page is in flight at most, although more are allowed, because cursors cannot be predicted."""
        self._too_long = 0
        """How many pages came only in parts, because they were too long, since a whole page came."""
        self._good = 0
        """How many pages in a row came whole since they were halved."""
        self.gap: Gap | None = None
        """What lies before the page handed over last, if that is a part of one that failed; None: it is whole."""
        self.requested = self.limit
        """How many items were requested with the page handed over last, or with the one that it is a part of."""
        self._step_back()

    def restart(self, cursor: int) -> None:
        """Throw away what is in flight and go on at another cursor, with one page at first."""
        self._step_back()
        self.cursor, self.passed = cursor, 0
        self._ended = False

    def follow(self, cursor: int, limit: int, *, passed: int) -> None:
        """Go on at another cursor as `restart` does, with pages that do not overlap."""
        self.restart(cursor)
        self.overlap, self.limit, self._whole, self.passed = 0, limit, limit, passed

    async def next(self, at_most: int = sys.maxsize) -> Page[T] | None:
        """Return the next page; None: the one before was the last. At most so many can be needed from here on.

        After an error, or when cancelled, nothing is in flight, and the next call requests the same page again. If the
        page before led nowhere, that is a `PaginationError`.
        """
        self.gap = None
        if self._ended:
            await self.aclose()
            return None
        last, bisection = self._last, self._bisection
        if bisection is None and last is not None and (last.following is None or self.cursor <= last.cursor):
            raise leads_nowhere(last.cursor, None if last.following is None else self.cursor)
        try:
            if self._cancelled:
                await asyncio.wait(self._cancelled)  # what was thrown away is in flight until it has ended
                self._cancelled = []
            if bisection is not None:
                return await self._part(bisection)
            limit, deadline, fetching = self._due(at_most)
            self.requested = limit
            try:
                page = await fetching
            except TofuPilotError as error:
                if not may_be_read_in_parts(error, self.on_unreadable):
                    raise
                # Its frames lead to this one, which has the window: pages of a dropped walk would stay in flight.
                error.with_traceback(None)
                return await self._part(self._bisected(error, limit, deadline))
            if self._prefetched:
                self._prefetched.popleft()
            self._settle(page, limit)
        except BaseException as error:
            ended = type(error).__name__
            _log.debug("the wait for cursor %d ended with %s: its requests are dropped", self.cursor, ended)
            self._step_back()
            raise
        return page

    async def aclose(self) -> None:
        """End, and wait until nothing is in flight."""
        self._ended = True
        self._cancel_prefetched()
        await asyncio.gather(*self._cancelled, return_exceptions=True)

    def __del__(self) -> None:
        if hasattr(self, "_far"):  # otherwise it was interrupted while it was made
            cancel_soon(self._in_flight)

    @property
    def _in_flight(self) -> list[asyncio.Task[Page[T]]]:
        far = [] if self._far is None else [self._far]
        return [task for _, _, _, task in self._prefetched] + far

    def _step_back(self) -> None:
        """Throw away what is in flight, and let the page that is due be requested alone."""
        self._cancel_prefetched()
        self._last: Page[T] | None = None
        self._bisection: Bisection[T] | None = None

    def _due(self, at_most: int) -> tuple[int, Deadline, Coroutine[Any, Any, Page[T]]]:
        """Fill the window, and return the limit, the time limit and the request of its first page."""
        limit, deadline, widest = self.limit, Deadline(), min(self.concurrency, at_most)
        is_looking_far = self._far is not None and not self._far.done()
        width = min(self._width, at_most, self.concurrency - is_looking_far)
        while width > 1 and len(self._prefetched) < width:
            cursor, deadline = self.cursor, Deadline()
            if self._prefetched:
                cursor = self._prefetched[-1][0] + self._prefetched[-1][1] - self.overlap
            self._prefetched.append((cursor, limit, deadline, begun(self.fetch(cursor, limit, deadline=deadline))))
        if width > 1 and not self._has_looked_far and widest > _WIDE:
            self._has_looked_far = True
            self._far = begun(self.fetch(self.cursor + widest * (limit - self.overlap), 1, once=True))
        if self._prefetched:
            _, limit, deadline, task = self._prefetched[0]
            return limit, deadline, _result(task)
        return limit, deadline, self.fetch(self.cursor, limit, deadline=deadline)

    def _bisected(self, error: TofuPilotError, limit: int, deadline: Deadline) -> Bisection[T]:
        """Return how to read the page that is due in parts. The pages requested beyond it are as good as ever."""
        if self._prefetched:
            self._prefetched.popleft()
        has_offsets = self._has_offsets or limit == 1  # then no other limit is requested
        return Bisection(
            self.fetch,
            error,
            self.cursor,
            limit,
            deadline,
            skips=self.on_unreadable == "skip",
            overlap=self.overlap,
            passed=self.passed,
            has_offsets=has_offsets,
            read_at=self._last.cursor if self._last and has_offsets else None,
        )

    async def _part(self, bisection: Bisection[T]) -> Page[T]:
        """Return the next part of a page that failed."""
        page = await bisection.next()
        self.gap = None if bisection.is_stuck else bisection.gap  # then it is a page as the server cuts it
        self._bisection = bisection if bisection.is_under_way else None
        self._note(page)
        if bisection.is_too_long:
            self._too_long += 1
            if self._too_long > 1:  # the first time, the server may have been slow for another reason
                self.limit, self._good = max(self.overlap + 1, bisection.limit // 2), 0
                self._cancel_prefetched()
        is_joined = self._prefetched and self._prefetched[0][0] == self.cursor
        if not is_joined and self._bisection is None:
            self._cancel_prefetched()
        return page

    def _settle(self, page: Page[T], requested: int) -> None:
        """Hold a page to what was predicted when so many items were requested, and note what follows it."""
        if requested == self._whole:
            self._too_long = 0
        elif self.limit < self._whole:
            self._good += 1
            if self._good == _GOOD_PAGES:
                self.limit, self._good = min(2 * self.limit, self._whole), 0
        following, length = page.following, len(page.data)
        if following == page.cursor + requested:
            wider = self._width + (1 if self._width < _CAUTIOUS else 2)
            self._width = self.concurrency if self._goes_on_far() else min(wider, self.concurrency)
        elif following is None:
            self._cancel_prefetched()
        else:
            if self._prefetched:
                _log.debug(
                    "the page at cursor %d leads to %d: %d requested ahead are dropped",
                    page.cursor,
                    following - self.overlap,
                    len(self._prefetched),
                )
            self._cancel_prefetched()
            if not self._has_learned and self.overlap < length < requested and following == page.cursor + length:
                self.limit = self._whole = length  # the server gives no longer pages
                self._has_learned = True
            elif self.concurrency > 1:
                self.concurrency, self.is_sequential = 1, True
        self._note(page)

    def _goes_on_far(self) -> bool:
        """Return whether the listing is known to go on far ahead. Some servers show their last item there instead."""
        far = self._far
        if far is None or not far.done() or far.cancelled() or far.exception() is not None:
            return False
        return far.result().following is not None

    def _note(self, page: Page[T]) -> None:
        """Note what follows a page that is handed over."""
        self._last, following = page, page.following
        self._ended = following is None and not page.meta.has_more
        if following is not None:
            self.cursor, self.passed = following - self.overlap, following
            self._has_offsets = self._has_offsets or following - page.cursor == len(page.data) > 1

    def _cancel_prefetched(self) -> None:
        """Throw away what is in flight, and go on with one page."""
        tasks, self._far = self._in_flight, None
        self._prefetched.clear()
        cancel(tasks)
        self._cancelled = [task for task in (*self._cancelled, *tasks) if not task.done()]
        self._width = 1


async def _result(task: asyncio.Task[Page[T]]) -> Page[T]:
    """Return the page that a task fetches, or raise its error; see `outcome`."""
    try:
        if task.done():
            await asyncio.sleep(0)  # the pages requested just now set off before this one is consumed
        else:
            await asyncio.wait((task,))  # awaiting the task itself could not tell its cancellation from ours
        return outcome(task)
    finally:
        del task  # which knows its error, which knows this frame


def outcome(task: asyncio.Task[R]) -> R:
    """Return the result of a task that is done, or raise its error, perhaps a `CancelledError` of a user's limiter."""
    try:
        if task.cancelled() and task.cancelling():  # by somebody, as the end of an event loop does it
            raise SessionError("the session was closed while a request was under way")
        return task.result()
    finally:
        del task  # likewise
