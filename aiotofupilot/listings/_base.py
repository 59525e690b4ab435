"""The base class of all listings, and their queries."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import partial, reduce
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar, Unpack, cast, get_args
from urllib.parse import urlencode

from attrs import Factory, evolve, field, frozen

from aiotofupilot._checks import for_parameter
from aiotofupilot._paging.paginator import Paginator
from aiotofupilot._paging.source import BY_ID, Identified, Plan, SortOrder, Source, counted
from aiotofupilot._paging.unreadable import control_beside
from aiotofupilot._public import internal
from aiotofupilot._request import Label
from aiotofupilot._wire.codec import Decoder, decoder
from aiotofupilot._wire.response import read_page
from aiotofupilot._wire.times import read_http_date
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Page, RawItem
from aiotofupilot.models.fields import fields_of
from aiotofupilot.positions import Checkpoint, Shard, check_query, digest

from ._arguments import Argument, OfOperatedRun, PageOptions, arguments_of, describe, rank
from ._encoding import Pairs, bounded, check_names, checked, query_of, replaced
from ._items import Connection, Detailed, ItemDetails, raw_item, time_in, value_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from cattrs import Converter

    from aiotofupilot._paging.source import Order
    from aiotofupilot._request import FetchOptions
    from aiotofupilot.models import PageMeta, Run
    from aiotofupilot.stats import RequestCounts

T = TypeVar("T", bound=Identified)

_PAGE_OPTIONS = arguments_of(PageOptions)


class Listing(Generic[T]):
    """A listing of one kind of item.

    A subclass names its model, as in ``Listing[Station]``. Its ``list()`` names a TypedDict of its arguments.
    Attributes without a value here are derived from these.
    """

    name: ClassVar[str]
    """The API's name for the items."""
    path: ClassVar[str]
    """The path after the base URL."""
    model: ClassVar[type]
    """The class of an item."""
    is_bare: ClassVar[bool]
    """Whether the response is a bare array, the only page."""
    creation_field: ClassVar[str | None] = None
    """The field with an item's time of creation, by default ``created_at``. None if items have none."""
    creation_filter: ClassVar[str | None] = None
    """The prefix of the parameters that bound the creation, such as ``created``, or None."""
    oldest_first: ClassVar[str | None]
    """The ``sort_by`` whose ascending order has the oldest items first, or None."""
    sort_paths: ClassVar[dict[str | None, tuple[str, ...]]] = {}
    """The paths in an item to the value that sorts it, if ``sort_by`` is not its name. None is the default order."""
    by_run: ClassVar[ByRun | None] = None
    """How to request the items of some runs, or None if items do not belong to runs."""
    decode: ClassVar[Decoder[Any]]
    """Reads a page of models."""
    filters: ClassVar[tuple[Argument, ...]]
    """The filters and the order, sent under the same names."""
    options: ClassVar[tuple[Argument, ...]]
    """The other arguments of ``list()``."""
    summary: ClassVar[str]
    """The first sentence about ``list()``."""
    note: ClassVar[str]
    """The rest of the text about ``list()``; may be empty."""
    inclusive: ClassVar[dict[str, bool]]
    """The arguments of ``list()``, with the values for which the API leaves nothing out."""
    read_by_paging: ClassVar[tuple[str, ...]]
    """The JSON keys that paging reads beside the ID."""
    stable_orders: ClassVar[frozenset[str]] = frozenset()
    """The values of ``sort_by`` in whose order items never change places."""
    other_orders: ClassVar[tuple[str, ...]] = ()
    """The values of ``sort_by`` that separate items of the same time, the best first."""
    is_sortable: ClassVar[bool]
    """Whether the order can be chosen. Otherwise its direction is undocumented."""
    default_order: ClassVar[str | None]
    """The field of the server's default order, or None if it is not known."""
    times: ClassVar[dict[str | None, str | None]]
    """The times that the server sorts by and that never change, each with the prefix of its filters, such as
    ``created`` of ``created_after``, or None if no filter bounds it."""

    @internal
    def __init__(self, connection: Connection) -> None:
        self.connection: Connection = connection

    def __init_subclass__(cls) -> None:
        """Set the attributes that follow from the name, the model and the ``list()``."""
        super().__init_subclass__()
        method: Callable[..., Paginator[Any]] = vars(cls)["list"]
        (declared,) = get_args(method.__annotations__["arguments"])
        arguments = sorted(map(cls._with_stable_orders, arguments_of(declared)), key=rank)
        cls.filters = tuple(argument for argument in arguments if argument.name not in PageOptions.__annotations__)
        cls.options = tuple(argument for argument in arguments if argument.name in PageOptions.__annotations__)
        cls.is_bare = all(option.name != "limit" for option in cls.options)
        cls.summary, cls.note = describe(method, cls.filters, cls.options)
        cls.name = cls.__name__.lower()
        cls.path = f"/v2/{cls.name}"
        (cls.model,) = get_args(vars(cls)["__orig_bases__"][0])
        cls.decode = _pages(cls, cls.model)
        filters = {argument.name: argument for argument in cls.filters}
        cls.inclusive = {name: True for name in filters if name.startswith("include_")}
        cls.inclusive |= dict.fromkeys(filters.keys() & {"exclude_retries"}, False)

        def filter_of(field: str | None) -> str | None:
            name = field and field.removesuffix("_at")
            return name if f"{name}_after" in filters else None

        if any(field.name == "created_at" for field in fields_of(cls.model)):
            cls.creation_field = cls.creation_field or "created_at"
        cls.creation_filter = cls.creation_filter or filter_of(cls.creation_field)
        cls.is_sortable = "sort_by" in filters
        orders = filters["sort_by"].choices if cls.is_sortable else ()
        default = filters["sort_by"].server_default if cls.is_sortable else cls.creation_field
        cls.default_order = default if isinstance(default, str) else None
        times = cls.stable_orders if cls.is_sortable else {cls.default_order}
        cls.times = {
            field: cls.creation_filter if field == cls.creation_field else filter_of(field)
            for field in times
            if field is not None and field.endswith("_at")
        }
        oldest_first = (field for field in (cls.creation_field, cls.default_order) if field in cls.times)
        cls.oldest_first = next((field for field in oldest_first if field in orders), None)
        paths = [*cls.sort_paths.values(), *([cls.by_run.run_id] if cls.by_run else ())]
        keys = {cls.creation_field, cls.default_order, *orders, *(path[0] for path in paths)}
        cls.read_by_paging = tuple(sorted(key for key in keys if key and key != "id"))

    @classmethod
    def _with_stable_orders(cls, argument: Argument) -> Argument:
        """Document in ``sort_by`` the orders that ``resync`` accepts."""
        if argument.name != "sort_by":
            return argument
        *others, last = (f"``{order}``" for order in sorted(cls.stable_orders))
        orders = f"{', '.join(others)} or {last}" if others else last
        return evolve(argument, doc=f"{argument.doc} ``resync`` works only with {orders}.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.path}>"

    if not TYPE_CHECKING:  # type checkers refuse the loop anyway

        def __iter__(self) -> NoReturn:
            raise TypeError(f"cannot iterate over session.{self.name}: iterate over session.{self.name}.list()")

        __aiter__ = __iter__

    def part(self, shard: Shard[T], **options: Unpack[PageOptions]) -> Paginator[T]:
        """Return the items of a shard of this listing."""
        check_names(type(self).__name__, options, _PAGE_OPTIONS)
        if options.get("extra_query") is not None:
            message = "extra_query cannot be given with a shard: the shard has its listing's own"
            raise for_parameter(ValueError(message), "extra_query")
        if shard.listing != self.name:
            raise for_parameter(ValueError(f"shard is a part of {shard.listing}, and not of {self.name}"), "shard")
        if shard.start is None and shard.end is None:
            return self._paginator(shard.query, options)
        parameters = self.times.get(self.divided_by(shard.query))
        if parameters is None:
            raise for_parameter(ValueError(f"shard has bounds, and {self.name} have no filter by time"), "shard")
        try:
            pairs = bounded(shard.query, parameters, shard.start, shard.end)
        except (OverflowError, ValueError) as error:
            raise for_parameter(ValueError(f"shard has a time that cannot be requested: {error}"), "shard") from error
        return self._paginator(pairs, options, shard)

    @classmethod
    def divided_by(cls, pairs: Pairs) -> str | None:
        """Return the time that divides a query into shards, or None if no filter bounds it."""
        fields = (dict(pairs).get("sort_by"), cls.default_order)
        return next((field for field in fields if cls.times.get(field) is not None), None)

    def of_every_procedure(self, **arguments: object) -> Paginator[T]:
        """Return the items of all procedures' runs. Only `Paginator.since` works: it asks for new runs first.

        The API lists the items of one procedure at a time.
        """
        return self._listed(arguments, [argument for argument in self.filters if not argument.is_required])

    def _listed(self, arguments: Mapping[str, object], filters: Sequence[Argument] | None = None) -> Paginator[T]:
        filters = self.filters if filters is None else filters
        check_names(type(self).__name__, arguments, (*filters, *self.options))
        return self._paginator(query_of(filters, arguments), arguments)

    def _paginator(self, pairs: Pairs, given: Mapping[str, object], part: Shard[T] | None = None) -> Paginator[T]:
        """Return a paginator. ``given`` may hold more than options."""
        how = {option.name: checked(option, given.get(option.name, option.default)) for option in _PAGE_OPTIONS}
        query: Query[T] = Query(self, (*pairs, *self._extra(how["extra_query"] or ())), self.decode, part)
        on_drift, sort_by = how["on_drift"], dict(pairs).get("sort_by")
        if sort_by is not None and sort_by not in self.stable_orders:
            if on_drift == "resync":
                stable = ", ".join(map(repr, sorted(self.stable_orders)))
                message = (
                    f"sort_by must be one of {stable} where on_drift is 'resync', got {sort_by!r}: "
                    "an item can change its position in that order, and then a walk cannot find its own position again"
                )
                raise for_parameter(ValueError(message), "sort_by")
            on_drift = on_drift or "ignore"
        plan = Plan(
            limit=how["limit"],
            start=self._start(how["cursor"], query.digest),
            max_items=how["max_items"],
            concurrency=how["concurrency"] or self.connection.concurrency,
            on_drift=on_drift,
            keep=None if part is None else lambda item: part.holds(query.timestamp(item)),
            on_unreadable=None if self.is_bare else how["on_unreadable"],
        )
        return Paginator(query, plan)

    def _extra(self, pairs: Pairs) -> Pairs:
        """Return the pairs of ``extra_query``. Refuse a parameter that this package knows."""
        known = {"limit", "cursor", *(argument.name for argument in self.filters)}
        if sent := [name for name, _ in pairs if name in known]:
            message = f"extra_query must not have {sent[0]!r}: {type(self).__name__}.list() sends it already"
            raise for_parameter(ValueError(message), "extra_query")
        return pairs

    def _start(self, cursor: int | Checkpoint | None, query: str) -> Checkpoint:
        """Return the start as a checkpoint of this listing and query digest."""
        if not isinstance(cursor, Checkpoint):
            cursor = Checkpoint(cursor or 0)
        elif cursor.listing:
            check_query("cursor", cursor, self.name, query)
        return evolve(cursor, listing=self.name, query=query)


@frozen
class ByRun:
    """How to request the items of some runs."""

    runs: Callable[[Connection], Listing[Run]]
    """The listing of runs."""
    run_ids: str
    """The parameter that names the runs."""
    run_id: tuple[str, ...]
    """The path in an item to the ID of its run: one or two fields."""
    procedure_id: str | None = None
    """The parameter that must name the runs' procedure, or None."""

    def query(self, pairs: Pairs) -> Pairs:
        """Return the query for the runs, without filters about their items."""
        names = {name: name for name in ("procedure_ids", *OfOperatedRun.__annotations__)} | {self.run_ids: "ids"}
        if self.procedure_id is not None:
            names[self.procedure_id] = "procedure_ids"
        return tuple((names[name], value) for name, value in pairs if name in names)


def _ascending_by(pairs: Pairs, sort_by: str) -> Pairs:
    return replaced(pairs, ("sort_by", sort_by), ("sort_order", "asc"))


def _times_in(items: Sequence[Any], name: str, *, is_decoded: bool) -> list[datetime | None]:
    return [*map(attrgetter(name), items)] if is_decoded else [time_in(item, name) for item in items]


def _values_in(path: tuple[str, ...], items: Sequence[Any]) -> list[object]:
    return [str(reduce(value_in, path, item)) for item in items]


def _pages(listing: type[Listing[Any]], item: Any, *, structs: bool = False) -> Decoder[Any]:  # noqa: ANN401 - any model
    return decoder(list[item] if listing.is_bare else Page[item], structs=structs)


@frozen(eq=False)
class Query(Source[T]):
    """The `Source` of paging: a listing with its filters and order."""

    listing: Listing[Any]
    """The listing, with its connection."""
    pairs: Pairs
    """Filters and order."""
    decode: Decoder[tuple[list[T], PageMeta]]
    part: Shard[Any] | None = None
    """The shard whose items are requested, or None."""
    used: tuple[str | None, ...] = ()
    """The orders in which these items have the same value; see `Source.reordered`."""
    _text: str = field(init=False, default=Factory(lambda self: urlencode(self.pairs), takes_self=True))

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
        return urlsafe_b64encode(digest(urlencode(sorted(self.pairs)))).decode()

    async def fetch(self, cursor: int, limit: int, counts: RequestCounts, **options: Unpack[FetchOptions]) -> Page[T]:
        listing = self.listing
        parts = (f"limit={limit}", self._text, f"cursor={cursor}" if cursor else "")
        query = self._text if listing.is_bare else "&".join(filter(None, parts))
        target = f"{listing.path}?{query}" if query else listing.path
        read = partial(read_page, cursor=cursor, decode=self.decode)
        label, get, deadline = Label(listing.name, cursor), listing.connection.get, options.get("deadline")
        if listing.is_bare:
            page: Page[T] = await get(target, read, counts, label=label, **options)
            return evolve(page, data=page.data[cursor:])  # the server ignores the cursor
        if deadline is not None:
            options["control"] = partial(control_beside, counted(self.fetch, counts), cursor, limit, deadline)
        return await get(target, read, counts, label=label, **options)

    def raw(self) -> Query[RawItem]:
        return Query(self.listing, self.pairs, _pages(type(self.listing), RawItem), self.part)

    def into(self, model: type, converter: Converter | None) -> Query[Any]:
        from aiotofupilot._wire.own import own_decoder  # noqa: PLC0415 - a program without such a class need not load it

        listing = type(self.listing)
        envelope = list if listing.is_bare else Page
        return evolve(self, decode=own_decoder(model, envelope, listing.read_by_paging, converter))

    def structs(self) -> Query[Any]:
        return evolve(self, decode=_pages(type(self.listing), self.listing.model, structs=True))

    def details(self) -> ItemDetails[Any]:
        listing = self.listing
        if not isinstance(listing, Detailed):
            raise ValueError(f"{listing.name} have no details: the API cannot return a single one")  # noqa: TRY004 - `Source.details` says so
        if self.decode.is_own:
            from aiotofupilot._wire.own import own_decoder  # noqa: PLC0415 - it is loaded by now

            return ItemDetails(listing, self.model, own_decoder(self.model, converter=self.decode.converter))
        if self.model is RawItem:
            return ItemDetails(listing, RawItem, raw_item)
        return ItemDetails(listing, listing.detail_model(), decoder(listing.detail_model()))

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
        listing, by_run, pairs = self.listing, self.listing.by_run, self.pairs
        if after is not None:
            pairs = bounded(pairs, self._offered(listing.creation_filter, "have no filter on their creation"), after)
        new: list[tuple[str, str]] = []
        if order is not None:
            sort_by = self._offered(listing.oldest_first, "cannot be asked for the oldest first")
            new += [("sort_by", sort_by), ("sort_order", order)]
        new += ((self._offered(by_run.run_ids if by_run else None, "are not listed by run"), run) for run in run_ids)
        if procedure_id is not None:
            name = self._offered(by_run.procedure_id if by_run else None, "can be listed without naming a procedure")
            new.append((name, procedure_id))
        return evolve(self, pairs=replaced(pairs, *new))

    def alone(self, item_id: str) -> Query[RawItem] | None:
        # Where items belong to runs, ``ids`` are those of runs.
        if self.listing.by_run is not None or all(argument.name != "ids" for argument in self.listing.filters):
            return None
        return evolve(self.raw(), pairs=replaced(self.pairs, ("ids", item_id)))

    def _offered(self, name: str | None, message: str) -> str:
        if name is None:
            raise ValueError(f"{self.listing.name} {message}")
        return name

    @property
    def order(self) -> SortOrder:
        given, listing = dict(self.pairs), self.listing
        sort_by = given.get("sort_by", listing.default_order)
        if sort_by is None or sort_by not in listing.times:
            # Items of the same time and value are adjacent, however the server orders values.
            path = (sort_by or "id",) if self.used else ("id",)
            return BY_ID if path == ("id",) else SortOrder(partial(_values_in, listing.sort_paths.get(sort_by, path)))
        order = given.get("sort_order", "desc" if listing.is_sortable else None)
        return SortOrder(
            partial(_times_in, name=sort_by, is_decoded=not (self.model is RawItem or self.decode.is_own)),
            is_time=True,
            is_ascending=None if order is None else order == "asc",
            is_bounded=listing.times[sort_by] is not None,
            may_lack=any(field.name == sort_by and field.is_optional for field in fields_of(listing.model)),
        )

    def between(self, *, after: datetime | None = None, before: datetime | None = None) -> Query[T]:
        sort_by = dict(self.pairs).get("sort_by", self.listing.default_order)
        name = self._offered(self.listing.times.get(sort_by), "have no filter on the time that sorts them")
        return evolve(self, pairs=bounded(self.pairs, name, after, before))

    def reordered(self) -> Iterator[Query[T]]:
        given, listing = dict(self.pairs), self.listing
        used = (*self.used, given.get("sort_by", listing.default_order))
        for sort_by in listing.other_orders:
            if sort_by not in used:
                yield evolve(self, pairs=_ascending_by(self.pairs, sort_by), used=used)

    @property
    def can_be_bounded(self) -> bool:
        return self.listing.creation_filter is not None

    @property
    def can_be_ordered(self) -> bool:
        return self.listing.oldest_first is not None

    @property
    def is_divided(self) -> bool:
        return self.listing.divided_by(self.pairs) is not None

    @property
    def is_of_runs(self) -> bool:
        return self.listing.by_run is not None

    def timestamp(self, item: Identified) -> datetime | None:
        return time_in(item, self.listing.divided_by(self.pairs))

    def timeline(self) -> Query[RawItem] | None:
        if not self.listing.is_sortable:
            return None
        sort_by = self.listing.divided_by(self.pairs) or ""
        return evolve(self.raw(), pairs=_ascending_by(self.pairs, sort_by))

    def near_bounds(self) -> tuple[Query[RawItem], ...]:
        raw, name = self.raw(), self.listing.times[self.listing.divided_by(self.pairs)] or ""
        bounds = (self.part.start, self.part.end) if self.part else ()
        near = (bounded(raw.pairs, name, bound, bound) for bound in bounds if bound)
        return tuple(evolve(raw, pairs=pairs) for pairs in near)

    def created_at(self, item: T) -> datetime | None:
        return time_in(item, self.listing.creation_field, may_lack=False)

    def runs(self) -> Query[Run]:
        by_run = cast("ByRun", self.listing.by_run)  # only called if items belong to runs
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
