"""A walk that is begun again where the listing moved too much for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import evolve

from aiotofupilot._paging.continuity.anchored import Anchored
from aiotofupilot._paging.source import Identified
from aiotofupilot._paging.walk import Walk
from aiotofupilot.errors import DriftError, PaginationError
from aiotofupilot.stats import RequestCounts, WalkStats

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot._paging.plan import Fetch, OnDrift, Plan

__all__ = ["RestartingWalk", "Stretch"]

T = TypeVar("T", bound=Identified)

_PAGE_AT_MOST = 1000
"""More items than any page has."""


class Stretch(Walk[T]):
    """A walk over a stretch of a listing. Its place is of no use to anyone: a watermark tells more.

    Args:
        fetch: Fetches a page.
        plan: How to walk.
        stats_of_all: Where requests are counted too, and where positions are kept, with those of other stretches.
    """

    def __init__(self, fetch: Fetch[T], plan: Plan, stats_of_all: WalkStats) -> None:
        counts, positions = RequestCounts(whole=stats_of_all.counts), stats_of_all.unreadable_positions
        super().__init__(fetch, plan, WalkStats(counts, unreadable_positions=positions))

    @property
    def is_shuffled(self) -> bool:
        """Whether the walk lost its place among items that are sorted alike, and found nothing new since."""
        return isinstance(self._continuity, Anchored) and self._continuity.is_shuffled

    @property
    def lacks_offsets(self) -> bool:
        """Whether a page showed that the server's cursors are no offsets, in a walk that needs them."""
        return isinstance(self._continuity, Anchored) and self._continuity.lacks_offsets

    def _tell_place(self, error: Exception) -> None:
        pass


class RestartingWalk(Generic[T]):
    """Walks with resync, and begins again where that fails. Whoever uses it knows what it has seen before.

    If nothing new came since the walk was begun again, another beginning does not help. Then the pages are followed as
    they are, which is what the server's cursors need if they are no offsets. If they are offsets, the listing moves too
    much. Then an item that is removed meanwhile may hide another one. Pages are never followed as they are if the
    server lists items that are sorted alike in another order each time, because an item could be missed for ever.

    Args:
        on_drift: ``ignore``: as above. ``resync``: pages are never followed as they are. ``raise``: no walk is begun
            again, and none resyncs.
        stats: Where pages and resyncs are counted.
    """

    def __init__(self, on_drift: OnDrift, stats: WalkStats) -> None:
        self._on_drift: OnDrift = on_drift
        self._mode: OnDrift = "raise" if on_drift == "raise" else "resync"
        self._stats = stats
        self._walk: Stretch[T] | None = None
        self._has_progressed = self._lacks_offsets = False

    @property
    def follows_cursors(self) -> bool:
        """Whether pages are followed as they are."""
        return self._mode == "ignore"

    @property
    def may_have_missed(self) -> bool:
        """Whether an item may have been hidden, because pages are followed whose cursors are offsets."""
        return self.follows_cursors and not self._lacks_offsets

    def note_progress(self) -> None:
        """Note that the last page brought something new."""
        self._has_progressed = True

    async def page(self, begin: Callable[[OnDrift], Stretch[T]]) -> list[T]:
        """Return the items of the next page that brings any. It is empty once the listing has ended.

        Args:
            begin: Begins a walk that does what it is told about drift. It is not kept, because it knows who is asking,
                and a circle of references would keep pages in flight after everybody has dropped them.

        Raises:
            DriftError: The listing moved too much, and ``on_drift`` or a lack of progress forbids another beginning.
                The next call begins again.
            PaginationError: The server's cursor leads nowhere. The next call begins again.
        """
        while True:
            if self._walk is None:
                self._walk = begin(self._mode)
            try:
                return await self._counted(self._walk)
            except PaginationError:
                await self.restart()
                raise
            except DriftError:
                self._lacks_offsets |= self._walk.lacks_offsets
                is_shuffled = self._walk.is_shuffled
                await self.restart()
                if not self._may_begin_again(is_shuffled=is_shuffled):
                    raise

    async def restart(self) -> None:
        """Let the next page be the first of a walk that is begun again."""
        walk, self._walk = self._walk, None
        if walk is not None:
            await walk.aclose()

    def _may_begin_again(self, *, is_shuffled: bool) -> bool:
        if self._on_drift == "raise":
            return False
        if not self._has_progressed:
            if self._on_drift == "resync" or is_shuffled:
                return False
            self._mode = "ignore"
        self._has_progressed = False
        return True

    async def _counted(self, walk: Stretch[T]) -> list[T]:
        stats, before = self._stats, evolve(walk.stats)
        try:
            return await walk.take(_PAGE_AT_MOST)
        finally:
            stats.pages += walk.stats.pages - before.pages
            stats.duplicates += walk.stats.duplicates - before.duplicates
            stats.resyncs += walk.stats.resyncs - before.resyncs
            stats.unreadable += walk.stats.unreadable - before.unreadable
            stats.is_sequential |= walk.stats.is_sequential
