"""How a walk that detects drift holds each page to the one before, and finds its position after the listing has moved.

When an item comes or goes, the offsets of all items after it shift. But every page is a snapshot of one segment of the
listing, and in most listings the items that stay keep their order. So each page can be held to the one before. Nothing
here waits or does I/O.

The position of a walk is after an item that was passed and did not move. What stands after such an item was not listed
when the walk was there, or is still to be yielded. The better a page shows that an item did not move, the sooner it is
believed.

In a search for the position, a page is described by ranks, one for each of its items: the older an item was passed, the
lower its rank. None stands for an item that is not known. In some listings an item moves, because it was renamed in a
listing that is sorted by name, say. Then its rank no longer fits the ranks beside it.

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

from .memory import IgnoreDrift
from .source import T, leads_nowhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiotofupilot.errors import PaginationError
    from aiotofupilot.models import Page

    from .unreadable import Gap

_AHEAD_AT_MOST = 10_000
"""At most this many items that were passed may be met again."""

_COST_OF_A_PART = 10
"""A part of a page that failed takes about as many requests as this many whole pages."""

_INSTEAD = 'a walk with on_drift="ignore" follows any cursor'
"""What an error says about the way out."""

_ENOUGH_TO_JUDGE = 4
"""Two or three items out of order may be a single one that moved."""

_SHOWN_AT_MOST = 3
"""So often in a row may a page be shown on the way forth. Once more, and the server shows its last page for ever."""

_LOST_AT_MOST = 40
"""At most this often may a walk lose its position among items that are sorted alike. What is new meanwhile does not
count, because such items may be created as fast as they are listed."""


def cursor_error(page: Page[Any]) -> DriftError | PaginationError | None:
    """Return the error for a page whose cursor is not an offset; None: its n items at cursor c lead to c + n."""
    cursor, count = page.following, len(page.data)
    if cursor is None or cursor == page.cursor + count > page.cursor:
        return None
    if cursor <= page.cursor:
        return leads_nowhere(page.cursor, cursor)
    fault = f"{count} items at {page.cursor} lead to {cursor}"
    return DriftError(f"the server's cursors are not offsets: {fault}; {_INSTEAD}", cursor=page.cursor)


def check_offsets(page: Page[Any]) -> None:
    """Raise the `cursor_error` of a page, if it has one."""
    if (error := cursor_error(page)) is not None:
        raise error


class Search:
    """One search for the position of a walk. It says which cursor to probe next.

    Cursors before and after the origin are probed in turn, the nearer one first. They lie half a page apart, so that
    little slips through between two probes. The origin is the cursor of the page that did not begin with the item
    passed last.
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
        self._sort_key: Callable[[Any], object] = sort_key or (lambda _: object())  # which equals no other
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


class DetectDrift(IgnoreDrift[T]):
    """Takes pages that were requested one item early, and holds each to beginning with the item passed last.

    That item is the page's anchor, and it proves that nothing was missed. Where a page does not begin with it, the
    listing has moved. Then `next_probe` says where to look, until a page shows where the listing goes on. Items that
    were passed after that position may be met again, and are not new then.

    Args:
        anchors, ahead: As in `Memory`.
        limit: Items of a whole page; at least 2, because one of them is the anchor.
        resync: Whether to look for the position where the listing goes on. If not, a listing that moved is an error.
        sort_key: Returns what the server sorts an item by; None: that is not known.
    """

    overlap = 1

    def __init__(
        self,
        anchors: Iterable[bytes] = (),
        ahead: Iterable[bytes] = (),
        *,
        limit: int,
        resync: bool,
        sort_key: Callable[[Any], object] | None = None,
    ) -> None:
        super().__init__(anchors, ahead)
        self._ties = Ties(sort_key)
        self._limit = limit
        self._resync = resync
        self._search: Search | None = None
        self._expected = -1
        """The offset of the item passed last; -1: the walk has only begun."""
        self._is_doubtful = False

    def admit(self, page: Page[T], gap: Gap | None = None) -> Sequence[T] | None:
        """Return the new items of a page, as `IgnoreDrift.admit` does, or raise a `DriftError`.

        Either the server's cursors are not offsets, or the listing moved and is not to be followed, or cannot be. A
        cursor that does not advance is a `PaginationError`.
        """
        error = cursor_error(page)
        if error is None and page.following is not None and len(page.data) == 1 and gap is None:
            fault = "the server's pages are too short to begin each with the last item of the one before"
            error = DriftError(f"{fault}; {_INSTEAD}", cursor=page.cursor)
        if error is not None:
            self.can_check = not isinstance(error, DriftError)
            raise error
        memory = self.memory
        ids = [item.id for item in page.data]
        memory.take_up(ids)
        follows = gap is not None and self._follows(gap)
        if self._expected < 0:
            self._expected = page.cursor
        is_first = page.cursor == 0 or (gap is not None and gap.start == 0 and gap.is_confirmed)
        start = 0 if follows else self._start(page, is_first=is_first)
        if start is None:
            return None
        self.anchor = ids[start - 1] if start else None if page.cursor else ""
        new = memory.new(page.data, start)
        if self._is_doubtful and (new or page.following is None) and self._is_contradicted(page):
            return None
        if len(new) < len(page.data) - start and self._comes_again(page, start, new):
            return None
        cost = 1 if gap is None else _COST_OF_A_PART
        if not self._goes_on(ids, is_new=bool(new), cost=cost) or len(memory.upcoming) > _AHEAD_AT_MOST:
            memory.reject()
            self._fruitless, self._met = 0, set()
            raise DriftError("the listing moves too much to be followed, or its pages disagree", cursor=page.cursor)
        self._ties.note_passed(page.data)
        self._search = None
        self._expected = page.cursor + len(ids) - 1
        return new

    def _follows(self, gap: Gap) -> bool:
        """Return whether the item before a gap stands where it was passed. The page after the gap has no anchor."""
        memory = self.memory
        if gap.start == gap.stop or not memory.passed:
            return False
        if not gap.is_confirmed:
            if self._goes_on((), is_new=False, cost=_COST_OF_A_PART):
                return False
            self._fruitless, self._met = 0, set()
            where = f"beside the items from position {gap.start} on, which cannot be read"
            fault = "an item that can be read might be missed there"
            raise DriftError(f"the listing moves too much {where}: {fault}", cursor=gap.start)
        rank = memory.rank(gap.before)
        if rank is None or (gap.before is None and gap.start):
            return False
        expected = gap.start - 1 + memory.newest_rank - rank
        if self._expected < 0 and expected < gap.stop:
            self._expected = expected  # the walk was resumed, and begins at an item that cannot be read
        return expected == self._expected

    def _start(self, page: Page[T], *, is_first: bool) -> int | None:
        """Return how many items at the top of a page are not new. None: look at `next_probe` next.

        Before the first page, the listing has no item that can be read.
        """
        memory = self.memory
        if not memory.passed:
            return 0  # the walk began at a bare cursor: there is nothing yet to hold the page to
        if is_first and memory.is_complete and not memory.newest_rank:
            return 0
        if page.cursor == self._expected and memory.page[:1] == memory.passed[-1:]:
            return 1
        search = self._search or self._new_search(page, "does not begin with the item passed last")
        match = self._match(page, search, is_first=is_first)
        self._is_doubtful = search.is_doubtful
        if match is None:
            return None
        memory.go_back(match.rank)
        return match.at + 1

    def _new_search(self, page: Page[T], sign: str) -> Search:
        """Return a search for the position of the walk, because a page shows a sign that the listing moved."""
        if not self._resync:
            raise DriftError(f"the listing moved: the page at cursor {page.cursor} {sign}", cursor=page.cursor)
        self.resyncs += 1
        self._search, self.next_probe = Search(page.cursor, self._limit), page.cursor
        return self._search

    def _match(self, page: Page[T], search: Search, *, is_first: bool) -> Match | None:
        """Return the known item on a page after which the walk goes on. None: look at `next_probe` next.

        Two items that were passed and stand side by side, in their order, show the position. An item that stands alone
        is believed only when no page of the listing shows two.
        """
        memory = self.memory
        ranks = memory.ranks()
        ties_begin = self._ties.beginning(page.data, ranks)
        if ties_begin is not None:
            self._ties.note_lost(page, search)
        ranks = ranks[:ties_begin]
        row = longest_row(ranks)
        if is_first and memory.is_complete:
            # All that is not known is new, whatever happened to the order.
            return row[0] if row and row[0].at == 0 else Match(-1, 0)
        if is_out_of_order(ranks, row):
            if not memory.is_complete:
                fault = f"the page at cursor {page.cursor} contradicts what was passed"
                raise DriftError(f"the order of the listing changed: {fault}", cursor=page.cursor)
            self.next_probe = 0
            return None
        match = last_reliable(row)
        if match is None:
            if ties_begin is not None and self._goes_before_ties(page, search):
                return None
            match = search.lone_match(page, ranks, is_only=memory.newest_rank == 0)
            if match is None:
                self.next_probe = search.next_probe(page)
                return None
        growth = page.cursor + match.at - (self._expected - (memory.newest_rank - match.rank))
        if memory.is_complete:
            # No item that was passed is forgotten. So strangers before the position were created there, or they moved
            # there before they were yielded. A few that are out of sight are taken for created.
            if None in ranks[: row[0].at] or growth > self._limit:
                self.next_probe = 0
                return None
            match = row[0]
        search.is_doubtful = growth > 0 and row[-1].rank < memory.newest_rank
        return match

    def _goes_before_ties(self, page: Page[T], search: Search) -> bool:
        """Probe before the ties on a page next. Return False if the search has looked there already."""
        self._ties.note_lost(page, search)
        before = max(0, page.cursor - max(1, self._limit - 2))
        if before >= min(page.cursor, search.went_back_to):
            return False
        if page.cursor + self._limit < self._expected - self.memory.newest_rank:
            fault = "the listing moved among items that are sorted alike, which are more than a walk remembers"
            raise DriftError(fault, cursor=page.cursor)
        search.begin(before)
        self.next_probe = search.went_back_to = before
        return True

    def _comes_again(self, page: Page[T], start: int, new: Sequence[T]) -> bool:
        """Return whether a page shows an item again that no creation or removal has moved.

        Another item may have been missed then. So the walk looks for its position before the ties.
        """
        memory, new_ids = self.memory, {item.id for item in new}
        shown = zip(memory.page[start:], page.data[start:], strict=True)
        passed = [item for name, item in shown if item.id not in new_ids and name not in memory.upcoming]
        if not self._ties.comes_again(page.data, start, passed):
            return False
        memory.reject()
        self._goes_before_ties(page, self._new_search(page, f"shows {passed[0].id!r} again"))
        return True

    def _is_contradicted(self, page: Page[T]) -> bool:
        """Return whether a page shows that the position found was a wrong one. The listing is begun again then.

        Items that were passed and do not turn up again before others do, or before the listing ends, may have been
        removed. If the walk also seems to stand further on than before, the order may have changed instead. That is an
        error if not all items that were yielded are remembered.
        """
        memory = self.memory
        missing = len(memory.ahead(len(page.data)))
        if memory.is_complete and missing:
            memory.reject()
            self._search, self._is_doubtful, self.next_probe = None, False, 0
            return True
        if page.following is None and missing > self._limit:
            memory.reject()
            fault = f"{missing} items that were passed are not met again before its end"
            raise DriftError(f"the order of the listing changed: {fault}", cursor=page.cursor)
        return False
