"""What every listing has in common: where it is, how its pages are asked for and read, and the shared options."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, get_args
from urllib.parse import urlencode

from attrs import evolve

from aiotofupilot._arguments import integer, named, one_of
from aiotofupilot._paging.memory import Identified
from aiotofupilot._paging.paginator import Paginator
from aiotofupilot._paging.plan import OnDrift, Plan
from aiotofupilot._wire.codec import PageDecoder
from aiotofupilot._wire.raw import RawDecoder
from aiotofupilot._wire.response import Response, read_page
from aiotofupilot.checkpoint import LARGEST, Checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot._wire.query import Pairs
    from aiotofupilot.models import Page
    from aiotofupilot.stats import RequestCounts

__all__ = ["Connection", "Listing"]

T = TypeVar("T", bound=Identified)
R = TypeVar("R")

_LIMIT_AT_MOST = 100


class Connection(Protocol):
    """How a listing reaches the server, with the options of its session."""

    @property
    def concurrency(self) -> int:
        """How many pages a listing has in flight if it names no number of its own."""
        ...

    async def get(self, target: str, read: Callable[[Response], R], counts: RequestCounts) -> R:
        """Return what ``read`` makes of the answer to a GET.

        ``read`` is called within each attempt, so that an answer that cannot be read is asked for again.
        """
        ...


class Listing(Generic[T]):
    """A listing of one kind of item. A subclass says where it is, what its items are, and what it can be filtered by.

    Args:
        connection: How to reach the server.
    """

    name: ClassVar[str]
    """The API's word for the items."""
    path: ClassVar[str]
    """Where the listing is, after the base URL."""
    is_bare: ClassVar[bool] = False
    """Whether the server answers with a bare array, which is the only page."""
    stable_orders: ClassVar[frozenset[str]] = frozenset()
    """Values of ``sort_by`` that give an order in which items that stay listed keep their places."""

    _decode: ClassVar[PageDecoder[Any]]
    _decode_raw: ClassVar[RawDecoder]

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __init_subclass__(cls, *, item: type[Any]) -> None:
        super().__init_subclass__()
        cls._decode = PageDecoder(item, bare=cls.is_bare)
        cls._decode_raw = RawDecoder(is_bare=cls.is_bare)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.path}>"

    def _paginator(
        self,
        pairs: Pairs,
        *,
        limit: int,
        cursor: int | Checkpoint | None,
        max_items: int | None,
        concurrency: int | None,
        on_drift: OnDrift,
        sort_by: str | None = None,
    ) -> Paginator[T]:
        """Return a listing that has not been asked for yet.

        Args:
            pairs: Filters and order, checked and spelled.
            limit: As all options below, as ``list()`` has it.
            cursor: See there.
            max_items: See there.
            concurrency: See there.
            on_drift: See there.
            sort_by: The order asked for; None: the default.
        """
        plan = Plan(
            limit=integer("limit", limit, low=1, high=_LIMIT_AT_MOST),
            start=self._start(cursor, pairs),
            max_items=None if max_items is None else integer("max_items", max_items, low=0),
            concurrency=(
                self._connection.concurrency if concurrency is None else integer("concurrency", concurrency, low=1)
            ),
            on_drift=one_of("on_drift", on_drift, get_args(OnDrift)),
        )
        if plan.on_drift == "resync" and sort_by is not None and sort_by not in self.stable_orders:
            stable = ", ".join(map(repr, sorted(self.stable_orders)))
            raise named(
                ValueError(
                    f"sort_by must be one of {stable} where on_drift is 'resync', got {sort_by!r}: "
                    "an item can change its place in that order, so that no walk can find its own place again"
                ),
                "sort_by",
            )
        query = urlencode(pairs)
        return Paginator(partial(self._fetch, self._decode, query), plan, partial(self._fetch, self._decode_raw, query))

    def _start(self, cursor: object, pairs: Pairs) -> Checkpoint:
        """Return where to begin, as a checkpoint of this listing and query."""
        query = _digest(pairs)
        if isinstance(cursor, str):
            complaint = f"cursor must be an integer or a Checkpoint, got {cursor!r}: use Checkpoint.parse()"
            raise named(TypeError(complaint), "cursor")
        if not isinstance(cursor, Checkpoint):
            cursor = Checkpoint(0 if cursor is None else integer("cursor", cursor, low=0, high=LARGEST))
        if cursor.listing not in ("", self.name):
            complaint = f"cursor is a checkpoint of {cursor.listing}, and cannot resume {self.name}"
            raise named(ValueError(complaint), "cursor")
        if cursor.listing and cursor.query != query:
            complaint = (
                f"cursor is a checkpoint of {self.name} with other filters or another order (query {cursor.query}), "
                f"and cannot resume these (query {query})"
            )
            raise named(ValueError(complaint), "cursor")
        return evolve(cursor, listing=self.name, query=query)

    async def _fetch(
        self, decode: Callable[[bytes, int], Page[R]], query: str, cursor: int, limit: int, counts: RequestCounts
    ) -> Page[R]:
        if self.is_bare:
            page = await self._connection.get(self.path, partial(read_page, cursor=0, decode=decode), counts)
            return evolve(page, data=page.data[cursor:], cursor=cursor)  # there is no cursor that the server knows
        target = f"{self.path}?limit={limit}"
        if query:
            target += f"&{query}"
        if cursor:
            target += f"&cursor={cursor}"
        return await self._connection.get(target, partial(read_page, cursor=cursor, decode=decode), counts)


def _digest(pairs: Pairs) -> str:
    """Return a few characters that tell one query from others."""
    hashed = hashlib.blake2b(urlencode(sorted(pairs)).encode(), digest_size=6).digest()
    return urlsafe_b64encode(hashed).decode()
