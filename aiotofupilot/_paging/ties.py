"""What items that are sorted alike show of the position of a walk.

Items that the server sorts alike are ties. No order of them is promised, but most servers keep one. So ties show a
shift as other items do: at least two of those passed last stand side by side and in their order, and after them none
that was passed. Fewer than half as many may be gone. Where ties show less, the walk looks at what is before them.

A server that lists ties in another order with each page may show the same by chance. On a listing that stands still, no
item is left out in silence for that:

- A walk that stands at an offset has passed as many items as stand before it. It looks at each offset once. So if no
  item comes again, it passes all of them. If one does, the walk goes back to before the ties.
- Only a shift that was believed changes that. If all items were shifted to smaller offsets, some offsets are looked at
  twice, and an item comes again. If they were shifted to larger ones, and were not really, as many are left out.
- So if ties showed that all items were shifted to larger offsets, the first of these ties has to show it too. Another
  order does not move the place where they begin. One look at it, when the listing has ended, is enough: if it moved,
  the listing did not stand still. If it did not, the walk goes back to before the first ties that showed a shift.

A walk that is resumed among ties never saw where they begin. It relies on the items that its checkpoint names.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from aiotofupilot.errors import DriftError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiotofupilot.models import Page

    from .source import Identified, SortKey, T

SIDE_BY_SIDE = 2
"""At least so many ties side by side show the position of a walk. After a shift, pages overlap by as many items."""

_LOST_AT_MOST = 40
"""At most this often may a walk lose its position among items that are sorted alike. What is new meanwhile does not
count, because such items may be created as fast as they are listed."""


class Match(NamedTuple):
    """An item of a page that is known: its index on the page, and its rank among the items that were passed."""

    at: int
    rank: int


def side_by_side(ranks: Sequence[int | None]) -> Match | None:
    """Return the last of the first items that stand side by side in their order, for those surely did not move.

    An item that moved on its own stands between strangers. Strangers that stand after the item returned may have been
    created there, or they are still to be yielded, because what stands after them moved.
    """
    found = None
    for at, (before, rank) in enumerate(pairwise(ranks), 1):
        if before is not None and rank is not None and before < rank:
            found = Match(at, rank)
        elif found:
            break
    return found


def _row_of(ranks: Sequence[int | None]) -> list[Match]:
    """Return the last items of a page that were passed and stand side by side and in their order."""
    row: list[Match] = []
    for at, rank in enumerate(ranks):
        if rank is not None:
            is_next = row and at - 1 == row[-1].at and rank > row[-1].rank
            row = [*row, Match(at, rank)] if is_next else [Match(at, rank)]
    return row


def end_of_row(ranks: Sequence[int | None], newest: int) -> Match | None:
    """Return the last item of a page that was passed, if it and those before it show the position among ties.

    They are the items passed last, and stand side by side and in their order. A few may be gone.
    """
    row = _row_of(ranks)
    if len(row) < min(SIDE_BY_SIDE, newest + 1):
        return None
    gone = newest + 1 - row[0].rank - len(row)
    return row[-1] if 2 * gone < len(row) else None


class LeftTies:
    """The ties that were passed and are still listed, as far as the pages of a search have shown them."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._longest = (0, 0)
        """How many of them a page has shown side by side at most, and the cursor of that page."""
        self._is_torn = False
        """Whether a page has shown some of them apart from others, or in another order."""

    @property
    def cursor(self) -> int | None:
        """The cursor of the page that has shown most of them; None: no page has shown enough to show a position."""
        length, cursor = self._longest
        return cursor if length >= SIDE_BY_SIDE else None

    def last(self, page: Page[T], names: Sequence[str], ranks: Sequence[int | None]) -> Match | None:
        """Return the last of these ties on a page. Its items have these names and ranks.

        None: there are too few, or not all that pages have shown stand side by side and in their order.
        """
        row, shown = _row_of(ranks), {name for name, rank in zip(names, ranks, strict=True) if rank is not None}
        if not row:
            return None
        self._is_torn |= len(row) < len(shown) or (bool(self._names) and self._names.isdisjoint(shown))
        self._names |= shown
        self._longest = max(self._longest, (len(row), page.cursor))
        return None if self._is_torn or len(row) < SIDE_BY_SIDE else row[-1]


class Shift(NamedTuple):
    """Ties that have shown that all items were shifted to larger offsets."""

    first: Identified
    """The first of them."""
    begin: int
    """The offset at which it was passed."""
    by: int
    """By how much all items were shifted since then, as far as only these ties show it."""


class Ties:
    """What is known of the items that are sorted like the item passed last. Without a sort key, there are none."""

    def __init__(self, sort_key: SortKey | None) -> None:
        self._sort_key: SortKey = sort_key or (lambda _: object())  # which equals no other
        self._newest: object = None
        self._has_others = False
        self._lost: Counter[str | None] = Counter()
        self._first: tuple[Identified, int] | None = None
        """The first of these items and its offset, when the walk came to it; None: it did not see where they begin."""
        self._shifted_by = 0
        """By how much all items were shifted since then, as far as only these items show it."""
        self._is_unproven = False
        """Whether the last one of `unproven` is about these items."""
        self.unproven: list[Shift] = []
        """Of the shifts to larger offsets that only ties have shown, the first one and the last one."""

    def note_passed(self, page: Page[T]) -> None:
        """Take note of a page whose last item is the one passed last."""
        items, before = page.data, self._newest
        if not items:
            return
        self._newest = newest = items[-1]
        self._has_others = len(items) > 1 and self._are_alike(items[-2], newest)
        if self._first is not None and self._are_alike(before, newest):
            return
        at = len(items) - 1
        while at and self._are_alike(items[at - 1], newest):
            at -= 1
        self._first = (items[at], page.cursor + at) if at or not page.cursor else None
        self._shifted_by, self._is_unproven = 0, False

    def note_shift(self, by: int) -> None:
        """Take note that all items were shifted, if only these items show it."""
        first, self._shifted_by = self._first, self._shifted_by + by
        self.note_found()
        self._first = first
        if first is not None and self._shifted_by > 0:
            self.unproven = [*self.unproven[:1], Shift(*first, self._shifted_by)]
            self._is_unproven = True

    def note_found(self) -> None:
        """Take note that the position was found before these items."""
        if self._is_unproven:
            self.unproven.pop()
        self._first, self._is_unproven = None, False

    def note_wrong(self, page: Page[T]) -> Shift | None:
        """Return the first shift that is unproven if a page shows where the ties of the last one begin unmoved.

        Afterwards, none is unproven.
        """
        shift, last = self.unproven[0], self.unproven[-1]
        self.unproven, self._is_unproven = [], False
        alike = [page.cursor + at for at, item in enumerate(page.data) if self._are_alike(item, last.first)]
        if not alike or not last.begin <= alike[0] < last.begin + last.by:
            return None
        self._newest, self._has_others, self._first = None, False, None
        return shift

    def is_out_of_order(self, items: Sequence[object], ranks: Sequence[int | None]) -> bool:
        """Return whether the known items on a page are in another order, as after a change of the listing's order.

        An item that moved alone stands before a newer one, or after an older one, at a single place.
        """
        known = [(rank, item) for rank, item in zip(ranks, items, strict=False) if rank is not None]
        falls = sum(a > b and not self._are_alike(one, other) for (a, one), (b, other) in pairwise(known))
        return falls > 1 and 3 * falls >= len(known)

    def note_lost(self, page: Page[T]) -> None:
        """Take note that the walk is lost among these items, or raise an error if it is too often."""
        key = None if self._newest is None else repr(self._sort_key(self._newest))
        self._lost[key] += 1
        if self._lost[key] > _LOST_AT_MOST:
            self._lost.clear()
            fault = "a walk loses its position again and again among items that are sorted alike"
            cause = "the server lists them in another order with each page, or too many of them come and go"
            raise DriftError(f"{fault}: {cause}", cursor=page.cursor)

    def beginning(self, items: Sequence[object], ranks: Sequence[int | None]) -> int | None:
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

    def comes_again(self, items: Sequence[object], start: int, passed: Iterable[object]) -> bool:
        """Return whether one of the items passed, which a page shows after its start, is sorted like the position.

        Such an item did not move.
        """
        anchor = items[start - 1] if start else self._newest
        return anchor is not None and any(self._are_alike(item, anchor) for item in passed)

    def _are_alike(self, one: object, other: object) -> bool:
        return self._sort_key(one) == self._sort_key(other)
