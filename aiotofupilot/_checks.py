"""Checks arguments where they are given, and hides those that are secrets.

An error names the parameter, its bound and the value. A wrong type raises a TypeError, and a value out of bounds raises
a ValueError. Each error has the parameter's name as its attribute ``parameter``, because a caller may show another
name, such as the option of a command.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime
from ipaddress import ip_address
from operator import index
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import field, frozen

if TYPE_CHECKING:
    from yarl import URL

T = TypeVar("T")
E = TypeVar("E", bound=Exception)

LARGEST = 2**53 - 1
"""The largest integer of the API. Its numbers are JavaScript's, in which larger integers are not exact."""

OVERLAP = 60.0
"""By default, an item is assumed to be visible this many seconds after its creation."""

_OVERLAP_AT_MOST = 86_400
"""The longest overlap, in seconds. Each pass over new items lists the items of the overlap again."""

_SHOWN = 300
"""An error shows at most this many characters of a value. The repr of a run can have a million."""


@frozen(repr=False)
class Secret:
    """A value that its repr does not show.

    Some tools show the local variables of every function in a traceback. So a function that can raise an error never
    has a key or a password as a plain local variable.
    """

    value: Any = field(repr=False)  # rich ignores the class's own repr, but not this

    @classmethod
    def of(cls, value: object) -> Self:
        """Return a value as a secret. A secret is returned unchanged."""
        return value if isinstance(value, cls) else cls(value)

    def __repr__(self) -> str:
        return "None" if self.value is None else "***"


def for_parameter(error: E, parameter: str) -> E:
    """Give an error the attribute ``parameter``, and return it."""
    vars(error)["parameter"] = parameter
    return error


def must_be(error: type[E], parameter: str, bound: str, value: object) -> E:
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return for_parameter(error(f"{parameter} must be {bound}, got {shown}"), parameter)


def as_str(text: str) -> str:
    """Return a plain ``str``. ``str()`` of a member of a ``(str, Enum)`` would be its name, such as ``Line.KEY``."""
    return str.__str__(text)


def aware(name: str, value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise must_be(TypeError, name, "a datetime such as datetime(2026, 1, 1, tzinfo=UTC), or None", value)
    if value.utcoffset() is None:
        raise must_be(ValueError, name, "timezone-aware", value)
    return value


def boolean(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise must_be(TypeError, name, "True or False", value)
    return value


def integer(name: str, value: object, *, low: int, high: int | None = None) -> int:
    """Return an int within its bounds. True and False are not integers here."""
    try:
        number = index(value)  # type: ignore[arg-type] # raises a TypeError if it is not one
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise must_be(TypeError, name, "an integer", value)
    if number < low or (high is not None and number > high):
        bound = f"at least {low}" if high is None else f"between {low} and {high}"
        raise must_be(ValueError, name, bound, int(number))
    return int(number)  # str() of a member of an (int, Enum) would be its name


def seconds(name: str, value: object, *, zero: bool = True) -> float:
    """Return a finite number of seconds, 0 or more, or more than 0 if ``zero`` is false."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise must_be(TypeError, name, "a number of seconds", value)
    if not 0 <= value <= sys.float_info.max or (value == 0 and not zero):
        bound = "0 or more" if zero else "more than 0"
        raise must_be(ValueError, name, f"{bound} seconds and finite", value)
    return float(value)


def checked_overlap(overlap: object) -> float:
    checked = seconds("overlap", overlap, zero=False)
    if checked > _OVERLAP_AT_MOST:
        raise must_be(ValueError, "overlap", f"at most {_OVERLAP_AT_MOST:,} seconds (a day)", overlap)
    return checked


def one_of(name: str, value: T, choices: tuple[T, ...]) -> T:
    if value not in choices:
        raise must_be(ValueError, name, f"one of {', '.join(map(repr, choices))}", value)
    return value


def is_loopback(host: str) -> bool:
    """Return whether a host is certainly this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"  # not *.localhost: some resolvers ask the network for those names


def host_of(url: URL) -> str:
    """Return the host of a URL. Raise a ValueError if it has none, or one that cannot be looked up."""
    host = url.host  # this decodes it, so it may fail
    (url.raw_host or "").encode("idna")  # the host is looked up in this form
    if host and ":" in host:
        ip_address(host)  # yarl takes any text in brackets
    if not host:
        raise ValueError("it has no host")
    return host


def is_visible(text: str) -> bool:
    """Return whether a text has only visible ASCII characters, and at least one."""
    return re.fullmatch(r"[!-~]+", text) is not None
