"""Notices when page after page brings nothing, so that no walk goes on for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiotofupilot.errors import PaginationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot.models import Page

__all__ = ["Progress"]

_FRUITLESS_AT_MOST = 100
"""At most this many pages in a row may bring nothing."""


class Progress:
    """Counts the pages in a row that brought nothing.

    A page without a new item brings something if it shows an item that none of the pages before it in the row showed.
    So a walk that has to pass many known items again is not mistaken for one that stands still.
    """

    def __init__(self) -> None:
        self._fruitless = 0
        self._met: set[str] = set()

    def note(self, ids: Sequence[str], *, is_new: bool, cost: int = 1) -> bool:
        """Take note of a page, and return whether the walk may go on.

        Args:
            ids: The IDs of the items on the page.
            is_new: Whether any of them is new.
            cost: How many pages it counts for, if it brings nothing.
        """
        if is_new:
            self._fruitless = 0
            self._met.clear()
            return True
        met = len(self._met)
        self._met.update(ids)
        self._fruitless = 0 if len(self._met) > met else self._fruitless + cost
        return self._fruitless <= _FRUITLESS_AT_MOST

    def check(self, page: Page[Any], ids: Sequence[str], *, is_new: bool) -> None:
        """Take note of a page, and refuse to follow its cursor if that leads nowhere.

        Raises:
            PaginationError: It is one page too many in a row that brought nothing.
        """
        if not self.note(ids, is_new=is_new):
            raise PaginationError(
                f"{self._fruitless} pages in a row brought nothing new, the last one at cursor {page.cursor}: "
                "the server's cursor advances, but the listing does not",
                cursor=page.cursor,
                next_cursor=page.following,
                fruitless_pages=self._fruitless,
            )
