"""One query of a listing: its filters and its order, how its pages are fetched, and how it is narrowed."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast
from urllib.parse import urlencode

from attrs import Factory, evolve, field, frozen

from aiotofupilot._arguments import for_parameter
from aiotofupilot._paging.probes import read_beside
from aiotofupilot._paging.source import Identified, Source
from aiotofupilot._public import internal
from aiotofupilot._wire.codec import PageDecoder
from aiotofupilot._wire.response import read_page
from aiotofupilot._wire.times import format_date_time, read_date_time, read_http_date
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Page, PageMeta, RawItem
from aiotofupilot.models.fields import fields_of
from aiotofupilot.positions import Shard

from ._resource import Connection, Detailed, ItemDetails, value_in
from ._shared import OfOperatedRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Unpack

    from aiotofupilot._paging.source import FetchOptions, Order
    from aiotofupilot.models import Run
    from aiotofupilot.stats import RequestCounts

    from ._declaration import Argument
    from ._encoding import Pairs

T = TypeVar("T", bound=Identified)


class Endpoint(Generic[T]):
    """Where items of one kind are listed, and what the API lets ask for there.

    Args:
        connection: The way to the server.
    """

    name: ClassVar[str]
    """The API's word for the items."""
    path: ClassVar[str]
    """The path of the items, after the base URL."""
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
    """The field by which shards are cut: a time that never changes. It is `creation_field`, if nothing else is said."""
    shard_filter: ClassVar[str | None]
    """The beginning of the names of the parameters that bound this field. None: there are no such parameters."""
    oldest_first: ClassVar[str | None]
    """The value of ``sort_by`` whose ascending order lists the oldest items first. It is the name of the field by which
    shards are cut. None: there is no such order."""
    sort_paths: ClassVar[dict[str | None, tuple[str, ...]]] = {}
    """The paths in an item to what it is sorted by, for values of ``sort_by`` that are not the name of a field. None
    stands for the default order; if it is missing, this is the order of `oldest_first` or `creation_field`."""
    by_run: ClassVar[ByRun | None] = None
    """How the items of some runs are requested. None: the items do not belong to runs."""

    decode: ClassVar[PageDecoder[Any]]
    """Reads a page of models."""
    decode_raw: ClassVar[PageDecoder[RawItem]]
    """Reads a page of items as the server sent them."""
    decode_structs: ClassVar[PageDecoder[Any]]
    """Reads a page of structs. They have the values of the models."""

    @internal
    def __init__(self, connection: Connection) -> None:
        self.connection: Connection = connection

    @classmethod
    def _set_up(cls, model: type, filters: Mapping[str, Argument], *, is_bare: bool) -> None:
        """Set what a listing need not say itself, because it follows from the model and the filters."""
        cls.name = cls.__name__.lower()
        cls.path = f"/v2/{cls.name}"
        cls.model, cls.is_bare = model, is_bare
        if any(field.name == "created_at" for field in fields_of(model)):
            cls.creation_field = cls.creation_field or "created_at"

        def filter_of(field: str | None) -> str | None:
            name = field and field.removesuffix("_at")
            return name if f"{name}_after" in filters else None

        cls.creation_filter = cls.creation_filter or filter_of(cls.creation_field)
        cls.shard_filter = filter_of(cls.shard_field) if cls.shard_field else cls.creation_filter
        cls.shard_field = cls.shard_field or cls.creation_field
        can_be_sorted = "sort_by" in filters and cls.shard_field in filters["sort_by"].choices
        cls.oldest_first = cls.shard_field if can_be_sorted else None
        cls.decode = PageDecoder(model, bare=is_bare)
        cls.decode_raw = PageDecoder(RawItem, bare=is_bare)
        cls.decode_structs = PageDecoder(model, bare=is_bare, structs=True)


@frozen
class ByRun:
    """How the items of some runs are requested, in a listing of what runs wrote."""

    runs: Callable[[Connection], Endpoint[Run]]
    """The listing of runs."""
    run_ids: str
    """The parameter that names the runs."""
    run_id: tuple[str, ...]
    """The path in an item to the ID of its run: one field, or a field and a field in it."""
    procedure_id: str | None = None
    """The parameter that has to name the procedure of the runs. None: none has to be named."""

    def query(self, pairs: Pairs) -> Pairs:
        """Return the query for the runs whose items a query asks for. Filters about the items are left out."""
        names = {name: name for name in ("procedure_ids", *OfOperatedRun.__annotations__)} | {self.run_ids: "ids"}
        if self.procedure_id is not None:
            names[self.procedure_id] = "procedure_ids"
        return tuple((names[name], value) for name, value in pairs if name in names)


def _has_empty_range(query: Query[Any]) -> bool:
    after, before = _bounds(query.pairs, query.listing.creation_filter)
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
        return self.decode.item

    @property
    def connection(self) -> Connection:
        return self.listing.connection

    @property
    def whole(self) -> Shard[T]:
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
        parts = (f"limit={limit}", self._text, f"cursor={cursor}" if cursor else "")
        query = self._text if listing.is_bare else "&".join(filter(None, parts))
        target = f"{listing.path}?{query}" if query else listing.path
        read = partial(read_page, cursor=cursor, decode=self.decode)
        if (deadline := options.get("deadline")) and not options.get("once") and not listing.is_bare:
            options["control"] = partial(
                read_beside, partial(self.fetch, counts=counts), cursor, limit, deadline, count()
            )
        page: Page[T] = await listing.connection.get(target, read, counts, **options)
        return evolve(page, data=page.data[cursor:]) if listing.is_bare else page  # it knows no cursor

    def raw(self) -> Query[RawItem]:
        return Query(self.listing, self.pairs, self.listing.decode_raw, self.part)

    def structs(self) -> Query[Any]:
        return Query(self.listing, self.pairs, self.listing.decode_structs, self.part)

    def details(self) -> ItemDetails[Any]:
        if not isinstance(self.listing, Detailed):
            message = f"{self.listing.name} have no details: the API does not return one of them by itself"
            raise ValueError(message)  # noqa: TRY004 - `Source.details` says so
        if self.decode is self.listing.decode_structs:
            raise ValueError("structs have no details: call details() without structs(), or raw().details()")
        is_raw = self.decode is self.listing.decode_raw
        return ItemDetails.raw(self.listing) if is_raw else ItemDetails(self.listing)

    def within(self, max_elapsed: float) -> Query[T]:
        return evolve(self, listing=type(self.listing)(self.connection.within(max_elapsed)))

    def narrowed(
        self,
        *,
        after: datetime | None = None,
        order: Order | None = None,
        run_ids: Iterable[str] = (),
        procedure_id: str | None = None,
    ) -> Query[T]:
        pairs, by_run = self.pairs, self.listing.by_run
        if after is not None:
            name = self._offered(self.listing.creation_filter, "have no filter on their creation")
            pairs = bounded(pairs, name, after)
        new: list[tuple[str, str]] = []
        if order is not None:
            sort_by = self._offered(self.listing.oldest_first, "cannot be asked for the oldest first")
            new += [("sort_by", sort_by), ("sort_order", order)]
        for run_id in run_ids:
            new.append((self._offered(by_run.run_ids if by_run else None, "are not listed by run"), run_id))
        if procedure_id is not None:
            name = self._offered(by_run.procedure_id if by_run else None, "can be listed without naming a procedure")
            new.append((name, procedure_id))
        names = {name for name, _ in new}
        return evolve(self, pairs=(*(pair for pair in pairs if pair[0] not in names), *new))

    def _offered(self, name: str | None, message: str) -> str:
        if name is None:
            raise ValueError(f"{self.listing.name} {message}")
        return name

    @property
    def has_own_order(self) -> bool:
        return any(name in ("sort_by", "sort_order") for name, _ in self.pairs)

    @property
    def sort_key(self) -> Callable[[Any], object] | None:
        listing, sort_by = self.listing, dict(self.pairs).get("sort_by")
        field = sort_by or listing.oldest_first or listing.creation_field
        path = listing.sort_paths.get(sort_by, None if field is None else (field,))
        return None if path is None else partial(reduce, value_in, path)

    @property
    def can_be_bounded(self) -> bool:
        return self.listing.creation_filter is not None

    @property
    def can_be_ordered(self) -> bool:
        return self.listing.oldest_first is not None

    @property
    def can_be_divided(self) -> bool:
        return self.listing.shard_filter is not None

    def timestamp(self, item: Identified) -> datetime | None:
        return time_in(item, self.listing.shard_field)

    def near_bounds(self) -> tuple[Query[RawItem], ...]:
        raw, name = self.raw(), self.listing.shard_filter or ""
        near = (widely_bounded(raw.pairs, name, bound, bound, by=2) for bound in _bounds(raw.pairs, name) if bound)
        return tuple(evolve(raw, pairs=pairs) for pairs in near)

    def created_at(self, item: T) -> datetime | None:
        return time_in(item, self.listing.creation_field, may_lack=False)

    def runs(self) -> Query[Run] | None:
        by_run = self.listing.by_run
        if by_run is None:
            return None
        runs = by_run.runs(self.connection)
        return Query(runs, by_run.query(self.pairs), runs.decode)

    def run_id(self, item: T) -> str:
        path = self.listing.by_run.run_id if self.listing.by_run else ()
        value = reduce(value_in, path, item)
        if not isinstance(value, str):
            where = ".".join(path)
            raise DecodeError(f"{where} of {item.id!r}: expected a string, got {value!r}", path=where)
        return value

    def procedure_id(self, run: Run) -> str | None:
        name = self.listing.by_run and self.listing.by_run.procedure_id
        return None if name is None or name in dict(self.pairs) else run.procedure.id

    def served_at(self, page: Page[Any]) -> datetime | None:
        return read_http_date(page.headers.get("Date", ""))


def time_in(item: Identified, name: str | None, *, may_lack: bool = True) -> datetime | None:
    """Return the time in a field of an item, with or without a model, or raise a `DecodeError`.

    None: there is no such field, or the item has nothing there, and may lack it.
    """
    value = None if name is None else value_in(item, name)
    if name is None or (value is None and may_lack):
        return None
    try:
        return value if isinstance(value, datetime) else read_date_time(cast("str", value))
    except (TypeError, ValueError) as error:
        raise DecodeError(f"{name} of {item.id!r}: expected a date-time, got {value!r}", path=name) from error


def _bounds(pairs: Pairs, name: str | None) -> tuple[datetime | None, datetime | None]:
    """Return the earliest and the latest time that a query asks for. Items at a bound are within it.

    The names of the parameters begin with the name, such as ``created``. None: there is no bound.
    """
    bounds = {key: _read(key, text) for key, text in pairs if key in (f"{name}_after", f"{name}_before")}
    return bounds.get(f"{name}_after"), bounds.get(f"{name}_before")


def bounded(pairs: Pairs, name: str, after: datetime | None, before: datetime | None = None) -> Pairs:
    """Return a query for the items between two times, to the milliseconds around them. Its own bounds still hold."""
    bounds: dict[str, str] = {}
    if after is not None:
        bounds[f"{name}_after"] = format_date_time(after)
    if before is not None:
        bounds[f"{name}_before"] = format_date_time(before, round_up=True)
    for key, own in pairs:
        if key in bounds:
            choose = max if key.endswith("_after") else min
            bounds[key] = choose(own, bounds[key], key=partial(_read, key))
    return (*(pair for pair in pairs if pair[0] not in bounds), *bounds.items())


def widely_bounded(pairs: Pairs, name: str, start: datetime | None, end: datetime | None, by: int = 1) -> Pairs:
    """Return a query for the items between two times, with some milliseconds more at both ends.

    The stored times of the API may be finer than the milliseconds that it shows. So a part of a query is asked for with
    a millisecond more at both ends. The time that an item shows decides whether it belongs to the part.
    """
    return bounded(pairs, name, start and _moved(start, -by), end and _moved(end, by))


def _moved(time: datetime, milliseconds: int) -> datetime:
    try:
        return time.astimezone(UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:  # the first or the last time of all
        return time


def _read(name: str, text: str) -> datetime:
    """Return a bound. The query of a shard that was parsed can have any text there."""
    try:
        return read_date_time(text)
    except ValueError as error:
        raise for_parameter(ValueError(f"{name} must be a date-time with a UTC offset, got {text!r}"), name) from error
