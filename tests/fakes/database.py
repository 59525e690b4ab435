"""How a database lists: in which order equal times come, what a filter by time selects, and how deep a listing goes.

An order is a function. It takes rows that are sorted by time, as an index lists them, and returns those from `start` to
`stop`. It lists equal times as it likes: `pick` chooses one of a number of possibilities, by chance or by a history.
"""

import operator
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from attrs import frozen

MILLISECOND = timedelta(milliseconds=1)


class Listed(NamedTuple):
    """A row of a listing."""

    row: Any
    rank: int
    """Its place in the order of the listing. Rows with one time have one rank."""
    stored: int
    """When it was stored: the order of the rows in the table."""


def index(rows, start, stop, pick):
    """Keep one order of equal times, as an index does."""
    return rows[start:stop]


def heap(rows, start, stop, pick, *, whole=2):
    """List equal times as Postgres does without an index: another order for each offset.

    Its sort keeps the first rows in a heap, at the top of which is the last of them, and takes them from there, the
    last one first (`tuplesort.c`: `make_bounded_heap`, `puttuple_common` and `sort_bounded_heap`). It keeps one row
    more than the page has, which says whether there are more. Up to twice as many rows are sorted as a whole: `whole`
    times as many, because memory may be short.
    """
    stop, table = min(stop, len(rows)), sorted(rows, key=lambda row: row.stored)
    bound = stop + 1
    if len(table) <= whole * bound:
        return sorted(table, key=lambda row: row.rank)[start:stop]
    kept = []
    for row in table:
        if len(kept) < bound:
            _insert(kept, row)
        elif row.rank < kept[0].rank:
            _replace_top(kept, row)
    page = []
    for _ in range(bound - start):
        page.append(kept[0])
        last = kept.pop()
        if kept:
            _replace_top(kept, last)
    return page[:0:-1]


def _insert(heap, row):
    """Put a row into a heap."""
    at = len(heap)
    heap.append(row)
    while at and row.rank > heap[(at - 1) // 2].rank:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = row


def _replace_top(heap, row):
    """Put a row into a heap, in the place of the one at its top."""
    at, size = 0, len(heap)
    while (below := 2 * at + 1) < size:
        if below + 1 < size and heap[below].rank < heap[below + 1].rank:
            below += 1
        if row.rank >= heap[below].rank:
            break
        heap[at] = heap[below]
        at = below
    heap[at] = row


def heap_from_an_offset(rows, start, stop, pick):
    """Change the plan at an offset: the index serves the first third of the listing, and a sort the rest."""
    return (heap if start > len(rows) // 3 else index)(rows, start, stop, pick)


def another_plan(rows, start, stop, pick):
    """Change the plan at any request."""
    return (index, heap)[pick(2)](rows, start, stop, pick)


def shuffled(rows, start, stop, pick):
    """List the times at both ends of a page in another order at each request."""
    rows, ends = list(rows), {row.rank for row in (*rows[start:stop][:1], *rows[start:stop][-1:])}
    for rank in sorted(ends):
        places = [place for place, row in enumerate(rows) if row.rank == rank]
        _shuffle(rows, places, pick)
    return rows[start:stop]


def unsorted(rows, start, stop, pick):
    """List the rows in no order at all, and in another one at each request."""
    rows = list(rows)
    _shuffle(rows, range(len(rows)), pick)
    return rows[start:stop]


def _shuffle(rows, places, pick):
    """Put the rows at some places in any order."""
    for last in range(len(places) - 1, 0, -1):
        one, other = places[last], places[last - pick(last + 1)]
        rows[one], rows[other] = rows[other], rows[one]


ORDERS = {
    "index": index,
    "heap": heap,
    "heap of few": partial(heap, whole=1),
    "heap from an offset": heap_from_an_offset,
    "another plan": another_plan,
    "shuffled": shuffled,
    "unsorted": unsorted,
}


def shown(time):
    """Return a time as JSON shows it: cut to milliseconds, as the ``Date`` of JavaScript."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _to_the_second(time):
    return time.replace(microsecond=0)


def _to_the_day(time):
    return time.replace(hour=0, minute=0, second=0, microsecond=0)


@frozen
class Filter:
    """What ``..._after`` and ``..._before`` of a time select."""

    reads: Callable[[Any], Any] = shown
    """What the server makes of the bound."""
    compares: Callable[[Any], Any] = shown
    """What it makes of the time of a row."""
    is_exclusive: bool = False
    is_ignored: bool = False
    is_of_another_time: bool = False
    """Whether it compares another time of a row than the one that sorts."""

    def selects(self, time, bound, *, is_before):
        """Return whether a row with a time is selected. As in SQL, one without a time is not."""
        if self.is_ignored:
            return True
        if time is None:
            return False
        one, other = self.compares(time), self.reads(bound)
        if not is_before:
            one, other = other, one
        return (operator.lt if self.is_exclusive else operator.le)(one, other)


FILTERS = {
    "inclusive": Filter(),
    "by microseconds": Filter(compares=lambda time: time),
    "exclusive": Filter(is_exclusive=True),
    "to the second": Filter(reads=_to_the_second),
    "to the day": Filter(reads=_to_the_day),
    "ignored": Filter(is_ignored=True),
    "of another time": Filter(is_of_another_time=True),
}
"""By name. ``by microseconds`` is what Postgres does: JSON shows a row's time as .123, and a bound of .123 excludes it
if it is .123456."""
