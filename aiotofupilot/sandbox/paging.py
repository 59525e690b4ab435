"""Ways to cut a listing into pages: the way of TofuPilot, and those of odd servers.

A paging is a function. It takes the number of items that match, the cursor and the limit, and returns the window that a
page shows. You can write your own in a line.

`Sandbox(paging=short_pages())` sets a paging for every listing, and ``sandbox.paging = offsets`` ends it.
`Sandbox(pagings={"runs": capped(25)})` sets a paging for a single listing. The listing of users has no pages, so no
paging changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

__all__ = [
    "Paging",
    "Window",
    "backward_cursor",
    "capped",
    "clamped_cursor",
    "cycling_cursor",
    "endless_empty",
    "hidden_rows",
    "ignored_cursor",
    "null_cursor",
    "offsets",
    "page_numbers",
    "repeating_cursor",
    "short_pages",
]


class Window(NamedTuple):
    """The items that a page shows, of those that match."""

    start: int
    """Index of the first item that is shown."""
    stop: int
    """Index after the last item that is shown. It may be beyond the end."""
    has_more: bool
    """Whether the page announces more items."""
    next_cursor: int | None
    """The next cursor that the page names; None: it is null."""


Paging = Callable[[int, int, int], Window]
"""A function of (number of items that match, cursor, limit) that returns a window."""


def offsets(total: int, cursor: int, limit: int) -> Window:
    """Cut as TofuPilot does: a cursor is the number of items before the page.

    Args:
        total: How many items match.
        cursor: The cursor that was requested.
        limit: The most items that were requested.
    """
    stop = cursor + limit
    has_more = stop < total
    return Window(cursor, stop, has_more, stop if has_more else None)


def capped(most: int) -> Paging:
    """Show fewer items per page than were requested.

    Args:
        most: The most items per page.
    """
    return lambda total, cursor, limit: offsets(total, cursor, min(limit, most))


def short_pages(seed: int = 0) -> Paging:
    """Show 1 to `limit` items per page. The number depends only on the seed and the cursor.

    Args:
        seed: Another seed makes other pages.
    """
    return lambda total, cursor, limit: offsets(
        total,
        cursor,
        Random(f"{seed} {cursor}").randint(1, limit),  # noqa: S311 - test data
    )


def hidden_rows(every: int = 100, hide: int = 250) -> Paging:
    """Cut pages before hidden rows are left out.

    Args:
        every: After this many visible rows, hidden rows follow.
        hide: How many hidden rows follow there.
    """

    def visible(row: int) -> int:
        blocks, rest = divmod(row, every + hide)
        return blocks * every + min(rest, every)

    def paging(total: int, cursor: int, limit: int) -> Window:
        rows = total + total // every * hide
        window = offsets(rows, cursor, limit)
        return window._replace(start=visible(cursor), stop=visible(cursor + limit))

    return paging


def page_numbers(total: int, cursor: int, limit: int) -> Window:
    """Number the pages: a cursor is the number of a page, and the first page has the number 0.

    Args:
        total: How many items match.
        cursor: The number of the page that was requested.
        limit: The most items that were requested.
    """
    window = offsets(total, cursor * limit, limit)
    return window._replace(next_cursor=cursor + 1 if window.has_more else None)


def null_cursor(total: int, cursor: int, limit: int) -> Window:
    """Announce more items, where there are some, without a cursor.

    Args:
        total: How many items match.
        cursor: The cursor that was requested.
        limit: The most items that were requested.
    """
    return offsets(total, cursor, limit)._replace(next_cursor=None)


def _more(total: int, cursor: int, limit: int) -> Window:
    """Announce more items, whether there are some or not."""
    return offsets(total, cursor, limit)._replace(has_more=True, next_cursor=cursor + limit)


def _from(at: int, odd: Paging, *, before: Paging = offsets) -> Paging:
    """From an offset on, cut in an odd way."""
    return lambda total, cursor, limit: (before if cursor < at else odd)(total, cursor, limit)


def repeating_cursor(at: int = 0) -> Paging:
    """From offset `at` on, name the page's own cursor as the next one. A client that follows it does not move.

    Args:
        at: The offset from which on the server is odd.
    """
    return _from(at, lambda total, cursor, limit: _more(total, cursor, limit)._replace(next_cursor=cursor))


def cycling_cursor(at: int = 0) -> Paging:
    """From offset `at` on, name 0 as the next cursor. A client that follows it walks in circles.

    Args:
        at: The offset from which on the server is odd.
    """
    return _from(at, lambda total, cursor, limit: _more(total, cursor, limit)._replace(next_cursor=0))


def backward_cursor(at: int = 0) -> Paging:
    """From offset `at` on, name the page before as the next one. A client that follows it goes back and forth.

    Args:
        at: The offset from which on the server is odd.
    """
    return _from(
        at, lambda total, cursor, limit: _more(total, cursor, limit)._replace(next_cursor=max(cursor - limit, 0))
    )


def endless_empty(at: int = 0) -> Paging:
    """From offset `at` on, show nothing and announce more. A client that follows never comes to an end.

    Args:
        at: The offset from which on the server is odd.
    """
    return _from(at, lambda _total, cursor, limit: _more(0, cursor, limit)._replace(stop=cursor), before=_more)


def ignored_cursor(at: int = 0) -> Paging:
    """From offset `at` on, show the page at this offset for every cursor, and always announce more.

    Args:
        at: The offset from which on the server is odd.
    """
    return _from(
        at, lambda _total, cursor, limit: _more(0, cursor, limit)._replace(start=at, stop=at + limit), before=_more
    )


def clamped_cursor(at: int = 1000) -> Paging:
    """Take a cursor beyond `at` as `at`, like a server with a largest offset. Then the same page comes again and again.

    A listing that ends before `at` is cut as usual.

    Args:
        at: The largest offset of the server.
    """

    def paging(total: int, cursor: int, limit: int) -> Window:
        window = offsets(total, min(cursor, at), limit)
        return window._replace(next_cursor=cursor + limit) if window.has_more else window

    return paging
