"""Items that the server sorts alike. It may list them in another order with each page, because no order is promised.

So the position of such an item tells nothing. One that was passed may come again, and hide one that was not. Only an
item that is sorted before them shows where they begin.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Ties"]

_LOST_AT_MOST = 40
"""At most this often may a walk lose its place among items that are sorted alike. What is new meanwhile does not count,
because such items may be created as fast as they are listed."""


class Ties:
    """What is known of the items that are sorted like the item passed last.

    Args:
        sort_key: Returns what the server sorts an item by. None: that is not known, and no items count as sorted alike.
    """

    def __init__(self, sort_key: Callable[[Any], object] | None) -> None:
        self._sort_key = sort_key
        self._newest: Any = None
        self._has_others = False
        self._lost: Counter[str] = Counter()

    def note_passed(self, items: Sequence[Any]) -> None:
        """Take note of a page whose last item is the one passed last."""
        if self._sort_key is not None and items:
            self._newest = items[-1]
            self._has_others = len(items) > 1 and self._are_alike(items[-2], items[-1])

    def beginning(self, items: Sequence[Any], ranks: Sequence[int | None]) -> int | None:
        """Return where on a page the items begin that are sorted like the item passed last.

        None: the page shows none of them, or there is only that item as far as the pages show, or what the server sorts
        by is not known.

        Args:
            items: The items of the page.
            ranks: Their ranks among the items passed. If the walk was resumed, they tell which was passed last.
        """
        newest, known = self._newest, [(rank, at) for at, rank in enumerate(ranks) if rank is not None]
        if newest is None and known:
            newest = items[max(known)[1]]
        if self._sort_key is None or newest is None:
            return None
        alike = [at for at, item in enumerate(items) if self._are_alike(item, newest)]
        return alike[0] if len(alike) + self._has_others > 1 else None

    def comes_again(self, items: Sequence[Any], start: int, passed: Iterable[Any]) -> bool:
        """Return whether an item comes again that is sorted like the place of the walk, and so did not move.

        Args:
            items: The items of a page.
            start: How many items at its top were passed before. The last of these is the place of the walk.
            passed: Those of the others that were passed before.
        """
        place = items[start - 1] if start else self._newest
        return place is not None and any(self._are_alike(item, place) for item in passed)

    def note_lost(self) -> bool:
        """Note that the walk lost its place among these items, and return whether it may look for it again.

        After an error the walk begins to count anew.
        """
        key = repr(self._newest is not None and self._sort_key is not None and self._sort_key(self._newest))
        self._lost[key] += 1
        if self._lost[key] <= _LOST_AT_MOST:
            return True
        self._lost.clear()
        return False

    def _are_alike(self, one: object, other: object) -> bool:
        return self._sort_key is not None and self._sort_key(one) == self._sort_key(other)
