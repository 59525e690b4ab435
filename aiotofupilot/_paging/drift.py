"""How a walk that detects drift holds each page to the one before, while items come and go.

When an item comes or goes, the offsets of all items after it shift. But every page is a snapshot of one segment of the
listing, and in most listings the items that stay keep their order. So each page can be held to the one before. Nothing
here waits or does I/O.

The position of a walk is after an item that was passed and did not move. What stands after such an item was not listed
when the walk was there, or is still to be yielded. The better a page shows that an item did not move, the sooner it is
believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiotofupilot.errors import DriftError

from .memory import IgnoreDrift
from .search import Match, Search, Ties, is_out_of_order, last_reliable, longest_row
from .source import T, leads_nowhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiotofupilot.models import Page

    from .unreadable import Gap

_AHEAD_AT_MOST = 10_000
"""At most this many items that were passed may be met again."""

_COST_OF_A_PART = 10
"""A part of a page that failed takes about as many requests as this many whole pages."""

_INSTEAD = 'a walk with on_drift="ignore" follows any cursor'
"""What an error says about the way out."""


def check_offsets(page: Page[Any]) -> None:
    """Raise an error for a page whose cursor is not an offset: a page of n items at cursor c leads to c + n."""
    cursor, count = page.following, len(page.data)
    if cursor is None or cursor == page.cursor + count > page.cursor:
        return
    if cursor <= page.cursor:
        raise leads_nowhere(page.cursor, cursor)
    fault = f"{count} items at {page.cursor} lead to {cursor}"
    raise DriftError(f"the server's cursors are not offsets: {fault}; {_INSTEAD}", cursor=page.cursor)


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
        check_offsets(page)
        if page.following is not None and len(page.data) == 1 and gap is None:
            fault = "the server's pages are too short to begin each with the last item of the one before"
            raise DriftError(f"{fault}; {_INSTEAD}", cursor=page.cursor)
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
        new = memory.new(page.data, start)
        if self._is_doubtful and (new or page.following is None) and self._is_contradicted(page):
            return None
        if len(new) < len(page.data) - start and self._comes_again(page, start, new):
            return None
        cost = 1 if gap is None else _COST_OF_A_PART
        if not self._goes_on(ids, is_new=bool(new), cost=cost) or len(memory.upcoming) > _AHEAD_AT_MOST:
            memory.reject()
            self._fruitless = 0
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
            self._fruitless = 0
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
