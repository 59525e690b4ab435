"""Where to look for the place of a walk in a listing that moved: outwards from where it was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiotofupilot.models import Page

__all__ = ["Search"]


class Search:
    """Names one cursor after the other, back and forth by turns, the nearer one first.

    They lie half a page apart, so that little slips through between two looks.

    Args:
        origin: The cursor of the first page that did not show the place.
        limit: Items a page, as far as is known; 2 or more.
    """

    def __init__(self, origin: int, limit: int) -> None:
        self._origin = self._back = self._forth = origin
        self._step = limit // 2
        self._ends = False

    def after(self, page: Page[Any]) -> int | None:
        """Return where to look after a page that did not show the place; None: there is nowhere left."""
        if page.following is not None:  # the server may give fewer than were asked for
            self._step = max(1, min(self._step, len(page.data) // 2))
        elif page.cursor >= self._forth:
            self._ends = True
        if not self._ends and (self._forth - self._origin < self._origin - self._back or not self._back):
            self._forth += self._step
            return self._forth
        if not self._back:
            return None
        self._back = max(0, self._back - self._step)
        return self._back
