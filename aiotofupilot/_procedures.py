"""The listing of procedures: its query, and ``list()``. Another listing is a room like this one, and its models.

Source: https://www.tofupilot.com/docs/api/v2/procedures
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the command reads the types of list() at run time
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_args

from ._arguments import integer, one_of
from ._listings import filters
from ._paging.paginator import Paginator
from ._paging.plan import OnDrift, Plan
from ._wire.codec import PageDecoder
from ._wire.query import request_target
from ._wire.response import Response, read_page
from .checkpoint import LARGEST, Checkpoint
from .models import Page, Procedure

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from ._wire.query import Pairs
    from .stats import RequestCounts


__all__ = ["Connection", "Procedures"]

T = TypeVar("T")

_decode = PageDecoder(Procedure)


class Connection(Protocol):
    """How a listing reaches the server: with the options of the session that it was begun from."""

    @property
    def concurrency(self) -> int:
        """Pages in flight, for a listing that names no number of its own."""
        ...

    async def request(self, target: str, read: Callable[[Response], T], counts: RequestCounts) -> T:
        """Return what ``read`` makes of the answer; it is called within the attempt, so its errors are retried too."""
        ...

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a request as a task that ends with the session."""
        ...


class Procedures:
    """What a session can do with procedures."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        *,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        search_query: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
    ) -> Paginator[Procedure]:
        """Return the listing of procedures; nothing is sent before it is used.

        Args:
            limit: Procedures a page, 1 to 100.
            cursor: Where to begin, in the server's counting: 0 to 2 ** 53 - 1; or a `Checkpoint`, to go on behind the
                last procedure that a walk of the same query yielded; None: at the beginning.
            search_query: Text that a procedure's name contains, or its ID from 6 characters on; at most 100
                characters, as UTF-16 counts them; None: all.
            created_after: Only procedures created since; timezone-aware, a fraction of a millisecond is dropped; None:
                from the first on.
            created_before: Only procedures created until; timezone-aware, a fraction of a millisecond is rounded up;
                None: to the last.
            max_items: The most procedures that are yielded, 0 or more; None: all.
            concurrency: Pages in flight or waiting to be used at the most, 1 or more; None: the session's. From 2 on,
                cursors are computed ahead for as long as the server's own confirm them.
            on_drift: What to do about procedures that come and go during the walk. ``"ignore"`` follows the cursor,
                and drops what was yielded lately if it comes again; a removal can make it miss others. ``"resync"``
                asks for each page, of 2 at least, one place early, to see that nothing moved, and finds its place
                again where something did: it yields exactly once whatever is listed during the whole walk.
                ``"raise"`` raises a `DriftError` instead.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of bounds, a date-time is naive, or the two are in the wrong order.
        """
        plan = Plan(
            limit=integer("limit", limit, low=1, high=100),
            start=_start(cursor),
            max_items=None if max_items is None else integer("max_items", max_items, low=0),
            concurrency=(
                self._connection.concurrency if concurrency is None else integer("concurrency", concurrency, low=1)
            ),
            on_drift=one_of("on_drift", on_drift, get_args(OnDrift)),
        )
        pairs = (
            *filters.string("search_query", search_query, at_most=_SEARCH_AT_MOST),
            *filters.moment_range("created", created_after, created_before),
        )
        return Paginator(partial(self._fetch, pairs), plan, self._connection.spawn)

    async def _fetch(self, pairs: Pairs, cursor: int, limit: int, counts: RequestCounts) -> Page[Procedure]:
        query = [("limit", str(limit)), *pairs, *([("cursor", str(cursor))] if cursor else [])]
        return await self._connection.request(
            request_target("/v2/procedures", query), lambda response: read_page(response, cursor, _decode), counts
        )


def _start(cursor: object) -> Checkpoint:
    if cursor is None:
        return Checkpoint()
    return cursor if isinstance(cursor, Checkpoint) else Checkpoint(integer("cursor", cursor, low=0, high=LARGEST))


_SEARCH_AT_MOST = 100
