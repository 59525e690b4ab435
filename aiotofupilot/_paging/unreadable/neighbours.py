"""Confirms that nothing else lies between the item before a gap and the page behind it, while the listing may move.

No page can show both sides of a gap, because every page with the unreadable item fails. So both sides are looked at
again, in turn. If the listing moved while the page was read, and moved back, the looks agree only if it moves before
and after each of them in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from aiotofupilot._paging.source import Identified
from aiotofupilot.models import Page

from .signs import page_or_error

if TYPE_CHECKING:
    from .elsewhere import Elsewhere
    from .sightings import Sightings

__all__ = ["Neighbours"]

T = TypeVar("T", bound=Identified)

_LOOKS = 16
"""How often the two sides are looked at, in a listing that seems to stand still. If it moves all the same, at random
and at whatever pace, that many looks agree by chance at fewer than one of ten thousand gaps."""

_FURTHEST = 7
"""At most this many items before a gap may be unreadable too, because a checkpoint names 8 of those passed last."""

_LOOKS_WHILE_MOVING = 24
"""How often they are looked at once the listing was seen to move. That many agree by chance at fewer than one of a
million gaps."""


class Neighbours(Generic[T]):
    """The two sides of a gap.

    Args:
        sightings: Fetches a page, and knows whether the listing moves.
        elsewhere: What is known of other pages.
        start: The first position of the gap.
        stop: The position after the last one.
        behind: The page behind the gap, which begins at `stop`.
        passed: The position before which all items have been passed.
    """

    def __init__(
        self, sightings: Sightings[T], elsewhere: Elsewhere[T], start: int, stop: int, behind: Page[T], *, passed: int
    ) -> None:
        self._sightings = sightings
        self._elsewhere = elsewhere
        self.start = start
        """The first position of the gap. It is less than before if the items before the gap cannot be read either."""
        self._stop = stop
        self._behind = _first(behind)
        self._passed = passed
        self.before: str | None = None
        """The ID of the item before the gap; None: the gap is at the beginning of the listing, or is not confirmed."""

    async def are_confirmed(self) -> bool:
        """Return whether each look finds both sides, and what lies between them, as the others do.

        Raises:
            TofuPilotError: A page failed, and others fail as well.
        """
        for position in range(self.start, self._stop):
            if not await self._fails(position):
                return False
        lowest = self.start - _FURTHEST if self.start <= self._passed else self.start
        while self.start:
            before = await self._read(self.start - 1)
            if before is not None and before.data:
                self.before = _first(before)
                break
            if before is not None or self.start == lowest:
                return False
            self.start -= 1  # it was passed before, and became unreadable
        look = 1
        while look < (_LOOKS_WHILE_MOVING if self._sightings.has_moved else _LOOKS):
            if not (await self._behind_stands() if _is_behind(look) else await self._before_stands()):
                return False
            look += 1
        return True

    async def _before_stands(self) -> bool:
        if not self.start:
            return await self._fails(self._stop - 1)
        page = await self._read(self.start - 1)
        return page is not None and _first(page) == self.before

    async def _behind_stands(self) -> bool:
        page = await self._read(self._stop)
        return page is not None and _first(page) == self._behind

    async def _fails(self, position: int) -> bool:
        return not isinstance(await page_or_error(self._sightings, position, 1), Page)

    async def _read(self, position: int) -> Page[T] | None:
        """Return the page of one item at a position; None: the item cannot be read."""
        answer = await page_or_error(self._sightings, position, 1, retries=True)
        if isinstance(answer, Page):
            return answer
        if not await self._elsewhere.is_another_read(position):
            raise answer
        return None


def _first(page: Page[T]) -> str | None:
    """Return the ID of the first item of a page; None: the page is empty."""
    return page.data[0].id if page.data else None


def _is_behind(look: int) -> bool:
    """Return which side a look is for: the one behind the gap, or the one before it.

    The sides follow each other as in the Thue-Morse sequence, which does not repeat itself. Changes that come at a
    steady pace, such as one with each request, would keep in step with a sequence that does.
    """
    return look.bit_count() % 2 == 1
