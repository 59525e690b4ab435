"""Query parameters that are numbers, moments or durations, and the parameters of paging.

Numbers are read as by JavaScript's `Number()`, so ``50.0``, ``0x10`` and the empty string are numbers.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import frozen

from .parameters import Scalar
from .zod import Complaint, finite, malformed

if TYPE_CHECKING:
    from .parameters import Parameter

__all__ = ["Moment", "Number", "Span", "Whole", "pages"]

_SAFE = 2**53 - 1  # the largest safe integer of JavaScript

# The patterns of zod, as its issues show them.
_DATETIME_PATTERN = (
    r"^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29"
    r"|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|(?:02)-(?:0[1-9]|1\d|2[0-8])))"
    r"T(?:(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|([+-](?:[01]\d|2[0-3]):[0-5]\d)))$"
)
_DATETIME = re.compile(_DATETIME_PATTERN, re.ASCII)
_DURATION_PATTERN = r"^P(?:(\d+W)|(?!.*W)(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?)$"
_DURATION = re.compile(_DURATION_PATTERN, re.ASCII)
_DAYS = {"W": 7, "Y": 365, "M": 30, "D": 1}  # years and months have no fixed length


@frozen
class Number(Scalar[float]):
    """A number."""

    _expected = "number"

    def _parse(self, text: str) -> float:
        return finite(text)


@frozen
class Whole(Scalar[int]):
    """A number that has to be whole."""

    preset: int | None = None
    """The value if the parameter was not sent; None: there is none."""
    minimum: int | None = None
    """The smallest number that is allowed; None: the smallest safe integer of JavaScript."""
    maximum: int | None = None
    """The largest number that is allowed; None: the largest safe integer of JavaScript."""
    safe: bool = True
    """Whether the number must be a safe integer of JavaScript."""

    _expected = "number"

    @property
    def default(self) -> int | None:
        """The value if the parameter was not sent."""
        return self.preset

    def _parse(self, text: str) -> int:
        number = finite(text)
        if not number.is_integer():
            raise Complaint(
                {
                    "expected": "int",
                    "format": "safeint",
                    "code": "invalid_type",
                    "message": "Invalid input: expected int, received number",
                }
            )
        whole = int(number)
        if issues := [*self._unsafe(whole), *self._out_of_bounds(whole)]:
            raise Complaint(*issues)
        return whole

    def _unsafe(self, number: int) -> list[dict[str, Any]]:
        """Return zod's issues with a number that JavaScript cannot hold exactly."""
        if not self.safe or abs(number) <= _SAFE:
            return []
        code, bound, sign = ("too_big", "maximum", "<=") if number > 0 else ("too_small", "minimum", ">=")
        limit = _SAFE if number > 0 else -_SAFE
        return [
            {
                "code": code,
                bound: limit,
                "note": "Integers must be within the safe integer range.",
                "origin": "int",
                "inclusive": True,
                "message": f"Too {code[4:]}: expected int to be {sign}{limit}",
            }
        ]

    def _out_of_bounds(self, number: int) -> list[dict[str, Any]]:
        """Return zod's issues with a number beyond the parameter's own bounds."""
        if self.minimum is not None and number < self.minimum:
            code, bound, sign, limit = "too_small", "minimum", ">=", self.minimum
        elif self.maximum is not None and number > self.maximum:
            code, bound, sign, limit = "too_big", "maximum", "<=", self.maximum
        else:
            return []
        return [
            {
                "origin": "number",
                "code": code,
                bound: limit,
                "inclusive": True,
                "message": f"Too {code[4:]}: expected number to be {sign}{limit}",
            }
        ]


@frozen
class Moment(Scalar[datetime]):
    """A date-time with a UTC offset. It is cut to milliseconds, as in JavaScript."""

    def _parse(self, text: str) -> datetime:
        if not _DATETIME.fullmatch(text):
            raise Complaint(malformed("datetime", _DATETIME_PATTERN))
        if text.startswith("0000"):  # JavaScript has this year, and Python does not
            return datetime.min.replace(tzinfo=UTC)
        moment = datetime.fromisoformat(text)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@frozen
class Span(Scalar[timedelta]):
    """An ISO 8601 duration, such as ``PT1M30.5S``."""

    def _parse(self, text: str) -> timedelta:
        if not _DURATION.fullmatch(text):
            raise Complaint(malformed("duration", _DURATION_PATTERN))
        date, _, time = text[1:].partition("T")
        days = sum(float(number) * _DAYS[unit] for number, unit in re.findall(r"(\d+)([WYMD])", date))
        seconds = sum(
            float(number.replace(",", ".")) * {"H": 3600, "M": 60, "S": 1}[unit]
            for number, unit in re.findall(r"([\d.,]+)([HMS])", time)
        )
        try:
            return timedelta(days=days, seconds=seconds)
        except OverflowError:
            return timedelta.max


def pages(*, minimum: int | None = 0, safe: bool = True) -> tuple[Parameter[Any], ...]:
    """Return the parameters of a listing with pages.

    Args:
        minimum: The smallest cursor; None: any.
        safe: Whether a cursor must be a safe integer of JavaScript.
    """
    return (
        Whole("limit", preset=50, minimum=1, maximum=100),
        Whole("cursor", preset=0, minimum=minimum, safe=safe),
    )
