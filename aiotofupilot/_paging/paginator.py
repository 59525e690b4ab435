"""A listing as users hold it: its query, its options, and every way to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from attrs import evolve

from aiotofupilot._checks import OVERLAP, checked_overlap, integer, seconds
from aiotofupilot._public import internal
from aiotofupilot._request import Deadline
from aiotofupilot.models.display import showing
from aiotofupilot.stats import RequestCounts

from .count import SHARDS_AT_MOST, count_items, count_not_kept, cut
from .details import DetailsWalk, IncrementalDetailsWalk
from .incremental import FollowedListing, IncrementalWalk, check_watermark
from .iteration import AsyncOnly, Iteration
from .source import Identified, Plan, Source, Y
from .walk import Pages, Walk

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from os import PathLike

    from cattrs import Converter

    from aiotofupilot import models
    from aiotofupilot.models import Page, RawItem
    from aiotofupilot.positions import Shard, Watermark

    from .source import DetailSource

__all__ = ["Details", "Paginator"]

D = TypeVar("D")
R = TypeVar("R")

_SHOWN = 4
"""At most this many values of a filter are shown. A query may name hundreds of IDs."""


def _brief(values: list[str]) -> str:
    if len(values) == 1:
        return repr(values[0])
    return f"[{', '.join(map(repr, values[:_SHOWN]))}{', ...' if len(values) > _SHOWN else ''}]"


@showing
class Paginator(AsyncOnly, Generic[Y]):
    """A listing with its filters and options. Nothing is sent before it is used, and every use starts over.

    ``async for`` iterates over its items. ``await`` returns its first page as the server cuts it, and ignores
    ``max_items`` and ``on_drift``. Errors of this package that are raised during an iteration have a ``checkpoint``,
    from which the listing can be resumed.
    """

    @internal
    def __init__(self, source: Source[Any], plan: Plan) -> None:
        self._source = source
        self._plan = plan

    def __repr__(self) -> str:
        start = self._plan.start
        filters = "".join(f", {name}={text}" for name, text in self._filters().items())
        return f"<Paginator of {start.listing} from {start.place}, limit={self._plan.limit}{filters}>"

    def _filters(self) -> dict[str, str]:
        """Return the filters and the order by name, as they are shown."""
        values: dict[str, list[str]] = {}
        for name, value in self._source.whole.query:
            values.setdefault(name, []).append(value)
        return {name: _brief(sent) for name, sent in values.items()}

    def _shown(self) -> tuple[str, Sequence[str], Iterable[Sequence[str]]]:
        plan = self._plan
        options = {"cursor": plan.start.place, "max_items": plan.max_items, **plan.described()}
        return (
            f"Listing of {plan.start.listing}. Nothing is sent before it is used.",
            (),
            [*self._filters().items(), *((name, str(value)) for name, value in options.items())],
        )

    @property
    def model(self) -> type[Y]:
        """The class of an item, such as `Procedure`; `RawItem` after `raw`, and your own after `into`."""
        return self._source.model

    def __await__(self) -> Generator[object, None, Page[Y]]:
        return self._first_page().__await__()

    def __aiter__(self) -> Walk[Y]:
        return self.walk()

    def raw(self) -> Paginator[RawItem]:
        """Return the same listing with its items as the server sends them, which are dicts with every key.

        Use this for fields that are newer than this package. Dates and durations stay strings.
        """
        return Paginator(self._source.raw(), evolve(self._plan, holds_values=False))

    def into(self, model: type[R], *, converter: Converter | None = None) -> Paginator[R]:
        """Return the same listing with its items as objects of your own class.

        A field gets the value of the JSON key with its name, as `raw` shows it. ``metadata={"path": "unit.part.name"}``
        of an attrs or dataclass field names another key, at any depth. Keys without a field are left out. A field
        without a key gets its default. If an object on a path is null, the field is null or gets its default.

        cattrs makes the objects by the annotations of the fields. It does not turn null or a number into a text, or a
        text into a list. An ``int`` field takes ``50.0``, which older servers send. Models of this package are read as
        in their listings. The class needs no ``id``. Pydantic makes its models and dataclasses by its own rules, so use
        its aliases for paths.

        For other types and rules, give your own converter. The paths are resolved first. Then the converter gets whole
        items, as `raw` shows them, so dates are texts. The converter is copied when a class is first used with it, so
        register its hooks earlier.

        An item that cannot be converted raises a `DecodeError`, whose ``path`` names the fault. With
        ``on_unreadable="skip"``, the item is left out. With `details`, the objects are made of the details. Otherwise
        they are made when a page arrives. All validators of the class run.

        Args:
            model: A class made by attrs or ``dataclass``, or a pydantic model. With a converter, any class that
                the converter makes.
            converter: A ``cattrs.Converter``. None for the rules above.

        Raises:
            TypeError: The class is of another kind, or cattrs has no hook for the type of a field.
        """
        return Paginator(self._source.into(model, converter), evolve(self._plan, holds_values=True))

    @overload
    def details(self: Paginator[models.Batch]) -> Details[models.BatchDetails]: ...
    @overload
    def details(self: Paginator[models.Deployment]) -> Details[models.DeploymentDetails]: ...
    @overload
    def details(self: Paginator[models.Measurement]) -> Details[models.MeasurementDetails]: ...
    @overload
    def details(self: Paginator[models.Part]) -> Details[models.PartDetails]: ...
    @overload
    def details(self: Paginator[models.Phase]) -> Details[models.PhaseDetails]: ...
    @overload
    def details(self: Paginator[models.Procedure]) -> Details[models.ProcedureDetails]: ...
    @overload
    def details(self: Paginator[models.Run]) -> Details[models.RunDetails]: ...
    @overload
    def details(self: Paginator[models.Station]) -> Details[models.StationDetails]: ...
    @overload
    def details(self: Paginator[models.Unit]) -> Details[models.UnitDetails]: ...
    @overload
    def details(self: Paginator[models.Log]) -> Details[models.Log]: ...
    @overload
    def details(self: Paginator[RawItem]) -> Details[RawItem]: ...
    @overload
    def details(self) -> Details[Y]: ...
    def details(self) -> Details[Any]:
        """Return the same listing with the details of each item, as ``get()`` of the listing returns them.

        Each item takes one more request. At most ``concurrency`` requests are in flight, for pages and details
        together, and at most as many details wait to be yielded. The details come in the order of the listing, with its
        checkpoints and watermarks.

        Items that were removed after they were listed are left out and counted. With ``on_unreadable="skip"``, items
        whose details cannot be read are left out and counted, too. An item that is not found but still listed is
        requested again for some seconds, because a replica of the server may lag. ``max_items`` counts details. After
        `raw`, the details are raw too, and after `into`, they are objects of your class.

        Raises:
            ValueError: The API cannot return single items of this listing, such as users.
        """
        return Details(self._source, self._plan)

    def walk(self, *, receipt: str | PathLike[str] | None = None) -> Walk[Y]:
        """Return a pass over the items. It can be closed, and has a checkpoint and counts.

        Args:
            receipt: A file that records the items of each page and the yielded items, as IDs, times, cursors and
                counts; 11 kB per 100 items. ``aiotofupilot check FILE`` says whether each item provably came exactly
                once. A walk from the beginning replaces a receipt, and a resumed one continues it. None for no receipt.

        Raises:
            ValueError: The file is not a receipt of this listing, does not show where the walk resumes, or is in use.
            OSError: The file cannot be opened. The walk raises it later if the file cannot be written.
        """
        from .receipts import Receipt  # noqa: PLC0415 - help need not wait for msgspec

        opened = None if receipt is None else Receipt(receipt, self._plan, self._source.order)
        return Walk(self._source, self._plan, receipt=opened)

    def pages(self) -> Iteration[Page[Y]]:
        """Yield the pages as the server cuts them, as many as ``max_items`` needs.

        The pages are not changed, whatever ``on_drift`` says. After a checkpoint, the first page is the one that holds
        the checkpoint. Like a walk, close this iteration if you leave it before the end.

        Raises:
            PaginationError: The server's cursor does not advance or is missing, or more than 100 pages in a row brought
                nothing new.
        """
        return Pages[Y](self._source, self._plan)

    async def collect(self) -> list[Y]:
        """Return all items."""
        async with self.walk() as walk:
            return [item async for item in walk]

    async def first(self) -> Y | None:
        """Return the first item of the listing, in the server's order, or None if there is none.

        Requests one item, unless a cursor is given.
        """
        plan = self._plan
        wanted = 1 if plan.max_items is None else min(1, plan.max_items)
        on_drift = plan.on_drift if plan.start.seen else "ignore"  # nothing yielded before can have moved
        async with Walk[Y](self._source, evolve(plan, max_items=wanted, on_drift=on_drift)) as walk:
            return await anext(walk, None)

    async def count(self) -> int:
        """Return how many items match the filters, in few requests, however many items there are.

        The API has no total, so the end of the listing is searched for. 100,000 items take about 20 requests, one after
        the other, or 30 if ``concurrency`` allows 4 in flight. A listing of one page takes one request. If items are
        created or removed during the search, the number was right at some time during it.

        If the server does not go to the end, and a filter bounds the time that sorts the listing, a walk counts the
        items. The number may be wrong if items are created and removed meanwhile, so a warning is logged.

        ``cursor``, ``max_items`` and ``on_unreadable`` do not matter. Items that cannot be read count too. If the
        search meets such an item, the item's error is raised.

        Raises:
            DriftError: The listing changes too much during the search. Or the server's cursors are not offsets, or the
                server does not go to a requested cursor: count the items of a walk instead.
            PaginationError: The server's cursor does not advance, or is missing.
        """
        total = await count_items(self._source, self._plan)
        return total - await count_not_kept(self._source, self._plan) if total else total

    async def shards(self, n: int) -> tuple[Shard[Y], ...]:
        """Return parts that do not overlap and leave nothing out, to be listed anywhere and at the same time.

        The listing is cut by the time that sorts it, which never changes. Runs, measurements and phases are sorted by
        their start, unless you sort runs by creation. All others are sorted by creation. The parts have similar sizes.
        Cutting takes a `count` and about one request per part. If a request meets an unreadable item, the item's
        error is raised, whatever ``on_unreadable`` says. The first part has no earliest time. The last part has no
        latest time, so later items belong to it.

        The parts keep the filters of the listing, but not its other options, so give the options again when you list a
        part.

        Args:
            n: The most parts, 1 to 1,000. There are fewer if the listing has fewer pages, or if many items have the
                same time. There is one part if an item lacks the timestamp, or if the API has no filter by time:
                for parts, stations and users. An item that is created later without a timestamp belongs to no part.

        Raises:
            TypeError: ``n`` is not an integer.
            ValueError: ``n`` is out of bounds.
            DriftError: As in `count`.
            PaginationError: As in `count`.
        """
        return await cut(self._source, self._plan, integer("n", n, low=1, high=SHARDS_AT_MOST))

    def since(self, watermark: Watermark | None = None, *, overlap: float = OVERLAP) -> IncrementalWalk[Y]:
        """Return a pass over the items created since a watermark. The next pass begins at this pass's watermark.

        If you store the watermark together with the items, each item is yielded exactly once over any number of passes.
        An item may become visible up to ``overlap`` seconds after its creation. A pass does not notice that an item was
        renamed, changed or removed, or that it matches the filters only later. The guide "Keep a copy up to date" says
        what a pass requests of each listing, and how to choose the overlap.

        A pass raises a `DriftError` only if it would have to miss an item. The next pass begins at the watermark. Items
        left out by ``on_unreadable="skip"`` are requested again by the next passes, for the overlap or longer.

        Args:
            watermark: The ``watermark`` of an earlier pass, or a parsed watermark. None to yield everything.
            overlap: The most seconds from the creation of an item until it is visible; more than 0, and up to 86,400.
                Each pass lists the items of these seconds again. An item that becomes visible later may be missed.
                ``stats.lateness`` says how many seconds were needed.

        Raises:
            TypeError: ``watermark`` is not a `Watermark`, or ``overlap`` is not a number.
            ValueError: The watermark is of another listing or other filters, the overlap is out of bounds, or the
                listing was given a cursor, ``sort_by`` or ``sort_order``.
        """
        begin = check_watermark("since()", "watermark", watermark, self._source, self._plan)
        return IncrementalWalk(self._source, self._plan, begin, overlap=checked_overlap(overlap))

    def follow(
        self,
        interval: float = 5.0,
        since: Watermark | None = None,
        *,
        overlap: float = OVERLAP,
        max_outage: float | None = None,
    ) -> FollowedListing[Y]:
        """Return an endless stream of the items that are created. Each poll is a pass of `since`, with its limits.

        Each poll yields new items, oldest first. An item that became visible late may come after items created later.
        After an import of thousands of items, a late item may come up to 30 seconds after the next poll. A poll is made
        only when you ask for an item and none has arrived, so a slow consumer slows the polls down.

        The stream begins when you enter it with ``async with``, and yields every item created after that. If you do not
        enter it, it begins when you ask for the first item. If the server is down, the stream begins with the server's
        first response. Items that exist at the beginning are not yielded. The API does not document the order of
        ``procedures``, ``deployments`` and ``stations``. In these listings, items that are created while the first
        pages are read may not be yielded either.

        The stream ends after ``max_items``, or with a `SessionError` when its session is closed. It outlives outages
        and a slow server: connections that fail, timeouts, 429, 408 and any 5xx, but a 500 only after retries. These
        errors are logged. The first, and then one every ten minutes, is a warning. Other errors are raised: another
        4xx, a `DecodeError`, a `DriftError`, a `CertificateError`, a name that cannot be resolved before any server has
        responded, and with ``on_unreadable="raise"`` an unreadable item. After an error you can ask for the next item.

        Args:
            interval: Seconds from the beginning of one poll to the next; more than 0. Each interval varies at random by
                up to a tenth.
            since: The ``watermark`` of a stream or a pass. Then entering the stream requests nothing. None to begin
                with items created from now on.
            overlap: As in `since`.
            max_outage: Seconds without a good response after which the stream raises the error; more than 0. A poll
                under way may end later, but requests no page for longer than ``max_outage``. None for no limit.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: The interval, the overlap or ``max_outage`` is out of bounds, the watermark is of another
                listing or other filters, or the listing was given a cursor, ``sort_by`` or ``sort_order``.
        """
        begin = check_watermark("follow()", "since", since, self._source, self._plan)
        return FollowedListing(
            self._source,
            self._plan,
            interval=seconds("interval", interval, zero=False),
            since=None if since is None else begin,
            overlap=checked_overlap(overlap),
            max_outage=None if max_outage is None else seconds("max_outage", max_outage, zero=False),
        )

    async def _first_page(self) -> Page[Y]:
        plan = self._plan
        return plan.kept(await self._source.fetch(plan.start.cursor, plan.limit, RequestCounts(), deadline=Deadline()))


def structs_of(listing: Paginator[Any]) -> Paginator[Any]:
    """Return the same listing with items that have the attributes of the models, but not their methods.

    Code that copies the values elsewhere uses this, because decoding a page then takes half of the time.
    """
    source, plan = listing._source, listing._plan  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - of the class above
    return Paginator(source.structs(), evolve(plan, holds_values=False))


class Details(AsyncOnly, Generic[D]):
    """The details of the items of a listing. Nothing is sent before it is used, and every use starts over.

    ``async for`` iterates over them, in the order of the listing.
    """

    @internal
    def __init__(self, source: Source[Any], plan: Plan) -> None:
        self._details: DetailSource[D] = source.details()
        self._source = source.raw() if plan.holds_values else source  # the class may need fields that only details have
        self._plan = plan
        # The items are walked one page at a time, because the details are in flight. The walk has no ``max_items``,
        # because any item may be left out.
        self._plan_of_items = evolve(plan, concurrency=1, max_items=None, holds_values=False)

    def __repr__(self) -> str:
        return f"<Details of {self._plan.start.listing} from {self._plan.start.place}>"

    @property
    def model(self) -> type[D]:
        """The class of the details, such as `RunDetails`; `RawItem` after ``raw()``."""
        return self._details.model

    def __aiter__(self) -> DetailsWalk[D]:
        return self.walk()

    def walk(self) -> DetailsWalk[D]:
        """Return a pass over the details. It can be closed, and has a checkpoint and counts."""
        items = Walk[Identified](self._source, self._plan_of_items)
        return DetailsWalk(items, self._source, self._details, self._plan)

    def since(self, watermark: Watermark | None = None, *, overlap: float = OVERLAP) -> IncrementalDetailsWalk[D]:
        """Return a pass over the details of the items created since a watermark; see `Paginator.since`.

        The watermarks are also valid for the listing itself. They stay before an item that is not found but may still
        be listed, so the next pass requests it again. ``stats.missing`` counts such items.

        Args:
            watermark: The ``watermark`` of an earlier pass. None to yield everything.
            overlap: As in `Paginator.since`.

        Raises:
            TypeError: ``watermark`` is not a `Watermark`, or ``overlap`` is not a number.
            ValueError: As in `Paginator.since`.
        """
        watermark = check_watermark("since()", "watermark", watermark, self._source, self._plan)
        items = IncrementalWalk[Identified](
            self._source, self._plan_of_items, watermark, overlap=checked_overlap(overlap), marks=False
        )
        return IncrementalDetailsWalk(items, self._source, self._details, self._plan)

    async def collect(self) -> list[D]:
        """Return the details of all items."""
        async with self.walk() as walk:
            return [detail async for detail in walk]

    async def first(self) -> D | None:
        """Return the details of the first item that has any, or None."""
        wanted = 1 if self._plan.max_items is None else min(1, self._plan.max_items)
        items = Walk[Identified](self._source, self._plan_of_items)
        plan = evolve(self._plan, max_items=wanted)
        async with DetailsWalk(items, self._source, self._details, plan) as walk:
            return await anext(walk, None)
