"""A part of a listing. It can be sent to another process or machine, and listed there."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

from attrs import field, frozen

from ._arguments import aware, named

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from ._listings.listing import Listing
    from ._paging.paginator import Paginator
    from ._paging.plan import OnDrift, OnUnreadable
    from ._paging.source import Identified
    from ._session import TofuPilotSession
    from .checkpoint import Checkpoint

    T = TypeVar("T", bound=Identified)
else:  # the bound is in a higher layer
    T = TypeVar("T")

__all__ = ["Shard"]

_SPELLING = re.compile(r"([a-z_]+):([^/?]+)/([^/?]+)\?(.*)", re.ASCII)

_OPEN = ".."
"""The spelling of ISO 8601-2 for an end without a bound."""


def _start(value: object) -> datetime | None:
    return aware("start", value)


def _end(value: object) -> datetime | None:
    return aware("end", value)


def _query(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)


@frozen(kw_only=True)
class Shard(Generic[T]):
    """A part of a listing: the items whose moment is at or after `start`, and before `end`. It holds no key.

    ``listing.shards(n)`` makes shards. Together they hold every item of the listing once. A shard can be pickled.
    ``str(shard)`` spells it for files, JSON and command lines, and `Shard.parse` reads it back.

    Raises:
        TypeError: A moment is neither a datetime nor None.
        ValueError: A moment is naive, or `start` is not before `end`.
    """

    listing: str
    """The name of the listing, such as ``runs``."""
    query: tuple[tuple[str, str], ...] = field(default=(), converter=_query)
    """The filters and the order of the listing, as in the query of a request."""
    start: datetime | None = field(default=None, converter=_start)
    """The earliest moment of an item; timezone-aware. None: there is no earliest moment."""
    end: datetime | None = field(default=None, converter=_end)
    """All items are before this moment; timezone-aware. None: there is no latest moment, so new items belong here."""

    def __attrs_post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise named(ValueError(f"start must be before end, got {self.start} and {self.end}"), "start")

    def __str__(self) -> str:
        start, end = (_OPEN if moment is None else moment.isoformat() for moment in (self.start, self.end))
        return f"{self.listing}:{start}/{end}?{urlencode(self.query)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard that a text spells.

        Args:
            text: What ``str(shard)`` returned.

        Raises:
            ValueError: The text is not a shard.
        """
        match = _SPELLING.fullmatch(text)
        if match is None:
            raise ValueError(f"not a shard: {text!r}")
        try:
            listing, start, end, query = match.groups()
            return cls(
                listing=listing,
                query=parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)),
                start=None if start == _OPEN else datetime.fromisoformat(start),
                end=None if end == _OPEN else datetime.fromisoformat(end),
            )
        except ValueError as error:
            raise ValueError(f"not a shard: {text!r}") from error

    def holds(self, moment: datetime | None) -> bool:
        """Return whether an item with a moment belongs to this shard.

        Args:
            moment: The moment of the item; timezone-aware. None: it has none. Such items belong to the shard without a
                start.
        """
        if moment is None:
            return self.start is None
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)

    def list(
        self,
        session: TofuPilotSession,
        *,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
        on_unreadable: OnUnreadable = "raise",
    ) -> Paginator[T]:
        """List the items of this shard, as the listing's own ``list()`` does. Nothing is sent before it is used.

        Args:
            session: The session that asks. Every process has its own. Shards that are listed at the same time share the
                server's rate limit, so divide the concurrency among them.
            limit: Items per page, 1 to 100.
            cursor: Where to begin, or a `Checkpoint` of the same shard. None: at the beginning.
            max_items: Yield at most this many items, 0 or more. None: all.
            concurrency: Pages in flight, 1 or more. None: the session's.
            on_drift: What to do about items that come and go during the walk.
            on_unreadable: What to do about an item that the server cannot serve while it serves others.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of bounds, or a checkpoint is of another listing, query or shard. Or the
                session has no such listing, or the query has a malformed date-time.
        """
        listing: Listing[Any] | None = getattr(session, self.listing, None)
        part = getattr(listing, "part", None)
        if part is None:
            raise named(ValueError(f"shard is one of {self.listing}, and there is no such listing"), "shard")
        paginator: Paginator[T] = part(
            self,
            limit=limit,
            cursor=cursor,
            max_items=max_items,
            concurrency=concurrency,
            on_drift=on_drift,
            on_unreadable=on_unreadable,
        )
        return paginator
