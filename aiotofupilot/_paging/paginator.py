"""A listing as users hold it: what to walk and how, and every way to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import evolve

from aiotofupilot._arguments import integer, named, seconds
from aiotofupilot._documentation import internal
from aiotofupilot.stats import RequestCounts

from .length.counting import count_items, count_left_out
from .length.sharding import SHARDS_AT_MOST, cut
from .news.follow import FollowedListing
from .news.incremental import IncrementalWalk, check_watermark
from .pages import kept, pages_of
from .source import Identified
from .walk import Walk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from aiotofupilot.models import Page, RawItem
    from aiotofupilot.shard import Shard
    from aiotofupilot.watermark import Watermark

    from .plan import Plan
    from .source import Source

__all__ = ["Paginator"]

T = TypeVar("T", bound=Identified)


class Paginator(Generic[T]):
    """A listing that has not been asked for yet. Nothing is sent before it is used, and every use begins anew.

    ``async for`` iterates over its items. ``await`` returns its first page as the server cuts it, whatever
    ``max_items`` and ``on_drift`` say. An error of this package that is raised while it is iterated has a
    ``checkpoint`` from which the listing can be resumed.
    """

    @internal
    def __init__(self, source: Source[T], plan: Plan) -> None:
        self._source = source
        self._plan = plan

    def __repr__(self) -> str:
        start = self._plan.start
        return f"<Paginator of {start.listing} from {start.place}, limit={self._plan.limit}>"

    @property
    def model(self) -> type[T]:
        """The class of an item, such as `Procedure`; `RawItem` after `raw`."""
        return self._source.model

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self._first_page().__await__()

    def __aiter__(self) -> Walk[T]:
        return self.walk()

    def raw(self) -> Paginator[RawItem]:
        """Return the same listing with its items as the server sends them: dicts, with every key that the server knows.

        That is for fields that are newer than this package. Dates and durations stay strings.
        """
        return Paginator(self._source.raw(), self._plan)

    def shapes(self) -> Paginator[Any]:
        """Return the same listing with items that have the attributes and the values of the models, and no more.

        That is for whoever copies the values to somewhere else, as `aiotofupilot.arrow` does. To decode a page takes
        half of the time that models take. The items are of no public class.
        """
        return Paginator(self._source.shapes(), self._plan)

    def walk(self) -> Walk[T]:
        """Return a pass over the items. It can be closed, and it tells where it stands and what it did."""
        return Walk(self._source.fetch, self._plan)

    def pages(self) -> AsyncGenerator[Page[T], None]:
        """Yield the pages as the server cuts them, as many as ``max_items`` needs.

        The pages are not changed, whatever ``on_drift`` says. After a checkpoint, the first page is the one in which
        the checkpoint lies. If you leave before the end, close the generator, as with any asynchronous generator.

        Raises:
            PaginationError: The server's cursor does not advance, or is missing, or more than 100 pages in a row
                brought nothing new.
        """
        return pages_of(self._source.fetch, self._plan)

    async def collect(self) -> list[T]:
        """Return all items."""
        async with self.walk() as walk:
            return [item async for item in walk]

    async def first(self) -> T | None:
        """Return the first item of the listing, in the server's order; None: there is none.

        Unless a cursor is given, no whole page is asked for.
        """
        limit = 1 if self._plan.max_items is None else min(1, self._plan.max_items)
        async with Walk(self._source.fetch, evolve(self._plan, max_items=limit)) as walk:
            return await anext(walk, None)

    async def count(self) -> int:
        """Return how many items match the filters, which takes few requests however many they are.

        The server does not tell, so the end of the listing is searched for. 100,000 items take about 20 requests, one
        after the other, and 29 if ``concurrency`` lets 4 be in flight. A listing of one page takes one request.

        All items count, whatever ``cursor`` and ``max_items`` say. So do those that cannot be read. If the search meets
        one of them, ``on_unreadable="skip"`` reads around it, and ``"raise"`` raises its error. If items come or go
        meanwhile, the number is right for one moment of the search.

        Raises:
            DriftError: The server's cursors are no offsets, or it does not go to a cursor, so that there is nothing to
                search by. A walk can still count. Or the listing changes too much meanwhile.
            PaginationError: The server's cursor does not advance, or is missing.
        """
        total = await count_items(self._source.raw().fetch, self._plan)
        return total - await count_left_out(self._source, self._plan) if total else total

    async def shards(self, n: int) -> tuple[Shard[T], ...]:
        """Return parts that do not overlap and leave nothing out, to be listed anywhere at the same time.

        The listing is cut by the moment of creation, and for measurements and phases by that of the start. Neither
        changes. The moments are drawn from the listing, so that the parts are of like size. That takes a `count` and
        about a request for each part. The first part has no earliest moment, and the last part no latest: what is
        created later belongs to it.

        The parts are those of all items that match the filters. All options of the listing have to be given again where
        a part is listed.

        Args:
            n: How many parts there may be, 1 to 1,000. There are fewer if there is too little for them, one page each,
                or if many items have the same moment. There is one part if the API has no filter by time, as for parts,
                stations and users, or if an item lacks the moment.

        Raises:
            TypeError: ``n`` is no integer.
            ValueError: ``n`` is out of bounds.
            DriftError: As `count`.
            PaginationError: As `count`.
        """
        return await cut(self._source, self._plan, integer("n", n, low=1, high=SHARDS_AT_MOST))

    def since(self, watermark: Watermark | None = None) -> IncrementalWalk[T]:
        """Return a pass over what was created since a watermark. Its own watermark is where the next pass goes on.

        Over any number of passes each item is yielded exactly once: whatever is created while a pass lasts, however
        many items were created at one moment, and wherever a pass ended, if only the watermark was stored with the
        items. Items may become visible up to 60 seconds after their creation.

        It does not see what was renamed, changed or removed; a full pull does. An item that begins to match the filters
        later than that is not seen either. If the server's cursors are no offsets and the API does not sort the
        listing, something that is removed during a pass can hide an item from it. If the server lists an item behind
        others that were created more than 60 seconds after it, and a pass is broken off between them, the item is lost.

        The time is that of the ``Date`` header of the server's answers. If they have none, it is that of the local
        clock. A clock that is behind makes watermarks longer, and nothing is missed. A clock that is ahead by some
        seconds shortens the 60 seconds for measurements, phases and logs by as many, counted from the creation of their
        run. In other listings it matters only if an item claims to have been created in the future: such an item can
        then hide what is created until that moment.

        - Runs, units and batches come oldest first. Only what is new is asked for, and what was created in the
          last minute before the newest item.
        - Procedures and deployments come in the server's order. Only what is new is asked for, but a pass that is
          broken off is begun again, without the items that it had yielded.
        - Parts, stations and users are compared as a whole, because the API does not filter them by creation. The
          watermark names each of them.
        - Measurements, phases and logs come with their runs, oldest run first. The watermark is that of the runs. A
          hundred runs are asked for at once.

        An item that ``on_unreadable="skip"`` leaves out is asked for again by the next passes, until they begin after
        its creation. From then on only a full pull sees it, if it can be read again.

        ``max_items`` ends a pass early. ``on_drift="ignore"`` resyncs all the same where the server's cursors are
        offsets; ``"resync"`` raises a `DriftError` where they are not, and ``"raise"`` where anything moved.

        Args:
            watermark: What has been seen: the ``watermark`` of a pass, or one that was parsed. None: nothing yet, so
                that everything is yielded.

        Raises:
            TypeError: The argument is no watermark.
            ValueError: The watermark is that of another listing, or of other filters. Or the listing has a cursor,
                ``sort_by`` or ``sort_order``, which only a full listing can have.
        """
        self._check_incremental("since()")
        return IncrementalWalk(self._source, self._plan, check_watermark("watermark", watermark, self._plan))

    def follow(self, interval: float = 5.0, since: Watermark | None = None) -> FollowedListing[T]:
        """Return an endless stream of what is created, polled by passes of `since`, which say what they cannot see.

        Each poll yields what is new, oldest first. Only where something became visible late, it comes after what was
        created later. The server is asked when an item is asked for and none is at hand, so that a slow consumer
        slows the polls down.

        To ask for an item that ``on_unreadable="skip"`` leaves out takes some 50 requests. If the API sorts the listing
        by creation, the polls after that look only behind the item. Everything is asked for again after a minute, and
        while nothing new comes, every five minutes at last. If the API does not sort it, each poll asks for the item.

        The stream ends with ``max_items``, or with a `SessionError` when its session is closed. It can be asked on
        after any other error.

        Args:
            interval: Seconds from the beginning of one poll to that of the next; more than 0. Each time it is made
                longer or shorter by up to a tenth at random.
            since: What has been seen: the ``watermark`` of a stream or a pass. None: begin with what is created from
                now on, which is the moment when the first item is asked for. What exists then is not yielded.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: The interval is out of bounds. Or the watermark is that of another listing, or of other filters.
                Or the listing has a cursor, ``sort_by`` or ``sort_order``.
        """
        self._check_incremental("follow()")
        return FollowedListing(
            self._source,
            self._plan,
            interval=seconds("interval", interval, zero=False),
            unseen=check_watermark("since", None, self._plan),
            since=None if since is None else check_watermark("since", since, self._plan),
        )

    async def _first_page(self) -> Page[T]:
        plan = self._plan
        return kept(await self._source.fetch(plan.start.cursor, plan.limit, RequestCounts()), plan)

    def _check_incremental(self, method: str) -> None:
        if self._source.has_own_order:
            complaint = f"{method} decides on the order itself: sort_by and sort_order must be left out"
            raise named(ValueError(complaint), "sort_by")
        if self._plan.start.place != "0":
            complaint = f"{method} begins where the watermark is: cursor must be left out, got {self._plan.start.place}"
            raise named(ValueError(complaint), "cursor")
