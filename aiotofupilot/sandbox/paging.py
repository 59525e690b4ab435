"""Ways to cut a listing into pages: that of TofuPilot, and those of servers with limits.

`shuffled_ties` is a hook instead. It reorders items of the same time before each response.

``Sandbox(paging=capped(25))`` sets a paging for every listing, and ``Sandbox(pagings={"runs": capped(25)})`` for one.
The listing of users has no pages.
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
    """The matching items that a page shows."""

    start: int
    """Index of the first item shown."""
    stop: int
    """Index after the last item shown. It may be beyond the end."""
    has_more: bool
    """Whether the page announces more items."""
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
    """Treat a cursor beyond `at` as `at`, so that the page there repeats. A shorter listing is cut as usual.

    Args:
        at: The largest offset of the server.
    """

    def paging(total: int, cursor: int, limit: int) -> Window:
        window = offsets(total, min(cursor, at), limit)
        return window._replace(next_cursor=cursor + limit) if window.has_more else window

    return paging


def ending_cursor(at: int = 1000) -> Paging:
    """End the listing silently at offset `at`.

    Args:
        at: The number of items after which the listing seems to end.
    """

    def paging(total: int, cursor: int, limit: int) -> Window:
        window = offsets(min(total, at), cursor, limit)
        return window._replace(stop=min(window.stop, max(cursor, at)))

    return paging


def shuffled_ties(listing: str, seed: int = 0) -> Callable[[Factory, Request], None]:
    """Return a hook that reorders items of the same time before each response.

    Databases guarantee them no order: Postgres may list them differently for each offset. The hook reorders the
    factory's list where such items are adjacent, as made-up ones are.

    Example:
        sandbox.before_response.append(shuffled_ties("measurements"))

    Args:
        listing: The name of the listing, such as ``runs``.
        seed: The seed of the orders.
    """
    random = Random(seed)  # noqa: S311 - test data

    def shuffle(factory: Factory, _request: Request) -> None:
        rows = factory.rows(listing)
        ties = [list(group) for _, group in groupby(rows, key=_time)]
        rows[:] = [item for group in ties for item in random.sample(group, len(group))]

    return shuffle


def _time(item: object) -> object:
    """Return the time that sorts an item by default, or None."""
    names = ("started_at", "deployed_at", "created_at")
    return next((getattr(item, name) for name in names if hasattr(item, name)), None)
