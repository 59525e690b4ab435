"""Converts Python's values to arrays, for many columns at once.

A call of pyarrow costs as much as a hundred values, and a model has up to fifty columns. So the values of all columns
of one type become one array, and each column takes its slice of this array.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

__all__ = ["BOOLEAN", "DOUBLE", "DURATION", "INTEGER", "STRING", "Pools", "Share"]

BOOLEAN, DOUBLE, DURATION = pa.bool_(), pa.float64(), pa.duration("us")
INTEGER, STRING = pa.int64(), pa.string()

_arrow: Any = pa  # the stubs lack concat_arrays of arrays whose type only the run time knows


def _durations(values: Sequence[timedelta | None]) -> pa.Array[Any]:
    try:
        return pa.array(values, DURATION)
    except pa.ArrowInvalid as error:
        longest = max((value for value in values if value is not None), key=abs)
        raise OverflowError(f"Arrow holds a duration of at most 106,751,991 days, got {longest}") from error


def _numbers(values: Sequence[float | None]) -> pa.Array[Any]:
    try:
        return pa.array(values, DOUBLE)
    except pa.ArrowInvalid:  # no double is exactly this integer; JavaScript, which the server speaks, rounds it too
        return pa.array([None if value is None else float(value) for value in values], DOUBLE)


_CONVERTERS: dict[pa.DataType, Callable[[Sequence[Any]], pa.Array[Any]]] = {
    BOOLEAN: partial(pa.array, type=BOOLEAN),
    DOUBLE: _numbers,
    DURATION: _durations,
    INTEGER: partial(pa.array, type=INTEGER),
    STRING: partial(pa.array, type=STRING),
}


class Share:
    """The values of one column in a pool, and the slices of arrays that were made of them.

    Args:
        kind: The type of the column.
    """

    def __init__(self, kind: pa.DataType) -> None:
        self._type = kind
        self.values: list[Any] = []
        """The values that are not in an array yet. A value may be None."""
        self._slices: list[pa.Array[Any]] = []

    def receive(self, array: pa.Array[Any]) -> None:
        """Keep the array that was made of the values, and forget the values."""
        self._slices.append(array)
        self.values = []

    def take(self) -> pa.Array[Any]:
        """Return one array of everything that has been converted, and start over."""
        slices, self._slices = self._slices, []
        array: pa.Array[Any] = _arrow.concat_arrays(slices) if slices else pa.array([], self._type)
        return array


class Pools:
    """A pool for each type of column."""

    def __init__(self) -> None:
        self._shares: dict[pa.DataType, list[Share]] = {}
        self.size: int = 0
        """Bytes of the arrays that have been made."""

    @property
    def columns(self) -> int:
        """How many columns have a share."""
        return sum(map(len, self._shares.values()))

    def share(self, kind: pa.DataType) -> Share:
        """Return a share for another column. Its values become an array of this type."""
        share = Share(kind)
        self._shares.setdefault(kind, []).append(share)
        return share

    def convert(self) -> None:
        """Convert the values that are not in an array yet.

        Raises:
            OverflowError: A duration is longer than Arrow can hold. No duration is converted.
            TypeError: A value is of another type than its column. No value of columns of this type is converted.
        """
        for kind, shares in self._shares.items():
            values: list[Any] = []
            for share in shares:
                values += share.values
            array = _CONVERTERS[kind](values)
            start = 0
            for share in shares:
                stop = start + len(share.values)
                share.receive(array.slice(start, stop - start))
                start = stop
            self.size += array.nbytes
