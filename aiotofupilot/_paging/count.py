"""Counts the items of a listing in a few requests, and cuts it into shards. Both need cursors that are offsets.

A page at any offset shows whether the listing reaches that far, so the end can be searched for. First, pages of one
item are requested at offsets that grow by a factor, until one lies beyond the end. Then pages of one item divide the
range, until a few whole pages can cover it and show the end.

Some servers go no deeper than some offset. They show an end there, refuse the request, or repeat the page at this
offset. So a deep end is confirmed by a request for later items, by the time that sorts the listing. If the
server does not go to the end, only a walk can count the items. A walk takes several requests, so it does not notice
items created, or removed, where it has already been. Its number may never have been right.

A listing is cut at timestamps drawn from it.
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from attrs import evolve

from aiotofupilot._checks import LARGEST
from aiotofupilot.errors import BadRequestError, DriftError
from aiotofupilot.positions import Checkpoint
from aiotofupilot.stats import RequestCounts

from .course import DEEP, LONGEST
from .source import MILLISECOND, Plan, Source, T, check_offsets, leads_nowhere, moved
from .tasks import Tasks, result
from .walk import Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from aiotofupilot.models import Page, RawItem
    from aiotofupilot.positions import Shard

    from .source import OnDrift

R = TypeVar("R")

_log = logging.getLogger("aiotofupilot")

SHARDS_AT_MOST = 1000
"""More shards than this would take longer to hand out than to list."""

_GAP = 2 * MILLISECOND
"""A shard begins this long before its first item. The query of the previous shard ends a millisecond later
than the shard, and should not get items with the timestamp of that first item."""

_AT_ONCE = 4
"""The most pages in flight. More would save little time, and each needless one is a request."""

_FACTOR = 4
"""The factor by which offsets grow. 2 would need more probes, and 8 hardly fewer."""

_MOVED_AT_MOST = 100
"""The most positions by which an item that is met again may have moved."""

_CONTRADICTIONS_AT_MOST = 10
"""The most pages that may contradict earlier pages, because the listing may change in between."""


async def count_items(source: Source[Any], plan: Plan) -> int:
    """See `Paginator.count`. The plan's beginning and end do not matter."""
    raw, plan = source.raw(), _from_the_beginning(plan)
    length = await _length(raw, plan)
    if length is not None:
        return length
    fault = "the server does not list the %s to the end, so a walk counts them"
    _log.warning(f"{fault}: the number may be wrong if items are created and removed meanwhile", plan.start.listing)
    return len([item async for item in _every(raw, plan)])


def _from_the_beginning(plan: Plan) -> Plan:
    return evolve(plan, start=Checkpoint(listing=plan.start.listing), max_items=None)


async def _length(raw: Source[RawItem], plan: Plan) -> int | None:
    """Return how many items a listing has. None if the server does not go to its end, so that only a walk can count."""
    can_bound, at_most = raw.order.is_bounded, min(plan.concurrency, _AT_ONCE)
    extent = LengthSearch(plan.limit, raw.order.keys, may_be_capped=can_bound)

    async def fetch(cursor: int, limit: int, counts: RequestCounts) -> Page[RawItem] | None:
        try:
            return await raw.fetch(cursor, limit, counts)
        except BadRequestError:
            if not (cursor and can_bound):
                raise
            return None  # the server may not go that deep

    while (length := extent.length) is None and not extent.is_capped:
        probes = extent.probes(at_most)
        for probe, page in zip(probes, await fetch_probes(fetch, probes, at_most), strict=True):
            extent.note(page, probe)
    if length is None or length < DEEP or not can_bound or not await _has_more_behind(raw, extent):
        return length
    # If this page has an item, one was created during the search.
    page = await fetch(length, 1, RequestCounts())
    return length if page is not None and page.data else None


async def _has_more_behind(raw: Source[RawItem], extent: LengthSearch) -> bool:
    """Return whether the listing has items after the last ones shown, by the time that sorts it."""
    order, last = raw.order, extent.last_items
    first, *keys = order.keys([*extent.first_items[:1], *last])
    key, has_one_time = keys[-1], all(its == keys[-1] for its in keys)
    is_ascending = order.is_ascending
    if is_ascending is None and first != key:
        is_ascending = first < key
    if key is None or is_ascending is None:  # no filter finds items without a time
        return False
    # If all items of the page have the same time, earlier pages may have more items of this time. So only later items
    # count.
    sign, distance = 1 if is_ascending else -1, 2 * MILLISECOND if has_one_time else timedelta()
    bound = moved(key, sign * distance)
    if abs(bound - key) < distance:
        return False  # nothing can be behind the latest time
    query = raw.between(after=bound) if is_ascending else raw.between(before=bound)
    items = (await query.fetch(0, LONGEST, RequestCounts())).data
    found = [(item.id, sign * (its - bound)) for item, its in zip(items, order.keys(items), strict=True) if its]
    if found and found[0][1] < -MILLISECOND:
        _log.warning("the server does not filter %s by time, so more may follow the last one", raw.whole.listing)
        return False
    seen = {item.id for item in last}
    return any(behind >= -distance / 2 and item_id not in seen for item_id, behind in found)


def _every(raw: Source[RawItem], plan: Plan, on_drift: OnDrift | None = "resync") -> Walk[RawItem]:
    return Walk(raw, evolve(plan, on_drift=on_drift, on_unreadable="raise", keep=None, holds_values=False))


async def count_not_kept(source: Source[T], plan: Plan) -> int:
    """Return how many listed items the plan's ``keep`` leaves out. They lie near the bounds of the query."""
    keep = plan.keep
    if keep is None or not source.is_divided:
        return 0
    walks = [_every(boundary, _from_the_beginning(plan), on_drift=None) for boundary in source.near_bounds()]
    return len({item.id for walk in walks async for item in walk if not keep(item)})


async def fetch_probes(
    fetch: Callable[[int, int, RequestCounts], Coroutine[Any, Any, R]], probes: Sequence[Probe], at_once: int
) -> list[R]:
    """Return the pages of some probes. If one fails, the others are cancelled."""
    counts = RequestCounts()
    pages: list[R] = []
    tasks: Tasks[Probe, R] = Tasks()
    try:
        for first in range(0, len(probes), at_once):
            for probe in probes[first : first + at_once]:
                tasks.start(fetch(probe.cursor, probe.limit, counts), probe)
            while tasks:
                pages.append(await result(tasks.first[0]))
                tasks.drop_first()
    finally:
        tasks.clear()
        await tasks.settle()
    return pages


class Probe(NamedTuple):
    cursor: int
    limit: int


class LengthSearch:
    """The search for the length of a listing: what is known, and which probes come next. It does no I/O."""

    def __init__(self, limit: int, keys_of: Callable[[Sequence[RawItem]], list[Any]], *, may_be_capped: bool) -> None:
        self._limit = limit
        self._keys_of = keys_of
        self._may_be_capped = may_be_capped
        self._refused = math.inf
        self.is_capped = False
        """Whether the listing continues beyond the depth to which the server goes."""
        self.first_items: Sequence[RawItem] = ()
        self.last_items: Sequence[RawItem] = ()
        self._pages = 0
        self._more_than = 0
        """The listing has more items than this. 0 while nothing is known."""
        self._at_most = math.inf
        """The listing has at most this many items, because a page there was empty."""
        self._end = math.inf
        """Where the last page ended. Infinity before it was seen."""
        self._positions: dict[str, int] = {}
        self._ties = defaultdict[Any, set[str]](set)
        """The IDs of the items with each key. If there are several, the server lists them in any order."""
        self._contradictions = 0

    @property
    def length(self) -> int | None:
        """How many items the listing has. None if not yet known."""
        return None if math.inf in (self._end, self._at_most) else int(self._end)

    def probes(self, at_most: int) -> list[Probe]:
        """Return the next pages to request, to be noted in this order."""
        if self._pages <= 1 and self._at_most == math.inf:
            return [Probe(self._more_than, self._limit)]
        if self._at_most == math.inf:
            known = self._more_than if self._end == math.inf else max(self._more_than, int(self._end))
            cursors = [cursor for nth in range(1, at_most + 1) if (cursor := known * _FACTOR**nth) <= LARGEST]
            if not cursors:
                raise DriftError(f"the listing has no end: it continues after {known} items", cursor=known)
            return [Probe(cursor, 1) for cursor in cursors]
        first, width = self._more_than, int(self._at_most) - self._more_than
        pages = -(-width // self._limit)
        if pages > at_most:
            return [Probe(first + width * nth // (at_most + 1), 1) for nth in range(1, at_most + 1)]
        # The pages cover more than the range at both ends, because items may be created or removed meanwhile.
        first = max(0, first - (pages * self._limit - width) // 2)
        return [Probe(first + nth * self._limit, self._limit) for nth in range(pages)]

    def note(self, page: Page[RawItem] | None, probe: Probe) -> None:
        """Learn from the page of a probe, or from None for a refusal. Raise the errors of `Paginator.count`.

        Earlier facts that contradict the page are forgotten.
        """
        if page is None:
            self._refused = min(self._refused, probe.cursor)
            self._at_most = min(self._at_most, self._refused)
        else:
            self._note_page(page, probe)
        self.is_capped |= self._refused <= self._more_than + self._limit

    def _note_page(self, page: Page[RawItem], probe: Probe) -> None:
        check_offsets(page)
        if page.following is None and page.meta.has_more:
            raise leads_nowhere(page.cursor, None)
        self._pages += 1
        self.first_items = self.first_items if page.cursor else page.data
        has_moved, end = self._has_moved(page), page.cursor + len(page.data)
        if page.following is not None:
            self._more_than = max(self._more_than, end)
            if is_contradiction := min(self._end, self._at_most) <= end:
                self._end, self._at_most = math.inf, self._refused
            if len(page.data) < probe.limit:
                self._limit = min(self._limit, len(page.data))  # the server caps the length of pages
        elif page.data or not page.cursor:
            is_contradiction, self._end, self.last_items = self._at_most < end, end, page.data
            # Some servers show their last page for any cursor beyond the end. If a page continues another page
            # with other items, the server does not do that.
            if page.cursor == self._more_than and not has_moved:
                self._at_most = end
            elif is_contradiction:
                self._at_most = self._refused
        else:
            self._at_most = min(self._at_most, page.cursor)
            if is_contradiction := page.cursor <= self._more_than or page.cursor < self._end < math.inf:
                self._end = math.inf
                self._more_than = self._more_than if self._more_than < page.cursor else 0
        self._contradictions += is_contradiction
        if self._contradictions > _CONTRADICTIONS_AT_MOST:
            raise DriftError("the listing moves too much to be counted, or its pages disagree", cursor=page.cursor)

    def _has_moved(self, page: Page[RawItem]) -> bool:
        """Return whether a page shows an item that an earlier page showed at another position."""
        has_moved, keys = False, self._keys_of(page.data)
        for key, item in zip(keys, page.data, strict=True):
            self._ties[key].add(item.id)
        for position, (key, item) in enumerate(zip(keys, page.data, strict=True), page.cursor):
            distance = abs(position - self._positions.setdefault(item.id, position))
            has_moved |= distance > 0
            if distance > _MOVED_AT_MOST and len(self._ties[key]) == 1:
                if self._may_be_capped:
                    self.is_capped = True  # the server repeats its deepest page
                    break
                raise DriftError(
                    f"the page at cursor {page.cursor} shows an item that was seen {distance} positions away: "
                    "the server does not go to that cursor, or the listing moves too much to be counted",
                    cursor=page.cursor,
                )
        return has_moved


async def cut(source: Source[T], plan: Plan, n: int) -> tuple[Shard[T], ...]:
    """See `Paginator.shards`. The plan's beginning and end do not matter."""
    whole = source.whole
    if n == 1 or not source.is_divided:
        return (whole,)
    raw, from_beginning = source.raw(), _from_the_beginning(plan)
    total = await _length(raw, from_beginning)
    timestamps: list[datetime | None] = []
    if total is None:
        timestamps = [source.timestamp(item) async for item in _every(raw, from_beginning)]
        total = len(timestamps)
    n = min(n, -(-total // plan.limit))
    if n > 1 and not timestamps:
        timestamps = await _drawn(source, plan, total, n)
    dated = sorted(timestamp for timestamp in timestamps if timestamp is not None)
    if not dated or len(dated) < len(timestamps):
        return (whole,)  # no bound finds the items that lack the timestamp
    starts, latest = [whole.start], dated[0]
    for nth in range(1, n):
        timestamp = dated[len(dated) * nth // n]
        if timestamp - latest > _GAP:  # so each part has a timestamp in it
            latest, start = timestamp, timestamp - _GAP
            if whole.holds(start) and start != whole.start:  # the items of a shard may lie a little before its start
                starts.append(start)
    return tuple(evolve(whole, start=start, end=end) for start, end in pairwise([*starts, whole.end]))


async def _drawn(source: Source[T], plan: Plan, total: int, n: int) -> list[datetime | None]:
    """Return timestamps that divide a listing. None stands for an item that has no timestamp, or may have none."""
    timeline = source.timeline()
    if timeline is None:
        # Whatever the order is, pages from all over the listing show how the timestamps are distributed.
        number = min(2 * n, -(-total // plan.limit))
        probes = [Probe(total * nth // number, plan.limit) for nth in range(number)]
        pages = await fetch_probes(source.raw().fetch, probes, plan.concurrency)
        return [source.timestamp(item) for page in pages for item in page.data]
    # Items without a timestamp stand at one end of the order. The last page reaches beyond the counted end, because new
    # items may have moved such an item there.
    probes = [Probe(total * nth // n, 1) for nth in range(n)]
    last_page = Probe(max(0, total - (plan.limit + 1) // 2), plan.limit)
    *pages, last = await fetch_probes(timeline.fetch, [*probes, last_page], plan.concurrency)
    items = [item for page in pages for item in page.data] + last.data[-1:]
    is_at_end = bool(last.data) and last.following is None
    return [*map(source.timestamp, items), *([] if is_at_end else [None])]
