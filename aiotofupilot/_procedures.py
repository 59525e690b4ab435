"""The listing of procedures: its query, and ``list()``. Another listing is a room like this one, and its models.

Source: https://www.tofupilot.com/docs/api/v2/procedures
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from ._arguments import integer
from ._codec import PageDecoder
from ._paginator import Paginator
from ._protocol import Response, date_time, read_page, request_target
from .models import Page, Procedure

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Procedures", "Request"]

T = TypeVar("T")

_decode = PageDecoder(Procedure)


class Request(Protocol):
    """How a listing asks: with the options of the session that it was begun from."""

    async def __call__(self, target: str, read: Callable[[Response], T]) -> T:
        """Return what ``read`` makes of the answer; it is called within the attempt, so its errors are retried too."""
        ...


class Procedures:
    """What a session can do with procedures."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def list(
        self,
        *,
        limit: int = 100,
        cursor: int | None = None,
        search_query: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        max_items: int | None = None,
    ) -> Paginator[Procedure]:
        """Return the listing of procedures; nothing is sent before it is used.

        Args:
            limit: Procedures a page, 1 to 100.
            cursor: Where to begin, in the server's counting of procedures: 0 or more; None: at the beginning.
            search_query: Text that a procedure's name contains, or its ID from 6 characters on; at most 100
                characters, as UTF-16 counts them; None: all.
            created_after: Only procedures created since; timezone-aware, a fraction of a millisecond is dropped; None:
                from the first on.
            created_before: Only procedures created until; timezone-aware, a fraction of a millisecond is rounded up;
                None: to the last.
            max_items: The most procedures that are yielded, 0 or more; None: all.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of bounds, a date-time is naive, or the two are in the wrong order.
        """
        parameters: dict[str, str | int] = {"limit": integer("limit", limit, low=1, high=100)}
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
        return Paginator(
            partial(self._fetch, request_target("/v2/procedures", parameters)),
            cursor=None if cursor is None else integer("cursor", cursor, low=0),
            max_items=None if max_items is None else integer("max_items", max_items, low=0),
        )

    async def _fetch(self, target: str, cursor: int | None) -> Page[Procedure]:
        if cursor is None:
            return await self._request(target, lambda response: read_page(response, 0, _decode))
        return await self._request(f"{target}&cursor={cursor}", lambda response: read_page(response, cursor, _decode))


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
    return moment
