"""Finds the position of a walk again, in a listing that moved: one page after the other, until one shows the position.

The position is after an item that was passed and did not move. What stands after such an item was not listed when the
walk was there, or is still to be yielded. The better a page shows that an item did not move, the sooner it is believed.

A page is described by ranks, one for each of its items: the older an item was passed, the lower its rank. None stands
for an item that is not known. Items that were passed keep their order in most listings. In some an item moves, because
it was renamed in a listing that is sorted by name, say. Then its rank no longer fits its neighbours' ranks.

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

    from .memory import Memory

_ENOUGH_TO_JUDGE = 4
"""Two or three items out of order may be a single one that moved."""

_SHOWN_AT_MOST = 3
"""So often in a row may a page be shown on the way forth. Once more, and the server shows its last page for ever."""

_LOST_AT_MOST = 40
"""At most this often may a walk lose its position among items that are sorted alike. What is new meanwhile does not
count, because such items may be created as fast as they are listed."""


class Resync:
    """One search for the position of a walk.

    Two items that were passed and stand side by side, in their order, show the position. An item that stands alone is
    believed only when no page of the listing shows two.

    Args:
        memory: What the walk passed. It is told where the walk stands once that is found.
        origin: The cursor of the page that did not begin with the item passed last.
        expected: The offset at which the item passed last stood when it was passed.
        limit: Items of a whole page; at least 2.
        ties: What is known of items that are sorted alike. These do not show the position.
    """

    def __init__(self, memory: Memory, origin: int, *, expected: int, limit: int, ties: Ties) -> None:
        self._memory = memory
        self._ties = ties
        self._expected = expected
        self._limit = limit
        self._search = Search(origin, limit)
        self._lone: tuple[int, int] | None = None
        """The best rank of an item that stands alone, and the cursor of its page; None: no page showed one."""
        self._believes_lone = False
        self._went_back_to = LARGEST
        self.next_probe = origin
        """The cursor of the next page to look at, after a page that did not show the position."""
        self.is_doubtful = False
        """Whether items that were passed after the position found should be met again, or else it is a wrong one."""
        self._is_among_ties = False
        """Whether the walk stood among items that are sorted alike. Its position is then before all of them."""

    def start(self, page: Page[Any], *, is_first: bool) -> int | None:
        """Return how many items at the top of a page are not new. None: look at `next_probe` next.

        Before the first page, the listing has no item that can be read.

        Raises:
            DriftError: No page shows an item that was passed. Or the order of the items changed, and not all that were
                yielded are remembered. Or more items are sorted alike than are remembered.
        """
        memory = self._memory
        ranks = memory.ranks()
        ties_begin = self._ties.beginning(page.data, ranks)
        if ties_begin is not None:
            self._note_lost(page)
        ranks = ranks[:ties_begin]
        row = longest_row(ranks)
        if is_first and memory.is_complete:
            # All that is not known is new, whatever happened to the order.
            return self._found(row[0] if row and row[0].at == 0 else Match(-1, 0))
        if is_out_of_order(ranks, row):
            if memory.is_complete:
                self.next_probe = 0
                return None
            raise DriftError(
                f"the order of the listing changed: the page at cursor {page.cursor} contradicts what was passed",
                cursor=page.cursor,
            )
        match = last_reliable(row)
        if match is None:
            if ties_begin is not None and self.go_before_ties(page):
                return None
            match = self._lone_match(page, row)
            if match is None:
                self._go_on(page)
                return None
        growth = page.cursor + match.at - (self._expected - (memory.newest_rank - match.rank))
        if memory.is_complete:
            # No item that was passed is forgotten. So strangers before the position were created there, or they moved
            # there before they were yielded. A few that are out of sight are taken for created.
            if None in ranks[: row[0].at] or growth > self._limit:
                self.next_probe = 0
                return None
            match = row[0]
        self.is_doubtful = growth > 0 and row[-1].rank < memory.newest_rank
        return self._found(match)

    def go_before_ties(self, page: Page[Any]) -> bool:
        """Look next for what is sorted before the ties on a page, and return whether that is new to the search."""
        self._note_lost(page)
        before = max(0, page.cursor - max(1, self._limit - 2))
        if before >= min(page.cursor, self._went_back_to):
            return False
        if page.cursor + self._limit < self._expected - self._memory.newest_rank:
            raise DriftError(
                "the listing moved among items that are sorted alike, which are more than a walk remembers",
                cursor=page.cursor,
            )
        self.next_probe = self._went_back_to = before
        self._search = Search(before, self._limit)
        return True

    def _note_lost(self, page: Page[Any]) -> None:
        """Take note once that the walk lost its position among ties."""
        if not self._is_among_ties:
            self._is_among_ties = True
            self._ties.note_lost(page)

    def _found(self, match: Match) -> int:
        self._memory.go_back(match.rank)
        return match.at + 1

    def _lone_match(self, page: Page[Any], row: Sequence[Match]) -> Match | None:
        """Return an item of a page without two side by side, if it is believed by now."""
        if not row:
            return None
        match = row[-2:][0]  # it may have moved here alone, so what lies between two of them is not taken for passed
        if self._believes_lone or self._memory.newest_rank == 0:  # there may be no other item to look for
            return match
        self._lone = max(self._lone or (0, 0), (match.rank, page.cursor))
        return None

    def _go_on(self, page: Page[Any]) -> None:
        next_probe = self._search.after(page)
        if next_probe is None:
            if self._lone is None:
                raise DriftError(
                    "the listing moved: none of the items passed lately is to be found in it", cursor=page.cursor
                )
            self._believes_lone = True
            (_, next_probe), self._lone = self._lone, None
            self._search = Search(next_probe, self._limit)
        self.next_probe = next_probe


class Search:
    """Names one cursor after the other, back and forth in turn, the nearer one first.

    The cursors lie half a page apart, so that little slips through between two probes. The origin is the cursor of the
    first page that did not show the position.
    """

    def __init__(self, origin: int, limit: int) -> None:
        self._origin = self._back = self._forth = origin
        self._probed_from = origin
        """From here to the origin, everything was looked at."""
        self._step = limit // 2
        self._has_ended = False
        self._furthest: Sequence[Any] = ()
        self._times = 0

    def after(self, page: Page[Any]) -> int | None:
        """Return the cursor to probe after a page that did not show the position; None: there is nowhere left."""
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
    """A known item on a page."""

    at: int
    """Index of the item on the page."""
    rank: int
    """Rank of the item among those that were passed."""


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
    """What is known of the items that are sorted like the item passed last.

    Args:
        sort_key: Returns what the server sorts an item by. None: that is not known, and no items count as sorted alike.
    """

    def __init__(self, sort_key: Callable[[Any], object] | None) -> None:
        self._sort_key = sort_key or (lambda _item: object())
        self._newest: Any = None
        self._has_others = False
        self._lost: Counter[str | None] = Counter()

    def note_passed(self, items: Sequence[Any]) -> None:
        """Take note of a page whose last item is the one passed last."""
        if items:
            self._newest = items[-1]
            self._has_others = len(items) > 1 and self._are_alike(items[-2], items[-1])

    def note_lost(self, page: Page[Any]) -> None:
        """Take note that the walk lost its position among these items, or raise an error if it did so too often."""
        key = None if self._newest is None else repr(self._sort_key(self._newest))
        self._lost[key] += 1
        if self._lost[key] > _LOST_AT_MOST:
            self._lost.clear()
            raise DriftError(
                "a walk loses its position again and again among items that are sorted alike: the server lists them in "
                "another order with each page, or too many of them come and go",
                cursor=page.cursor,
            )

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
        """Return whether an item of a page comes again that is sorted like the walk's position, and so did not move.

        The last of the items before ``start`` is that position. Those that were passed come later on the page.
        """
        anchor = items[start - 1] if start else self._newest
        return anchor is not None and any(self._are_alike(item, anchor) for item in passed)

    def _are_alike(self, one: object, other: object) -> bool:
        return self._sort_key(one) == self._sort_key(other)
