"""How a listing is cut into pages: as TofuPilot does today, and as odd servers do.

A paging is a function from the number of items that match, the cursor and the limit to the window that a page shows.
So one can be written in a line. These are the ready-made ones:

| paging | what is odd |
|-|-|
| `offsets` | nothing: a cursor is an offset, pages are full |
| `capped(25)` | no page is longer, whatever limit was asked for |
| `short_pages()` | pages are shorter than asked, though more follow |
| `hidden_rows(every, hide)` | rows that the key can't see take up room: pages are short or empty, though more follow |
| `page_numbers` | a cursor is a page number |
| `null_cursor` | a page announces more, and not where |
| `repeating_cursor(at)` | from there on, each page gives its own cursor as the next |
| `cycling_cursor(at)` | from there on, it goes on at the beginning |
| `backward_cursor(at)` | from there on, the next page is the one before |
| `endless_empty(at)` | from there on, pages are empty for ever, while the cursor advances |
| `ignored_cursor(at)` | from there on, each page shows the same items, while the cursor advances |
| `clamped_cursor(at)` | a cursor beyond `at` counts as `at`, while the next cursor advances |

`Sandbox(paging=short_pages())` sets one for every listing, and ``sandbox.paging = offsets`` ends it.
`Sandbox(pagings={"runs": capped(25)})` sets one for a single listing. Users come whole, so nothing cuts them.
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
    """What a page shows of the items that match."""

    start: int
    """Index of the first one shown."""
    stop: int
    """Index behind the last one shown; may lie beyond the end."""
    has_more: bool
    """What the page says of the rest."""
    next_cursor: int | None
    """Where the page says that the next one begins; None: null."""


Paging = Callable[[int, int, int], Window]
"""From (items that match, cursor, limit) to a window."""


def offsets(total: int, cursor: int, limit: int) -> Window:
    """Cut as TofuPilot does: a cursor is the number of items before the page."""
    stop = cursor + limit
    has_more = stop < total
    return Window(cursor, stop, has_more, stop if has_more else None)


def capped(most: int) -> Paging:
    """Show at most so many items a page."""
    return lambda total, cursor, limit: offsets(total, cursor, min(limit, most))


def short_pages(seed: int = 0) -> Paging:
    """Show 1 to `limit` items a page; how many depends on the seed and the cursor alone."""

    def paging(total: int, cursor: int, limit: int) -> Window:
        random = Random(f"{seed} {cursor}")  # noqa: S311 - test data
        return offsets(total, cursor, random.randint(1, limit))

    return paging


def hidden_rows(every: int = 100, hide: int = 250) -> Paging:
    """Count rows that are filtered out after the page was cut: `hide` of them behind every so many visible ones."""

    def visible(row: int) -> int:
        blocks, rest = divmod(row, every + hide)
        return blocks * every + min(rest, every)

    def paging(total: int, cursor: int, limit: int) -> Window:
        rows = total + total // every * hide
        window = offsets(rows, cursor, limit)
        return window._replace(start=visible(cursor), stop=visible(cursor + limit))

    return paging


def page_numbers(total: int, cursor: int, limit: int) -> Window:
    """Take a cursor as the number of a page, the first being 0."""
    stop = (cursor + 1) * limit
    has_more = stop < total
    return Window(cursor * limit, stop, has_more, cursor + 1 if has_more else None)


def null_cursor(total: int, cursor: int, limit: int) -> Window:
    """Say that more follows, where it does, without a cursor to it."""
    return offsets(total, cursor, limit)._replace(next_cursor=None)


def repeating_cursor(at: int = 0) -> Paging:
    """Give each page from offset `at` on its own cursor as the next: a client that follows stands still."""
    return _misleading(at, lambda cursor, _limit: cursor)


def cycling_cursor(at: int = 0) -> Paging:
    """Go on at the beginning after the page at offset `at`: a client that follows walks in circles."""
    return _misleading(at, lambda _cursor, _limit: 0)


def backward_cursor(at: int = 0) -> Paging:
    """Go back by one page from offset `at` on: a client that follows walks to and fro."""
    return _misleading(at, lambda cursor, limit: max(cursor - limit, 0))


def endless_empty(at: int = 0) -> Paging:
    """Show nothing from offset `at` on, and announce more for ever: a client that follows never comes to an end."""
    return _advancing(at, lambda cursor, _limit: Window(cursor, cursor, has_more=True, next_cursor=None))


def ignored_cursor(at: int = 0) -> Paging:
    """Show the page at offset `at` again for each cursor behind it, and announce more for ever."""
    return _advancing(at, lambda _cursor, limit: Window(at, at + limit, has_more=True, next_cursor=None))


def clamped_cursor(at: int = 1000) -> Paging:
    """Take a cursor beyond `at` for `at`, as a server with a largest offset may: the same page comes for ever.

    A listing that ends before that is cut as usual.
    """

    def paging(total: int, cursor: int, limit: int) -> Window:
        window = offsets(total, min(cursor, at), limit)
        if cursor < at or not window.has_more:
            return window
        return window._replace(next_cursor=cursor + limit)

    return paging


def _advancing(at: int, show: Callable[[int, int], Window]) -> Paging:
    """Show something else from an offset on, with a next cursor that advances by `limit`."""

    def paging(total: int, cursor: int, limit: int) -> Window:
        if cursor < at:
            return offsets(total, cursor, limit)._replace(has_more=True, next_cursor=cursor + limit)
        return show(cursor, limit)._replace(next_cursor=cursor + limit)

    return paging


def _misleading(at: int, next_cursor: Callable[[int, int], int]) -> Paging:
    def paging(total: int, cursor: int, limit: int) -> Window:
        window = offsets(total, cursor, limit)
        if cursor < at:
            return window
        return window._replace(has_more=True, next_cursor=next_cursor(cursor, limit))

    return paging
