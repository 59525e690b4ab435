"""What a pass over what is new needs: the time, what was seen, and a walk that begins again where it lost its position.

A timestamp is a number of seconds since 1970 in UTC here. Items are known by digest.
"""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack

from attrs import evolve

from aiotofupilot.errors import DecodeError, DriftError, PaginationError
from aiotofupilot.positions import Watermark, digest
from aiotofupilot.stats import RequestCounts, WalkStats

from .source import Fetch, FetchOptions, Identified, Plan, Source
from .walk import Walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot.models import Page

T = TypeVar("T", bound=Identified)
K = TypeVar("K")

_log = logging.getLogger("aiotofupilot")

OVERLAP = 60
"""An item may become visible this many seconds after it was created."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) + 1
"""The earliest floor. A second before it is a datetime too."""

_PAGE_AT_MOST = 1000
"""More items than any page has."""


class PassClock:
    """When a pass began, by the clock that dates the items. No clock at hand is surely that one.

    The server tells its time with a response, which may come seconds after the server has read the items. So the
    duration of the request is subtracted. The server's clock may be ahead of the one that dates the items, and so may
    the local clock. The items themselves show how far a clock can be ahead.

    It holds no pass, because the pages in flight hold it, and a pass that is dropped is to be freed.
    """

    def __init__(self) -> None:
        self.began_at = -math.inf
        """When the pass began, by the earlier one of both clocks; minus infinity before the server has responded."""
        self._by_server = -math.inf
        """The same by the server's clock, or else by the local one."""
        self._by_items = -math.inf
        """The same as far as items show it. The pass began then or later."""
        self._requested_at = 0.0
        """When the first page was requested, in seconds by the monotonic clock."""

    async def fetch(
        self, source: Source[T], cursor: int, limit: int, counts: RequestCounts, **options: Unpack[FetchOptions]
    ) -> Page[T]:
        """Return a page. If it is the first page, note when it was requested."""
        clock = source.connection.clock
        local, requested_at = clock.now().timestamp(), clock.monotonic()
        page = await source.fetch(cursor, limit, counts, **options)
        if self.began_at == -math.inf:
            served_at = source.served_at(page)
            duration = clock.monotonic() - requested_at
            self._by_server = local if served_at is None else served_at.timestamp() - duration
            self.began_at, self._requested_at = min(local, self._by_server), requested_at
        return page

    def note(self, newest: float, now: float) -> None:
        """Take note of when the newest item of a page was created, and of the time by the monotonic clock.

        So the pass began at that creation or later, less the seconds that the pass has taken.
        """
        self._by_items = max(self._by_items, newest - (now - self._requested_at))

    @property
    def bound(self) -> float:
        """A timestamp before the beginning of the pass, unless an item is of the future, and a clock is ahead too."""
        return min(self._by_server, self._by_items)

    @property
    def at_latest(self) -> float:
        """A timestamp before the beginning of the pass, unless both clocks are ahead, and the latest that is known."""
        return max(self.began_at, self.bound)


class Seen:
    """What was seen of a listing: everything that was created before the floor, and single items after it."""

    def __init__(self, watermark: Watermark) -> None:
        self._by_second: dict[int, list[bytes]] = {second: list(digests) for second, digests in watermark.seen}
        self._known = {digested for digests in self._by_second.values() for digested in digests}
        self.floor = None if watermark.floor is None else int(watermark.floor.timestamp())
        """Everything that was created before this second was seen; None: only single items were."""

    def knows(self, item_id: str) -> bool:
        """Return whether an item was seen by itself, unless the floor has passed it."""
        return digest(item_id) in self._known

    def add(self, item_id: str, created: float) -> None:
        """Note that an item was seen, given when it was created."""
        digested = digest(item_id)
        self._known.add(digested)
        self._by_second.setdefault(math.floor(created), []).append(digested)

    def raise_floor(self, timestamp: float) -> None:
        """Raise the floor to a timestamp, rounded down to a second. Forget the items below. It never goes back."""
        floor = max(math.floor(timestamp), _EARLIEST)
        if self.floor is not None and floor <= self.floor:
            return
        self.floor = floor
        for second in [second for second in self._by_second if second < floor]:
            self._known.difference_update(self._by_second.pop(second))

    @property
    def floor_at(self) -> datetime | None:
        """The floor as a datetime in UTC."""
        return None if self.floor is None else _EPOCH + timedelta(seconds=self.floor)

    @property
    def items(self) -> tuple[tuple[int, tuple[bytes, ...]], ...]:
        """The digests of single items, by the second of their creation, as a watermark has them."""
        for digests in self._by_second.values():
            digests.sort()  # in place, so that each sort but the first finds almost all of them in order
        return tuple((second, tuple(digests)) for second, digests in sorted(self._by_second.items()))


class Segment(Walk[T]):
    """A walk over a segment of a listing. Its errors name no position, because a watermark tells more.

    Requests are counted in the stats of all segments too, and positions are kept there only.
    """

    def __init__(self, fetch: Fetch[T], plan: Plan, stats_of_all: WalkStats) -> None:
        counts, positions = RequestCounts(whole=stats_of_all.counts), stats_of_all.unreadable_positions
        super().__init__(fetch, plan, WalkStats(counts, unreadable_positions=positions))

    def _note_failure(self, error: Exception) -> None:
        self._span.end(self.stats, error)


class SegmentWalk(Generic[T]):
    """Walks a segment, and begins it again where the listing moved too much. Its user knows what was seen before.

    If nothing new came since it began, another beginning does not help. With ``on_drift="raise"``, no segment is begun
    again, and none resyncs. Otherwise all do.
    """

    def __init__(self, plan: Plan, stats: WalkStats) -> None:
        self._plan = evolve(plan, max_items=None, on_drift="raise" if plan.on_drift == "raise" else "resync")
        self._stats = stats
        self._segment: Segment[T] | None = None
        self._has_progressed = False

    def note_progress(self) -> None:
        """Note that the last page brought something new."""
        self._has_progressed = True

    async def page(
        self, begin: Callable[[], tuple[Fetch[T], Callable[[Any], object] | None]], key: Callable[[T], K]
    ) -> list[tuple[K, T]]:
        """Return the items of the next page that brings any, with their keys. None are left once the segment has ended.

        Args:
            begin: Returns how a page of the segment is fetched, and its sort key. It is not kept, because it knows who
                uses it, and a circle of references would keep pages in flight after everybody has dropped them.
            key: Returns the key of an item. It is not kept either.

        Raises:
            DecodeError: An item has no key. The next call begins again.
            DriftError: The listing moved too much, and ``on_drift`` or a lack of progress forbids another beginning.
                Or the server's cursors are not offsets. The next call begins again.
            PaginationError: The server's cursor leads nowhere. The next call begins again.
        """
        items = None
        while items is None:
            if self._segment is None:
                fetch, sort_key = begin()
                self._segment = Segment(fetch, evolve(self._plan, sort_key=sort_key), self._stats)
            try:
                items = await self._counted(self._segment)
            except PaginationError:
                await self.restart()
                raise
            except DriftError as error:
                await self.restart()
                if self._plan.on_drift == "raise" or not self._has_progressed:
                    raise
                _log.debug("the pass begins again: %s", error)
                self._has_progressed = False
        try:
            return [(key(item), item) for item in items]
        except DecodeError:
            await self.restart()  # because the segment has passed these items
            raise

    async def restart(self) -> None:
        """Let the next page be the first of a segment that is begun again."""
        segment, self._segment = self._segment, None
        if segment is not None:
            await segment.aclose()

    async def _counted(self, segment: Segment[T]) -> list[T]:
        stats, before = self._stats, evolve(segment.stats)
        try:
            return await segment.take(_PAGE_AT_MOST)
        finally:
            stats.pages += segment.stats.pages - before.pages
            stats.duplicates += segment.stats.duplicates - before.duplicates
            stats.resyncs += segment.stats.resyncs - before.resyncs
            stats.unreadable += segment.stats.unreadable - before.unreadable
            stats.is_sequential |= segment.stats.is_sequential
