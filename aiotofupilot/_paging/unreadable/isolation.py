"""Reads around an item that the server cannot serve, and that fails every page it is on.

The longest page that can be read up to the item is found by halving, and the item then stands alone behind it. Before
an item is called unreadable, it is asked for alone, and another page has to answer in between. So an outage is not
mistaken for an unreadable item. Positions are computed, so the server's cursors have to be offsets.

The search begins only if another page is answered within the time that the policy has for the page. It takes no longer
than that time once more.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from aiotofupilot._paging.source import Identified
from aiotofupilot.clock import Deadline
from aiotofupilot.errors import APIError, DecodeError, TofuPilotError, TransportError
from aiotofupilot.models import Page

from .elsewhere import Elsewhere
from .gap import Gap
from .neighbours import Neighbours
from .sightings import Sightings
from .signs import calls_for_parts, is_due_to_length, is_inconclusive, judged, page_or_error

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from aiotofupilot._paging.plan import OnUnreadable


__all__ = ["Isolation"]

T = TypeVar("T", bound=Identified)
R = TypeVar("R")

_log = logging.getLogger("aiotofupilot")

_FAILURES = 3
"""An item is unreadable after at least this many requests for it alone have failed."""


class _TimeUpError(Exception):
    """The search has taken too long."""


class _Requests(Generic[T]):
    """Fetches pages within a time limit.

    It does not know the search, because a circle of references would keep a walk alive that nobody uses any more.

    Args:
        fetch: Fetches a page; see `Source.fetch`.
    """

    def __init__(self, fetch: Callable[..., Coroutine[Any, Any, Page[T]]]) -> None:
        self.deadline = Deadline()
        """The time limit of the search."""
        self._fetch = fetch
        self._controls = -1

    def page(self, cursor: int, limit: int, deadline: Deadline) -> Coroutine[Any, Any, Page[T]]:
        """Return a page; see `Isolation.page`."""
        control = partial(self._is_answered_behind, cursor, limit, deadline)
        return self._fetch(cursor, limit, deadline=deadline, control=control)

    async def __call__(self, cursor: int, limit: int, *, once: bool = False) -> Page[T]:
        """Return a page that the search needs.

        Raises:
            _TimeUpError: The time of the search is up.
        """
        deadline = self.deadline
        try:
            if once:
                return await self._fetch(cursor, limit, once=True, deadline=deadline)
            return await self.page(cursor, limit, deadline)
        except TofuPilotError as error:
            if deadline.is_missed:
                raise _TimeUpError from error
            _log.info("looking for an unreadable item: %d items at position %d fail: %s", limit, cursor, error)
            raise

    async def _is_answered_behind(self, cursor: int, limit: int, deadline: Deadline) -> bool:
        """Ask for an item behind a page, in another place each time, and return whether there was a good response."""
        end = cursor + limit
        places = (end, end + 10 * limit, end + 1000 * limit)
        self._controls += 1
        with suppress(APIError, TransportError, DecodeError):
            await self._fetch(places[self._controls % len(places)], 1, once=True, deadline=deadline)
            return True
        return False


class Isolation(Generic[T]):
    """Hands over what can be read of a page that failed, part by part, each part a page of its own.

    Args:
        fetch: Fetches a page; see `Source.fetch`.
        on_unreadable: What to do about an item that cannot be read.
        overlap: How many items of a page the next page is to begin with.
    """

    def __init__(
        self, fetch: Callable[..., Coroutine[Any, Any, Page[T]]], on_unreadable: OnUnreadable, *, overlap: int = 0
    ) -> None:
        self.gap: Gap | None = None
        """What lies before the part that was handed over last."""
        self._requests = _Requests(fetch)
        self._ask = self._sightings = Sightings(self._requests)
        self._on_unreadable = on_unreadable
        self._overlap = overlap
        self._suspect: int | None = None
        self._left_out: dict[int, str] = {}
        self._elsewhere: Elsewhere[T]
        self._error: TofuPilotError
        self._limit = self._passed = 0
        self._is_slow = False
        self.is_too_long = False
        """Whether the page failed only because it was too long, as far as the part shows that was handed over last."""

    @property
    def is_under_way(self) -> bool:
        """Whether an item behind the part that was handed over last is suspected to be unreadable."""
        return self._suspect is not None

    def note_move(self) -> None:
        """Note that the listing was seen to move, so that a gap has to be looked at more often."""
        self._sightings.has_moved = True

    def helps(self, error: TofuPilotError) -> bool:
        """Return whether a page that failed is to be read in parts."""
        return calls_for_parts(error, skips=self._on_unreadable == "skip")

    def page(self, cursor: int, limit: int, deadline: Deadline) -> Coroutine[Any, Any, Page[T]]:
        """Return a page as the server cuts it.

        Args:
            cursor: Where the page begins.
            limit: How many items to ask for.
            deadline: It is set to the time limit of the page.
        """
        return self._requests.page(cursor, limit, deadline)

    async def begin(
        self,
        cursor: int,
        limit: int,
        error: TofuPilotError,
        *,
        deadline: Deadline,
        passed: int,
        read_at: int | None,
        has_offsets: bool,
    ) -> Page[T]:
        """Return the first part that can be read of a page that failed.

        Args:
            cursor: Where the page begins.
            limit: How many items the page was to have.
            error: How the page failed.
            deadline: The time limit of the page.
            passed: The position before which all items have been passed.
            read_at: The position of an item that was read before; None: there is none.
            has_offsets: Whether the server's cursors were seen to be offsets.

        Raises:
            TofuPilotError: The same error, because no other page answers, or the server's cursors are no offsets. Or
                the error of an item that stands alone; its ``position`` says where.
        """
        self.is_too_long = False
        self._sightings.forget()
        self._left_out = {}
        self._limit, self._passed = limit, passed
        self._elsewhere = Elsewhere(self._ask, cursor, limit, read_at=read_at, has_offsets=has_offsets)
        self._requests.deadline, self._error = deadline, error
        is_answered = await self._in_time(self._elsewhere.is_answered())
        if not is_answered:
            raise error
        self._requests.deadline = Deadline()
        return await self._in_time(self._first_part(cursor, limit, error))

    async def _first_part(self, cursor: int, limit: int, error: TofuPilotError) -> Page[T]:
        if is_inconclusive(error):
            answer = await judged(self._ask, cursor, limit, error)
            if isinstance(answer, Page):
                self._suspect, self.gap = None, Gap(cursor, cursor)
                return answer
            error = answer
        self._is_slow = is_due_to_length(error)
        page, self._suspect = await self._halve(cursor, limit, error)
        if page is None:
            return await self._beyond(cursor, start=cursor)
        if page.following is not None and not await self._elsewhere.are_offsets(page.following):
            raise error
        self.gap = Gap(cursor, cursor)
        return page

    async def go_on(self) -> Page[T]:
        """Return the first part that can be read behind the item that is suspected, or with it.

        Raises:
            TofuPilotError: As `begin`.
        """
        self._requests.deadline = Deadline()
        return await self._in_time(self._next_part())

    async def _next_part(self) -> Page[T]:
        position = cast("int", self._suspect)
        self.is_too_long = False
        self._passed = max(self._passed, position)
        answer = await self._verdict(position)
        if isinstance(answer, TofuPilotError):
            return await self._beyond(position, start=position, error=answer)
        self.is_too_long = self._is_slow
        if self._overlap:
            # It has to come on a page that begins with the item passed last.
            answer = await page_or_error(self._ask, position - self._overlap, self._overlap + 1, retries=True)
            if isinstance(answer, TofuPilotError):
                return await self._beyond(position - self._overlap, start=position - self._overlap)
        self._suspect = None
        self.gap = Gap(position, position)
        return answer

    async def _in_time(self, searching: Coroutine[Any, Any, R]) -> R:
        """Return what a part of the search finds.

        Raises:
            TofuPilotError: How the page failed, because the time of the search is up.
        """
        try:
            return await searching
        except _TimeUpError:
            raise self._error from None

    async def _beyond(self, position: int, *, start: int, error: TofuPilotError | None = None) -> Page[T]:
        """Return the first part that can be read at a position or behind it.

        Args:
            position: Of the item that is suspected.
            start: Where the gap begins.
            error: Why the item is unreadable; None: that it is unreadable is not sure yet.
        """
        page: Page[T] | None = None
        while page is None:
            answer = error or await self._verdict(position)
            if isinstance(answer, Page):
                # With an overlap, the next page would begin with the same item, and fail as this one did.
                is_followed = self._overlap and answer.following is not None
                page, self._suspect = answer, position + 1 if is_followed else None
            else:
                self._leave_out(position, answer)
                position, error = position + 1, None
                page, self._suspect = await self._behind(position, answer)
        self.gap = await self._gap(start, position, page)
        return page

    async def _behind(self, position: int, error: TofuPilotError) -> tuple[Page[T] | None, int | None]:
        """Return what `_halve` does for the rest of the page that failed.

        Args:
            position: Where the rest begins.
            error: Why the item before it is unreadable.
        """
        rest = self._elsewhere.end - position
        limit = rest if rest > self._overlap else self._limit
        self._elsewhere.end = position + limit
        answer = await page_or_error(self._ask, position, limit)
        if isinstance(answer, Page):
            self._elsewhere.note(answer, limit, error)
            return answer, None
        return await self._halve(position, limit, answer, guess=0)  # unreadable items often stand side by side

    async def _halve(
        self, cursor: int, limit: int, error: TofuPilotError, *, guess: int | None = None
    ) -> tuple[Page[T] | None, int | None]:
        """Return the longest page that can be read at a cursor, and the position of the item that fails a longer one.

        No page: the first item fails it. No position: the page ends as the server wants it.

        Args:
            cursor: Where the page begins.
            limit: How many items fail.
            error: How they failed.
            guess: Which item is likely to be the unreadable one, by its index, if the error does not tell; None: any.
        """
        if isinstance(error, DecodeError):
            guess = error.item
        read: Page[T] | None = None
        low, high = 0, limit
        while high - low > 1:
            middle = _between(low, high, guess)
            answer = await page_or_error(self._ask, cursor, middle)
            if not isinstance(answer, Page):
                high = middle
                continue
            read = answer
            length = self._elsewhere.note(read, middle, error)
            if length != middle:
                return read, None
            low = middle
        return read, cursor + low

    async def _verdict(self, position: int) -> Page[T] | TofuPilotError:
        """Return the page of a single item, or the error because of which it is unreadable."""
        error = await page_or_error(self._ask, position, 1, retries=True)
        if isinstance(error, Page):
            return error
        failures = max(1, error.attempts)
        while True:
            if not await self._elsewhere.is_another_read(position):
                raise error
            answer = await page_or_error(self._ask, position, 1)
            if isinstance(answer, Page):
                return answer
            failures += 1
            if failures >= _FAILURES:
                return error

    def _leave_out(self, position: int, error: TofuPilotError) -> None:
        """Take note that an item is to be left out, unless it was passed before.

        Raises:
            TofuPilotError: The error given, because nothing is to be left out.
        """
        if position < self._passed:
            return
        if self._on_unreadable == "raise":
            error.position = position
            raise error
        self._left_out[position] = str(error)

    async def _gap(self, start: int, stop: int, behind: Page[T]) -> Gap:
        left_out, self._left_out = self._left_out, {}
        if start == stop or not self._overlap:
            return Gap(start, stop, left_out)
        neighbours = Neighbours(self._sightings, self._elsewhere, start, stop, behind, passed=self._passed)
        is_confirmed = await neighbours.are_confirmed()
        return Gap(neighbours.start, stop, left_out, before=neighbours.before, is_confirmed=is_confirmed)


def _between(low: int, high: int, guess: int | None) -> int:
    """Return a number between two others: one that tells whether the guess is right, or else the middle."""
    if guess is not None:
        for number in (guess, guess + 1):
            if low < number < high:
                return number
    return (low + high) // 2
