"""Ways to cut a listing into pages: TofuPilot's, and those of servers with limits.

``Sandbox(paging=capped(25))`` sets the paging of every listing, and ``Sandbox(pagings={"runs": capped(25)})`` of runs.
The listing of users has no pages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = [
    "Paging",
    "Window",
    "capped",
    "clamped_cursor",
    "offsets",
]


class Window(NamedTuple):
    """The matching items that a page shows."""

    start: int
    """Index of the first item shown."""
    stop: int
    """Index after the last item shown. It may be beyond the end."""
    has_more: bool
    """Whether the page says that there are more items."""
    next_cursor: int | None
    """The next cursor that the page names, or None for null."""


Paging = Callable[[int, int, int], Window]
"""A function of the number of matching items, the cursor and the limit that returns a window."""


def offsets(total: int, cursor: int, limit: int) -> Window:
    """Cut as TofuPilot does: a cursor is the number of items before the page.

    Args:
        total: The number of matching items.
        cursor: The requested cursor.
        limit: The requested limit.
    """
    stop = cursor + limit
    has_more = stop < total
    return Window(cursor, stop, has_more, stop if has_more else None)


def capped(most: int) -> Paging:
    """Show at most `most` items per page.

    Args:
        most: The most items per page.
    """
    return lambda total, cursor, limit: offsets(total, cursor, min(limit, most))


def clamped_cursor(at: int = 1000) -> Paging:
    """Treat a cursor beyond `at` as `at`, so that the page at `at` repeats. Shorter listings are not affected.

    Args:
        at: The largest offset of the server.
    """

    def paging(total: int, cursor: int, limit: int) -> Window:
        window = offsets(total, min(cursor, at), limit)
        return window._replace(next_cursor=cursor + limit) if window.has_more else window

    return paging
