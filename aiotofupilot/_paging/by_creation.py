"""Finds new items by their time of creation, or by comparing the whole listing if items do not have such a time.

Timestamps are seconds since 1970 in UTC. Seen items are remembered by digest.
"""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Generic, Unpack

from attrs import evolve

from aiotofupilot.positions import Watermark, cut_into_digests, digest
from aiotofupilot.stats import RequestCounts, WalkStats

from .position import ByKey
from .source import BY_ID, Fetch, Identified, PageSource, Plan, Source, T
from .walk import Walk

if TYPE_CHECKING:
    from aiotofupilot._request import FetchOptions
    from aiotofupilot.models import Page

_IDLE = 600.0
"""This many seconds after the creation of the newest seen item, the server's clock decides which items may still
become visible. Two clocks of the server may differ by half of this time, so the floor is that half earlier."""

_BEHIND = 0.002
"""A query leaves an item out if it begins this many seconds after the item. The API's timestamps have milliseconds, and
queries are a millisecond wider."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) + 1
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
"""The earliest floor, and the latest time. A second before the earliest floor is still a datetime."""


class PassClock:
    """When a pass began, by the clock that dates the items. That clock cannot be read directly.

    A response has the server's time, perhaps seconds after the items were read, so the duration of the request is
    subtracted. Both the server's clock and the local clock may be ahead of the clock that dates the items. The items
    show how far.

    Pages in flight refer to this object. It must not refer to the pass, or a dropped pass could not be freed.
    """

    def __init__(self) -> None:
        self.began_at = -math.inf
        """When the pass began, by the earlier of the local clock and the server's. Minus infinity before the first
        response."""
        self.by_server = -math.inf  # when the pass began, by the server's clock if a response has it
        self.seen_at = -math.inf
        """When the last page was noted, by the server's clock, in whole seconds. It may be up to a second late."""
        self._at_last = -math.inf  # when the pass began, or later
        self._by_items = -math.inf  # the items show that the pass did not begin before
        self._requested_at = 0.0  # by the monotonic clock

    async def fetch(
        self, source: PageSource[T], cursor: int, limit: int, counts: RequestCounts, **options: Unpack[FetchOptions]
    ) -> Page[T]:
        """Return a page. For the first page, note when it was requested."""
        clock = source.connection.clock
        local, requested_at = clock.now().timestamp(), clock.monotonic()
        page = await source.fetch(cursor, limit, counts, **options)
        if self.began_at == -math.inf:
            served_at, duration = source.served_at(page), clock.monotonic() - requested_at
            self.by_server = self._at_last = local
            if served_at is not None:  # in whole seconds
                self.by_server, self._at_last = served_at.timestamp() - duration, served_at.timestamp() + 1
            self.began_at, self._requested_at = min(local, self.by_server), requested_at
        return page

    def note(self, newest: float, now: float) -> None:
        """Note the time of a page's newest item. The pass began no earlier than this, less the seconds it has taken."""
        took = now - self._requested_at
        self._by_items = max(self._by_items, newest - took)
        self.seen_at = math.ceil(self._at_last + took)

    @property
    def bound(self) -> float:
        """A timestamp before the beginning of the pass, unless an item has a future time and a clock is ahead."""
        return min(self.by_server, self._by_items)

    @property
    def at_latest(self) -> float:
        """The latest known timestamp before the beginning of the pass, unless both clocks are ahead."""
        return max(self.began_at, self.bound)


class Segment(Walk[T]):
    """A walk over a segment of a listing. Its errors have no checkpoint, because the pass adds a watermark.

    Its counts are added to the stats of all segments. Only those stats keep the positions of unreadable items. If the
    server was found not to sort by time, items are told apart by ID.
    """

    def __init__(
        self,
        source: PageSource[T],
        plan: Plan,
        stats_of_all: WalkStats,
        *,
        is_sorted: bool,
        fetch: Fetch[T] | None = None,
    ) -> None:
        stats = WalkStats(
            RequestCounts(whole=stats_of_all.counts),
            unreadable_positions=stats_of_all.unreadable_positions,
            is_unchecked=stats_of_all.is_unchecked,  # so that a pass warns once
        )
        super().__init__(source, plan, stats, fetch=fetch)
        self._stats_of_all = stats_of_all
        if not is_sorted:
            self._stand_on(ByKey(BY_ID, plan.start))

    async def page(self) -> list[T]:
        """Return the items of the next page that is not empty, or none at the end."""
        of_all, before = self._stats_of_all, evolve(self.stats)
        try:
            return await self.take(sys.maxsize)
        finally:
            of_all.pages += self.stats.pages - before.pages
            of_all.duplicates += self.stats.duplicates - before.duplicates
            of_all.resyncs += self.stats.resyncs - before.resyncs
            of_all.unreadable += self.stats.unreadable - before.unreadable
            of_all.is_sequential |= self.stats.is_sequential

    def _note_failure(self, error: Exception) -> None:
        self._span.end(self.stats, error)

    def _doubt(self, fault: str, page: Page[Identified] | None = None) -> None:
        """Warn and continue, because the next pass would find the same."""
        del page
        self._warn(fault)
        self._stats_of_all.is_unchecked = True


class NewByCreation(Generic[T]):
    """Tells which items of a listing were not seen before.

    An item may become visible up to ``overlap`` after its creation, perhaps where the walk has already been, or after
    the pass. So the floor is the beginning of the pass less the ``overlap``: everything created before it counts as
    seen. Seen items after the floor are remembered by digest. Two clocks show when a pass began, and the earlier time
    counts: the server's clock, and the clock that dates the items (see `PassClock`). The second clock cannot be seen
    while nothing is created. So after ten minutes without an item, it is assumed to have advanced like the first clock.

    After an error, a pass begins again at its first floor, because pages before the error may have been wrong, too.

    If ``sorts`` is true and the server does not sort, new items are held back until all have been found.

    If ``begins`` is true, the pass finds existing items, so that a stream leaves them out. If the API filters by
    creation, the pass only lists the overlap before the newest item. The newest items come first, so an item created
    after the first response lies before the walk. If the walk meets such an item anyway, the item is newer than the
    first page, and does not count as seen. If the API does not sort, everything the walk meets counts as seen.

    If ``brief`` is true, the pass finds what was created after the newest seen item. A later pass finds the rest.
    """

    def __init__(
        self,
        source: Source[T],
        plan: Plan,
        watermark: Watermark,
        stats: WalkStats,
        clock: PassClock,
        *,
        overlap: float,
        sorts: bool,
        begins: bool,
        brief: bool,
    ) -> None:
        self._source = source
        self._plan = plan
        self._stats = stats
        self._clock = clock
        self._overlap = overlap
        self._is_brief = brief
        self._has_floor = source.can_be_bounded
        self._is_newest_first = begins and source.can_be_ordered
        self._horizon = math.inf
        """Items newer than this are left out, because they were created after the first page was read."""
        self._watermark = watermark
        self._floor = -math.inf if watermark.floor is None else watermark.floor.timestamp()
        """Everything created before this second was seen. Minus infinity if only single items are known to be seen."""
        self._latest, self._latest_at = (
            -math.inf if time is None else time.timestamp() for time in (watermark.latest, watermark.latest_at)
        )
        self._visible_before = min(self._latest, self._floor + overlap)
        """The time of the newest item that existed when the pass before began, if it had the same overlap."""
        self._floor_before = max(self._floor, self._latest + _BEHIND) if brief else self._floor
        self._by_second = {second: list(digests) for second, digests in watermark.seen}
        self._known = {digested for digests in self._by_second.values() for digested in digests}
        self._forgotten = bytearray()
        """The joined digests of the seen items before the floor, six bytes each."""
        self._found: dict[bytes, float] = {}
        """When the items were created that were found but not yet yielded, by digest."""
        self._is_sorted: bool | None = None
        self._held: list[tuple[float, T]] | None = [] if sorts and not source.can_be_ordered else None
        self._newest = self._newest_of_page = -math.inf
        self.has_ended = False

    @property
    def watermark(self) -> Watermark:
        self._raise_floor()
        for digests in self._by_second.values():
            digests.sort()  # in place, so that later sorts find almost all of them in order
        seen = tuple((second, tuple(digests)) for second, digests in sorted(self._by_second.items()))
        floor, latest, latest_at = map(_datetime, (self._floor, self._latest, self._latest_at))
        return evolve(self._watermark, floor=floor, seen=seen, latest=latest, latest_at=latest_at)

    async def begin(self, *, is_sorted: bool) -> Segment[T] | None:
        """Return a walk over what may be new, or None if everything was seen.

        ``is_sorted`` says whether the server seems to sort by time.
        """
        self._pass_page()
        if self.has_ended:
            return None
        self._known.update(cut_into_digests(self._forgotten))
        source = self._source
        if source.can_be_ordered:
            source = source.narrowed(order="desc" if self._is_newest_first else "asc")
        after = _datetime(self._floor_before)
        if self._has_floor and after is not None:
            source = source.narrowed(after=after)
        plan = self._plan
        if self._is_newest_first and self._has_floor:
            # One page is usually enough. If cursors are not offsets, the walk follows them, and warns.
            plan = evolve(plan, on_drift=None)
        return Segment(source, plan, self._stats, is_sorted=is_sorted, fetch=partial(self._clock.fetch, source))

    def fresh(self, items: list[T]) -> list[T]:
        """Return the items of a page that were not found before. An item without a time of creation counts as old."""
        times = [self._source.created_at(item) for item in items]
        created = [-math.inf if time is None else time.timestamp() for time in times]
        self._pass_page()
        self._newest_of_page = max(created)
        self._clock.note(self._newest_of_page, self._source.connection.clock.monotonic())
        if any(before > after for before, after in pairwise(created)):
            self._is_sorted = False
        elif created[0] < created[-1] and self._is_sorted is None:
            self._is_sorted = self._has_floor and self._source.can_be_ordered
        fresh: list[tuple[float, T]] = []
        for timestamp, item in zip(created, items, strict=True):
            digested = digest(item.id)
            if self._floor_before <= timestamp <= self._horizon and not (
                digested in self._known or digested in self._found
            ):
                self._found[digested] = timestamp
                fresh.append((timestamp, item))
        if fresh:
            earliest = min(timestamp for timestamp, _ in fresh)
            if earliest < self._floor:
                self._is_sorted = False
            if earliest > -math.inf:
                self._stats.lateness = max(self._stats.lateness, self._visible_before - earliest)
        self._stats.duplicates += len(items) - len(fresh)
        if self._is_newest_first:
            self._horizon = created[-1] if self._horizon == math.inf else self._horizon
            newest = min(max(self._newest, self._newest_of_page), self._clock.bound)
            self.has_ended = self._has_floor and created[-1] < self._floor_below(newest)
        if self._held is None:
            return [item for _, item in fresh]
        self._held += fresh
        return []

    def end(self) -> list[T]:
        """End the walk, and return the items that were held back until its end."""
        self.has_ended = True
        return [item for _, item in sorted(self._held or (), key=itemgetter(0))]

    def mark(self, item: T) -> None:
        """Count a found item as yielded. An interrupt may cause a second call."""
        digested = digest(item.id)
        created = self._found.get(digested)
        if created is None:
            return
        self._newest = max(self._newest, created)
        self._known.add(digested)
        self._by_second.setdefault(math.floor(created) if self._has_floor else 0, []).append(digested)
        self._found.pop(digested, None)

    async def aclose(self) -> None:
        """Do nothing, because nothing is in flight."""

    def _pass_page(self) -> None:
        self._newest = max(self._newest, self._newest_of_page)
        self._raise_floor()

    def _raise_floor(self) -> None:
        """Raise the floor over items that are old enough, but not over items that wait to be yielded."""
        if not self._has_floor or not (self._is_sorted or self.has_ended):
            return
        newest = min(self._newest, *self._found.values(), _LATEST)  # an item's time may be in the year 10000 in UTC
        if newest > self._latest:
            self._latest, self._latest_at = max(newest, _EARLIEST), self._clock.seen_at
        reached = min(self._newest, self._clock.bound)
        if self.has_ended:
            reached = max(reached, self._went_on())
        if reached == -math.inf or self._is_brief:
            return
        floor = min([self._floor_below(reached), *map(math.floor, self._found.values())])
        self._floor = max(self._floor, floor)
        for second in [second for second in self._by_second if second < self._floor]:
            digests = self._by_second.pop(second)
            self._known.difference_update(digests)
            self._forgotten += b"".join(digests)

    def _went_on(self) -> float:
        """Estimate from earlier passes what the clock that dates the items showed when the pass began.

        If nothing was created for a while, the clock is assumed to have advanced like the server's clock.
        """
        idle = self._clock.by_server - self._latest_at
        if not 0 <= idle < math.inf:
            return -math.inf
        if idle >= _IDLE:
            self._latest = min(self._latest + idle - _IDLE / 2, _LATEST)
            self._latest_at += idle - _IDLE / 2
        return min(self._latest, self._clock.by_server)

    def _floor_below(self, reached: float) -> int:
        """Return the floor at a time, in whole seconds. Everything created before the floor is visible at that time."""
        return max(math.floor(reached - self._overlap), _EARLIEST)


def _datetime(timestamp: float) -> datetime | None:
    return None if timestamp == -math.inf else _EPOCH + timedelta(seconds=timestamp)
