"""One pass over what is new in a listing."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from aiotofupilot._arguments import for_parameter, integer
from aiotofupilot._public import internal
from aiotofupilot.errors import TofuPilotError
from aiotofupilot.positions import Watermark
from aiotofupilot.stats import WalkStats

from .by_creation import ByCreation
from .per_run import PerRun
from .source import Identified
from .walk import Iteration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .source import Plan, Source

__all__ = ["IncrementalWalk", "check_watermark"]

T = TypeVar("T", bound=Identified)


class IncrementalWalk(Iteration[T]):
    """One pass over what is new in a listing. Pages are requested only while you wait for an item.

    You may leave it at any item. Store `watermark` with the items, and the next pass continues after the item that was
    yielded last. As with a `Walk`, nothing of it stays in flight after it ended, failed, was closed, was cancelled or
    was dropped, and you can ask for the next item after an error. An error of this package that it raises also has the
    ``watermark``.
    """

    @internal
    def __init__(
        self,
        source: Source[T],
        plan: Plan,
        watermark: Watermark,
        *,
        sorts: bool = False,
        stats: WalkStats | None = None,
    ) -> None:
        self._stats = WalkStats() if stats is None else stats
        runs = source.runs()
        self._finder = (
            ByCreation(source, plan, watermark, self._stats, sorts=sorts)
            if runs is None
            else PerRun(source, runs, plan, watermark, self._stats)
        )
        self._wanted = plan.max_items
        self._items: deque[T] = deque()
        self._has_ended = False

    def __repr__(self) -> str:
        return f"<IncrementalWalk: {self._stats.items} items, {self._stats.requests} requests so far>"

    async def __anext__(self) -> T:
        while not self._items:
            await self._load()
        return self._next()

    async def batches(self) -> AsyncIterator[list[T]]:
        """Yield the items in lists, as they arrive: first those at hand, then the new items of each page.

        The watermark is then about everything up to this list. If you store both together, each item is stored exactly
        once.
        """
        async for item in self:
            yield [item, *(self._next() for _ in range(len(self._items)))]

    async def take(self, at_most: int) -> list[T]:
        """Return the next items: those at hand, or else new ones of the next page. No items: the walk has ended.

        The watermark is then about everything up to them.

        Args:
            at_most: The most items to return, 1 or more.
        """
        more = integer("at_most", at_most, low=1) - 1
        async for item in self:
            return [item, *(self._next() for _ in range(min(more, len(self._items))))]
        return []

    async def aclose(self) -> None:
        """End the walk after the item that was yielded last, and wait until nothing of it is in flight.

        Raises:
            RuntimeError: Another task is waiting for the walk's next item.
        """
        self._check_idle()
        self._has_ended = True
        self._items.clear()
        await self._finder.aclose()

    @property
    def watermark(self) -> Watermark:
        """What has been seen, up to the item that was yielded last. ``since(watermark)`` yields the rest."""
        return self._finder.watermark

    @property
    def stats(self) -> WalkStats:
        """The counts of the walk so far, as one object that is kept up to date.

        ``duplicates`` counts the items that the server listed although this walk or an earlier pass had seen them.
        ``unreadable_positions`` are positions in the listing from the watermark on.
        """
        return self._stats

    def _next(self) -> T:
        item = self._items.popleft()
        self._finder.mark()
        self._stats.items += 1
        if self._wanted is not None:
            self._wanted -= 1
        return item

    async def _load(self) -> None:
        """Have new items at hand, or end."""
        self._check_idle()
        if self._has_ended:
            raise StopAsyncIteration
        self._is_asking = True
        try:
            if self._wanted != 0:
                self._items.extend(islice(await self._finder.load(), self._wanted))
            if not self._items or len(self._items) == self._wanted:
                self._has_ended = True
                await self._finder.aclose()
        except TofuPilotError as error:
            error.watermark = self.watermark
            raise
        finally:
            self._is_asking = False
        if not self._items:
            raise StopAsyncIteration


def check_watermark(parameter: str, given: object, plan: Plan) -> Watermark:
    """Return the watermark to begin at.

    Args:
        parameter: The name of the argument, for errors.
        given: The argument. None: nothing of the listing has been seen.
        plan: A plan of the listing.

    Raises:
        TypeError: It is not a watermark.
        ValueError: It is of another listing or query.
    """
    listing, query = plan.start.listing, plan.start.query
    if given is None:
        return Watermark(listing, query)
    if not isinstance(given, Watermark):
        hint = ": use Watermark.parse()" if isinstance(given, str) else ""
        raise for_parameter(TypeError(f"{parameter} must be a Watermark, got {given!r}{hint}"), parameter)
    if given.listing != listing:
        message = f"{parameter} is a watermark of {given.listing}, and says nothing of {listing}"
        raise for_parameter(ValueError(message), parameter)
    if given.query != query:
        message = (
            f"{parameter} is a watermark of {listing} with other filters (query {given.query}), "
            f"and says nothing of these (query {query})"
        )
        raise for_parameter(ValueError(message), parameter)
    return given
