"""The rows of a listing as they are at one moment.

Rows consist of parts. Each part is a range of numbers of made-up items, or a tuple of given items. A change makes new
`Pieces` and leaves the old ones as they are, so a reader in another thread sees the rows as they are at one moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NOTHING", "Pieces"]

T = TypeVar("T")

NOTHING: tuple[Any, ...] = ()
"""Rows without made-up items make their items from this."""


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
        return cls((tuple(items),), NOTHING.__getitem__)

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
