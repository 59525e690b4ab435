"""One query of a listing: its filters and its order, how its pages are fetched, and how it is narrowed."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast
from urllib.parse import urlencode

from attrs import Factory, evolve, field, frozen

from aiotofupilot._paging.source import Identified, Source, TimePartitioning
from aiotofupilot._wire.codec import PageDecoder, StructDecoder
from aiotofupilot._wire.response import read_page
from aiotofupilot._wire.times import read_date_time, read_http_date
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Page, PageMeta, RawItem
from aiotofupilot.models.fields import fields_of
from aiotofupilot.positions import Shard

from ._bounds import Pairs, bounded, bounds_of, widely_bounded
from ._details import ItemDetails
from ._resource import Connection, Detailed, Resource
from ._shared import OfOperatedRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Unpack

    from aiotofupilot._paging.source import FetchOptions, Order
    from aiotofupilot.models import Run
    from aiotofupilot.stats import RequestCounts

    from ._declaration import Argument

T = TypeVar("T", bound=Identified)
V = TypeVar("V")


class Endpoint(Resource, Generic[T]):
    """Where items of one kind are listed, and what the API lets ask for there.

    Args:
        connection: The way to the server.
    """

    model: ClassVar[type]
    """The class of an item."""
    is_bare: ClassVar[bool]
    """Whether the server responds with a bare array. It is the only page."""
    creation_field: ClassVar[str | None] = None
    """The field of an item that says when it was created: ``created_at``, if items have it and nothing else is said.
    None: items do not say it."""
    creation_filter: ClassVar[str | None] = None
    """The beginning of the names of the parameters that bound the time of creation, such as ``created``, which is that
    of the field if nothing else is said. None: there are no such parameters."""
    shard_field: ClassVar[str | None] = None
    """The field by which shards are cut: a time that never changes. None: `creation_field`."""
    oldest_first: ClassVar[str | None]
    """The value of ``sort_by`` whose ascending order lists the oldest items first. It is the name of the field by which
    shards are cut. None: there is no such order."""
    partition_key: ClassVar[tuple[str, str] | None]
    """The field by which shards are cut, and the beginning of the names of its filters. None: there is no such field,
    or no filter for it."""
    sort_paths: ClassVar[dict[str | None, tuple[str, ...]]] = {}
    """The paths in an item to what it is sorted by, for values of ``sort_by`` that are not the name of a field. None
    stands for the default order; if it is missing, this is the order of `oldest_first` or `creation_field`."""
    by_run: ClassVar[ByRun | None] = None
    """How the items of some runs are requested. None: the items do not belong to runs."""

    decode: ClassVar[PageDecoder[Any]]
    """Reads a page of models."""
    decode_raw: ClassVar[PageDecoder[RawItem]]
    """Reads a page of items as the server sent them."""
    decode_structs: ClassVar[StructDecoder]
    """Reads a page of structs. They have the values of the models."""

    @classmethod
    def _set_up(cls, model: type, filters: Mapping[str, Argument], *, is_bare: bool) -> None:
        """Set what a listing need not say itself, because it follows from the model and the filters."""
        cls._take_name()
        cls.model, cls.is_bare = model, is_bare
        if any(field.name == "created_at" for field in fields_of(model)):
            cls.creation_field = cls.creation_field or "created_at"

        def filter_of(field: str | None) -> str | None:
            name = field and field.removesuffix("_at")
            return name if f"{name}_after" in filters else None

        cls.creation_filter = cls.creation_filter or filter_of(cls.creation_field)
        field = cls.shard_field or cls.creation_field
        name = filter_of(cls.shard_field) if cls.shard_field else cls.creation_filter
        cls.partition_key = None if field is None or name is None else (field, name)
        cls.oldest_first = field if "sort_by" in filters and field in filters["sort_by"].choices else None
        cls.decode = PageDecoder(model, bare=is_bare)
        cls.decode_raw = PageDecoder(RawItem, bare=is_bare)
        cls.decode_structs = StructDecoder(model, bare=is_bare)


@frozen
class ByRun:
    """How the items of some runs are requested, in a listing of what runs wrote."""

    runs: Callable[[Connection], Endpoint[Run]]
    """The listing of runs."""
    run_ids: str = field(kw_only=True)
    """The parameter that names the runs."""
    run_id: tuple[str, ...] = field(kw_only=True)
    """The path in an item to the ID of its run: one field, or a field and a field in it."""
    procedure_id: str | None = field(default=None, kw_only=True)
    """The parameter that has to name the procedure of the runs. None: none has to be named."""

    def query(self, pairs: Pairs) -> Pairs:
        """Return the query for the runs whose items a query asks for. Filters about the items are left out."""
        names = {name: name for name in ("procedure_ids", *OfOperatedRun.__annotations__)} | {self.run_ids: "ids"}
        if self.procedure_id is not None:
            names[self.procedure_id] = "procedure_ids"
        return tuple((names[name], value) for name, value in pairs if name in names)


def _has_empty_range(query: Query[Any]) -> bool:
    name = query.listing.creation_filter
    after, before = (None, None) if name is None else bounds_of(query.pairs, name)
    return after is not None and before is not None and after > before


@frozen(eq=False)
class Query(Source[T]):
    """A listing with its filters and order. Paging knows it as a `Source`."""

    listing: Endpoint[Any]
    """What is listed, with the way to the server."""
    pairs: Pairs
    """Filters and order, checked and in their string form."""
    decode: PageDecoder[T]
    """Reads a page from a body and its cursor."""
    part: Shard[Any] | None = None
    """The shard whose items are requested, with slightly wider bounds. None: the query is not a shard's."""
    _text: str = field(init=False, default=Factory(lambda self: urlencode(self.pairs), takes_self=True))
    _is_empty: bool = field(init=False, default=Factory(_has_empty_range, takes_self=True))

    @property
    def model(self) -> type[T]:
        """The class of an item."""
        return self.decode.item

    @property
    def partitioning(self) -> QueryPartitioning | None:
        """How the query is divided by time; see `Source.partitioning`."""
        partition_key = self.listing.partition_key
        return None if partition_key is None else QueryPartitioning(self, *partition_key)

    @property
    def whole(self) -> Shard[T]:
        """The query as a single shard."""
        return self.part or Shard(listing=self.listing.name, query=self.pairs)

    @property
    def digest(self) -> str:
        """A few characters that differ between queries."""
        hashed = hashlib.blake2b(urlencode(sorted(self.pairs)).encode(), digest_size=6).digest()
        return urlsafe_b64encode(hashed).decode()

    async def fetch(self, cursor: int, limit: int, counts: RequestCounts, **options: Unpack[FetchOptions]) -> Page[T]:
        """Return the page that begins at a cursor. If the bounds exclude every time, the server is not asked."""
        if self._is_empty:
            return Page([], PageMeta(has_more=False), cursor)
        listing = self.listing
        if listing.is_bare:
            read = partial(read_page, cursor=0, decode=self.decode)
            target = f"{listing.path}?{self._text}" if self._text else listing.path
            page = await listing.connection.get(target, read, counts, **options)
            return evolve(page, data=page.data[cursor:], cursor=cursor)  # the server knows no cursor here
        target = f"{listing.path}?limit={limit}"
        if self._text:
            target += f"&{self._text}"
        if cursor:
            target += f"&cursor={cursor}"
        read = partial(read_page, cursor=cursor, decode=self.decode)
        return await listing.connection.get(target, read, counts, **options)

    def raw(self) -> Query[RawItem]:
        """Return the same query, with items as the server sends them."""
        return Query(self.listing, self.pairs, self.listing.decode_raw, self.part)

    def structs(self) -> Query[Any]:
        """Return the same query, with structs as items. They have the attributes and values of the models."""
        return Query(self.listing, self.pairs, self.listing.decode_structs, self.part)

    def details(self) -> ItemDetails[Any]:
        """Return how the details of items are fetched; see `Source.details`."""
        if not isinstance(self.listing, Detailed):
            message = f"{self.listing.name} have no details: the API does not return one of them by itself"
            raise ValueError(message)  # noqa: TRY004 - `Source.details` says so
        if self.decode is self.listing.decode_structs:
            raise ValueError("structs have no details: call details() without structs(), or raw().details()")
        return ItemDetails(self.listing, is_raw=self.decode is self.listing.decode_raw)

    def narrowed(
        self,
        *,
        after: datetime | None = None,
        order: Order | None = None,
        run_ids: Iterable[str] = (),
        procedure_id: str | None = None,
    ) -> Query[T]:
        """Return the same query for some of its items; see `Source.narrowed`."""
        pairs, by_run = self.pairs, self.listing.by_run
        if after is not None:
            name = self._offered(self.listing.creation_filter, "have no filter on their creation")
            pairs = bounded(pairs, name, after=after)
        changed: dict[str, Pairs] = {}
        if order is not None:
            sort_by = self._offered(self.listing.oldest_first, "cannot be asked for the oldest first")
            changed |= {"sort_by": (("sort_by", sort_by),), "sort_order": (("sort_order", order),)}
        if runs := tuple(run_ids):
            name = self._offered(by_run.run_ids if by_run else None, "are not listed by run")
            changed[name] = tuple((name, run_id) for run_id in runs)
        if procedure_id is not None:
            name = self._offered(by_run.procedure_id if by_run else None, "can be listed without naming a procedure")
            changed[name] = ((name, procedure_id),)
        kept = (pair for pair in pairs if pair[0] not in changed)
        return evolve(self, pairs=(*kept, *chain.from_iterable(changed.values())))

    @property
    def has_own_order(self) -> bool:
        """Whether the query names the order of the items."""
        return any(name in ("sort_by", "sort_order") for name, _ in self.pairs)

    @property
    def sort_key(self) -> Callable[[Any], object] | None:
        """What returns the value that the server sorts an item by; see `Source.sort_key`."""
        listing, sort_by = self.listing, dict(self.pairs).get("sort_by")
        field = sort_by or listing.oldest_first or listing.creation_field
        path = listing.sort_paths.get(sort_by, None if field is None else (field,))
        return None if path is None else partial(_value_at, path=path)

    @property
    def can_be_bounded(self) -> bool:
        """Whether items can be asked for by the time of their creation."""
        return self.listing.creation_filter is not None

    @property
    def can_be_ordered(self) -> bool:
        """Whether items can be asked for in the order of their creation."""
        return self.listing.oldest_first is not None

    def created_at(self, item: T) -> datetime | None:
        """Return when an item was created; see `Source.created_at`."""
        name = self.listing.creation_field
        return None if name is None else time_of(item, name, _value(item, name))

    def runs(self) -> Query[Run] | None:
        """Return the query for the runs whose items are requested; None: the items do not belong to runs."""
        by_run = self.listing.by_run
        if by_run is None:
            return None
        runs = by_run.runs(self.listing.connection)
        return Query(runs, by_run.query(self.pairs), runs.decode)

    def run_id(self, item: T) -> str:
        """Return the ID of the run that wrote an item.

        Raises:
            DecodeError: The item does not say it.
        """
        path = self.listing.by_run.run_id if self.listing.by_run else ()
        value = _value_at(item, path)
        if not isinstance(value, str):
            where = ".".join(path)
            raise DecodeError(f"{where} of {item.id!r}: expected a string, got {value!r}", path=where)
        return value

    def procedure_id(self, run: Run) -> str | None:
        """Return the procedure that a request for a run's items has to name; None: it has to name none."""
        name = self.listing.by_run and self.listing.by_run.procedure_id
        if name is None or any(key == name for key, _ in self.pairs):
            return None
        return run.procedure.id

    def served_at(self, page: Page[Any]) -> datetime | None:
        """Return the server's time when it answered with a page; None: the server did not say."""
        return read_http_date(page.headers.get("Date", ""))

    @property
    def connection(self) -> Connection:
        """The way to the server."""
        return self.listing.connection

    def within(self, max_elapsed: float) -> Query[T]:
        """Return the same query, no page of which is requested again for longer than some seconds."""
        return evolve(self, listing=type(self.listing)(self.connection.within(max_elapsed)))

    def _offered(self, name: str | None, message: str) -> str:
        if name is None:
            raise ValueError(f"{self.listing.name} {message}")
        return name


@frozen(eq=False)
class QueryPartitioning(TimePartitioning):
    """How a query is divided by a time of its items that never changes. A filter bounds it, and includes both ends."""

    query: Query[Any]
    """The query that is divided."""
    field: str
    """The field with the time."""
    name: str
    """The beginning of the names of the parameters that bound this field, such as ``created``."""

    def ordered(self) -> Source[RawItem] | None:
        """Return the query's items as the server sends them, the oldest first; see `TimePartitioning.ordered`."""
        if self.query.listing.oldest_first != self.field:
            return None
        return self.query.raw().narrowed(order="asc")

    def timestamp(self, item: Identified) -> datetime | None:
        """Return the time of an item; see `TimePartitioning.timestamp`."""
        return time_in(item, self.field)

    def boundaries(self) -> tuple[Source[RawItem], ...]:
        """Return the query's items near its own bounds; see `TimePartitioning.boundaries`."""
        pairs = self.query.pairs
        return tuple(
            evolve(self.query.raw(), pairs=widely_bounded(pairs, self.name, bound, bound, by=2))
            for bound in bounds_of(pairs, self.name)
            if bound is not None
        )


def time_in(item: Identified, name: str) -> datetime | None:
    """Return the time in a field of an item, with or without a model; None: the item has no such time.

    Raises:
        DecodeError: The field has another value. Only an item without a model can have one.
    """
    value = _value(item, name)
    return None if value is None else time_of(item, name, value)


def time_of(item: Identified, name: str, value: Any) -> datetime:  # noqa: ANN401 - an item without a model holds anything
    """Return the value of a field as a time.

    Raises:
        DecodeError: It is not one.
    """
    if isinstance(value, datetime):
        return value
    try:
        return read_date_time(value)
    except (TypeError, ValueError) as error:
        raise DecodeError(f"{name} of {item.id!r}: expected a date-time, got {value!r}", path=name) from error


def _value_at(item: object, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - likewise
    for name in path:
        item = _value(item, name)
    return item


def _value(item: object, name: str) -> Any:  # noqa: ANN401 - likewise
    return cast("dict[str, Any]", item).get(name) if isinstance(item, dict) else getattr(item, name, None)
