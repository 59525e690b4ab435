"""One pass over what is new in a listing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from aiotofupilot._arguments import for_parameter
from aiotofupilot._public import internal
from aiotofupilot.errors import TofuPilotError
from aiotofupilot.positions import Watermark
from aiotofupilot.stats import WalkStats

from .by_creation import ByCreation, Finder
from .per_run import PerRun
from .source import Identified, Plan, Source
from .walk import ItemIteration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["IncrementalWalk"]

T = TypeVar("T", bound=Identified)


class IncrementalWalk(ItemIteration[T]):
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
        self._finder: Finder[Any, T] = (
            ByCreation(source, plan, watermark, self._stats, sorts=sorts)
            if runs is None
            else PerRun(source, runs, plan, watermark, self._stats)
        )
        self._wanted = plan.max_items
        self._has_ended = False

    async def _close(self) -> None:
        self._has_ended = True
        self._items = iter(())
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

    async def _load(self) -> None:
        with self._waiting():
            found = [] if self._has_ended or self._wanted == 0 else await self._finder.load()
            if self._wanted is not None:
                found = found[: self._wanted]
                self._wanted -= len(found)
            self._items = _marked(found, self._finder, self._stats)
            if not found or self._wanted == 0:
                self._has_ended = True
                await self._finder.aclose()
        if not found:
            raise StopAsyncIteration

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, TofuPilotError):
            error.watermark = self.watermark


def _marked(found: Sequence[tuple[Any, T]], finder: Finder[Any, T], stats: WalkStats) -> Iterator[T]:
    """Yield the items that a finder has found, and count each as yielded.

    It does not know the walk, because a circle of references would keep what is in flight after the walk was dropped.
    """
    for key, item in found:
        finder.mark(key, item)
        stats.items += 1
        yield item


def check_incremental(method: str, source: Source[Any], plan: Plan) -> None:
    """Check that a listing leaves it to a method where to begin, and in which order.

    Raises:
        ValueError: It has an order or a cursor.
    """
    if source.has_own_order:
        message = f"{method} decides on the order itself: sort_by and sort_order must be left out"
        raise for_parameter(ValueError(message), "sort_by")
    if plan.start.place != "0":
        message = f"{method} begins where the watermark is: cursor must be left out, got {plan.start.place}"
        raise for_parameter(ValueError(message), "cursor")


def check_watermark(parameter: str, given: object, plan: Plan) -> Watermark:
    """Return the watermark to begin at, given an argument; None: nothing of the listing has been seen.

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
