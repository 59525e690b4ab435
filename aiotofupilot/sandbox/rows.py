"""The rows of a listing: a list that may be changed at any time. It makes most of its items when they are read.

Made-up items are computed from their numbers, so a million of them take no memory. What a change leaves is kept as
`Pieces`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from functools import lru_cache
from threading import RLock
from typing import TYPE_CHECKING, Generic, TypeVar, cast, overload

from .pieces import NOTHING, Pieces

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Rows"]

T = TypeVar("T")

_KEPT = 4096
"""The most made-up items that are remembered, for pages that are asked for again."""

_SHOWN = 3
"""The most items that a repr shows."""


class Rows(MutableSequence[T], Generic[T]):
    """The items of a listing, in its order. You may change them at any time. The next answer has the change.

    Rows are equal to a list of the same items. To change an item, replace it by another one.
    """

    def __init__(
        self,
        items: Iterable[T] = (),
        *,
        count: int = 0,
        make: Callable[[int], T] | None = None,
        number: Callable[[str], int | None] | None = None,
    ) -> None:
        """Describe the rows.

        Args:
            items: The given items, in the listing's order.
            count: How many items are made up before the given ones. Their numbers begin with 0, the oldest. The newest
                comes first.
            make: Makes the item with a number; None: no item is made up.
            number: Returns the number of a made-up item for its id, or None for another id. None: no item is made up.
        """
        self._make = lru_cache(maxsize=_KEPT)(make or NOTHING.__getitem__)
        self._number = number or _no_number
        self._made = count
        self._lock = RLock()
        self._pieces: Pieces[T] = Pieces((range(count - 1, -1, -1), tuple(items)), self._make)

    @property
    def pieces(self) -> Pieces[T]:
        """The rows as they are now. Changed rows have other pieces."""
        return self._pieces

    def grow(self, count: int) -> None:
        """Put newer made-up items first.

        Items that were made before are made again when they are read, because they may refer to newer ones.

        Args:
            count: How many items are then made up in all.
        """
        with self._lock:
            self._make.cache_clear()
            new, self._made = range(count - 1, self._made - 1, -1), max(count, self._made)
            parts = self._pieces.parts
            first = parts[0] if parts else ()
            if new and isinstance(first, range) and first[0] == new[-1] - 1:
                parts, new = parts[1:], range(new[0], first[-1] - 1, -1)
            self._pieces = Pieces((new, *parts), self._make)

    def find(self, identity: str) -> T | None:
        """Return the item with an id; None: there is none.

        Args:
            identity: The id.
        """
        pieces = self._pieces
        number = self._number(identity)
        if number is not None and pieces.holds(number):
            made: T = self._make(number)
            return made
        return pieces.given_by_id.get(identity)

    def number_of(self, identity: str) -> int | None:
        """Return the number of a made-up item, even if the item was replaced; None: it was not made up.

        Args:
            identity: The id of the item.
        """
        number = self._number(identity)
        return number if number is not None and number < self._made else None

    def __len__(self) -> int:
        return len(self._pieces)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self._pieces[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self._pieces)

    @overload
    def __setitem__(self, index: int, value: T) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[T]) -> None: ...
    def __setitem__(self, index: int | slice, value: T | Iterable[T]) -> None:
        with self._lock:
            if not isinstance(index, slice):
                position = range(len(self))[index]
                self._replace(position, position + 1, (value,))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - one item for one index
                return
            items: tuple[T, ...] = tuple(value)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - items for a slice
            start, stop, step = index.indices(len(self))
            if step == 1:
                self._replace(start, max(start, stop), items)
                return
            positions = range(start, stop, step)
            if len(positions) != len(items):
                raise ValueError(f"{len(items)} items cannot take the places of {len(positions)}")
            for position, item in zip(positions, items, strict=True):
                self._replace(position, position + 1, (item,))

    def __delitem__(self, index: int | slice) -> None:
        with self._lock:
            if not isinstance(index, slice):
                position = range(len(self))[index]
                self._replace(position, position + 1, ())
                return
            start, stop, step = index.indices(len(self))
            if step == 1:
                self._replace(start, max(start, stop), ())
                return
            for position in sorted(range(start, stop, step), reverse=True):
                self._replace(position, position + 1, ())

    def insert(self, index: int, value: T) -> None:
        """Insert an item.

        Args:
            index: The index of the item that it comes before, as for a list.
            value: The item.
        """
        with self._lock:
            position = slice(index, None).indices(len(self))[0]
            self._replace(position, position, (value,))

    def clear(self) -> None:
        """Remove everything."""
        del self[:]

    def _replace(self, start: int, stop: int, items: tuple[T, ...]) -> None:
        """Replace the rows from `start` to `stop` by items. Neighbouring given items become one part."""
        pieces = self._pieces
        before, after = pieces.cut(0, start), pieces.cut(stop, len(pieces))
        if before and isinstance(last := before[-1], tuple):
            before, items = before[:-1], (*last, *items)
        if after and isinstance(first := after[0], tuple):
            after, items = after[1:], (*items, *first)
        self._pieces = Pieces((*before, items, *after), self._make)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list | Rows | Pieces):
            return NotImplemented
        theirs = cast("Sequence[object]", other)
        return len(self) == len(theirs) and all(mine == its for mine, its in zip(self, theirs, strict=True))

    __hash__ = None  # type: ignore[assignment]  # rows change

    def __repr__(self) -> str:
        pieces = self._pieces
        shown = ", ".join(map(repr, pieces[:_SHOWN]))
        return f"<{len(pieces):,} rows: {shown}{', ...' if len(pieces) > _SHOWN else ''}>"


def _no_number(_identity: str) -> None:
    """Return None for every id, because no item is made up."""
