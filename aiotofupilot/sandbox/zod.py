"""The numbers and the complaints of zod, TofuPilot's validator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Complaint", "finite", "malformed", "mistyped", "not_among"]

_WHITE_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""The characters that JavaScript's `Number()` strips. Python's `str.strip` strips other characters."""
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_BASED = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)", re.ASCII)
_INFINITE = re.compile(r"[+-]?Infinity", re.ASCII)


class Complaint(Exception):  # noqa: N818 - a value that the validator refuses is not a failure of the sandbox
    """A value is not valid.

    Args:
        issues: The issues of zod, without the path. Their key ``index`` names a part of the value.
    """

    def __init__(self, *issues: dict[str, Any]) -> None:
        super().__init__(*issues)
        self.issues = issues

    def at(self, name: str) -> list[dict[str, Any]]:
        """Return the issues with their path, in zod's key order."""
        written: list[dict[str, Any]] = []
        for issue in self.issues:
            details = {key: value for key, value in issue.items() if key not in {"index", "message"}}
            path = [name, issue["index"]] if "index" in issue else [name]
            written.append({**details, "path": path, "message": issue["message"]})
        return written


def mistyped(expected: str, received: str) -> dict[str, Any]:
    """Return the issue of a value that has another type."""
    message = f"Invalid input: expected {expected}, received {received}"
    return {"expected": expected, "code": "invalid_type", "message": message}


def malformed(form: str, pattern: str) -> dict[str, Any]:
    """Return the issue of a string that does not have the expected form."""
    return {
        "origin": "string",
        "code": "invalid_format",
        "format": form,
        "pattern": f"/{pattern}/",
        "message": f"Invalid ISO {form}",
    }


def not_among(options: Sequence[str]) -> dict[str, Any]:
    """Return the issue of an unknown word."""
    told = "|".join(f'"{option}"' for option in options)
    return {"code": "invalid_value", "values": list(options), "message": f"Invalid option: expected one of {told}"}


def finite(text: str) -> float:
    """Read a number that is finite.

    Raises:
        Complaint: The text is not a number, or not a finite one.
    """
    number = _javascript_number(text)
    if number is None:
        raise Complaint(mistyped("number", "string"))
    if abs(number) == float("inf"):
        raise Complaint({**mistyped("number", "number"), "received": "Infinity"})
    return number


def _javascript_number(text: str) -> float | None:
    """Read a number as JavaScript's `Number()` does. None stands for its NaN."""
    text = text.strip(_WHITE_SPACE)
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text) or _INFINITE.fullmatch(text):
        return float(text)
    if _BASED.fullmatch(text):
        return _as_float(int(text, 0))
    return None


def _as_float(number: int) -> float:
    """Convert an integer to a float. An integer beyond the range of floats becomes infinity."""
    try:
        return float(number)
    except OverflowError:
        return float("inf")
