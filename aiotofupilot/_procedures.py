"""The listing of procedures: its query, and ``list()``. Another listing is a room like this one, and its models.

Source: https://www.tofupilot.com/docs/api/v2/procedures
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_args

from ._arguments import integer, one_of
from ._codec import PageDecoder
from ._paginator import Paginator
from ._protocol import date_time, request_target
from ._walk import OnDrift, Plan
from ._wire.response import Response, read_page
from .checkpoint import Checkpoint
from .models import Page, Procedure

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Mapping

    from ._window import Fetch
    from .stats import WalkStats

__all__ = ["Connection", "Procedures"]

T = TypeVar("T")

_decode = PageDecoder(Procedure)


class Connection(Protocol):
    """How a listing reaches the server: with the options of the session that it was begun from."""

    @property
    def concurrency(self) -> int:
        """Pages in flight, for a listing that names no number of its own."""
        ...

    async def request(self, target: str, read: Callable[[Response], T], stats: WalkStats) -> T:
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
        parameters: dict[str, str] = {}
        if search_query is not None:
            parameters["search_query"] = _search_query(search_query)
        if created_after is not None:
            parameters["created_after"] = date_time(_aware("created_after", created_after))
        if created_before is not None:
            parameters["created_before"] = date_time(_aware("created_before", created_before), round_up=True)
        if created_after is not None and created_before is not None and created_after > created_before:
            raise ValueError(
                f"created_after must not be later than created_before, got {created_after} and {created_before}"
            )
        return Paginator(partial(self._source, parameters), plan, self._connection.spawn)

    def _source(self, parameters: Mapping[str, str], limit: int, stats: WalkStats) -> Fetch[Procedure]:
        target = request_target("/v2/procedures", {"limit": limit, **parameters})

        async def fetch(cursor: int | None) -> Page[Procedure]:
            return await self._connection.request(
                target if cursor is None else f"{target}&cursor={cursor}",
                lambda response: read_page(response, cursor or 0, _decode),
                stats,
            )

        return fetch


def _start(cursor: object) -> Checkpoint:
    if cursor is None:
        return Checkpoint()
    return cursor if isinstance(cursor, Checkpoint) else Checkpoint(cursor)  # type: ignore[arg-type]  # it finds out


_SEARCH_AT_MOST = 100


def _search_query(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"search_query must be a string, got {text!r}")
    try:
        length = len(text.encode("utf-16-le")) // 2  # how the server counts
    except UnicodeEncodeError as error:
        raise ValueError(f"search_query holds half a surrogate pair, which cannot be sent: {text!r}") from error
    if length > _SEARCH_AT_MOST:
        raise ValueError(f"search_query must have at most {_SEARCH_AT_MOST} characters, got {length}")
    return text


def _aware(name: str, moment: object) -> datetime:
    if not isinstance(moment, datetime):
        raise TypeError(f"{name} must be a datetime, got {moment!r}; datetime.fromisoformat() makes one of a string")
    if moment.utcoffset() is None:
        raise ValueError(
            f"{name} must be timezone-aware, got {moment!r}; "
            "moment.astimezone() takes it as local time, moment.replace(tzinfo=UTC) as UTC"
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{name} must be within the years 1 to 9999 in UTC, got {moment!r}") from error
