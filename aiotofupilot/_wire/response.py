"""An HTTP response, and how to read the page or error in it.

Source: https://www.tofupilot.com/docs/api
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from attrs import field, frozen

from aiotofupilot import errors
from aiotofupilot.models import Page, PageMeta

from .times import read_http_date

T = TypeVar("T")

_ADDRESS = re.compile(rb'("(?:artifact|download)_url"\s*:\s*")[^"]*')
"""A presigned address in JSON. Its end may be missing."""

_REQUEST_ID_HEADERS = ("x-request-id", "x-vercel-id", "cf-ray")
"""Headers with the ID of a request. The first one present counts."""


@frozen
class Response:
    """An HTTP response with its whole body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # a server may repeat the key, and tools show local variables
    """Case-insensitive."""
    body: bytes = field(repr=False)
    """Decompressed."""
    received_at: datetime
    """When the whole response had arrived, by the local clock, timezone-aware."""

    @property
    def request_id(self) -> str | None:
        """The server's or a proxy's ID of the request, or None."""
        headers = self.headers
        return next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None)


def read_page(response: Response, cursor: int, decode: Callable[[bytes], tuple[list[T], PageMeta]]) -> Page[T]:
    """Return the page that a response to a request for ``cursor`` holds, or raise the error in it."""
    if 200 <= response.status < 300:  # noqa: PLR2004 - the class of success in HTTP
        return Page(*decode(response.body), cursor, response.request_id, response.headers)
    raise problem(response)


def read_item(response: Response, decode: Callable[[bytes], T], missing: str, forbidden: str | None = None) -> T:
    """Return the single item of a response. ``missing`` is the hint of a 404, ``forbidden`` the hint of a 403."""
    if 200 <= response.status < 300:  # noqa: PLR2004 - the class of success in HTTP
        return decode(response.body)
    failure = problem(response)
    if failure.code is not None:  # an error of a proxy says nothing about the item
        failure.hint = {404: missing, 403: forbidden}.get(failure.status)
    raise failure


def read_json(body: bytes) -> Any:
    """Return a body as plain JSON values. Raise an `InvalidJSONError` if it is not JSON."""
    import msgspec  # noqa: PLC0415 - when the first response needs it

    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = str(error)
    # Raised outside the handler, because the cause may hold a part of the body.
    raise errors.InvalidJSONError(f"the body is not JSON: {message}", body=excerpt(body))


def excerpt(body: bytes) -> bytes:
    """Return the beginning of a body for an error, without presigned addresses."""
    return _ADDRESS.sub(rb"\1***", body[: errors.BODY_EXCERPT])


_ERRORS: dict[int, type[errors.APIError]] = {
    400: errors.BadRequestError,
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    408: errors.ServerError,
    429: errors.RateLimitedError,
}

_PARSED_AT_MOST = 64 * 1024
"""The API's errors have a few hundred bytes. A larger body is not an error of the API."""

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
"""A Retry-After has fewer than ten digits. Some servers send a point in time by mistake."""


@frozen
class _Problem:
    """An error body of the API, with all documented members. A gateway's code can be a number."""

    message: str = ""
    code: str | float | None = None
    issues: Any = ()


def problem(response: Response) -> errors.APIError:
    """Return the error for any response. A body that is not the API's is summarized."""
    import msgspec  # noqa: PLC0415 - when the first response needs it

    status, said = response.status, _Problem()
    if len(response.body) <= _PARSED_AT_MOST:
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a proxy's HTML, or nothing at all
            said = msgspec.json.decode(response.body, type=_Problem)
    issues: tuple[errors.ValidationIssue, ...] = ()
    with suppress(msgspec.ValidationError):  # issues in an unknown form, because the form depends on the version of zod
        issues = msgspec.convert(said.issues, tuple[errors.ValidationIssue, ...])
    return _ERRORS.get(status, errors.ServerError if status >= 500 else errors.APIError)(  # noqa: PLR2004 - the class of the server's faults
        said.message or _summary(response),
        status=status,
        code=said.code if isinstance(said.code, str) else None,
        issues=issues,
        request_id=response.request_id,
        retry_after=retry_after(response),
        body=excerpt(response.body),
        headers=response.headers,
    )


def _summary(response: Response) -> str:
    if not response.body:
        return "the response has no body"
    kind = response.headers.get("Content-Type", "unknown type").partition(";")[0]
    return f"the response is not TofuPilot's: {len(response.body)} bytes of {kind}"


def retry_after(response: Response) -> float | None:
    """Return the seconds that a response asks to wait: 0.0 for a date that has passed, None without a valid header.

    A date is compared with the response's own ``Date``, if any, because the clocks may differ.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after. Servers send fractions, which the
    standard lacks.
    """
    asked = response.headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(asked):
        return float(asked)
    until = read_http_date(asked)
    if until is None:
        return None
    since = read_http_date(response.headers.get("Date", "")) or response.received_at
    return max(0.0, (until - since).total_seconds())
