"""What of a listing is new, by the time of creation, or by comparing all of it where items do not tell."""

from __future__ import annotations

import math
from datetime import timedelta
from functools import partial
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import evolve

from .passes import OVERLAP, PassClock, Seen, SegmentWalk
from .source import Fetch, Identified, Plan, Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot.positions import Watermark
    from aiotofupilot.stats import WalkStats

T = TypeVar("T", bound=Identified)

_MILLISECOND = timedelta(milliseconds=1)


class ByCreation(Generic[T]):
    """Finds the items of a listing that were not seen before.

    Where the API can list the oldest first, the floor follows the walk: everything that the walk has passed and
    that is old enough counts as seen. The server has to prove that it sorts. Where the order is not known, the floor
    stays where it is until the listing was seen to its end. It also stays once an item turns up below the floor,
    because that item shows that the server does not sort after all. Such an item is new all the same.

    An item may become visible some time after its creation: at a position that the walk has passed, or when the pass is
    over. So only what was created `OVERLAP` seconds before the pass began is old enough. The clock that tells this may
    be ahead of the one that dates the items. So what was created less than `OVERLAP` seconds before the newest item
    that was seen is not old enough either; see `PassClock`.

    If it ``sorts``, and the server does not, the new items are held back until all are there.
    """

    def __init__(
        self, source: Source[T], plan: Plan, watermark: Watermark, stats: WalkStats, *, sorts: bool = False
    ) -> None:
        self._source = source
        self._watermark = watermark
        self._stats = stats
        self._seen = Seen(watermark)
        self._has_floor = source.can_be_bounded
        self._is_sorted: bool | None = None
        self._holds_back = sorts and not source.can_be_ordered
        self._held: dict[str, tuple[float, T]] = {}
        self._walk = SegmentWalk[T](plan, stats)
        self._floor_before = -math.inf
        self._newest = self._newest_of_page = -math.inf
        self._has_ended = False
        self._clock = PassClock()

    @property
    def began_at(self) -> float:
        """When the pass began, or a little earlier, as a timestamp; minus infinity before the server has responded."""
        return self._clock.at_latest

    @property
    def watermark(self) -> Watermark:
        """What was seen, up to the item yielded last."""
        if self._is_sorted:
            self._raise_floor()
        return evolve(self._watermark, floor=self._seen.floor_at, seen=self._seen.items)

    async def load(self) -> list[tuple[float, T]]:
        """Return the next new items, with the timestamps of their creation. All are to be marked before the next call.

        The list is empty once everything was seen. An item that does not tell its creation counts as old.
        """
        while not self._has_ended:
            self._leave_page()
            found = await self._walk.page(self._begin, self._created)
            fresh = self._fresh(found)
            if not found:
                self._has_ended = True
                fresh, self._held = sorted(self._held.values(), key=itemgetter(0)), {}
            elif self._holds_back:
                self._held |= {item.id: (created, item) for created, item in fresh}
                continue
            if fresh:
                self._walk.note_progress()
                return fresh
        self._leave_page()
        self._raise_floor()
        return []

    def mark(self, created: float, item: T) -> None:
        """Count an item that was loaded as yielded."""
        self._seen.add(item.id, created if self._has_floor else 0.0)
        self._newest = max(self._newest, created)

    async def aclose(self) -> None:
        """Wait until nothing is in flight."""
        await self._walk.restart()

    def _begin(self) -> tuple[Fetch[T], Callable[[Any], object] | None]:
        source, floor = self._source, self._seen.floor_at
        self._floor_before = -math.inf if self._seen.floor is None else self._seen.floor
        if source.can_be_ordered:
            source = source.narrowed(order="asc")
        if self._has_floor and floor is not None:
            source = source.narrowed(after=floor - _MILLISECOND)  # "after" may mean later than that
        return partial(self._clock.fetch, source), source.sort_key

    def _leave_page(self) -> None:
        """Count a page as seen, after all of its new items were yielded."""
        self._newest = max(self._newest, self._newest_of_page)
        if self._is_sorted:
            self._raise_floor()

    def _fresh(self, found: list[tuple[float, T]]) -> list[tuple[float, T]]:
        """Return the items of a page that were not seen before, with the timestamps of their creation."""
        created = [timestamp for timestamp, _ in found]
        self._newest_of_page = max(created, default=-math.inf)
        self._clock.note(self._newest_of_page, self._source.connection.clock.monotonic())
        if any(before > after for before, after in pairwise(created)):
            self._is_sorted = False
        elif created and created[0] < created[-1] and self._is_sorted is None:
            self._is_sorted = self._has_floor and self._source.can_be_ordered
        fresh = [
            (timestamp, item)
            for timestamp, item in found
            if timestamp >= self._floor_before and not self._seen.knows(item.id)
        ]
        if self._seen.floor is not None and any(timestamp < self._seen.floor for timestamp, _ in fresh):
            self._is_sorted = False
        self._stats.duplicates += len(found) - len(fresh)
        return fresh

    def _created(self, item: T) -> float:
        created_at = self._source.created_at(item)
        return -math.inf if created_at is None else created_at.timestamp()

    def _raise_floor(self) -> None:
        if self._has_floor and self._newest > -math.inf:
            self._seen.raise_floor(min(self._newest, self._clock.bound) - OVERLAP)
