"""Notes where items were seen while a page is read in parts, and so whether the listing moves meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from aiotofupilot._paging.source import Identified

if TYPE_CHECKING:
    from aiotofupilot.models import Page

    from .signs import Ask

__all__ = ["Sightings"]

T = TypeVar("T", bound=Identified)


class Sightings(Generic[T]):
    """Fetches pages, and compares where their items are.

    Args:
        ask: Fetches a page.
    """

    def __init__(self, ask: Ask[T]) -> None:
        self.has_moved = False
        """Whether the listing was seen to move, at any time."""
        self._ask = ask
        self._ids: dict[int, str] = {}

    async def __call__(self, cursor: int, limit: int, *, once: bool = False) -> Page[T]:
        """Return a page, and note where its items are."""
        page = await self._ask(cursor, limit, once=once)
        for position, item in enumerate(page.data, page.cursor):
            self.has_moved |= self._ids.setdefault(position, item.id) != item.id
        return page

    def forget(self) -> None:
        """Compare with nothing that was seen before. Whether anything has moved stays known."""
        self._ids.clear()
