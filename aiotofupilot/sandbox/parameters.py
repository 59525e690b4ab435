"""Query parameters by type, with the complaints that zod, TofuPilot's validator, has about them.

Each type is a class that reads the values of one parameter. `read` reads a whole query. Numbers are read as
JavaScript's `Number()` reads them, so that ``50.0``, ``0x10`` and the empty string are numbers. Unknown parameters are
ignored. A scalar parameter that is repeated is refused.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import frozen

from .wire import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .request import Query

__all__ = [
    "Asked",
    "Choice",
    "Choices",
    "Complaint",
    "Flag",
    "Moment",
    "Number",
    "Parameter",
    "Scalar",
    "Span",
    "Text",
    "Texts",
    "Whole",
    "pages",
    "read",
]

T = TypeVar("T")

Asked = dict[str, Any]
"""What a valid request asks for: parameters with their values. A parameter without value or default is left out."""

_SAFE = 2**53 - 1  # the largest integer that JavaScript's numbers hold exactly, with all smaller ones
_WHITE_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What JavaScript's `Number()` strips; Python's `str.strip` knows other characters."""
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_BASED = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)", re.ASCII)
_INFINITE = re.compile(r"[+-]?Infinity", re.ASCII)

# zod's own patterns, as they stand in its issues.
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


class Complaint(Exception):  # noqa: N818 - a value that the validator refuses is no failure
    """A value is not valid.

    Args:
        issues: What zod says, without the path. An ``index`` says which part of the value is meant.
    """

    def __init__(self, *issues: dict[str, Any]) -> None:
        super().__init__(*issues)
        self.issues = issues

    def at(self, name: str) -> list[dict[str, Any]]:
        """Write the issues with their path, in zod's key order."""
        written: list[dict[str, Any]] = []
        for issue in self.issues:
            details = {key: value for key, value in issue.items() if key not in {"index", "message"}}
            path = [name, issue["index"]] if "index" in issue else [name]
            written.append({**details, "path": path, "message": issue["message"]})
        return written


@frozen
class Parameter(Generic[T]):
    """One parameter of a listing."""

    name: str
    """As it is written in the query."""

    @property
    def default(self) -> T | None:
        """What counts where the parameter was not sent; None: nothing."""
        return None

    @abstractmethod
    def read(self, values: Sequence[str]) -> T | None:
        """Read the values that were sent, at least one; None: the parameter counts as not sent.

        Raises:
            Complaint: If they are not valid.
        """


@frozen
class Scalar(Parameter[T]):
    """A parameter that must not be repeated."""

    _expected = "string"

    def read(self, values: Sequence[str]) -> T | None:
        """Read the only value that may be sent."""
        if len(values) > 1:
            raise Complaint(self._mistyped("array"))
        return self._parse(values[0])

    @abstractmethod
    def _parse(self, text: str) -> T | None:
        """Read one value."""

    def _mistyped(self, received: str) -> dict[str, Any]:
        """Say that a value is of another type."""
        return _mistyped(self._expected, received)


@frozen
class Number(Scalar[float]):
    """A number."""

    _expected = "number"

    def _parse(self, text: str) -> float:
        return _finite(text)


@frozen
class Whole(Scalar[int]):
    """A number that has to be whole."""

    preset: int | None = None
    """What counts where the parameter was not sent; None: nothing."""
    minimum: int | None = None
    """Smallest one allowed; None: the smallest safe integer of JavaScript."""
    maximum: int | None = None
    """Largest one allowed; None: the largest safe integer of JavaScript."""
    safe: bool = True
    """Whether integers must be safe ones of JavaScript."""

    _expected = "number"

    @property
    def default(self) -> int | None:
        """What counts where the parameter was not sent."""
        return self.preset

    def _parse(self, text: str) -> int:
        number = _finite(text)
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
        """Complain of a number that JavaScript cannot hold exactly."""
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
        """Complain of a number beyond the parameter's own bounds."""
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
class Text(Scalar[str]):
    """A string."""

    maximum: int | None = None
    """Most characters, which JavaScript counts in UTF-16 units; None: any number."""
    required: bool = False
    """Whether the parameter must be sent."""

    def _parse(self, text: str) -> str:
        if self.maximum is not None and len(text.encode("utf-16-le", "surrogatepass")) // 2 > self.maximum:
            raise Complaint(
                {
                    "origin": "string",
                    "code": "too_big",
                    "maximum": self.maximum,
                    "inclusive": True,
                    "message": f"Too big: expected string to have <={self.maximum} characters",
                }
            )
        return text

    @property
    def default(self) -> str | None:
        """Nothing, if that is allowed."""
        if self.required:
            raise Complaint(self._mistyped("undefined"))
        return None


@frozen
class Flag(Scalar[bool]):
    """A boolean: ``true`` or ``1``, ``false`` or ``0``."""

    preset: bool | None = None
    """What counts where the parameter was not sent; None: nothing."""

    _expected = "boolean"

    @property
    def default(self) -> bool | None:
        """What counts where the parameter was not sent."""
        return self.preset

    def _parse(self, text: str) -> bool:
        if text not in {"true", "1", "false", "0"}:
            raise Complaint(self._mistyped("string"))
        return text in {"true", "1"}


@frozen
class Moment(Scalar[datetime]):
    """A date-time that says how far from UTC it is, cut to milliseconds as JavaScript's are."""

    def _parse(self, text: str) -> datetime:
        if not _DATETIME.fullmatch(text):
            raise Complaint(_malformed("datetime", _DATETIME_PATTERN))
        if text.startswith("0000"):  # a year that JavaScript has and Python has not
            return datetime.min.replace(tzinfo=UTC)
        moment = datetime.fromisoformat(text)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@frozen
class Span(Scalar[timedelta]):
    """An ISO 8601 duration, such as ``PT1M30.5S``."""

    def _parse(self, text: str) -> timedelta:
        if not _DURATION.fullmatch(text):
            raise Complaint(_malformed("duration", _DURATION_PATTERN))
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


@frozen
class Choice(Parameter[str]):
    """One of several words."""

    options: tuple[str, ...]
    """The words."""
    preset: str | None = None
    """What counts where the parameter was not sent; None: nothing."""

    @property
    def default(self) -> str | None:
        """What counts where the parameter was not sent."""
        return self.preset

    def read(self, values: Sequence[str]) -> str:
        """Read one word. zod does not tell a repeated word from an unknown one."""
        if len(values) > 1 or values[0] not in self.options:
            raise Complaint(_not_among(self.options))
        return values[0]


@frozen
class Texts(Parameter[frozenset[str]]):
    """Strings: the key may be repeated, and a single value is an array of one."""

    def read(self, values: Sequence[str]) -> frozenset[str]:
        """Take the values as they are."""
        return frozenset(values)


@frozen
class Choices(Parameter[frozenset[str]]):
    """Words of a known set: the key may be repeated."""

    options: tuple[str, ...]
    """The words."""

    def read(self, values: Sequence[str]) -> frozenset[str]:
        """Check the values one by one."""
        unknown = [index for index, value in enumerate(values) if value not in self.options]
        if unknown:
            raise Complaint(*({**_not_among(self.options), "index": index} for index in unknown))
        return frozenset(values)


def pages(*, minimum: int | None = 0, safe: bool = True) -> tuple[Parameter[Any], ...]:
    """Give the parameters of a listing that comes in pages.

    Args:
        minimum: Smallest cursor; None: any.
        safe: Whether a cursor must be a safe integer of JavaScript.
    """
    return (
        Whole("limit", preset=50, minimum=1, maximum=100),
        Whole("cursor", preset=0, minimum=minimum, safe=safe),
    )


def read(parameters: Sequence[Parameter[Any]], query: Query) -> Asked:
    """Read the query of a request.

    Raises:
        Refusal: If a parameter is not valid. Its issues say all that is wrong, in the order of `parameters`.
    """
    sent: dict[str, list[str]] = {}
    for name, text in query.pairs:
        sent.setdefault(name, []).append(text)
    asked: Asked = {}
    issues: list[dict[str, Any]] = []
    for parameter in parameters:
        values = sent.get(parameter.name)
        try:
            value = parameter.default if values is None else parameter.read(values)
        except Complaint as complaint:
            issues += complaint.at(parameter.name)
        else:
            if value is not None:
                asked[parameter.name] = value
    if issues:
        raise Refusal(400, "BAD_REQUEST", "Input validation failed", issues)
    return asked


def _mistyped(expected: str, received: str) -> dict[str, Any]:
    """Say that a value is of another type."""
    message = f"Invalid input: expected {expected}, received {received}"
    return {"expected": expected, "code": "invalid_type", "message": message}


def _malformed(form: str, pattern: str) -> dict[str, Any]:
    """Say that a string has not the form that is asked for."""
    return {
        "origin": "string",
        "code": "invalid_format",
        "format": form,
        "pattern": f"/{pattern}/",
        "message": f"Invalid ISO {form}",
    }


def _not_among(options: Sequence[str]) -> dict[str, Any]:
    """Say that a word is unknown."""
    told = "|".join(f'"{option}"' for option in options)
    return {"code": "invalid_value", "values": list(options), "message": f"Invalid option: expected one of {told}"}


def _finite(text: str) -> float:
    """Read a number that is finite.

    Raises:
        Complaint: If it is not.
    """
    number = _javascript_number(text)
    if number is None:
        raise Complaint(_mistyped("number", "string"))
    if abs(number) == float("inf"):
        raise Complaint({**_mistyped("number", "number"), "received": "Infinity"})
    return number


def _javascript_number(text: str) -> float | None:
    """Read a number as JavaScript's `Number()` does; None stands for its NaN."""
    text = text.strip(_WHITE_SPACE)
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text) or _INFINITE.fullmatch(text):
        return float(text)
    if _BASED.fullmatch(text):
        return _as_float(int(text, 0))
    return None


def _as_float(number: int) -> float:
    """Convert an integer, an enormous one to infinity."""
    try:
        return float(number)
    except OverflowError:
        return float("inf")
