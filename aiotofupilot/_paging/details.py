"""The details of the items of a listing, as users hold them: a view of its walks, with a request for each item."""

from __future__ import annotations

from abc import abstractmethod
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import evolve

from aiotofupilot._arguments import integer
from aiotofupilot._public import internal
from aiotofupilot.errors import TofuPilotError

from .detail_window import DetailWindow
from .incremental import IncrementalWalk, check_incremental, check_watermark
from .walk import AsyncOnly, ItemIteration, Walk, note_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot.positions import Checkpoint, Watermark
    from aiotofupilot.stats import WalkStats

    from .source import DetailSource, Plan, Source

__all__ = ["Details", "DetailsWalk", "IncrementalDetailsWalk"]

D = TypeVar("D")
P = TypeVar("P")

MAX_BUFFER = 96 * 1024 * 1024
"""The usual limit of the bytes that wait to be yielded. The longest known runs have 38 MB. With this limit, a program
that reads many of them takes less than 400 MB."""


class DetailIteration(ItemIteration[D], Generic[D, P]):
    """What both walks over details have."""

    @internal
    def __init__(self, window: DetailWindow[D, P]) -> None:
        self._window = window

    @property
    def stats(self) -> WalkStats:
        """The counts of the walk up to now.

        ``items`` are those whose details were yielded. ``removed`` counts those that were listed, and were not found
        when their details were requested. ``unreadable`` counts what was left out, in the listing and of the details.
        """
        listed, own = self._window.walk.stats, self._window.stats
        unreadable = listed.unreadable + own.unreadable
        return evolve(
            listed, items=own.items, removed=own.removed, unreadable=unreadable, unreadable_ids=own.unreadable_ids
        )

    @property
    def _yielded_bytes(self) -> int:
        """The bytes from which the details up to now were decoded."""
        return self._window.yielded_bytes

    async def _close(self) -> None:
        self._items = iter(())
        await self._window.aclose()
        self._window.span.end(self.stats)

    async def _load(self) -> None:
        with self._waiting():
            has_details = await self._window.advance()
            self._items = self._window.ready()
            if not has_details:
                await self._window.aclose()
                self._window.span.end(self.stats)
        if not has_details:
            raise StopAsyncIteration

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, TofuPilotError):
            self._tell_position(error)
        self._window.span.end(self.stats, error)

    @abstractmethod
    def _tell_position(self, error: TofuPilotError) -> None:
        """Tell with an error where to resume."""


class DetailsWalk(DetailIteration[D, "Checkpoint"]):
    """One pass over the details of a listing's items, in the server's order.

    It is a `Walk` that requests the details of each item too. You may leave it at any item, and nothing of it stays in
    flight then, as with a `Walk`. After an error you can ask for the next item, and the same item is requested again.
    """

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the walk is, after the last item that it yielded. ``list(cursor=...)`` resumes there."""
        return self._window.place

    def _tell_position(self, error: TofuPilotError) -> None:
        if error.checkpoint is None:  # otherwise it is one of the walk of the items, which has told it
            note_checkpoint(error, self.checkpoint, self._window.start)


class IncrementalDetailsWalk(DetailIteration[D, "Watermark"]):
    """One pass over the details of what is new in a listing.

    It is an `IncrementalWalk` that requests the details of each item too. Store `watermark` with the items.
    """

    @property
    def watermark(self) -> Watermark:
        """What has been seen, up to the item that was yielded last. ``since(watermark)`` yields the rest."""
        return self._window.place

    def _tell_position(self, error: TofuPilotError) -> None:
        error.watermark = self.watermark


class Details(AsyncOnly, Generic[D]):
    """The details of the items of a listing. Nothing is sent before it is used, and every use starts over.

    ``async for`` iterates over them, in the order of the listing.
    """

    @internal
    def __init__(self, source: Source[Any], plan: Plan, max_buffer: int) -> None:
        self._source = source
        self._details: DetailSource[D] = source.details()
        self._plan = plan
        self._max_buffer = integer("max_buffer", max_buffer, low=1)

    def __repr__(self) -> str:
        return f"<Details of {self._plan.start.listing} from {self._plan.start.place}>"

    @property
    def model(self) -> type[D]:
        """The class of the details, such as `RunDetails`; `RawItem` after ``raw()``."""
        return self._details.model

    def __aiter__(self) -> DetailsWalk[D]:
        return self.walk()

    def walk(self) -> DetailsWalk[D]:
        """Return a pass over the details. It can be closed, and it knows its position and its counts."""
        walk = Walk(self._source.fetch, self._items_plan)
        return DetailsWalk(self._window(walk, attrgetter("checkpoint")))

    def since(self, watermark: Watermark | None = None) -> IncrementalDetailsWalk[D]:
        """Return a pass over the details of the items that were created since a watermark; see `Paginator.since`.

        The watermarks are the same as those of the listing itself.

        Args:
            watermark: What has been seen. None: nothing has been seen, so everything is yielded.

        Raises:
            TypeError: The argument is not a watermark.
            ValueError: As in `Paginator.since`.
        """
        check_incremental("since()", self._source, self._plan)
        watermark = check_watermark("watermark", watermark, self._plan)
        walk = IncrementalWalk(self._source, self._items_plan, watermark)
        return IncrementalDetailsWalk(self._window(walk, attrgetter("watermark")))

    async def collect(self) -> list[D]:
        """Return the details of all items."""
        async with self.walk() as walk:
            return [detail async for detail in walk]

    async def first(self) -> D | None:
        """Return the details of the first item that has any; None: there is none."""
        wanted = 1 if self._plan.max_items is None else min(1, self._plan.max_items)
        details = Details[D](self._source, evolve(self._plan, max_items=wanted), self._max_buffer)
        async with details.walk() as walk:
            return await anext(walk, None)

    @property
    def _items_plan(self) -> Plan:
        """How the items are walked: page after page, because details are what is in flight, and all may be left out."""
        return evolve(self._plan, concurrency=1, max_items=None)

    def _window(self, walk: Any, place: Callable[[Any], P]) -> DetailWindow[D, P]:  # noqa: ANN401 - one of two walks
        control = (self._source.runs() or self._source).fetch
        return DetailWindow(walk, place, self._details, control, plan=self._plan, max_buffer=self._max_buffer)
