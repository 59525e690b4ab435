"""How long a listing is, as far as a few of its pages tell: where to look next, and what each look shows.

A listing says nowhere how many items it has. But a page at any offset tells whether the listing reaches that far, and
the last page tells exactly where it ends. So the end is searched for. First come pages of one item at offsets that grow
by a factor, until one lies beyond the end. From then on, pages of one item divide what lies between. Whole pages cover
the rest as soon as few of them can, and one of those shows the end.

Nothing in this module waits or does I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from aiotofupilot._paging.offsets import check_offsets
from aiotofupilot.checkpoint import LARGEST
from aiotofupilot.errors import DriftError, PaginationError

if TYPE_CHECKING:
    from aiotofupilot.models import Page

__all__ = ["Extent", "Look"]

_FACTOR = 4
"""How much further each look beyond what is known goes. 2 would need more looks, and 8 hardly fewer."""

_MOVED_AT_MOST = 100
"""An item that moves along while others come and go is met again at most this many places away."""

_CONTRADICTIONS_AT_MOST = 10
"""At most this often may a page contradict the pages before it, because the listing changed in between."""


@frozen
class Look:
    """A page to ask for."""

    cursor: int
    """Where it begins."""
    limit: int
    """How many items to ask for."""


class Extent:
    """What is known of the length of a listing.

    Args:
        limit: Items of a whole page; 1 or more.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pages = 0
        self._more_than = 0
        """The listing has more items than this. It is 0 too while nothing is known."""
        self._at_most: int | None = None
        """The listing has at most this many items; None: no page beyond the end was seen."""
        self._end: int | None = None
        """Where a page that was the last one ended; None: no such page was seen."""
        self._is_sure = False
        """Whether a page beyond the end would tell nothing new about `_end`."""
        self._places: dict[str, int] = {}
        self._contradictions = 0

    @property
    def length(self) -> int | None:
        """How many items the listing has; None: that is not known yet."""
        return self._end if self._is_sure or self._at_most is not None else None

    def looks(self, at_most: int) -> list[Look]:
        """Return where to look next, in the order of the cursors. What each look shows is to be noted in this order.

        Args:
            at_most: How many looks may be taken at once; 1 or more.

        Raises:
            DriftError: The listing seems to have no end.
        """
        if self._at_most is None:
            return [Look(self._more_than, self._limit)] if self._pages <= 1 else self._looks_beyond(at_most)
        first, width = self._more_than, self._at_most - self._more_than
        pages = -(-width // self._limit)
        if pages > at_most:
            return [Look(first + width * nth // (at_most + 1), 1) for nth in range(1, at_most + 1)]
        # The room that is left over lies at both ends, for items that come and go meanwhile.
        first = max(0, first - (pages * self._limit - width) // 2)
        return [Look(first + nth * self._limit, self._limit) for nth in range(pages)]

    def note(self, page: Page[Any], look: Look) -> None:
        """Take note of what a look showed.

        Args:
            page: The page. It begins further on than it was to, if no item can be read before. It is shorter, if one
                cannot be read behind it.
            look: What was asked for.

        Raises:
            DriftError: The server's cursors are no offsets. Or it shows the same items wherever it is asked. Or the
                listing changes too much.
            PaginationError: The server's cursor does not advance, or is missing.
        """
        check_offsets(page, "count() needs offsets, and a walk does not")
        if page.following is None and page.meta.has_more:
            raise PaginationError(
                f"the page at cursor {page.cursor} announces more items, and no cursor that leads to them",
                cursor=page.cursor,
                next_cursor=None,
            )
        self._pages += 1
        has_moved = self._has_moved(page)
        if page.following is not None:
            self._note_more(page.following)
            if len(page.data) < look.limit:
                self._limit = min(self._limit, len(page.data))  # the server gives no longer pages
        elif page.data or not page.cursor:
            # Some servers show their last page whatever cursor beyond the end they are asked for. A page that goes on
            # where another ended, with other items, is not of that kind.
            self._is_sure = page.cursor == self._more_than and not has_moved
            self._note_end(page.cursor + len(page.data))
        else:
            if page.cursor > look.cursor:
                self._note_end(page.cursor)  # behind items that cannot be read
            self._note_nothing(page.cursor)
        if self._contradictions > _CONTRADICTIONS_AT_MOST:
            raise DriftError("the listing moves too much to be counted, or its pages disagree", cursor=page.cursor)

    def _looks_beyond(self, at_most: int) -> list[Look]:
        known = max(self._more_than, self._end or 0)
        cursors = [cursor for nth in range(1, at_most + 1) if (cursor := known * _FACTOR**nth) <= LARGEST]
        if not cursors:
            raise DriftError(f"the listing has no end: it goes on after {known} items", cursor=known)
        return [Look(cursor, 1) for cursor in cursors]

    def _has_moved(self, page: Page[Any]) -> bool:
        """Return whether a page shows an item that another page showed at another place."""
        has_moved = False
        for place, item in enumerate(page.data, page.cursor):
            known = self._places.setdefault(item.id, place)
            has_moved |= known != place
            if abs(known - place) > _MOVED_AT_MOST:
                raise DriftError(
                    f"the page at cursor {page.cursor} shows an item that was seen {abs(known - place)} places away: "
                    "the server does not go to the cursor, or the listing moves too much to be counted",
                    cursor=page.cursor,
                )
        return has_moved

    def _note_more(self, more_than: int) -> None:
        self._more_than = max(self._more_than, more_than)
        if self._end is not None and self._end <= more_than:
            self._end = None
            self._contradictions += 1
        if self._at_most is not None and self._at_most <= more_than:
            self._at_most = None
            self._contradictions += 1

    def _note_end(self, end: int) -> None:
        self._end = end
        if self._at_most is not None and self._at_most < end:
            self._at_most = None
            self._contradictions += 1

    def _note_nothing(self, at_most: int) -> None:
        self._at_most = at_most if self._at_most is None else min(self._at_most, at_most)
        if self._end is not None and self._end > at_most:
            self._end = None
            self._contradictions += 1
        if self._more_than >= at_most:
            self._more_than = 0
            self._contradictions += 1
