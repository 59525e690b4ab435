"""Ways to cut a listing into pages: the way of TofuPilot, and those of servers with a bound.

A paging is a function. It takes the number of items that match, the cursor and the limit, and returns the window that a
page shows. You can write your own in a line.

`shuffled_ties` is not a paging, but a hook: it lists items that have one time in another order with each response.

`Sandbox(paging=capped(25))` sets a paging for every listing, and ``sandbox.paging = offsets`` ends it.
`Sandbox(pagings={"runs": capped(25)})` sets a paging for a single listing. The listing of users has no pages, so no
paging changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .factory import Factory
    from .request import Request

__all__ = [
    "Paging",
    "Window",
    "capped",
    "clamped_cursor",
    "ending_cursor",
    "offsets",
    "shuffled_ties",
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


def ending_cursor(at: int = 1000) -> Paging:
    """End at offset `at` and say nothing, like a server with a largest offset. What is listed after it never comes.

    Args:
        at: The number of items after which the listing seems to end.
    """

    def paging(total: int, cursor: int, limit: int) -> Window:
        window = offsets(min(total, at), cursor, limit)
        return window._replace(stop=min(window.stop, max(cursor, at)))

    return paging


def shuffled_ties(listing: str, seed: int = 0) -> Callable[[Factory, Request], None]:
    """Return a hook that puts items with the same time in another order before each response.

    A database owes them no order. Postgres, for one, may list them in another order for each offset. The hook changes
    the list of the listing. It takes for ties what stands side by side there, as made-up items do.

    Example:
        sandbox.before_response.append(shuffled_ties("measurements"))

    Args:
        listing: The name of the listing, such as ``runs``.
        seed: Another seed makes other orders.
    """
    random = Random(seed)  # noqa: S311 - test data

    def shuffle(factory: Factory, _request: Request) -> None:
        rows = factory.rows(listing)
        ties = [list(group) for _, group in groupby(rows, key=_time)]
        rows[:] = [item for group in ties for item in random.sample(group, len(group))]

    return shuffle


def _time(item: object) -> object:
    """Return the time by which an item is sorted if a request asks for no other order; None: it has none."""
    names = ("started_at", "deployed_at", "created_at")
    return next((getattr(item, name) for name in names if hasattr(item, name)), None)
