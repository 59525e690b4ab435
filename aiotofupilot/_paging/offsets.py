"""Cursors that are offsets: a page of n items at cursor c leads to c + n. Some ways to use a listing need that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiotofupilot.errors import DriftError, PaginationError

if TYPE_CHECKING:
    from aiotofupilot.models import Page

__all__ = ["check_offsets"]


def check_offsets(page: Page[Any], instead: str) -> None:
    """Refuse a page whose cursor is no offset. The last page has no cursor, so there is nothing to refuse.

    Args:
        page: The page.
        instead: What works with any cursor, for the error's message.

    Raises:
        PaginationError: The cursor does not advance.
        DriftError: It advances, and is no offset.
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
        f"the server's cursors are no offsets: {count} items at {page.cursor} lead to {cursor}; {instead}",
        cursor=page.cursor,
    )
