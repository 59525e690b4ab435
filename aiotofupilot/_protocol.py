"""The API's words, without I/O: a query becomes a request target, an answer becomes a page or an error.

Source: https://www.tofupilot.com/docs/api
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, urlencode

import orjson
from attrs import frozen

from .errors import (
    BODY_EXCERPT,
    APIError,
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    UnauthorizedError,
    ValidationIssue,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .models import Page

__all__ = ["Response", "date_time", "following", "read_page", "request_target", "retry_after"]

T = TypeVar("T")


@frozen
class Response:
    """An HTTP answer, wholly read."""

    status: int
    """Status code."""
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes
    """Decompressed."""
    received_at: datetime
    """When it had arrived, by the local clock; timezone-aware."""


_ERRORS: dict[int, type[APIError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    408: ServerError,
    429: RateLimitedError,
}

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
"""Ten digits are a point in time, which some servers send by mistake."""

_LATEST = datetime.max.replace(microsecond=999_000, tzinfo=UTC)

_REQUEST_ID_HEADERS = ("x-request-id", "x-vercel-id", "cf-ray")
"""Where servers and proxies commonly put a request's name; the first that is there is taken."""


def date_time(moment: datetime, *, round_up: bool = False) -> str:
    """Spell an aware moment as the API takes it: ISO 8601, UTC, milliseconds, ``Z``.

    Args:
        moment: Timezone-aware.
        round_up: Whether a fraction of a millisecond counts as a whole one; it is dropped otherwise.
    """
    moment = moment.astimezone(UTC)
    if round_up:
        moment = min(moment, _LATEST)
        moment += timedelta(microseconds=-moment.microsecond % 1000)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def request_target(path: str, parameters: Mapping[str, str | int]) -> str:
    """Return a path and its query, percent-encoded."""
    return f"{path}?{urlencode(parameters, quote_via=quote)}"


def read_page(response: Response, cursor: int, decode: Callable[[bytes, int], Page[T]]) -> Page[T]:
    """Return the page that an answer holds.

    Args:
        response: The answer to the request of a page.
        cursor: Where that page was asked to begin.
        decode: From a body and its cursor to a page.

    Raises:
        APIError: The answer says no.
        DecodeError: It says yes, and is not a page.
    """
    if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        return decode(response.body, cursor)
    raise _api_error(response)


def following(page: Page[Any]) -> int | None:
    """Return where the server says that the next page begins; None: the listing ends with this one."""
    return page.following


def _api_error(response: Response) -> APIError:
    """Return the error that an answer stands for, whatever its body is."""
    status, headers = response.status, response.headers
    problem = _members(_parsed(response.body)) if len(response.body) <= BODY_EXCERPT else {}
    message, code = problem.get("message"), problem.get("code")
    return _ERRORS.get(status, ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else APIError)(
        message if isinstance(message, str) and message else _summary(response),
        status=status,
        code=code if isinstance(code, str) else None,
        issues=[_issue(_members(issue)) for issue in _elements(problem.get("issues"))],
        request_id=next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None),
        retry_after=retry_after(response),
        body=response.body[:BODY_EXCERPT],
    )


def _issue(issue: dict[str, Any]) -> ValidationIssue:
    message, code = issue.get("message"), issue.get("code")
    return ValidationIssue(
        message=message if isinstance(message, str) else "unexplained",
        path=tuple(step for step in _elements(issue.get("path")) if isinstance(step, str | int)),
        code=code if isinstance(code, str) else None,
    )


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None  # a proxy's HTML, or nothing at all


def _members(value: object) -> dict[str, Any]:
    return cast("Any", value) if isinstance(value, dict) else {}


def _elements(value: object) -> list[Any]:
    return cast("Any", value) if isinstance(value, list) else []


def _summary(response: Response) -> str:
    """Describe a body that is not the API's."""
    if not response.body:
        return "the answer has no body"
    kind = response.headers.get("Content-Type", "unknown type").partition(";")[0]
    return f"the answer is not TofuPilot's: {len(response.body)} bytes of {kind}"


def retry_after(response: Response) -> float | None:
    """Return for how many seconds an answer asks to wait.

    A date is measured from the answer's own ``Date`` where it has one: the two clocks need not agree.

    Returns:
        Seconds, 0.0 for a date that has passed; None: the answer does not ask, or not in a way that can be read.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after. Fractions are no part of it, and are sent.
    """
    asked = response.headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(asked):
        return float(asked)
    until = _http_date(asked)
    if until is None:
        return None
    since = _http_date(response.headers.get("Date", "")) or response.received_at
    return max(0.0, (until - since).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # "-0000": UTC, its origin unknown
