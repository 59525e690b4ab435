"""The base class of all listings, with the options that every ``list()`` has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypedDict, TypeVar, get_args

from attrs import evolve

from aiotofupilot._arguments import integer, named, one_of
from aiotofupilot._documentation import internal
from aiotofupilot._paging.paginator import Paginator
from aiotofupilot._paging.plan import OnDrift, OnUnreadable, Plan
from aiotofupilot._paging.source import Identified
from aiotofupilot._wire.codec import PageDecoder, ShapeDecoder
from aiotofupilot._wire.raw import RawDecoder
from aiotofupilot.checkpoint import LARGEST, Checkpoint

from .fields import moment_in
from .query import Query
from .timeline import widely_bounded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from aiotofupilot._wire.query import Pairs
    from aiotofupilot._wire.response import Response
    from aiotofupilot.clock import Clock
    from aiotofupilot.shard import Shard
    from aiotofupilot.stats import RequestCounts

__all__ = ["LIMIT_AT_MOST", "Connection", "Listing"]

T = TypeVar("T", bound=Identified)
R = TypeVar("R")

LIMIT_AT_MOST = 100
"""The most items of a page."""


class Connection(Protocol):
    """How a listing reaches the server, with the options of its session."""

    @property
    def concurrency(self) -> int:
        """How many pages a listing has in flight if it does not name its own number."""
        ...

    @property
    def clock(self) -> Clock:
        """Time and chance."""
        ...

    async def pause(self, seconds: float) -> None:
        """Wait between two requests. Closing the session meanwhile ends the wait with a `SessionError`."""
        ...

    async def get(self, target: str, read: Callable[[Response], R], counts: RequestCounts, *, once: bool = False) -> R:
        """Return what ``read`` returns for the answer to a GET. If ``once`` is true, there is a single attempt.

        ``read`` is called within each attempt, so an answer that cannot be read may be asked for again.
        """
        ...


class Options(TypedDict):
    """The options of every listing that has pages; see any ``list()``."""

    limit: int
    cursor: int | Checkpoint | None
    max_items: int | None
    concurrency: int | None
    on_drift: OnDrift
    on_unreadable: OnUnreadable


class Listing(Generic[T]):
    """A listing of one kind of item. A subclass has its path, its model and its filters.

    Args:
        connection: The way to the server.
    """

    name: ClassVar[str]
    """The API's word for the items."""
    path: ClassVar[str]
    """The path of the listing, after the base URL."""
    is_bare: ClassVar[bool] = False
    """Whether the server answers with a bare array. It is the only page."""
    stable_orders: ClassVar[frozenset[str]] = frozenset()
    """The values of ``sort_by`` for an order in which no item can move past another one."""
    creation_field: ClassVar[str | None] = None
    """The field of an item that says when it was created. None: items do not say it."""
    creation_filter: ClassVar[str | None] = None
    """The beginning of the names of the parameters that bound the moment of creation, such as ``created``. None: there
    are no such parameters."""
    oldest_first: ClassVar[str | None] = None
    """The value of ``sort_by`` whose ascending order lists the oldest items first. None: there is no such order."""
    shard_field: ClassVar[str | None] = None
    """The field by which shards are cut: a moment that never changes. None: `creation_field`."""
    shard_filter: ClassVar[str | None] = None
    """The beginning of the names of the parameters that bound this moment. None: `creation_filter`."""
    run_filter: ClassVar[str | None] = None
    """The parameter that names the runs whose items are listed. None: the items do not belong to runs."""
    run_field: ClassVar[tuple[str, ...]] = ()
    """The path in an item to the ID of its run: one field, or a field and a field in it. Empty: the items do not belong
    to runs."""
    procedure_filter: ClassVar[str | None] = None
    """The parameter that has to name the procedure whose items are listed. None: none has to be named."""

    decode: ClassVar[PageDecoder[Any]]
    """Reads a page of models."""
    decode_raw: ClassVar[RawDecoder]
    """Reads a page of items as the server sent them."""
    decode_shapes: ClassVar[ShapeDecoder]
    """Reads a page of shapes. They have the values of the models."""

    @internal
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        """The way to the server."""

    def __init_subclass__(cls, *, item: type[Any]) -> None:
        super().__init_subclass__()
        cls.decode = PageDecoder(item, bare=cls.is_bare)
        cls.decode_raw = RawDecoder(is_bare=cls.is_bare)
        cls.decode_shapes = ShapeDecoder(item, bare=cls.is_bare)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.path}>"

    @property
    def cut_by(self) -> tuple[str, str] | None:
        """The field by which shards are cut, and the beginning of the names of its filters.

        None: there is no such field, or no filter for it.
        """
        field, name = self.shard_field or self.creation_field, self.shard_filter or self.creation_filter
        return None if field is None or name is None else (field, name)

    def part(self, shard: Shard[T], **options: Unpack[Options]) -> Paginator[T]:
        """Return the items of a shard of this listing. Users call `TofuPilotSession.list`.

        Raises:
            ValueError: The shard is one of another listing, or it has bounds and this listing has no filter by time.
        """
        if shard.listing != self.name:
            raise named(ValueError(f"shard is one of {shard.listing}, and not of {self.name}"), "shard")
        pairs, order = shard.query, dict(shard.query).get("sort_by")
        if shard.start is None and shard.end is None:
            return self._paginator(pairs, **options, sort_by=order)
        if self.cut_by is None:
            raise named(ValueError(f"shard has bounds, and {self.name} have no filter by time"), "shard")
        field, name = self.cut_by
        return self._paginator(
            widely_bounded(pairs, name, shard.start, shard.end),
            **options,
            sort_by=order,
            part=shard,
            keep=lambda item: shard.holds(moment_in(item, field)),
        )

    def _paginator(
        self,
        pairs: Pairs,
        *,
        limit: int = LIMIT_AT_MOST,
        cursor: int | Checkpoint | None,
        max_items: int | None,
        concurrency: int | None = None,
        on_drift: OnDrift,
        on_unreadable: OnUnreadable = "raise",
        sort_by: str | None = None,
        part: Shard[T] | None = None,
        keep: Callable[[Any], bool] | None = None,
    ) -> Paginator[T]:
        """Return a paginator. Nothing has been sent.

        Args:
            pairs: Filters and order, checked and spelled.
            limit: As in ``list()``.
            cursor: See there.
            max_items: See there.
            concurrency: See there.
            on_drift: See there.
            on_unreadable: See there.
            sort_by: The order that was asked for; None: the default.
            part: The shard that is listed; None: the listing is not cut.
            keep: Whether to keep an item that the server lists; None: all are kept.
        """
        query: Query[T] = Query(self, pairs, self.decode, part)
        how: OnUnreadable = one_of("on_unreadable", on_unreadable, get_args(OnUnreadable))
        plan = Plan(
            limit=integer("limit", limit, low=1, high=LIMIT_AT_MOST),
            start=self._start(cursor, query.digest),
            max_items=None if max_items is None else integer("max_items", max_items, low=0),
            concurrency=(
                self.connection.concurrency if concurrency is None else integer("concurrency", concurrency, low=1)
            ),
            on_drift=one_of("on_drift", on_drift, get_args(OnDrift)),
            keep=keep,
            on_unreadable=None if self.is_bare else how,
        )
        if plan.on_drift == "resync" and sort_by is not None and sort_by not in self.stable_orders:
            stable = ", ".join(map(repr, sorted(self.stable_orders)))
            raise named(
                ValueError(
                    f"sort_by must be one of {stable} where on_drift is 'resync', got {sort_by!r}: "
                    "an item can change its place in that order, and then a walk cannot find its own place again"
                ),
                "sort_by",
            )
        return Paginator(query, plan)

    def _start(self, cursor: object, query: str) -> Checkpoint:
        """Return where to begin, as a checkpoint of this listing and of a query, which is named by its digest."""
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
