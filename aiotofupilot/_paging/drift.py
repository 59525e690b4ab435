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

Items that the server sorts alike are ties; see `ties`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot._checks import LARGEST
from aiotofupilot.errors import DriftError

from .memory import IgnoreDrift
from .source import T, leads_nowhere
from .ties import SIDE_BY_SIDE, LeftTies, Match, Ties, end_of_row, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiotofupilot.errors import PaginationError
    from aiotofupilot.models import Page

    from .source import SortKey
    from .unreadable import Gap

_AHEAD_AT_MOST = 10_000
"""At most this many items that were passed may be met again."""

_BACK = 8
"""A walk that is lost among ties looks so many items back at first, because few come or go between two requests."""

_COST_OF_A_PART = 10
"""A part of a page that failed takes about as many requests as this many whole pages."""

_INSTEAD = 'a walk with on_drift="ignore" follows any cursor'
"""What an error says about the way out."""

_TOO_MANY = "the listing moved among items that are sorted alike, which are more than a walk remembers"

_SHOWN_AT_MOST = 3
"""So many pages in a row may show the same items on the way forth. Once more, and the server shows its last page for
ever."""


def cursor_error(page: Page[T]) -> DriftError | PaginationError | None:
    """Return the error for a page whose cursor is not an offset; None: its n items at cursor c lead to c + n."""
    cursor, count = page.following, len(page.data)
    if cursor is None or cursor == page.cursor + count > page.cursor:
        return None
    if cursor <= page.cursor:
        return leads_nowhere(page.cursor, cursor)
    fault = f"{count} items at {page.cursor} lead to {cursor}"
    return DriftError(f"the server's cursors are not offsets: {fault}; {_INSTEAD}", cursor=page.cursor)


def check_offsets(page: Page[T]) -> None:
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
        self.went_back_to = LARGEST
        """Where ties were last looked before."""
        self.is_among_ties = False
        """Whether the walk is lost among items that are sorted alike."""
        self._left = LeftTies()
        self._is_complete = False
        """Whether the whole listing was searched, so that what was passed and not shown is gone."""
        self.begin(origin)

    def begin(self, origin: int) -> None:
        """Begin at the cursor of a page that did not show the position."""
        self._origin = self._back = self._forth = origin
        self._probed_from = origin  # from here to the origin, everything was looked at
        self._step = self._limit // 2
        self._has_ended = False
        self._shown: set[str] = set()  # the items on the way forth
        self._times = 0

    def next_probe(self, page: Page[T]) -> int:
        """Return the cursor to probe after a page that did not show the position, or raise a `DriftError`."""
        probe = None
        if not self._is_complete:
            probe = self.after(page)
            if probe is None:  # the position may be where the ties that are left were shown
                probe, self._is_complete = self._left.cursor, True
        if probe is None:
            fault = "too few of the items passed lately are to be found in it, side by side and in their order"
            raise DriftError(f"the listing moved: {fault}", cursor=page.cursor)
        return probe

    def last_left(self, page: Page[T], names: Sequence[str], ranks: Sequence[int | None]) -> Match | None:
        """Return the last tie on a page that was passed, if those that are left show the position.

        They may show it once the whole listing was searched, because the others are gone then.
        """
        last = self._left.last(page, names, ranks)
        return last if self._is_complete else None

    def after(self, page: Page[T]) -> int | None:
        """Return the cursor to probe after a page that did not show the position; None: everything was probed."""
        if page.cursor >= self._forth:
            # Some servers show their last page again, whatever cursor beyond it is requested. Where ties have no order,
            # its ends differ. But a listing that moved as far as the search went on shows a page again too.
            ids = {item.id for item in page.data}
            self._times = self._times + 1 if ids <= self._shown else 1
            self._has_ended = page.following is None or self._times > _SHOWN_AT_MOST
            self._shown = ids if len(self._shown) > _AHEAD_AT_MOST else self._shown | ids
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


class DetectDrift(IgnoreDrift[T]):
    """Takes pages that were requested a few items early, and holds each to beginning with the items passed last.

    The last of them is the page's anchor, and it proves that nothing was missed. If a page does not begin with them,
    the listing has moved. Then `next_probe` says where to look, until a page shows where the listing goes on. Items
    that were passed after that position may be met again, and are not new then.

    Args:
        anchors, ahead: As in `Memory`.
        limit: Items of a whole page; at least 2, because one of them is the anchor.
        resync: Whether to look for the position where the listing goes on. If not, a listing that moved is an error.
        sort_key: Returns what the server sorts an item by; None: that is not known.
        expected: The offset of the item passed last; -1: where the first page begins.
    """

    def __init__(
        self,
        anchors: Iterable[bytes] = (),
        ahead: Iterable[bytes] = (),
        *,
        limit: int,
        resync: bool,
        sort_key: SortKey | None = None,
        expected: int = -1,
    ) -> None:
        super().__init__(anchors, ahead)
        self.overlap = 1
        """How many items of a page the next page is to begin with, once the walk was lost."""
        self._ties = Ties(sort_key)
        self._limit = limit
        self._resync = resync
        self._search: Search | None = None
        self._expected = expected
        """The offset of the item passed last; -1: the walk has only begun."""
        self._is_proving = False
        """Whether the page at `next_probe` is to prove that the listing was shifted."""
        self.has_ended = False
        """Whether the walk may end."""

    def is_unproven(self) -> bool:
        """Return whether the page at `next_probe` has to be looked at, although the listing has ended."""
        if self._ties.unproven:
            self.next_probe, self._is_proving = max(0, self._ties.unproven[-1].begin - 1), True
        return self._is_proving

    def _prove(self, page: Page[T]) -> None:
        """Hold the shifts that only ties have shown to a page that shows where they begin."""
        memory = self.memory
        memory.reject()
        self._is_proving = False
        shift = self._ties.note_wrong(page)
        if shift is None:
            self.has_ended = True
            return
        rank, begin = memory.rank(shift.first.id), shift.begin
        if not rank:  # before it, nothing is remembered
            if not memory.is_complete:
                raise DriftError(_TOO_MANY, cursor=page.cursor)
            rank, begin = 1, 0
        self._note_lost(page, self._new_search(page, "shows items that are sorted alike in another order"))
        memory.go_back(rank - 1)
        self._expected, self.next_probe = begin - 1, max(0, begin - _BACK)

    def admit(self, page: Page[T], gap: Gap | None = None) -> Sequence[T] | None:
        """Return the new items of a page, as `IgnoreDrift.admit` does, or raise a `DriftError`.

        Either the server's cursors are not offsets, or the listing moved and is not to be followed, or cannot be. A
        cursor that does not advance is a `PaginationError`.
        """
        self._check(page, gap)
        memory = self.memory
        ids = [item.id for item in page.data]
        memory.take_up(ids)
        if self._is_proving:
            self._prove(page)
            return None
        start = self._start(page, gap)
        if start is None:
            return None
        self.anchor = ids[start - 1] if start else None if page.cursor else ""
        new = memory.new(page.data, start)
        if len(new) < len(ids) - start and self._comes_again(page, start, new):
            return None
        cost = 1 if gap is None else _COST_OF_A_PART
        if not self._goes_on(ids, is_new=bool(new), cost=cost) or len(memory.upcoming) > _AHEAD_AT_MOST:
            memory.reject()
            self._fruitless, self._met = 0, set()
            raise DriftError("the listing moves too much to be followed, or its pages disagree", cursor=page.cursor)
        self._ties.note_passed(page)
        self._search = None
        self._expected = page.cursor + len(ids) - 1
        return new

    def _check(self, page: Page[T], gap: Gap | None) -> None:
        """Raise an error if the pages of the server are such that none can be held to the one before."""
        error = cursor_error(page)
        if error is None and page.following is not None and len(page.data) == 1 and gap is None:
            fault = "the server's pages are too short to begin each with the last item of the one before"
            error = DriftError(f"{fault}; {_INSTEAD}", cursor=page.cursor)
        if error is not None:
            self.can_check = not isinstance(error, DriftError)
            try:
                raise error
            finally:
                del error  # its traceback refers to this frame

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

    def _start(self, page: Page[T], gap: Gap | None) -> int | None:
        """Return how many items at the top of a page are not new. None: look at `next_probe` next."""
        memory = self.memory
        if gap is not None and self._follows(gap):
            return 0
        if self._expected < 0:
            self._expected = page.cursor
        # Before the first page, the listing has no item that can be read.
        is_first = page.cursor == 0 or (gap is not None and gap.start == 0 and gap.is_confirmed)
        if not memory.passed:
            return 0  # the walk began at a bare cursor: there is nothing yet to hold the page to
        if is_first and memory.is_complete and not memory.newest_rank:
            return 0
        early = self._expected + 1 - page.cursor
        least = 1 if self._search is None else min(self.overlap, memory.newest_rank + 1)
        if least <= early <= len(page.data) and memory.page[:early] == memory.passed[-early:]:
            return early
        search = self._search or self._new_search(page, "does not begin with the item passed last")
        match = self._match(page, search, is_first=is_first)
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
        """Return the known item on a page after which the walk goes on. None: look at `next_probe` next."""
        memory, ties = self.memory, self._ties
        if is_first and memory.is_complete:
            ties.note_found()
            return Match(-1, 0)  # all that is not known is new, whatever happened to the order
        ranks = memory.ranks()
        ties_begin = ties.beginning(page.data, ranks)
        before_ties = ranks[:ties_begin]
        match = side_by_side(before_ties) or self._most(before_ties)
        if ties_begin is not None:
            self.overlap = min(SIDE_BY_SIDE, max(1, self._limit // 4))
            shown = end_of_row(ranks, memory.newest_rank) or search.last_left(page, memory.page, ranks)
            if shown and not match:
                ties.note_shift(self._shift(page, shown))
                return shown
            self._note_lost(page, search)
        if ties.is_out_of_order(page.data, before_ties) or (match and self._has_grown(page, match)):
            if not memory.is_complete:
                fault = f"the page at cursor {page.cursor} contradicts what was passed"
                raise DriftError(f"the order of the listing changed: {fault}", cursor=page.cursor)
            self.next_probe = 0
            return None
        if match is not None:
            ties.note_found()
        elif ties_begin is None or not self._goes_before_ties(page, search):
            self.next_probe = search.next_probe(page)
        return match

    def _most(self, ranks: Sequence[int | None]) -> Match | None:
        """Return the first known item of a page that shows most of the few items that are remembered.

        A checkpoint may name a single one, after which the walk was left that had begun at a bare cursor.
        """
        memory = self.memory
        known = [Match(at, rank) for at, rank in enumerate(ranks) if rank is not None]
        return known[0] if 2 * len(known) > len(memory.passed) + len(memory.upcoming) else None

    def _shift(self, page: Page[T], match: Match) -> int:
        """Return by how much an item of a page was shifted since it was passed."""
        return page.cursor + match.at - (self._expected - (self.memory.newest_rank - match.rank))

    def _has_grown(self, page: Page[T], match: Match) -> bool:
        """Return whether an item was shifted by more than a page, while all that was passed is remembered.

        The halves of a listing may have changed places. It is read anew then, which costs little.
        """
        return self.memory.is_complete and self._shift(page, match) > self._limit

    def _note_lost(self, page: Page[T], search: Search) -> None:
        """Take note once in a search that the walk is lost among ties, or raise an error if it is too often."""
        if not search.is_among_ties:
            search.is_among_ties = True
            self._ties.note_lost(page)

    def _goes_before_ties(self, page: Page[T], search: Search) -> bool:
        """Probe before the ties on a page next. Return False if the search has looked there already."""
        back = max(1, self._limit - 2)
        before = max(0, page.cursor - (min(back, _BACK) if search.went_back_to == LARGEST else back))
        if before >= min(page.cursor, search.went_back_to):
            return False
        memory = self.memory
        if not memory.is_complete and page.cursor + self._limit < self._expected - memory.newest_rank:
            raise DriftError(_TOO_MANY, cursor=page.cursor)
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
        search = self._new_search(page, f"shows {passed[0].id!r} again")
        self._note_lost(page, search)
        self._goes_before_ties(page, search)
        return True
