"""How a listing is cut into pages: as TofuPilot does today, and as odd servers do.

A paging is a function from the number of procedures that match, the cursor and the limit to the window that a page
shows, so one can be written in a line; these are the ready-made ones:

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

`Sandbox(paging=short_pages())` sets one; ``sandbox.paging = offsets`` ends it.
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
    "cycling_cursor",
    "hidden_rows",
    "null_cursor",
    "offsets",
    "page_numbers",
    "repeating_cursor",
    "short_pages",
]


class Window(NamedTuple):
    """What a page shows of the procedures that match."""

    start: int
    """Index of the first one shown."""
    stop: int
    """Index behind the last one shown; may lie beyond the end."""
    has_more: bool
    """What the page says of the rest."""
    next_cursor: int | None
    """Where the page says that the next one begins; None: null."""


Paging = Callable[[int, int, int], Window]
"""From (procedures that match, cursor, limit) to a window."""


def offsets(total: int, cursor: int, limit: int) -> Window:
    """Cut as TofuPilot does: a cursor is the number of procedures before the page."""
    stop = cursor + limit
    has_more = stop < total
    return Window(cursor, stop, has_more, stop if has_more else None)


def capped(most: int) -> Paging:
    """Show at most so many procedures a page."""
    return lambda total, cursor, limit: offsets(total, cursor, min(limit, most))


def short_pages(seed: int = 0) -> Paging:
    """Show 1 to `limit` procedures a page; how many depends on the seed and the cursor alone."""

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


def _misleading(at: int, next_cursor: Callable[[int, int], int]) -> Paging:
    def paging(total: int, cursor: int, limit: int) -> Window:
        window = offsets(total, cursor, limit)
        if cursor < at:
            return window
        return window._replace(has_more=True, next_cursor=next_cursor(cursor, limit))

    return paging
