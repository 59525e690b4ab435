"""Checks of one value. Each returns the value in the form that is sent, or raises an error that names the parameter.

A value may be a part of an argument. The message of the error names its place, such as ``ids[1]``. The attribute
``parameter`` of the error names the parameter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from aiotofupilot._arguments import as_float, named, plain

__all__ = ["duration", "elements", "mapping", "moment", "number", "one_of", "text"]


def text(place: str, value: object, parameter: str, *, at_most: int | None = None) -> str:
    """Return a string as it is sent. `at_most` is its greatest length in UTF-16 code units."""
    if not isinstance(value, str):
        raise named(TypeError(f"{place} must be a string, got {value!r}"), parameter)
    sent = plain(value)
    try:
        length = len(sent.encode("utf-16-le")) // 2
    except UnicodeEncodeError as error:
        complaint = f"{place} has half a surrogate pair and cannot be sent, got {sent!r}"
        raise named(ValueError(complaint), parameter) from error
    if at_most is not None and length > at_most:
        raise named(ValueError(f"{place} must have at most {at_most} characters, got {length}"), parameter)
    return sent


def one_of(place: str, value: object, parameter: str, allowed: tuple[str, ...]) -> str:
    """Return one of a few strings."""
    sent = text(place, value, parameter)
    if sent not in allowed:
        listed = ", ".join(map(repr, allowed))
        raise named(ValueError(f"{place} must be one of {listed}, got {sent!r}"), parameter)
    return sent


def elements(place: str, values: object, parameter: str) -> list[tuple[str, object]]:
    """Return the elements of an iterable with their places. None has no elements."""
    if values is None:
        return []
    if isinstance(values, str | bytes | bytearray | memoryview | Mapping) or not isinstance(values, Iterable):
        raise named(TypeError(f"{place} must be a list or another iterable of strings, got {values!r}"), parameter)
    return [(f"{place}[{at}]", value) for at, value in enumerate(cast("Iterable[object]", values))]


def mapping(place: str, value: object, parameter: str) -> Mapping[Any, object]:
    """Return a mapping. Its keys and values are not checked here."""
    if not isinstance(value, Mapping):
        raise named(TypeError(f"{place} must be a mapping, got {value!r}"), parameter)
    return cast("Mapping[Any, object]", value)


def moment(name: str, value: object) -> datetime:
    """Return a datetime in UTC."""
    if not isinstance(value, datetime):
        advice = "datetime.fromisoformat() turns a string into one"
        if isinstance(value, date):
            advice = "datetime.combine(day, time(), tzinfo=UTC) is the first moment of a day in UTC"
        raise named(TypeError(f"{name} must be a datetime, got {value!r}; {advice}"), name)
    if value.utcoffset() is None:
        complaint = (
            f"{name} must be timezone-aware, got {value!r}; "
            "use moment.astimezone() for local time, or moment.replace(tzinfo=UTC) for UTC"
        )
        raise named(ValueError(complaint), name)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        complaint = f"{name} must be within the years 1 to 9999 in UTC, got {value!r}"
        raise named(ValueError(complaint), name) from error


def duration(name: str, value: object) -> timedelta:
    """Return a timedelta of at least zero."""
    if not isinstance(value, timedelta):
        raise named(TypeError(f"{name} must be a timedelta, got {value!r}"), name)
    if value < timedelta():
        raise named(ValueError(f"{name} must be at least timedelta(0), got {value!r}"), name)
    return value


def number(place: str, value: object, parameter: str) -> float:
    """Return a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise named(TypeError(f"{place} must be a number, got {value!r}"), parameter)
    finite = as_float(value)
    if not math.isfinite(finite):
        raise named(ValueError(f"{place} must be a finite number, got {value!r}"), parameter)
    return finite
