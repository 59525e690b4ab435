"""Where to look for the place of a walk in a listing that moved: outwards from where it was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot.models import Page

__all__ = ["Search"]


class Search:
    """Names one cursor after the other, back and forth in turn, the nearer one first.

    The cursors lie half a page apart, so that little slips through between two looks.

    Args:
        origin: The cursor of the first page that did not show the place.
        limit: Items per page, as far as is known; 2 or more.
    """

    def __init__(self, origin: int, limit: int) -> None:
        self._origin = self._back = self._forth = origin
        self._looked_from = origin
        """From here to the origin, everything was looked at."""
        self._step = limit // 2
        self._has_ended = False
        self._furthest: Sequence[Any] = ()

    def after(self, page: Page[Any]) -> int | None:
        """Return where to look after a page that did not show the place; None: there is nowhere left."""
        if page.cursor >= self._forth:
            # Some servers show their last page again, whatever cursor beyond it they are asked for.
            self._has_ended = page.following is None or page.data == self._furthest
            self._furthest = page.data
        if page.following is not None:  # the server may give fewer items than it was asked for
            self._step = max(1, min(self._step, len(page.data) // 2))
        if self._back < self._looked_from:
            end = page.cursor + len(page.data)
            if page.following is not None and end < self._looked_from:
                return end  # the page was too short to reach what was looked at before
            self._looked_from = self._back
        forth_is_nearer = self._forth - self._origin < self._origin - self._back
        if not self._has_ended and (forth_is_nearer or not self._back):
            self._forth += self._step
            return self._forth
        if not self._back:
            return None
        self._back = max(0, self._back - self._step)
        return self._back
