"""Where a walk stands after its listing has moved: what a page shows of the items passed, and which page to look at.

A page is described by ranks, one for each of its items: the older an item was passed, the lower its rank. None stands
for an item that is not known. Items that were passed keep their order in most listings. In some an item moves, because
it was renamed in a listing that is sorted by name, say. Then its rank no longer fits the ranks beside it.

Items that the server sorts alike are ties. It may list them in another order with each page, because no order is
promised. So the offset of such an item tells nothing. One that was passed may come again, and hide one that was not.
Only an item that is sorted before them shows where they begin.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from aiotofupilot.errors import DriftError
from aiotofupilot.positions import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiotofupilot.models import Page

_ENOUGH_TO_JUDGE = 4
"""Two or three items out of order may be a single one that moved."""

_SHOWN_AT_MOST = 3
"""So often in a row may a page be shown on the way forth. Once more, and the server shows its last page for ever."""

_LOST_AT_MOST = 40
"""At most this often may a walk lose its position among items that are sorted alike. What is new meanwhile does not
count, because such items may be created as fast as they are listed."""


class Search:
    """One search for the position of a walk. It says which cursor to probe next, in turn before and after the origin.

    The nearer one comes first. They lie half a page apart, so that little slips through between two probes. The origin
    is the cursor of the page that did not begin with the item passed last.
    """

    def __init__(self, origin: int, limit: int) -> None:
        self._limit = limit
        self._lone: dict[int, tuple[int, int]] = {}
        """By rank, the items on pages without two side by side: the position of each, and the cursor of its page."""
        self._believed: int | None = None
        """The rank of the one of these items that is believed; None: none is by now."""
        self.went_back_to = LARGEST
        """Where ties were last looked before."""
        self.is_doubtful = False
        """Whether items that were passed after the position found should be met again, or else it is a wrong one."""
        self.is_among_ties = False
        """Whether the walk stood among items that are sorted alike. Its position is then before all of them."""
        self.begin(origin)

    def begin(self, origin: int) -> None:
        """Begin at the cursor of a page that did not show the position."""
        self._origin = self._back = self._forth = origin
        self._probed_from = origin  # from here to the origin, everything was looked at
        self._step = self._limit // 2
        self._has_ended = False
        self._furthest: Sequence[Any] = ()
        self._times = 0

    def lone_match(self, page: Page[Any], ranks: Sequence[int | None], *, is_only: bool) -> Match | None:
        """Return an item of a page without two side by side, if it is believed by now, or the only one remembered."""
        if self._believed is not None and self._believed in ranks:
            return Match(ranks.index(self._believed), self._believed)
        row = longest_row(ranks)
        if row and (self._believed is not None or is_only):
            return row[-2:][0]  # it may have moved here alone, so what lies between two of them is not taken for passed
        for at, rank in enumerate(ranks):
            if rank is not None:
                self._lone.setdefault(rank, (page.cursor + at, page.cursor))
        return None

    def next_probe(self, page: Page[Any]) -> int:
        """Return the cursor to probe after a page that did not show the position, or raise a `DriftError`."""
        probe = self.after(page)
        if probe is None:
            ranks = sorted(self._lone, key=lambda rank: self._lone[rank])
            # An item may have moved if a row of the same length lacks it. Of these two rows, one prefers older items,
            # and the other one newer items.
            newer = {-match.rank for match in longest_row([-rank for rank in reversed(ranks)])}
            row = [match.rank for match in longest_row(ranks) if match.rank in newer]
            if not row:
                moved = "too few of the items passed lately that are found in it are in their order"
                lost = "none of the items passed lately is to be found in it"
                raise DriftError(f"the listing moved: {moved if ranks else lost}", cursor=page.cursor)
            # If fewer than half of them moved, the middle one stayed, even if all of those moved to the same end.
            self._believed = row[len(row) // 2]
            (_, probe), self._lone = self._lone[self._believed], {}
            self.begin(probe)
        return probe

    def after(self, page: Page[Any]) -> int | None:
        """Return the cursor to probe after a page that did not show the position; None: everything was probed."""
        if page.cursor >= self._forth:
            # Some servers show their last page again, whatever cursor beyond it is requested. But a listing that moved
            # as far as the search went on shows a page again too.
            self._times = self._times + 1 if page.data == self._furthest else 1
            self._has_ended = page.following is None or self._times > _SHOWN_AT_MOST
            self._furthest = page.data
        end = page.cursor + len(page.data)
        if page.following is not None:
            self._step = max(1, min(self._step, len(page.data) // 2))  # the server may give fewer items than requested
            if end < self._probed_from:
                return end  # the page was too short to reach what was looked at before
        self._probed_from = self._back
        forth_is_nearer = self._forth - self._origin < self._origin - self._back
        if not self._has_ended and (forth_is_nearer or not self._back):
            self._forth += self._step
            return self._forth
        if not self._back:
            return None
        self._back = max(0, self._back - self._step)
        return self._back


class Match(NamedTuple):
    """An item of a page that is known: its index on the page, and its rank among the items that were passed."""

    at: int
    rank: int


def longest_row(ranks: Sequence[int | None]) -> list[Match]:
    """Return the known items that are still in their order: the longest row of rising ranks."""
    rows: list[list[Match]] = [[]]  # of each length, the row that ends with the oldest item
    for at, rank in enumerate(ranks):
        if rank is not None:
            length = bisect_left(rows, rank, lo=1, key=lambda row: row[-1].rank)
            rows[length : length + 1] = [[*rows[length - 1], Match(at, rank)]]
    return rows[-1]


def is_out_of_order(ranks: Sequence[int | None], row: Sequence[Match]) -> bool:
    """Return whether most of the known items on a page are not in their order any more, given the `longest_row`."""
    known = sum(rank is not None for rank in ranks)
    return known >= _ENOUGH_TO_JUDGE and 2 * len(row) <= known


def last_reliable(row: Sequence[Match]) -> Match | None:
    """Return the last of the first items of the `longest_row` that stand side by side, for those surely did not move.

    An item that moved on its own stands between strangers. Strangers that stand after the item returned may have been
    created there, or they are still to be yielded, because what stands after them moved.
    """
    found = None
    for before, match in pairwise(row):
        if match.at == before.at + 1:
            found = match
        elif found:
            break
    return found


class Ties:
    """What is known of the items that are sorted like the item passed last. Without a sort key, there are none."""

    def __init__(self, sort_key: Callable[[Any], object] | None) -> None:
        self._sort_key = sort_key or _no_key
        self._newest: Any = None
        self._has_others = False
        self._lost: Counter[str | None] = Counter()

    def note_passed(self, items: Sequence[Any]) -> None:
        """Take note of a page whose last item is the one passed last."""
        if items:
            self._newest = items[-1]
            self._has_others = len(items) > 1 and self._are_alike(items[-2], items[-1])

    def note_lost(self, page: Page[Any], search: Search) -> None:
        """Take note once in a search that the walk is lost among these items, or raise an error if it is too often."""
        if search.is_among_ties:
            return
        search.is_among_ties = True
        key = None if self._newest is None else repr(self._sort_key(self._newest))
        self._lost[key] += 1
        if self._lost[key] > _LOST_AT_MOST:
            self._lost.clear()
            fault = "a walk loses its position again and again among items that are sorted alike"
            cause = "the server lists them in another order with each page, or too many of them come and go"
            raise DriftError(f"{fault}: {cause}", cursor=page.cursor)

    def beginning(self, items: Sequence[Any], ranks: Sequence[int | None]) -> int | None:
        """Return where on a page the items begin that are sorted like the item passed last; None: it shows no others.

        If the walk was resumed, the ranks tell which item was passed last.
        """
        newest, known = self._newest, [(rank, at) for at, rank in enumerate(ranks) if rank is not None]
        if newest is None and known:
            newest = items[max(known)[1]]
        if newest is None:
            return None
        alike = [at for at, item in enumerate(items) if self._are_alike(item, newest)]
        return alike[0] if len(alike) + self._has_others > 1 else None

    def comes_again(self, items: Sequence[Any], start: int, passed: Iterable[Any]) -> bool:
        """Return whether one of the items passed, which a page shows after its start, is sorted like the position.

        Such an item did not move.
        """
        anchor = items[start - 1] if start else self._newest
        return anchor is not None and any(self._are_alike(item, anchor) for item in passed)

    def _are_alike(self, one: object, other: object) -> bool:
        return self._sort_key(one) == self._sort_key(other)


def _no_key(_item: object) -> object:
    """Return a sort key that equals no other."""
    return object()
