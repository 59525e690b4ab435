"""Finds the rows that the server no longer lists, in few requests.

A mirror knows how many of its rows were created before a time. The server lists items in the order of their creation,
and the cursor of a page is the number of items before it. So a page with items from before and after a time shows how
many are older. If there are fewer items than rows, the difference is what is gone.

- One page at the end of the listing compares all rows. Most often the numbers agree, and the search ends.
- Otherwise the rows are halved by time, and one page shows how many are gone in each half. If d rows are gone, 0 to d
  of them are in the first half. So the halves meet at one of d + 1 positions, and a page of d + 2 items shows which.
  Some more items are requested, because the mirror may lack a few. A half that lacks nothing is not searched further.
- A part that fits on a page is walked through. The walk shows every item that stays listed until it ends, so a row
  whose item it does not show is missing.

So a row that is gone takes at most one page for each halving, about 15 for a million. If several rows are gone, the
searches for them share the first pages.

Only times are compared, so the order of items of the same time does not matter. If items are created, removed or
become visible meanwhile, or the mirror lacks some, pages may contradict each other or hide a removal. Then less is
found, and the next update looks again. A lagging replica can hide a row, so a missing row is only noted at first. It is
gone if another update, at least a minute later, finds it neither in the listing by its ID nor by its key.

Rows that are marked as gone or noted as missing are not counted. If the item of such a row is listed again, it makes up
for another row that is gone, and the numbers agree. So each update first requests these items by ID.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import define, field

from aiotofupilot._paging.source import check_offsets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from aiotofupilot import Page

APART = timedelta(minutes=1)
"""The least time between the two updates that miss a row. A replica is assumed to lag by less."""

AT_MOST = 50
"""The most rows that are searched for. For more, reading everything again takes about as many requests."""

_PAGE = 100
"""The most items on a page of the server."""

_LACKS = 10
"""The mirror may lack this many items before a row, and a page still shows the row's place."""

_TIES_AT_MOST = 1000
"""The most rows of the same time that are read to find one that is gone."""

EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class Suspect(NamedTuple):
    """A row that an earlier update missed."""

    id: str
    key: str
    """The key by which the item can be read, or empty if unknown."""
    since: datetime
    """When it was first missed, or when to look for it again."""


class _Place(NamedTuple):
    """How many rows and items were created before a time."""

    rows: int
    items: int


@define
class Removals:
    """A search among the rows of one listing, independent of the database and of requests."""

    listing: str
    fetch: Callable[[int, int], Awaitable[Page[Any]]]
    """Returns the page at a cursor with a number of items, oldest first."""
    between: Callable[[int, int], Awaitable[Collection[str] | None]]
    """Returns the IDs of all items created between two times, or None if not all are shown."""
    times: Sequence[int]
    """When the rows that should be listed were created, ascending, in microseconds since 1970."""
    seen: set[str] = field(factory=set[str], init=False)
    """The IDs of items on any page, except those newer than the newest row."""
    has_more_items: bool = field(default=False, init=False)
    """Whether a part, or the time before a row, had more items than rows."""
    fault: str | None = field(default=None, init=False)
    """Why the search is incomplete, or None."""

    async def missing(self) -> list[tuple[int, int, Collection[str]]]:
        """Return parts that lack rows, as their first and last time and the IDs listed there."""
        rows = len(self.times)
        items = await self._items_before(rows, rows - AT_MOST - 1, _PAGE) if rows else 0
        if items is None:
            self.fault = f"more than {AT_MOST} {self.listing} are gone, or the mirror lacks that many"
            return []
        found: list[tuple[int, int, Collection[str]]] = []
        parts = [(_Place(0, 0), _Place(rows, items))]
        while parts:
            begin, end = parts.pop()
            lacking = (end.rows - begin.rows) - (end.items - begin.items)
            if lacking <= 0:
                self.has_more_items |= lacking < 0
                continue
            row = self._halfway(begin.rows, end.rows) if end.rows - begin.rows > _PAGE - 2 else None
            if row is not None:
                at_least = begin.items + row - begin.rows - lacking
                items = await self._items_before(row, at_least - 1 - _LACKS, lacking + 2 + 2 * _LACKS)
                if items is None:
                    self._note_contradiction(lacking)
                else:
                    parts += [(begin, _Place(row, items)), (_Place(row, items), end)]
            elif end.rows - begin.rows > _TIES_AT_MOST:
                self.fault = f"{self.listing} that are gone: {lacking} of {end.rows - begin.rows} with the same time"
            else:
                span = self.times[begin.rows], self.times[end.rows - 1]
                listed = await self.between(*span)
                if listed is None:
                    self._note_contradiction(lacking)
                else:
                    self.seen.update(listed)
                    found.append((*span, listed))
        return found

    def _note_contradiction(self, lacking: int) -> None:
        self.fault = f"{self.listing} that are gone: {lacking}; and the remaining pages contradict each other"

    def _halfway(self, begin: int, end: int) -> int | None:
        """Return the row nearest to the middle whose time differs from the row before it, or None."""
        middle = (begin + end) // 2
        time = self.times[middle]
        rows = [bisect_left(self.times, time, begin, end), bisect_right(self.times, time, begin, end)]
        return min((row for row in rows if begin < row < end), key=lambda row: abs(row - middle), default=None)

    async def _items_before(self, row: int, first: int, number: int) -> int | None:
        """Return how many items were created before a row. None if the page does not show it."""
        first = max(0, first)
        items, has_more = await self._read(first, number)
        bound = self.times[row] if row < len(self.times) else self.times[-1] + 1
        before = sum(time < bound for time, _ in items)
        if has_more and before == len(items):  # there are more items before the row than rows
            self.has_more_items = True
            return None
        return first + before if before or not first else None

    async def _read(self, first: int, number: int) -> tuple[list[tuple[int, str]], bool]:
        """Return the creation times and IDs of some items, and whether more follow."""
        items: list[tuple[int, str]] = []
        has_more = True
        while has_more and len(items) < number:
            page = await self.fetch(first + len(items), min(_PAGE, number - len(items)))
            check_offsets(page)
            found = [((item.created_at - EPOCH) // _MICROSECOND, item.id) for item in page.data]
            self.seen.update(item_id for time, item_id in found if time <= self.times[-1])
            items += found
            has_more = page.meta.has_more and bool(page.data)
        return items, has_more
