"""What a paginator lists, as paging knows it, and how it is walked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, Unpack

from attrs import evolve, frozen

from aiotofupilot.errors import PaginationError, TofuPilotError
from aiotofupilot.models import Page, RawItem
from aiotofupilot.models.page import Identified as Identified  # noqa: PLC0414 - all of paging has it from here

if TYPE_CHECKING:
    from datetime import datetime

    from aiotofupilot._clock import Clock
    from aiotofupilot._request import FetchOptions
    from aiotofupilot.positions import Checkpoint, Shard
    from aiotofupilot.stats import RequestCounts

Order = Literal["asc", "desc"]
"""What comes first: the smallest or oldest items, or the largest or newest ones."""

OnDrift = Literal["ignore", "resync", "raise"]
"""What a walk does about a listing that moves during the walk."""

OnUnreadable = Literal["raise", "skip"]
"""What a walk does about an item that the server cannot serve."""

T = TypeVar("T", bound=Identified)
"""The class of an item."""
D_co = TypeVar("D_co", covariant=True)


class Connection(Protocol):
    """The way to the server. Paging knows nothing else of a session."""

    @property
    def clock(self) -> Clock:
        """Time and chance."""
        ...

    @property
    def down_since(self) -> datetime | None:
        """Since when requests fail and no response has been good, in UTC; None: the last one was good."""
        ...

    async def pause(self, seconds: float, *, after: TofuPilotError | None = None) -> None:
        """Wait, perhaps after an error that is logged, or raise a `SessionError` if the session is closed."""
        ...


class DetailSource(Protocol[D_co]):
    """How the details of items are fetched, one by one."""

    @property
    def model(self) -> type[D_co]:
        """The class of the details."""
        ...

    @property
    def hint(self) -> str:
        """What an error says where the details of no item can be found."""
        ...

    @property
    def is_known(self) -> bool:
        """Whether the session has read the details of one such item. So a 404 is about an item, and not the path."""
        ...

    async def fetch(
        self, item: Identified, counts: RequestCounts, *, is_checked: bool, **options: Unpack[FetchOptions]
    ) -> bytes:
        """Return the details of an item, not decoded. If they are checked, what cannot be decoded is a failure."""
        ...

    def decode(self, body: bytes, /) -> D_co:
        """Return the details in a body, or raise a `DecodeError`, which may quote the key of the session."""
        ...


class Source(Protocol[T]):
    """A query of a listing. Its pages can be fetched, and it can be narrowed."""

    @property
    def model(self) -> type[T]:
        """The class of an item."""
        ...

    @property
    def whole(self) -> Shard[T]:
        """The query as a single shard. For the query of a shard, it is that shard."""
        ...

    async def fetch(self, cursor: int, limit: int, counts: RequestCounts, **options: Unpack[FetchOptions]) -> Page[T]:
        """Return the page that begins at a cursor, in the server's counting. The listing itself begins at 0."""
        ...

    def raw(self) -> Source[RawItem]:
        """Return the same query with its items as the server sends them."""
        ...

    def structs(self) -> Source[Any]:
        """Return the same query with items that have only the attributes and values of the models; see `Paginator`."""
        ...

    def details(self) -> DetailSource[Any]:
        """Return how the details of items are fetched, or raise a `ValueError` if they cannot be had in this form."""
        ...

    def narrowed(
        self,
        *,
        after: datetime | None = None,
        order: Order | None = None,
        run_ids: Iterable[str] = (),
        procedure_id: str | None = None,
    ) -> Source[T]:
        """Return the same query for some of its items only, or raise a `ValueError` if the API does not allow it.

        Args:
            after: Only items created at this time or later, or a millisecond before. The query's own bound holds too.
            order: ``asc``: the oldest first; ``desc``: the newest first. None: the order does not change.
            run_ids: Only what these runs wrote, in place of the runs that the query names.
            procedure_id: Only what runs of this procedure wrote.
        """
        ...

    def alone(self, item_id: str) -> Source[RawItem] | None:
        """Return the same query for the item with an ID only; None: the API cannot be asked for it."""
        ...

    @property
    def sort_key(self) -> Callable[[Any], object] | None:
        """What returns the value that the server sorts an item by. Equal ones have no order. None: it is not known."""
        ...

    @property
    def can_be_bounded(self) -> bool:
        """Whether items can be requested by the time of their creation."""
        ...

    @property
    def can_be_ordered(self) -> bool:
        """Whether items can be requested in the order of their creation, or of the timestamp that divides the query."""
        ...

    @property
    def can_be_divided(self) -> bool:
        """Whether a filter bounds a timestamp of the items that never changes, so that it divides the query."""
        ...

    def timestamp(self, item: Identified) -> datetime | None:
        """Return this timestamp of an item; None: the item has none, and no bound finds it."""
        ...

    def near_bounds(self) -> tuple[Source[RawItem], ...]:
        """Return the items within a millisecond of the bounds of the shard, as the server sends them."""
        ...

    def created_at(self, item: T) -> datetime | None:
        """Return when an item was created, or raise a `DecodeError`; None: items of this listing do not say it."""
        ...

    def runs(self) -> Source[Any] | None:
        """Return the runs whose items are requested; None: the items do not belong to runs."""
        ...

    def run_id(self, item: T) -> str:
        """Return the ID of the run that wrote an item."""
        ...

    def procedure_id(self, run: Any) -> str | None:  # noqa: ANN401 - an item of the source of runs
        """Return the procedure that a request for a run's items has to name; None: it has to name none."""
        ...

    def served_at(self, page: Page[Any]) -> datetime | None:
        """Return the server's time when it responded with a page; None: the server did not say."""
        ...

    @property
    def connection(self) -> Connection:
        """The way to the server."""
        ...

    def within(self, max_elapsed: float) -> Source[T]:
        """Return the same query, no page of which is requested again for longer than some seconds."""
        ...


Fetch = Callable[..., Coroutine[Any, Any, Page[T]]]
"""`Source.fetch`, perhaps with some of its arguments given."""


@frozen
class Plan:
    """How a listing is to be walked."""

    limit: int
    """Items per page."""
    start: Checkpoint
    """Where to begin."""
    max_items: int | None
    """The most items to yield; None: all."""
    concurrency: int
    """How many pages may be in flight or waiting to be used."""
    on_drift: OnDrift | None
    """What to do about a listing that moves. None: what ``"resync"`` does, but follow cursors that are not offsets."""
    keep: Callable[[Any], bool] | None = None
    """Returns whether to yield an item that the server lists; None: all are yielded. The others are passed over."""
    sort_key: Callable[[Any], object] | None = None
    """Returns what the server sorts an item by; None: that is not known. Items with equal keys have no order."""
    on_unreadable: OnUnreadable | None = "raise"
    """What to do about an item that cannot be read. None: the server does not cut the listing into pages, so no
    page can be requested in parts."""

    def kept(self, page: Page[T]) -> Page[T]:
        """Return a page with those of its items that are to be yielded."""
        keep = self.keep
        return page if keep is None else evolve(page, data=[item for item in page.data if keep(item)])

    def described(self) -> dict[str, int | str]:
        """Return how the listing is walked, for instruments."""
        return {"limit": self.limit, "concurrency": self.concurrency, "on_drift": self.on_drift or "default"}


def leads_nowhere(cursor: int, next_cursor: int | None) -> PaginationError:
    """Return the error for a page that announces more items, and leads to none or to no later cursor than its own."""
    fault = (
        "announces more items, and no cursor that leads to them"
        if next_cursor is None
        else f"leads to {next_cursor}, which is not beyond it"
    )
    return PaginationError(f"the page at cursor {cursor} {fault}", cursor=cursor, next_cursor=next_cursor)
