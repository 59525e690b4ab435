"""Cursors that are offsets: a page of n items at cursor c leads to c + n. Some ways to use a listing need that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiotofupilot.errors import DriftError, PaginationError

if TYPE_CHECKING:
    from aiotofupilot.models import Page

__all__ = ["INSTEAD", "check_offsets"]

INSTEAD = 'a walk with on_drift="ignore" follows any cursor'
"""What an error says about the way out."""


def check_offsets(page: Page[Any]) -> None:
    """Refuse a page whose cursor is not an offset. The last page has no cursor, so there is nothing to refuse.

    Raises:
        PaginationError: The cursor does not advance.
        DriftError: It advances, and is not an offset.
    """
    cursor, count = page.following, len(page.data)
    if cursor is None or cursor == page.cursor + count > page.cursor:
        return
    if cursor <= page.cursor:
        raise PaginationError(
            f"the page at cursor {page.cursor} leads to {cursor}, which is not beyond it",
            cursor=page.cursor,
            next_cursor=cursor,
        )
    raise DriftError(
        f"the server's cursors are not offsets: {count} items at {page.cursor} lead to {cursor}; {INSTEAD}",
        cursor=page.cursor,
    )
