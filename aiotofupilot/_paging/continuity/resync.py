"""Finds the place of a walk again, in a listing that moved: one page after the other, until one shows the place.

The place is after an item that was passed and did not move. What stands after such an item was not listed when the
walk was there, or is still to be yielded. The better a page shows that an item did not move, the sooner it is believed.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from aiotofupilot.checkpoint import LARGEST
from aiotofupilot.errors import DriftError

from .search import Search
from .sight import Place, in_order, is_out_of_order, reliable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot.models import Page

    from .memory import Memory
    from .ties import Ties

__all__ = ["Resync"]


class _Evidence(IntEnum):
    """What a page has to show. The next kind is accepted only when no page of the listing shows the one before."""

    RELIABLE = 0
    """Two items that were passed stand side by side, in their order."""
    KNOWN = 1
    """An item that was passed."""
    AHEAD = 2
    """An item that was passed before the walk had to go back, and was not met again since."""


class Resync:
    """One search for the place of a walk.

    Args:
        memory: What the walk passed. It is told where the walk stands once that is found.
        origin: The cursor of the page that did not begin with the item passed last.
        stood_at: The cursor at which the item passed last stood when it was passed.
        limit: Items of a whole page; at least 2.
        ties: What is known of items that are sorted alike. These do not show the place.
    """

    def __init__(self, memory: Memory, origin: int, *, stood_at: int, limit: int, ties: Ties) -> None:
        self._memory = memory
        self._ties = ties
        self._stood_at = stood_at
        self._limit = limit
        self._search = Search(origin, limit)
        self._wanted = _Evidence.RELIABLE
        self._looked_back_to = LARGEST
        self._lesser: dict[_Evidence, tuple[int, int]] = {}
        self.next_look = origin
        """Where to look next, after a page that did not show the place."""
        self.is_doubtful = False
        """Whether items that were passed after the place found should be met again, or else it is the wrong place."""
        self.is_among_ties = False
        """Whether the walk stood among items that are sorted alike. Its place is then before all of them."""

    def look(self, page: Page[Any], *, is_first: bool) -> int | None:
        """Return how many items at the top of a page are not new. None: look at `next_look` next.

        Args:
            page: The page.
            is_first: Whether the listing has no item before this page that can be read.

        Raises:
            DriftError: No page shows an item that was passed. Or the order of the items changed, and not all that were
                yielded are remembered. Or more items are sorted alike than are remembered.
        """
        memory = self._memory
        ranks = memory.ranks()
        ties_begin = self._ties.beginning(page.data, ranks)
        self.is_among_ties |= ties_begin is not None
        ranks = ranks[:ties_begin]
        row = in_order(ranks)
        if is_first and memory.reaches_back_to_the_beginning:
            # All that is not known is new, whatever happened to the order.
            return self._found(row[0] if row and row[0].position == 0 else Place(-1, 0))
        if is_out_of_order(ranks, row):
            self._begin_again(page)
            return None
        place = reliable(row)
        if place is None and not (ties_begin is not None and self.look_back(page)):
            place = self._lesser_evidence(page, row, memory.ranks_ahead()[:ties_begin])
            if place is None:
                self._look_further(page)
        if place is None:
            return None
        if place.rank > memory.newest_rank:
            return self._found(place)
        growth = page.cursor + place.position - (self._stood_at - (memory.newest_rank - place.rank))
        if memory.reaches_back_to_the_beginning:
            # No item that was passed is forgotten. So strangers before the place were created there, or they moved
            # there before they were yielded. A few that are out of sight are taken for created.
            if None in ranks[: row[0].position] or growth > self._limit:
                self._begin_again(page)
                return None
            place = row[0]
        self.is_doubtful = growth > 0 and row[-1].rank < memory.newest_rank
        return self._found(place)

    def look_back(self, page: Page[Any]) -> bool:
        """Look next for what is sorted before the items on a page that are sorted alike, if that is new to the search.

        Raises:
            DriftError: Nothing that was passed before these items is remembered.
        """
        self.is_among_ties = True
        before = max(0, page.cursor - max(1, self._limit - 2))
        if before >= min(page.cursor, self._looked_back_to):
            return False
        if page.cursor + self._limit < self._stood_at - self._memory.newest_rank:
            raise DriftError(
                "the listing moved among items that are sorted alike, which are more than a walk remembers",
                cursor=page.cursor,
            )
        self.next_look = self._looked_back_to = before
        self._search = Search(before, self._limit)
        return True

    def _found(self, place: Place) -> int:
        self._memory.go_back(place.rank)
        return place.position + 1

    def _begin_again(self, page: Page[Any]) -> None:
        if not self._memory.reaches_back_to_the_beginning:
            raise DriftError(
                f"the order of the listing changed: the page at cursor {page.cursor} contradicts what was passed",
                cursor=page.cursor,
            )
        self.next_look = 0

    def _lesser_evidence(
        self, page: Page[Any], row: Sequence[Place], ranks_ahead: Sequence[int | None]
    ) -> Place | None:
        """Return the place that a page without reliable items shows, if that is believed by now."""
        memory = self._memory
        if row:
            # One item may have moved here alone, so what lies between two of them is not taken for passed.
            place, evidence = row[-2:][0], _Evidence.KNOWN
            if memory.newest_rank == 0:
                return place  # there is no other item to look for
        elif ahead := in_order(ranks_ahead):
            place, evidence = ahead[-1], _Evidence.AHEAD
            place = place._replace(rank=memory.newest_rank + 1 + place.rank)
        else:
            return None
        if self._wanted >= evidence:
            return place
        self._lesser[evidence] = max(self._lesser.get(evidence, (0, 0)), (place.rank, page.cursor))
        return None

    def _look_further(self, page: Page[Any]) -> None:
        next_look = self._search.after(page)
        while next_look is None:
            if self._wanted is _Evidence.AHEAD:
                raise DriftError(
                    "the listing moved: none of the items passed lately is to be found in it", cursor=page.cursor
                )
            self._wanted = _Evidence(self._wanted + 1)
            if self._wanted in self._lesser:
                _, next_look = self._lesser[self._wanted]
                self._search = Search(next_look, self._limit)
        self.next_look = next_look
