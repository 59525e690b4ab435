"""Query parameters of a listing, with the complaints that zod, TofuPilot's validator, has about them.

Numbers are read as JavaScript's `Number()` reads decimals, so that ``50.0`` and the empty string are numbers. What the
recorded answers leave open is decided here: a cursor that is negative or has a fraction is refused, in zod's words.
Unknown parameters are ignored, and of a repeated one the first counts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from .wire import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Parameters"]

_DEFAULT_LIMIT = 50
_MAX_LIMIT = 100
_MAX_SEARCH_QUERY = 100

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)

# zod's own, as it stands in its issues; other than documented, it insists on seconds.
_DATETIME_PATTERN = (
    r"^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29"
    r"|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|(?:02)-(?:0[1-9]|1\d|2[0-8])))"
    r"T(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|([+-](?:[01]\d|2[0-3]):[0-5]\d)))$"
)
_DATETIME = re.compile(_DATETIME_PATTERN, re.ASCII)


@frozen(kw_only=True)
class Parameters:
    """What a valid request asks for."""

    limit: int = _DEFAULT_LIMIT
    """Procedures a page, 1 to 100."""
    cursor: int = 0
    """Where the page begins, at least 0."""
    search_query: str = ""
    """What name or id must contain; empty: nothing in particular."""
    created_after: datetime | None = None
    """Earliest creation; None: any."""
    created_before: datetime | None = None
    """Latest creation; None: any."""

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Parameters:
        """Read the query of a request.

        Raises:
            Refusal: If a parameter is not valid; its issues say all that is wrong, in the order of the API's documents.
        """
        reader = _Reader(query)
        parameters = cls(
            limit=reader.integer("limit", default=_DEFAULT_LIMIT, minimum=1, maximum=_MAX_LIMIT),
            cursor=reader.integer("cursor", default=0, minimum=0, maximum=None),
            search_query=reader.text("search_query", maximum=_MAX_SEARCH_QUERY),
            created_after=reader.moment("created_after"),
            created_before=reader.moment("created_before"),
        )
        if reader.issues:
            raise Refusal(400, "BAD_REQUEST", "Input validation failed", reader.issues)
        return parameters


class _Reader:
    """Reads parameters one by one and collects the issues; what it returns beside an issue is a filler."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.query = query
        self.issues: list[dict[str, Any]] = []

    def integer(self, name: str, *, default: int, minimum: int, maximum: int | None) -> int:
        """Read a number that has to be whole."""
        text = self.query.get(name)
        if text is None:
            return default
        number = _javascript_number(text)
        if number is None:
            self.complain(
                {"expected": "number", "code": "invalid_type"},
                name,
                "Invalid input: expected number, received string",
            )
        elif not number.is_integer():
            self.complain(
                {"expected": "int", "format": "safeint", "code": "invalid_type"},
                name,
                "Invalid input: expected int, received number",
            )
        elif number < minimum:
            self.complain(
                {"origin": "number", "code": "too_small", "minimum": minimum, "inclusive": True},
                name,
                f"Too small: expected number to be >={minimum}",
            )
        elif maximum is not None and number > maximum:
            self.complain(
                {"origin": "number", "code": "too_big", "maximum": maximum, "inclusive": True},
                name,
                f"Too big: expected number to be <={maximum}",
            )
        else:
            return int(number)
        return default

    def text(self, name: str, *, maximum: int) -> str:
        """Read a string of bounded length, which JavaScript counts in UTF-16 units."""
        text = self.query.get(name, "")
        if len(text.encode("utf-16-le", "surrogatepass")) // 2 > maximum:
            self.complain(
                {"origin": "string", "code": "too_big", "maximum": maximum, "inclusive": True},
                name,
                f"Too big: expected string to have <={maximum} characters",
            )
        return text

    def moment(self, name: str) -> datetime | None:
        """Read a date-time that says how far from UTC it is, cut to milliseconds as JavaScript's are."""
        text = self.query.get(name)
        if text is None:
            return None
        if not _DATETIME.fullmatch(text):
            self.complain(
                {
                    "origin": "string",
                    "code": "invalid_format",
                    "format": "datetime",
                    "pattern": f"/{_DATETIME_PATTERN}/",
                },
                name,
                "Invalid ISO datetime",
            )
            return None
        if text.startswith("0000"):  # a year that JavaScript has and Python has not
            return datetime.min.replace(tzinfo=UTC)
        moment = datetime.fromisoformat(text)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def complain(self, issue: dict[str, Any], name: str, message: str) -> None:
        """Add an issue in zod's key order."""
        self.issues.append({**issue, "path": [name], "message": message})


def _javascript_number(text: str) -> float | None:
    """Read a decimal as JavaScript's `Number()` does; None stands for its NaN, and for its Infinity."""
    text = text.strip()
    if not text:
        return 0.0
    number = float(text) if _NUMBER.fullmatch(text) else float("inf")
    return number if abs(number) != float("inf") else None
