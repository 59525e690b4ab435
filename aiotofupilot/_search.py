"""Where to look for the place of a walk in a listing that moved: outwards from where it was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._protocol import following

if TYPE_CHECKING:
    from .models import Page

__all__ = ["Search"]


class Search:
    """Names one cursor after the other, half a page apart, so that little slips through between two looks.

    Args:
        origin: The cursor of the first page that did not show the place.
        limit: Items a page; 2 or more.
        both_ways: Whether the place may lie further on too. It may not for a walk that remembers hundreds of items:
            however far they moved on, some of them are further back.
    """

    def __init__(self, origin: int, limit: int, *, both_ways: bool) -> None:
        self._origin = self._back = self._forth = origin
        self._step = limit // 2
        self._both_ways = both_ways

    def after(self, page: Page[Any]) -> int | None:
        """Return where to look after a page that did not show the place; None: there is nowhere left."""
        if page.cursor >= self._forth and following(page) is None:
            self._both_ways = False
        if self._both_ways and (self._forth - self._origin < self._origin - self._back or not self._back):
            self._forth += self._step
            return self._forth
        if not self._back:
            return None
        self._back = max(0, self._back - self._step)
        return self._back
