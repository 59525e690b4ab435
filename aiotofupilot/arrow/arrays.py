"""Arrow's arrays of Python's values. A value may be None, which becomes null.

They are made of buffers, because ``pyarrow.array`` imports pandas if it is installed, which takes a second.

Source: https://arrow.apache.org/docs/format/Columnar.html
"""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Sized

    Array = pa.Array[Any]
    """An array of Arrow. The type of its elements is known when the program runs."""
    Build = Callable[[Sequence[Any]], Array]
    """Makes an array of values. A value may be None."""

    Contents = tuple[list[pa.Buffer], list[Array]]
    """The buffers of an array after the first one, which says what is null, and the arrays of nested values."""

STRING, BOOL, INT32, INT64, DOUBLE = pa.string(), pa.bool_(), pa.int32(), pa.int64(), pa.float64()
TIMESTAMP, DURATION = pa.timestamp("us", "UTC"), pa.duration("us")
MAP, TEXT = pa.map_(STRING, STRING), pa.dictionary(INT32, STRING)

_ENTRY = pa.struct([pa.field("key", STRING, nullable=False), pa.field("value", STRING)])
"""What a map is a list of."""

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

_DIGITS = b"01".ljust(256)
"""The digit for each of the bytes 0 and 1."""

arrow: Any = pa
"""PyArrow without its stubs, which do not know all functions, nor all arguments of the constructors."""


def _made(
    kind: pa.DataType, contents: Callable[[Sequence[Any]], Contents], in_place: object, values: Sequence[object]
) -> Array:
    """Return an array, given what makes its contents of values, and what these have in the place of None."""
    try:
        made, validity = contents(values), None
    except TypeError:  # because of None, or of a value of another type
        present = [value is not None for value in values]
        if not any(present):
            return _nulls(kind, len(values))
        made = contents([in_place if value is None else value for value in values])
        validity = _bits(present)
    return _array(kind, len(values), validity, made)


def _array(kind: pa.DataType, length: int, validity: pa.Buffer | None, contents: Contents) -> Array:
    buffers, children = contents
    made: Array = arrow.Array.from_buffers(kind, length, [validity, *buffers], children=children)
    return made


def _nulls(kind: pa.DataType, length: int) -> Array:
    made: Array = arrow.nulls(length, kind)
    return made


def _bits(flags: Sequence[bool]) -> pa.Buffer:
    """Return truth values, eight in a byte, the first one in its lowest bit."""
    digits = bytes(flags)[::-1].translate(_DIGITS)
    return pa.py_buffer(int(digits or b"0", 2).to_bytes((len(digits) + 7) // 8, "little"))


def _offsets(values: Iterable[Sized]) -> pa.Buffer:
    """Return where each value begins if they stand one after another, and where the last one ends."""
    ends = [*accumulate(map(len, values), initial=0)]
    try:
        return pa.py_buffer(array("i", ends))
    except OverflowError as error:
        message = f"an array of Arrow holds 2,147,483,647 bytes or elements, got {ends[-1]:,}: take fewer rows"
        raise OverflowError(message) from error


def _texts(values: Sequence[str]) -> Contents:
    joined = "".join(values)
    if joined.isascii():
        return [_offsets(values), pa.py_buffer(joined.encode())], []
    encoded = [value.encode() for value in values]
    return [_offsets(encoded), pa.py_buffer(b"".join(encoded))], []


def _numbers(code: str, values: Sequence[float]) -> Contents:
    if bool in {*map(type, values)}:  # which would be taken for 0 or 1
        raise TypeError("a number must not be a bool")
    return [pa.py_buffer(array(code, values))], []


def _truths(values: Sequence[bool]) -> Contents:
    if others := {type(value).__name__ for value in values} - {"bool"}:
        raise TypeError(f"a truth value must be a bool, got {', '.join(sorted(others))}")
    return [_bits(values)], []


def _microseconds(values: Sequence[timedelta]) -> Contents:
    try:
        return _numbers("q", [value // _MICROSECOND for value in values])
    except OverflowError as error:
        longest = max(values, key=abs)
        raise OverflowError(f"Arrow holds a duration of at most 106,751,991 days, got {longest}") from error


def _since_1970(values: Sequence[datetime]) -> Contents:
    return _numbers("q", [(value - _EPOCH) // _MICROSECOND for value in values])


def _entries(values: Sequence[Mapping[str, str]]) -> Contents:
    names = [key for value in values for key in value]
    keys = _array(STRING, len(names), None, _texts(names))  # Arrow ends the process if a key is null
    members = strings([member for value in values for member in value.values()])
    return [_offsets(values)], [_array(_ENTRY, len(names), None, ([], [keys, members]))]


strings: Build = partial(_made, STRING, _texts, "")
truths: Build = partial(_made, BOOL, _truths, False)  # noqa: FBT003 - stands in the place of None
integers: Build = partial(_made, INT64, partial(_numbers, "q"), 0)
small_integers: Build = partial(_made, INT32, partial(_numbers, "i"), 0)
doubles: Build = partial(_made, DOUBLE, partial(_numbers, "d"), 0.0)
durations: Build = partial(_made, DURATION, _microseconds, timedelta(0))
timestamps: Build = partial(_made, TIMESTAMP, _since_1970, _EPOCH)
maps: Build = partial(_made, MAP, _entries, {})
"""Each makes an array of values: aware datetimes, mappings from texts to texts, integers of 64 or 32 bits, and so on.
An integer that no double is exactly is rounded, as in the server's JavaScript."""


def structs(kind: pa.DataType, members: Callable[[Sequence[object]], list[Array]], values: Sequence[object]) -> Array:
    """Return an array of structs, given what makes the arrays of their members."""
    present = [value is not None for value in values]
    if not any(present):
        return _nulls(kind, len(values))
    validity = None if all(present) else _bits(present)
    return _array(kind, len(values), validity, ([], members(values)))


def lists(kind: pa.DataType, elements: Build, values: Sequence[Sequence[object] | None]) -> Array:
    """Return an array of lists, given what makes the array of the elements of all of them."""
    return _made(kind, lambda lists: ([_offsets(lists)], [elements(lists)]), (), values)


def points(series: Iterable[Sequence[float]]) -> Array:
    """Return the points of some series, one after another. NaN becomes null, as in the API's JSON."""
    numbers = array("d")
    for each in series:
        numbers += array("d", each)
    found = _array(DOUBLE, len(numbers), None, ([pa.py_buffer(numbers)], []))
    is_nan = arrow.Array.is_nan(found)  # which imports pyarrow.compute: it takes a while, so nothing else does
    return arrow.compute.if_else(is_nan, None, found) if is_nan.true_count else found
