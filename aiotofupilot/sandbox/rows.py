"""The rows of a listing: a list that may be changed at any time. It makes most of its items when they are read.

Made-up items are computed from their numbers, so a million of them take no memory. Rows consist of parts. Each part is
a range of numbers or a tuple of given items. A change makes new `Pieces` and leaves the old ones as they are, so a
reader in another thread sees the rows as they are at one moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, chain, islice
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pieces", "Rows"]

T = TypeVar("T")

_KEPT = 4096
"""The most made-up items that are remembered, for pages that are asked for again."""

_NOTHING: tuple[Any, ...] = ()
"""Rows without made-up items make their items from this."""

_SHOWN = 3
"""The most items that a repr shows."""


class Pieces(Sequence[T]):
    """Rows as they were at one moment."""

    def __init__(self, pieces: Iterable[range | tuple[T, ...]], make: Callable[[int], T]) -> None:
        """Join pieces.

        Args:
            pieces: Numbers of made-up items, or given items. Ranges count down, because the newest items come first.
            make: Makes the item with a number.
        """
        self.parts = tuple(piece for piece in pieces if piece)
        self.make = make
        self._ends = tuple(accumulate(map(len, self.parts)))

    @classmethod
    def of(cls, items: Iterable[T]) -> Pieces[T]:
        """Return the rows that consist of given items."""
        return cls((tuple(items),), _NOTHING.__getitem__)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                parts = self.cut(start, stop)
                return list(self._items(parts[0])) if len(parts) == 1 else list(chain(*map(self._items, parts)))
            return [self[position] for position in range(start, stop, step)]
        position = range(len(self))[index]
        part = bisect_right(self._ends, position)
        entry = self.parts[part][position - self._ends[part]]  # a negative index, from the end of the part
        return self.make(entry) if isinstance(self.parts[part], range) else entry  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType, reportReturnType] - a range holds numbers, a tuple items

    def __iter__(self) -> Iterator[T]:
        return (item for part in self.parts for item in self._items(part))

    def _items(self, part: range | tuple[T, ...]) -> Iterable[T]:
        """Return the items of a part."""
        return map(self.make, part) if isinstance(part, range) else part

    def cut(self, start: int, stop: int) -> list[range | tuple[T, ...]]:
        """Return the parts between two positions."""
        found: list[range | tuple[T, ...]] = []
        first = bisect_right(self._ends, start)
        for part, end in islice(zip(self.parts, self._ends, strict=True), first, None):
            begin = end - len(part)
            if begin >= stop:
                break
            found.append(part[max(start - begin, 0) : stop - begin])
        return found

    def placed(self) -> Iterator[tuple[int, range | tuple[T, ...]]]:
        """Return the parts, each with the position where it begins."""
        return ((end - len(part), part) for part, end in zip(self.parts, self._ends, strict=True))

    def holds(self, number: int) -> bool:
        """Return whether the made-up item with a number is among the rows, and was not replaced."""
        return any(number in part for part in self.parts if isinstance(part, range))

    @cached_property
    def given_by_id(self) -> dict[str, T]:
        """The items that were given, by their ids. If ids are equal, the first item counts."""
        return {getattr(item, "id", ""): item for item in reversed(tuple(self.given))}

    @property
    def given(self) -> Iterator[T]:
        """The items that were given, in order."""
        return (item for part in self.parts if not isinstance(part, range) for item in part)


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
        self._make = lru_cache(maxsize=_KEPT)(make or _NOTHING.__getitem__)
        self._number = number or _no_number
        self._made = count
        self._lock = RLock()
        self._pieces: Pieces[T] = Pieces((range(count - 1, -1, -1), tuple(items)), self._make)

    @property
    def pieces(self) -> Pieces[T]:
        """The rows as they are now. Changed rows have other pieces."""
        return self._pieces

    def grow(self, count: int) -> None:
        """Put newer made-up items first, until `count` items are made up in all.

        Items that were made before are made again when they are read, because they may refer to newer ones.
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
        """Return the item with an id; None: there is none."""
        pieces = self._pieces
        number = self._number(identity)
        if number is not None and pieces.holds(number):
            made: T = self._make(number)
            return made
        return pieces.given_by_id.get(identity)

    def number_of(self, identity: str) -> int | None:
        """Return the number of a made-up item for its id, even if it was replaced; None: it was not made up."""
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
        """Insert an item before the one at an index."""
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
