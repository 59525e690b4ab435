"""Servers that cut listings in odd ways, beside the pagings of the sandbox."""

from collections.abc import Callable
from itertools import groupby
from random import Random

from aiotofupilot.sandbox import Factory, Request
from aiotofupilot.sandbox.paging import *  # noqa: F403 - a test takes all pagings from here
from aiotofupilot.sandbox.paging import Paging, Window, offsets


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
