"""Which items on a page a walk has passed before, which of them kept their order, and which can be relied on.

A page is described by ranks, one for each of its items: the older an item was passed, the lower its rank. None stands
for an item that is not known. Items that were passed keep their order in most listings. In some an item moves, because
it was renamed in a listing that is sorted by name, say. Then its rank no longer fits its neighbours' ranks.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Place", "in_order", "is_out_of_order", "reliable"]


class Place(NamedTuple):
    """A known item on a page."""

    position: int
    """Index of the item on the page."""
    rank: int
    """Rank of the item among those that were passed."""


def in_order(ranks: Sequence[int | None]) -> list[Place]:
    """Return the known items that are still in their order: the longest row of rising ranks."""
    lowest_ends: list[int] = []  # the lowest rank that ends a row of 1, 2, 3 ... items
    places: list[Place] = []  # the items that end those rows
    before: dict[Place, Place | None] = {}
    for position, rank in enumerate(ranks):
        if rank is None:
            continue
        length = bisect_left(lowest_ends, rank)
        place = Place(position, rank)
        before[place] = places[length - 1] if length else None
        lowest_ends[length:] = [rank, *lowest_ends[length + 1 :]]
        places[length:] = [place, *places[length + 1 :]]
    row: list[Place] = []
    last = places[-1] if places else None
    while last is not None:
        row.append(last)
        last = before[last]
    return row[::-1]


def is_out_of_order(ranks: Sequence[int | None], row: Sequence[Place]) -> bool:
    """Return whether most of the known items on a page are not in their order any more.

    Args:
        ranks: The page.
        row: What `in_order` returned for it.
    """
    known = sum(rank is not None for rank in ranks)
    return known >= _ENOUGH_TO_JUDGE and 2 * len(row) <= known


_ENOUGH_TO_JUDGE = 4
"""Two or three items out of order may be a single one that moved."""


def reliable(row: Sequence[Place]) -> Place | None:
    """Return the last of the first items that stand side by side, for those surely did not move.

    An item that moved on its own stands between strangers. Strangers that stand after the item returned may have been
    created there, or they are still to be yielded, because what stands after them moved.

    Args:
        row: What `in_order` returned for a page.
    """
    found = None
    for before, place in pairwise(row):
        if place.position == before.position + 1:
            found = place
        elif found:
            break
    return found
