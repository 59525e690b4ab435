"""What of a listing is new, by the moment of creation, or by comparing all of it where items do not tell."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import evolve

from aiotofupilot._paging.source import Identified
from aiotofupilot.errors import DecodeError

from .beginning import Beginning
from .restarting import RestartingWalk, Stretch
from .seen import OVERLAP, Seen, moment_at, moment_of

if TYPE_CHECKING:
    from aiotofupilot._paging.plan import OnDrift, Plan
    from aiotofupilot._paging.source import Source
    from aiotofupilot.stats import WalkStats
    from aiotofupilot.watermark import Watermark

__all__ = ["Created"]

T = TypeVar("T", bound=Identified)

_MILLISECOND = timedelta(milliseconds=1)


class Created(Generic[T]):
    """Finds the items of a listing that were not seen before.

    Where the API can be asked for the oldest first, everything that the walk has passed and that is old enough counts
    as settled: the floor follows the walk. The server has to prove that it sorts. Where the order is not known, the
    floor stays where it is until the listing was seen to its end. It also stays once an item turns up below the floor,
    because that item shows that the server does not sort after all. Such an item is new all the same. And it stays if
    an item may have been hidden, because the listing moved too much. The next pass finds that item.

    An item may become visible some time after its creation: at a place that the walk has passed, or when the pass is
    over. So only what was created `OVERLAP` seconds before the pass began is old enough. The clock that tells this may
    be ahead of the one that dates the items. So what was created less than `OVERLAP` seconds before the newest item
    that was seen is not old enough either; see `Beginning`.

    Args:
        source: The listing.
        plan: How it is walked.
        watermark: What was seen before.
        stats: Where requests, pages and duplicates are counted.
        sorts: Whether to hold the new items back until all are there, and to sort them by creation, where the server
            does not sort.
    """

    def __init__(
        self,
        source: Source[T],
        plan: Plan,
        watermark: Watermark,
        stats: WalkStats,
        *,
        sorts: bool = False,
    ) -> None:
        self._source = source
        self._plan = plan
        self._watermark = watermark
        self._stats = stats
        self._seen = Seen(watermark)
        self._can_settle = source.can_be_bounded
        self._is_sorted: bool | None = None
        self._holds_back = sorts and not source.can_be_ordered
        self._held: dict[str, tuple[float | None, T]] = {}
        self._coming: deque[tuple[float | None, T]] = deque()
        self._walk = RestartingWalk[T](plan.on_drift, stats)
        self._walk_began_at: float | None = None
        self._seen_before: float | None = None
        self._newest: float | None = None
        self._newest_of_page: float | None = None
        self._has_ended = False
        self._beginning = Beginning()

    @property
    def began_at(self) -> float:
        """When the pass began, or a little earlier, in seconds since 1970; minus infinity before the server answers."""
        return self._beginning.at_latest

    @property
    def time(self) -> float:
        """The time, or a little later, once the server has answered."""
        return self._beginning.time(self._source.clock.monotonic())

    @property
    def watermark(self) -> Watermark:
        """What was seen, up to the item yielded last."""
        if self._is_sorted:
            self._settle()
        return evolve(self._watermark, floor=self._seen.floor_at, seen=self._seen.items)

    async def load(self) -> list[T]:
        """Return the next new items, all of which are to be marked before the next call.

        The list is empty once everything was seen.
        """
        while not self._has_ended:
            await self._leave_page()
            items = await self._walk.page(self._begin)
            fresh = await self._fresh(items)
            if not items:
                self._has_ended = True
                fresh, self._held = sorted(self._held.values(), key=_order), {}
            elif self._holds_back:
                self._held |= {item.id: (moment, item) for moment, item in fresh}
                continue
            if fresh:
                self._walk.note_progress()
                self._coming = deque(fresh)
                return [item for _, item in fresh]
        self._newest = _later(self._newest, self._newest_of_page)
        if self._is_sorted or not self._walk.may_have_missed:
            self._settle()
        return []

    def mark(self) -> float:
        """Count the next of the items that were loaded as yielded, and return when it was created.

        An item that does not tell counts as old.
        """
        moment, item = self._coming.popleft()
        self._seen.add(item.id, moment if self._can_settle else None)
        self._newest = _later(self._newest, moment)
        return moment or 0.0

    async def aclose(self) -> None:
        """Wait until nothing is in flight."""
        await self._walk.restart()

    def _begin(self, on_drift: OnDrift) -> Stretch[T]:
        source, floor = self._source, self._seen.floor_at
        self._seen_before = self._seen.floor
        if source.can_be_ordered:
            source = source.narrowed(order="asc")
        if self._walk.follows_cursors and self._is_sorted:
            self._walk_began_at = self._newest
            floor = moment_at(self._newest) if self._newest is not None else floor
        start = self._plan.start
        if self._can_settle and floor is not None:
            source = source.narrowed(after=floor - _MILLISECOND)  # "after" may mean later than that
        plan = evolve(self._plan, start=start, max_items=None, on_drift=on_drift, sort_key=source.sort_key)
        return Stretch(partial(self._beginning.fetch, source), plan, self._stats)

    async def _leave_page(self) -> None:
        """Take what was seen of a page for seen, now that all of its new items were yielded."""
        self._newest = _later(self._newest, self._newest_of_page)
        if not self._is_sorted:
            return
        self._settle()
        if self._walk.follows_cursors and self._newest != self._walk_began_at:
            # A page that begins at a moment misses nothing, whatever the server's cursors mean.
            await self._walk.restart()

    async def _fresh(self, items: list[T]) -> list[tuple[float | None, T]]:
        """Return the items of a page that were not seen before, with the moments of their creation."""
        try:
            moments = [self._moment(item) for item in items]
        except DecodeError:
            await self._walk.restart()  # which has passed these items
            raise
        known = [moment for moment in moments if moment is not None]
        self._newest_of_page = max(known, default=None)
        if self._newest_of_page is not None:
            self._beginning.note(self._newest_of_page, self._source.clock.monotonic())
        if any(before > after for before, after in pairwise(known)):
            self._is_sorted = False
        elif known and known[0] < known[-1] and self._is_sorted is None:
            self._is_sorted = self._can_settle and self._source.can_be_ordered
        fresh = [
            (moment, item)
            for moment, item in zip(moments, items, strict=True)
            if not (_is_before(moment, self._seen_before) or self._seen.knows(item.id))
        ]
        if any(_is_before(moment, self._seen.floor) for moment, _ in fresh):
            self._is_sorted = False
        self._stats.duplicates += len(items) - len(fresh)
        return fresh

    def _moment(self, item: T) -> float | None:
        created_at = self._source.created_at(item)
        return None if created_at is None else moment_of(created_at)

    def _settle(self) -> None:
        if self._can_settle and self._newest is not None:
            self._seen.settle(min(self._newest, self._beginning.bound) - OVERLAP)


def _is_before(moment: float | None, other: float | None) -> bool:
    return moment is not None and other is not None and moment < other


def _later(one: float | None, other: float | None) -> float | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _order(entry: tuple[float | None, object]) -> float:
    """Return what an item is sorted by. Items without a moment keep their order."""
    return entry[0] or 0.0
