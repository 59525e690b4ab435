"""Reads around an item that the server cannot serve, and that fails every page it is on.

The longest page that can be read up to the item is found by halving, and the item then stands alone behind it. Before
an item is called unreadable, it is asked for alone, and another page has to answer in between. So an outage is not
mistaken for an unreadable item. Positions are computed, so the server's cursors have to be offsets.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from attrs import frozen

from aiotofupilot.errors import (
    APIError,
    DecodeError,
    InvalidJSONError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
    TofuPilotError,
    TransportError,
)
from aiotofupilot.models import Page

from .memory import Identified

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from aiotofupilot._otel.walks import WalkSpan
    from aiotofupilot.stats import WalkStats

    from .plan import OnUnreadable

__all__ = ["Gap", "Isolation", "is_unreadable", "note_left_out"]

T = TypeVar("T", bound=Identified)

_log = logging.getLogger("aiotofupilot")

_STATUSES = frozenset({408, 500, 502, 504, 520, 524})
"""Statuses that one page alone can have. 520 and 524 are what Cloudflare says for 502 and 504.

503, 429 and 529 are not among them: with these a server refuses work, whatever page it is asked for.
"""

_FAILURES = 3
"""An item is unreadable after at least this many requests for it alone have failed."""

_LOOKS = 3
"""How often an item that was read before is asked for, to see that the server still answers."""

_NEAR = 8
"""How many of the items behind one that fails are looked at, one by one, for an item that can be read."""


_POSITIONS = 1000
"""At most this many positions of items that were left out are kept."""


class Ask(Protocol[T]):
    """Fetches a page of a listing, and counts the requests."""

    def __call__(self, cursor: int, limit: int, *, once: bool = False) -> Coroutine[Any, Any, Page[T]]:
        """Return a page; see `Source.fetch`."""
        ...


@frozen
class Gap:
    """The positions before a page at which nothing could be read; none as a rule."""

    start: int
    """The first position."""
    stop: int
    """The position after the last one, where the page begins."""
    left_out: range
    """Those of the positions that the walk has not passed before."""
    before: str | None = None
    """The ID of the item before the gap, read after the page behind it; None: there is none, or it is not needed."""
    is_confirmed: bool = True
    """Whether the last item of the gap failed again, after the page behind it was read."""


def note_left_out(gap: Gap, stats: WalkStats, span: WalkSpan) -> None:
    """Count what is left out before a page, and tell it."""
    stats.unreadable += len(gap.left_out)
    stats.unreadable_positions += gap.left_out[: _POSITIONS - len(stats.unreadable_positions)]
    for position in gap.left_out:
        span.event("skip", {"position": position})


def is_unreadable(error: TofuPilotError) -> bool:
    """Return whether an error can be due to an item of the page that was asked for."""
    match error:
        case ServerError():
            return error.status in _STATUSES
        case ResponseTooLargeError():
            return error.limit is not None
        case DecodeError():
            return error.item is not None or isinstance(error, InvalidJSONError)
        case _:
            return isinstance(error, RequestTimeoutError)


class Isolation(Generic[T]):
    """Hands over what can be read of a page that failed, part by part, each part a page of its own.

    Args:
        ask: Fetches a page.
        on_unreadable: What to do about an item that cannot be read.
        overlap: How many items of a page the next page is to begin with.
    """

    def __init__(self, ask: Ask[T], on_unreadable: OnUnreadable, *, overlap: int = 0) -> None:
        self.gap: Gap | None = None
        """What lies before the part that was handed over last."""
        self._ask = ask
        self._on_unreadable = on_unreadable
        self._overlap = overlap
        self._suspect: int | None = None
        self._limit = self._end = self._passed = 0
        self._read_at: int | None = None
        self._has_offsets = False

    @property
    def is_under_way(self) -> bool:
        """Whether an item behind the part that was handed over last is suspected to be unreadable."""
        return self._suspect is not None

    def helps(self, error: TofuPilotError) -> bool:
        """Return whether a page that failed is to be read in parts.

        An error that could have been tried again is raised as it is where the user wants no retries, unless unreadable
        items are to be skipped.
        """
        if not is_unreadable(error):
            return False
        if self._on_unreadable == "skip" or error.attempts > 1 or error.retry_budget is not None:
            return True
        return isinstance(error, DecodeError | ResponseTooLargeError) and not isinstance(error, InvalidJSONError)

    async def begin(
        self, cursor: int, limit: int, error: TofuPilotError, *, passed: int, read_at: int | None, has_offsets: bool
    ) -> Page[T]:
        """Return the first part that can be read of a page that failed.

        Args:
            cursor: Where the page begins.
            limit: How many items the page was to have.
            error: How the page failed.
            passed: The position before which all items have been passed.
            read_at: The position of an item that was read before; None: there is none.
            has_offsets: Whether the server's cursors were seen to be offsets.

        Raises:
            TofuPilotError: The same error, because no other page answers, or the server's cursors are no offsets. Or
                the error of an item that stands alone; its ``position`` says where.
        """
        self._limit, self._end, self._passed = limit, cursor + limit, passed
        self._has_offsets = has_offsets or limit == 1  # then no other limit is asked for
        self._read_at = read_at if self._has_offsets else None
        if not await self._is_answered():
            raise error
        page, self._suspect = await self._halve(cursor, limit, error)
        if page is None:
            return await self._beyond(cursor, start=cursor)
        if page.following is not None and not await self._are_offsets(page.following):
            raise error
        self.gap = Gap(cursor, cursor, range(0))
        return page

    async def go_on(self) -> Page[T]:
        """Return the first part that can be read behind the item that is suspected, or with it.

        Raises:
            TofuPilotError: As `begin`.
        """
        position = cast("int", self._suspect)
        self._passed = max(self._passed, position)
        answer = await self._verdict(position)
        if isinstance(answer, TofuPilotError):
            return await self._beyond(position, start=position, error=answer)
        if self._overlap:
            # It has to come on a page that begins with the item passed last.
            answer = await self._once(position - self._overlap, self._overlap + 1, retries=True)
            if isinstance(answer, TofuPilotError):
                return await self._beyond(position - self._overlap, start=position - self._overlap)
        self._suspect = None
        self.gap = Gap(position, position, range(0))
        return answer

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
                page, self._suspect = answer, None
            else:
                self._leave_out(position, answer)
                position, error = position + 1, None
                page, self._suspect = await self._behind(position, answer)
        self.gap = await self._gap(start, position)
        return page

    async def _behind(self, position: int, error: TofuPilotError) -> tuple[Page[T] | None, int | None]:
        """Return what `_halve` does for the rest of the page that failed.

        Args:
            position: Where the rest begins.
            error: Why the item before it is unreadable.
        """
        rest = self._end - position
        limit = rest if rest > self._overlap else self._limit
        self._end = position + limit
        answer = await self._once(position, limit)
        if isinstance(answer, Page):
            self._length(answer, limit, error)
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
            answer = await self._once(cursor, middle)
            if not isinstance(answer, Page):
                high = middle
                continue
            read = answer
            length = self._length(read, middle, error)
            if length != middle:
                return read, None
            low = middle
        return read, cursor + low

    def _length(self, page: Page[T], limit: int, error: TofuPilotError) -> int | None:
        """Return how many positions a page takes up; None: it is the last.

        Raises:
            TofuPilotError: The error given, because the server's cursors are no offsets.
        """
        if page.following is None:
            return None
        length = page.following - page.cursor
        if length not in (limit, len(page.data)):
            raise error
        self._has_offsets = self._has_offsets or length > 1
        if page.data and self._has_offsets:
            self._read_at = page.cursor
        return length

    async def _verdict(self, position: int) -> Page[T] | TofuPilotError:
        """Return the page of a single item, or the error because of which it is unreadable."""
        error = await self._once(position, 1, retries=True)
        if isinstance(error, Page):
            return error
        failures = max(1, error.attempts)
        while True:
            if not await self._is_other_read(position):
                raise error
            answer = await self._once(position, 1)
            if isinstance(answer, Page):
                return answer
            failures += 1
            if failures >= _FAILURES:
                return error

    def _leave_out(self, position: int, error: TofuPilotError) -> None:
        """Take note that an item is left out, unless it was passed before.

        Raises:
            TofuPilotError: The error given, because nothing is to be left out.
        """
        if position < self._passed:
            return
        if self._on_unreadable == "raise":
            error.position = position
            raise error
        _log.warning("the item at position %d cannot be read and is left out: %s", position, error)

    async def _gap(self, start: int, stop: int) -> Gap:
        left_out = range(max(start, self._passed), stop)
        if start == stop or not self._overlap:
            return Gap(start, stop, left_out)
        # The page behind the gap does not show that it follows. It does if both sides stand where they stood before.
        again = await self._once(stop - 1, 1)
        before = await self._once(start - 1, 1) if start else None
        return Gap(
            start,
            stop,
            left_out,
            before=before.data[0].id if isinstance(before, Page) and before.data else None,
            is_confirmed=not isinstance(again, Page),
        )

    async def _once(self, cursor: int, limit: int, *, retries: bool = False) -> Page[T] | TofuPilotError:
        """Return a page, or an error that is due to one of its items, after a single attempt unless `retries` is true.

        Another error of that attempt is no sign of an unreadable item, and the page is asked for as any page is.
        """
        if not retries:
            try:
                return await self._ask(cursor, limit, once=True)
            except (APIError, TransportError, DecodeError) as error:
                if is_unreadable(error):
                    return error
        try:
            return await self._ask(cursor, limit)
        except TofuPilotError as error:
            if is_unreadable(error):
                return error
            raise

    async def _is_answered(self) -> bool:
        """Return whether any other page is answered right now. During an outage that costs three requests at most."""
        for cursor in self._beside if self._read_at is None else (self._read_at,) * _LOOKS:
            if await self._look(cursor) is not None:
                return True
        return False

    async def _is_other_read(self, position: int) -> bool:
        """Return whether another item than the one at a position can be read right now."""
        if self._read_at is None and position and not await self._are_offsets(position):
            return False
        for cursor in self._around(position) if self._read_at is None else (self._read_at,) * _LOOKS:
            if await self._is_read(cursor):
                self._read_at = cursor
                return True
        return False

    async def _are_offsets(self, position: int) -> bool:
        """Return whether the server's cursors are offsets, as the position of an item that fails, after the first."""
        if not self._has_offsets:
            # A page number would lead to other items than that, now that two are asked for.
            self._has_offsets = not isinstance(await self._once(position, 2), Page)
        return self._has_offsets

    def _around(self, position: int) -> list[int]:
        """Return where to look for an item that can be read: beside a position, and then further and further away."""
        steps = (*range(1, _NEAR), *(2**power for power in range(_NEAR.bit_length() - 1, self._limit.bit_length())))
        behind = [position + step for step in steps if position + step < self._end]
        before = [position - step for step in steps if position >= step]
        return [*behind, *before, *self._beside]

    @property
    def _beside(self) -> tuple[int, ...]:
        """Where to look for a page that is answered: right behind the page that failed, and further on."""
        return self._end, self._end + self._limit, self._end + 10 * self._limit

    async def _is_read(self, cursor: int) -> bool:
        """Return whether an item can be read at a cursor, which is an offset and not the number of a page."""
        page = await self._look(cursor)
        if page is None or not page.data:
            return False
        if not self._has_offsets:
            # The pages of one item and of two begin with the same item only where cursors are offsets.
            longer = await self._look(cursor, 2)
            self._has_offsets = longer is not None and [item.id for item in longer.data[:1]] == [page.data[0].id]
        return self._has_offsets

    async def _look(self, cursor: int, limit: int = 1) -> Page[T] | None:
        """Return a page; None: it is not answered."""
        with suppress(APIError, TransportError, DecodeError):  # what they all mean here is that it is not answered
            return await self._ask(cursor, limit, once=True)
        return None


def _between(low: int, high: int, guess: int | None) -> int:
    """Return a number between two others: one that tells whether the guess is right, or else the middle."""
    if guess is not None:
        for number in (guess, guess + 1):
            if low < number < high:
                return number
    return (low + high) // 2
