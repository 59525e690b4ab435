"""Asks for other pages than the one that failed, to see that the server answers and that its cursors are offsets."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from aiotofupilot._paging.source import Identified
from aiotofupilot.errors import APIError, DecodeError, TransportError
from aiotofupilot.models import Page

from .signs import page_or_error

if TYPE_CHECKING:
    from aiotofupilot.errors import TofuPilotError

    from .signs import Ask

__all__ = ["Elsewhere"]

T = TypeVar("T", bound=Identified)

_LOOKS = 3
"""How often an item that was read before is asked for, to see that the server still answers."""

_STEPS = tuple(2**power for power in range(11))
"""How far from an item that fails an item is looked for that can be read, on each side of it."""


class Elsewhere(Generic[T]):
    """What is known of other pages than the one that failed. A page that is asked for here is asked for once.

    Args:
        ask: Fetches a page.
        cursor: Where the page begins that failed.
        limit: How many items it was to have.
        read_at: The position of an item that was read before; None: there is none.
        has_offsets: Whether the server's cursors were seen to be offsets.
    """

    def __init__(self, ask: Ask[T], cursor: int, limit: int, *, read_at: int | None, has_offsets: bool) -> None:
        self.end = cursor + limit
        """The position after the page that failed."""
        self.has_offsets = has_offsets or limit == 1  # then no other limit is asked for
        """Whether the server's cursors were seen to be offsets."""
        self._ask = ask
        self._limit = limit
        self._read_at = read_at if self.has_offsets else None

    def note(self, page: Page[T], limit: int, error: TofuPilotError) -> int | None:
        """Take note of a part that was read, and return how many positions it takes up; None: it is the last page.

        Args:
            page: The part.
            limit: How many items were asked for.
            error: How a longer page failed.

        Raises:
            TofuPilotError: The error given, because the server's cursors are no offsets.
        """
        if page.following is None:
            return None
        length = page.following - page.cursor
        if length not in (limit, len(page.data)):
            raise error
        self.has_offsets = self.has_offsets or length > 1
        if page.data and self.has_offsets:
            self._read_at = page.cursor
        return length

    async def is_answered(self) -> bool:
        """Return whether any other page is answered right now. During an outage that costs three requests at most."""
        for cursor in self._beside if self._read_at is None else (self._read_at,) * _LOOKS:
            if await self._look(cursor) is not None:
                return True
        return False

    async def is_another_read(self, position: int) -> bool:
        """Return whether another item than the one at a position can be read right now."""
        if self._read_at is None and position and not await self.are_offsets(position):
            return False
        for cursor in self._around(position) if self._read_at in (None, position) else (self._read_at,) * _LOOKS:
            if await self._is_read(cursor):
                self._read_at = cursor
                return True
        return False

    async def are_offsets(self, position: int) -> bool:
        """Return whether the server's cursors are offsets, as the position of an item that fails, after the first."""
        if not self.has_offsets:
            # A page number would lead to other items than that, now that two are asked for.
            self.has_offsets = not isinstance(await page_or_error(self._ask, position, 2), Page)
        return self.has_offsets

    def _around(self, position: int) -> list[int]:
        """Return where to look for an item that can be read: beside a position, and then further and further away."""
        places = dict.fromkeys(place for step in _STEPS for place in (position + step, max(0, position - step)))
        return [place for place in places if place != position]

    @property
    def _beside(self) -> tuple[int, ...]:
        """Where to look for a page that is answered: right behind the page that failed, and further on.

        The last place is beyond the end of most listings. An empty page cannot fail because of an item.
        """
        return self.end, self.end + 10 * self._limit, self.end + 1000 * self._limit

    async def _is_read(self, cursor: int) -> bool:
        """Return whether an item can be read at a cursor, which is an offset and not the number of a page."""
        page = await self._look(cursor)
        if page is None or not page.data:
            return False
        if not self.has_offsets:
            # The pages of one item and of two begin with the same item only where cursors are offsets.
            longer = await self._look(cursor, 2)
            self.has_offsets = longer is not None and [item.id for item in longer.data[:1]] == [page.data[0].id]
        return self.has_offsets

    async def _look(self, cursor: int, limit: int = 1) -> Page[T] | None:
        """Return a page; None: it is not answered."""
        with suppress(APIError, TransportError, DecodeError):  # what they all mean here is that it is not answered
            return await self._ask(cursor, limit, once=True)
        return None
