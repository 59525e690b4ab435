"""Continuity of pages while the listing moves: from what was passed lately and a page to what is new on that page.

Items come and go while a walk runs, and the offsets of all items after them shift. But every page is a snapshot of one
stretch of the listing, and in most listings the items that stay keep their order.

A page that is asked for one place early begins with the item passed last, for as long as nothing moves. That item is
the page's anchor, and it proves that nothing was missed. Nothing in this module waits or does I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from aiotofupilot._paging.offsets import INSTEAD, check_offsets
from aiotofupilot._paging.source import Identified
from aiotofupilot.errors import DriftError

from .memory import Memory
from .progress import Progress
from .resync import Resync
from .ties import Ties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from aiotofupilot._paging.unreadable.gap import Gap
    from aiotofupilot.models import Page

__all__ = ["Anchored"]

T = TypeVar("T", bound=Identified)

_AHEAD_AT_MOST = 10_000
"""At most this many items that were passed may be met again."""

_COST_OF_A_PART = 10
"""A part of a page that failed takes about as many requests as this many whole pages."""

_UNCONFIRMED_AT_MOST = 10
"""At most this often may a gap not be confirmed, because the listing moves, before anything new is found."""


class Anchored(Generic[T]):
    """Takes pages that were asked for one place early, and holds each to beginning with its anchor.

    Where a page does not, the listing has moved. Then `next_look` says where to look, until a page shows where the
    listing goes on. Items that were passed after that place may be met again, and are not new then.

    Args:
        anchors: Digests of the items passed last, oldest first. `BEGINNING` stands before the first item of a listing.
        ahead: Digests of items that were passed after those, and that may be met again.
        limit: Items of a whole page; at least 2, because one of them is the anchor.
        resync: Whether to look for the place where the listing goes on. If not, a listing that moved is an error.
        sort_key: Returns what the server sorts an item by; None: that is not known.
    """

    overlap = 1
    """How many items of a page the next page is to begin with."""
    skip = 0
    """How many items of the pages to come are still to be skipped. A page is placed by its items, so there are none."""

    def __init__(
        self,
        anchors: Iterable[bytes] = (),
        ahead: Iterable[bytes] = (),
        *,
        limit: int,
        resync: bool,
        sort_key: Callable[[Any], object] | None = None,
    ) -> None:
        self.memory = Memory(anchors, ahead)
        """What was passed."""
        self.next_look = 0
        """Where to look for the place of the walk, after a page that did not show it."""
        self.resyncs = 0
        """How often the listing was found to have moved."""
        self._progress = Progress()
        self._ties = Ties(sort_key)
        self._limit = limit
        self._resync = resync
        self._search: Resync | None = None
        self._stood_at: int | None = None
        self._is_doubtful = False
        self._unconfirmed = 0

    def admit(self, page: Page[T], *, is_short: bool = False, gap: Gap | None = None) -> Sequence[T] | None:
        """Return the new items of a page, in the page's order. None: the whole page at `next_look` is to be asked for.

        Args:
            page: The page.
            is_short: Whether fewer items were asked for than a whole page has.
            gap: What lies before the page, if that is a part of one that failed.

        Raises:
            DriftError: The server's cursors are not offsets. Or the listing moved, and `resync` is false, or no page
                shows an item that was passed lately, or the order of the items changed, or the listing goes on moving
                so that nothing new is to be had, or so that what lies beside a gap is not sure.
            PaginationError: The server's cursor does not advance.
        """
        self._check_offsets(page, is_part=gap is not None)
        memory = self.memory
        ids = [item.id for item in page.data]
        memory.take_up(ids)
        follows = gap is not None and self._follows(gap)
        if self._stood_at is None:
            self._stood_at = page.cursor
        is_first = page.cursor == 0 or (gap is not None and gap.start == 0 and gap.is_confirmed)
        start = 0 if follows else self._start(page, is_first=is_first, is_short=is_short)
        if start is None:
            return None
        new = memory.new(page.data, start)
        if self._is_doubtful and (new or page.following is None) and self._is_contradicted(page):
            return None
        if len(new) < len(page.data) - start and self._comes_again(page, start, new):
            return None
        cost = 1 if gap is None else _COST_OF_A_PART
        if not self._progress.note(ids, is_new=bool(new), cost=cost) or memory.ahead_count > _AHEAD_AT_MOST:
            memory.reject()
            self._progress = Progress()
            raise DriftError("the listing moves too much to be followed, or its pages disagree", cursor=page.cursor)
        self._ties.note_passed(page.data)
        self._search = None
        if new:
            self._unconfirmed = 0
        self._stood_at = page.cursor + len(ids) - 1
        return new

    def _check_offsets(self, page: Page[T], *, is_part: bool) -> None:
        check_offsets(page)
        if page.following is not None and len(page.data) == 1 and not is_part:
            fault = "the server's pages are too short to begin each with the last item of the one before"
            raise DriftError(f"{fault}; {INSTEAD}", cursor=page.cursor)

    def _follows(self, gap: Gap) -> bool:
        """Return whether a page behind a gap goes on where the walk stands.

        Such a page has no anchor. Instead, the item before the gap has to stand where it stood when it was passed.
        """
        memory = self.memory
        if gap.start == gap.stop or memory.is_empty:
            return False
        if not gap.is_confirmed:
            self._note_unconfirmed(gap)
            return False
        rank = memory.rank(gap.before)
        if rank is None or (gap.before is None and gap.start):
            return False
        stood_at = gap.start - 1 + memory.newest_rank - rank
        if self._stood_at is None and stood_at < gap.stop:
            self._stood_at = stood_at  # the walk was resumed, and begins at an item that cannot be read
        return stood_at == self._stood_at

    def _note_unconfirmed(self, gap: Gap) -> None:
        self._unconfirmed += 1
        if self._unconfirmed > _UNCONFIRMED_AT_MOST:
            self._unconfirmed = 0
            raise DriftError(
                f"the listing moves too much beside the items from position {gap.start} on, which cannot be read: "
                "an item that can be read might be missed there",
                cursor=gap.start,
            )

    def _start(self, page: Page[T], *, is_first: bool, is_short: bool) -> int | None:
        """Return how many items at the top of a page are not new. None: the page does not tell.

        Args:
            page: The page.
            is_first: Whether the listing has no item before this page that can be read.
            is_short: Whether fewer items were asked for than a whole page has.
        """
        memory = self.memory
        if memory.is_empty:
            return 0  # the walk began at a bare cursor: there is nothing yet to hold the page to
        if memory.has_passed_nothing:
            if is_first:
                return 0
        elif page.cursor == self._stood_at and memory.begins_with_newest():
            return 1
        if not self._resync:
            raise DriftError(
                f"the listing moved: the page at cursor {page.cursor} does not begin with the item passed last",
                cursor=page.cursor,
            )
        if is_short:
            self.next_look = page.cursor  # a place is found soonest in whole pages
            return None
        if self._search is None:
            stood_at = page.cursor if self._stood_at is None else self._stood_at
            self._search = Resync(memory, page.cursor, stood_at=stood_at, limit=self._limit, ties=self._ties)
            self.resyncs += 1
        was_among_ties = self._search.is_among_ties
        start = self._search.look(page, is_first=is_first)
        if self._search.is_among_ties and not was_among_ties:
            self._note_lost(page)
        self.next_look, self._is_doubtful = self._search.next_look, self._search.is_doubtful
        return start

    def _comes_again(self, page: Page[T], start: int, new: Sequence[T]) -> bool:
        """Return whether a page shows an item again that no creation or removal has moved.

        Another item may have been missed then. So the walk looks for its place before the items that are sorted alike.

        Raises:
            DriftError: `resync` is false.
        """
        memory, new_ids = self.memory, {item.id for item in new}
        passed = [item for item in page.data[start:] if item.id not in new_ids and not memory.is_ahead(item.id)]
        if not self._ties.comes_again(page.data, start, passed):
            return False
        memory.reject()
        if not self._resync:
            raise DriftError(
                f"the listing moved: the page at cursor {page.cursor} shows {passed[0].id!r} again", cursor=page.cursor
            )
        stood_at = page.cursor if self._stood_at is None else self._stood_at
        self._search = Resync(memory, page.cursor, stood_at=stood_at, limit=self._limit, ties=self._ties)
        self._search.look_back(page)
        self._note_lost(page)
        self.next_look = self._search.next_look
        self.resyncs += 1
        return True

    def _note_lost(self, page: Page[T]) -> None:
        """Take note of a walk that lost its place among items that are sorted alike.

        Raises:
            DriftError: It lost its place among the same items again and again.
        """
        if not self._ties.note_lost():
            raise DriftError(
                "a walk loses its place again and again among items that are sorted alike: the server lists them in "
                "another order with each page, or too many of them come and go",
                cursor=page.cursor,
            )

    def _is_contradicted(self, page: Page[T]) -> bool:
        """Return whether a page shows that the place found was a wrong one. The listing is begun again then.

        Items that were passed and do not turn up again before others do, or before the listing ends, may have been
        removed. If the walk also seems to stand further on than before, the order may have changed instead.

        Raises:
            DriftError: The order seems to have changed, and not all items that were yielded are remembered.
        """
        memory = self.memory
        missing = len(memory.ahead(len(page.data)))
        if memory.reaches_back_to_the_beginning and missing:
            memory.reject()
            self.next_look, self._search, self._is_doubtful = 0, None, False
            return True
        if page.following is None and missing > self._limit:
            memory.reject()
            raise DriftError(
                f"the order of the listing changed: {missing} items that were passed are not met again before its end",
                cursor=page.cursor,
            )
        return False
