"""The listing behind a paginator, as paging knows it, and the options of a walk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, Unpack, cast

from attrs import evolve, frozen

from aiotofupilot.errors import DriftError, PaginationError, TofuPilotError
from aiotofupilot.models.page import Identified as Identified  # noqa: PLC0414 - all of paging imports it from here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cattrs import Converter

    from aiotofupilot._clock import Clock
    from aiotofupilot._request import FetchOptions
    from aiotofupilot.models import Page, RawItem
    from aiotofupilot.positions import Checkpoint, Shard
    from aiotofupilot.stats import RequestCounts

Order = Literal["asc", "desc"]

OnDrift = Literal["ignore", "resync"]

OnUnreadable = Literal["raise", "skip"]

T = TypeVar("T", bound=Identified)
Y = TypeVar("Y")
"""The class of what is yielded: an item, or an object of the user's own class."""
D_co = TypeVar("D_co", covariant=True)


@frozen(eq=False)
class SortOrder:
    """How the server sorts a query, as far as the API says. Items with the same key are in any order."""

    keys: Callable[[Sequence[Any]], list[Any]]
    """Returns the keys of items, or None for an item without a time."""
    is_time: bool = False
    """Whether keys are times that never change. Otherwise they are texts. Equal texts are adjacent. The rest of their
    order is unknown, because the server's collation is unknown."""
    is_ascending: bool | None = None
    """Whether the oldest items come first. None if the pages have to show it."""
    is_bounded: bool = False
    """Whether a filter bounds this time; see `PageSource.between`."""
    may_lack: bool = False
    """Whether an item may have no time. The server then lists it first or last."""


BY_ID = SortOrder(lambda items: [item.id for item in items])
"""The order of a listing that is not known to be sorted by a time that never changes."""


MILLISECOND = timedelta(milliseconds=1)
"""The resolution of the API's times. Queries are this much wider than their bounds; see `PageSource.between`."""

EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def moved(time: datetime, by: timedelta) -> datetime:
    """Add to a time, but stay within the bounds of `datetime`."""
    try:
        return time + by
    except OverflowError:
        return EARLIEST if by < timedelta() else LATEST


SHORTEST = 3
"""The shortest page that can be checked against the previous page: an item, the last item read, and a new item."""

_INSTEAD = 'a walk with on_drift="ignore" follows any cursor'


class Connection(Protocol):
    """The connection to the server: all that paging knows of a session."""

    @property
    def clock(self) -> Clock: ...

    @property
    def down_since(self) -> datetime | None:
        """When requests began to fail, in UTC. None if the last response was good."""
        ...

    async def pause(self, seconds: float, *, after: TofuPilotError | None = None) -> None:
        """Wait, perhaps after an error that is logged. Raise a `SessionError` if the session is closed."""
        ...


class DetailSource(Protocol[D_co]):
    """Fetches the details of items, one by one."""

    @property
    def model(self) -> type[D_co]: ...

    @property
    def hint(self) -> str:
        """The hint of an error if no item's details can be found."""
        ...

    @property
    def is_known(self) -> bool:
        """Whether the session has read details from this path, so that a 404 means that an item is missing."""
        ...

    async def fetch(
        self, item: Identified, counts: RequestCounts, *, is_checked: bool, **options: Unpack[FetchOptions]
    ) -> bytes:
        """Return undecoded details. If ``is_checked``, raise an error for details that cannot be decoded."""
        ...

    def decode(self, body: bytes, /) -> D_co:
        """Decode details, or raise a `DecodeError`, which may quote the session's key."""
        ...


class CountedFetch(Protocol[T]):
    """A `Fetch` with counts that are already bound."""

    async def __call__(self, cursor: int, limit: int, **options: Unpack[FetchOptions]) -> Page[T]: ...


class Fetch(Protocol[T]):
    """Fetches a page, and counts the requests. It is the type of `PageSource.fetch`."""

    async def __call__(
        self, cursor: int, limit: int, counts: RequestCounts, **options: Unpack[FetchOptions]
    ) -> Page[T]: ...


def counted(fetch: Fetch[T], counts: RequestCounts) -> CountedFetch[T]:
    """Return a fetch that counts its requests."""
    return cast("CountedFetch[T]", partial(fetch, counts=counts))  # no type checker knows a partial with `Unpack`


class PageSource(Protocol[T]):
    """The pages of a query, and the facts about pages and items that a walk needs."""

    async def fetch(self, cursor: int, limit: int, counts: RequestCounts, **options: Unpack[FetchOptions]) -> Page[T]:
        """Return the page that begins at a cursor, in the server's counting. The listing itself begins at 0."""
        ...

    @property
    def order(self) -> SortOrder: ...

    def between(self, *, after: datetime | None = None, before: datetime | None = None) -> PageSource[T]:
        """Return the same query for items whose sorting time lies between two times.

        The query is a millisecond wider on both sides, because the server's times may be finer than the times it shows.
        The query's own bounds still hold. `order` has to be bounded.
        """
        ...

    def reordered(self) -> Iterable[PageSource[T]]:
        """Return the same query in other orders, which may tell items of the same time apart."""
        ...

    def created_at(self, item: T) -> datetime | None:
        """Return when an item was created, or raise a `DecodeError`. None if the listing does not have such times."""
        ...

    def served_at(self, page: Page[T]) -> datetime | None:
        """Return the server's time in the response of a page. None if the response has none."""
        ...

    @property
    def connection(self) -> Connection: ...


class Source(PageSource[T], Protocol[T]):
    """A query of a listing, which also knows its other forms and what can be requested."""

    @property
    def model(self) -> type[T]: ...

    @property
    def whole(self) -> Shard[T]:
        """The query as a single shard. For the query of a shard, it is that shard."""
        ...

    def raw(self) -> Source[RawItem]:
        """Return the same query with items as the server sends them."""
        ...

    def into(self, model: type, converter: Converter | None) -> Source[Any]:
        """Return the same query with items that hold an object of a class as their ``value``.

        A cattrs converter makes the objects. None for a converter with this package's rules.

        Raises:
            TypeError: The class cannot be made from JSON.
        """
        ...

    def structs(self) -> Source[Any]:
        """See `structs_of`."""
        ...

    def details(self) -> DetailSource[Any]:
        """Return the source of the items' details. Raise a `ValueError` if the API has none."""
        ...

    def alone(self, item_id: str) -> Source[RawItem] | None:
        """Return the same query for a single item. None if the API has no filter by ID."""
        ...

    def within(self, max_elapsed: float) -> Source[T]:
        """Return the same query, which requests a page again for at most this many seconds."""
        ...

    @property
    def can_be_bounded(self) -> bool:
        """Whether a filter bounds the time of creation."""
        ...

    @property
    def can_be_ordered(self) -> bool:
        """Whether items can be requested in the order of creation, or else of the time of the default order."""
        ...

    @property
    def is_of_runs(self) -> bool:
        """Whether the items belong to runs."""
        ...

    def narrowed(
        self,
        *,
        after: datetime | None = None,
        order: Order | None = None,
        run_ids: Iterable[str] = (),
        procedure_id: str | None = None,
    ) -> Source[T]:
        """Return the same query for some of its items, or in another order.

        Args:
            after: The earliest time of creation. The query is a millisecond wider, and its own bounds still hold.
            order: ``asc`` for the oldest first, ``desc`` for the newest first.
            run_ids: The runs whose items are requested, in place of the runs that the query names.
            procedure_id: The procedure of these runs. None if a request need not name it.
        """
        ...

    def runs(self) -> Source[Any]:
        """Return the runs whose items are requested."""
        ...

    def run_id(self, item: T) -> str:
        """Return the ID of the run that wrote an item."""
        ...

    def procedure_id(self, run: Any) -> str | None:  # noqa: ANN401 - an item of the source of runs
        """Return the procedure that a request for a run's items has to name, or None."""
        ...

    @property
    def is_divided(self) -> bool:
        """Whether the query can be divided: a filter bounds the time that sorts it, or that sorts the default order.

        Such a time never changes. If it also sorts the query, the server needs only one index.
        """
        ...

    def timestamp(self, item: Identified) -> datetime | None:
        """Return the time of an item that divides the query. None if the item has none, so that no bound finds it."""
        ...

    def timeline(self) -> PageSource[RawItem] | None:
        """Return the raw items in the order of the time that divides the query. None if the API cannot sort by it."""
        ...

    def near_bounds(self) -> tuple[Source[RawItem], ...]:
        """Return raw queries for the items within a millisecond of the shard's bounds."""
        ...


@frozen
class Plan:
    """The options of a walk."""

    limit: int
    start: Checkpoint
    max_items: int | None
    """The most items to yield. None for all."""
    concurrency: int
    """The most pages in flight or waiting to be used."""
    on_drift: OnDrift | None
    """What to do if the listing moves. None is like ``"resync"``, but follows cursors that are not offsets."""
    keep: Callable[[Any], bool] | None = None
    """Returns whether to yield an item that the server lists. None to yield all items."""
    on_unreadable: OnUnreadable | None = "raise"
    """What to do if an item cannot be read. None if the listing is a bare array, which cannot be read in parts."""
    holds_values: bool = False
    """Whether an item's ``value`` is yielded instead of the item; see `Source.into`."""

    def kept(self, page: Page[Any]) -> Page[Any]:
        if self.keep is None and not self.holds_values:
            return page
        return evolve(page, data=[*self.yielded(self.kept_of(page.data))])

    def kept_of(self, items: Sequence[Any]) -> Sequence[Any]:
        keep = self.keep
        return items if keep is None else [item for item in items if keep(item)]

    def yielded(self, items: Sequence[Any]) -> Sequence[Any]:
        return [item.value for item in items] if self.holds_values else items

    def described(self) -> dict[str, int | str]:
        """Return the options, for traces."""
        return {"limit": self.limit, "concurrency": self.concurrency, "on_drift": self.on_drift or "default"}


def leads_nowhere(cursor: int, next_cursor: int | None) -> PaginationError:
    """Return the error for a page that says that there are more items, but has no cursor later than its own."""
    fault = (
        "says that there are more items, but not at which cursor"
        if next_cursor is None
        else f"leads to {next_cursor}, which is not after it"
    )
    return PaginationError(f"the page at cursor {cursor} {fault}", cursor=cursor, next_cursor=next_cursor)


def cursor_error(page: Page[T]) -> DriftError | PaginationError | None:
    """Return the error for a page whose next cursor is not an offset. None if n items at cursor c lead to c + n."""
    cursor, count = page.following, len(page.data)
    if cursor is None or cursor == page.cursor + count > page.cursor:
        return None
    if cursor <= page.cursor:
        return leads_nowhere(page.cursor, cursor)
    fault = f"{count} items at {page.cursor} lead to {cursor}"
    return _drift_error(f"the server's cursors are not offsets: {fault}", page)


def _drift_error(fault: str, page: Page[T]) -> DriftError:
    error = DriftError(fault, cursor=page.cursor)
    error.hint = _INSTEAD
    return error


def check_offsets(page: Page[T], *, may_be_short: bool = True) -> None:
    """Raise the `cursor_error` of a page, if any, or an error for a short page if ``may_be_short`` is false."""
    error = cursor_error(page)
    if error is None and page.following is not None and len(page.data) < SHORTEST and not may_be_short:
        fault = "the server's pages are too short to overlap"
        error = _drift_error(fault, page)
    if error is not None:
        try:
            raise error
        finally:
            del error  # because its traceback refers to this frame
