"""The errors of this package, under one root.

TofuPilotError
 ├── ConfigurationError          key, URL or option unusable; nothing was sent
 ├── SessionError                the session or the walk is closed, or the session is of another event loop
 ├── TransportError              no response
 │    ├── ConnectionFailedError  refused, reset, or the body was cut short
 │    │    └── CertificateError  the server's certificate was not accepted; never tried again
 │    ├── RequestTimeoutError    no whole response within ``timeout``
 │    ├── ProxyError             the proxy refused to pass the request on; never tried again
 │    ├── RedirectError          the server redirected to another origin, or too often
 │    └── ResponseTooLargeError  more bytes than ``max_body``
 ├── APIError                    an error of the server
 │    ├── BadRequestError        400
 │    ├── UnauthorizedError      401
 │    ├── ForbiddenError         403
 │    ├── NotFoundError          404
 │    ├── RateLimitedError       429
 │    └── ServerError            5xx, and 408
 ├── DecodeError                 a response that is not what the API promises
 │    └── InvalidJSONError       not even JSON
 ├── AttachmentError             an attachment has no address, or another process is downloading it
 ├── PaginationError             a cursor that leads nowhere
 └── DriftError                  the listing moved, and the walk's position in it was lost

A bad argument raises Python's own `ValueError` or `TypeError` instead. Every error has its facts as attributes, and can
be pickled. Its text is one line without control characters; its attributes keep the original texts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from .positions import Checkpoint, Watermark

__all__ = [
    "APIError",
    "AttachmentError",
    "BadRequestError",
    "CertificateError",
    "ConfigurationError",
    "ConnectionFailedError",
    "DecodeError",
    "DriftError",
    "ForbiddenError",
    "InvalidJSONError",
    "NotFoundError",
    "PaginationError",
    "ProxyError",
    "RateLimitedError",
    "RedirectError",
    "RequestTimeoutError",
    "ResponseTooLargeError",
    "ServerError",
    "SessionError",
    "TofuPilotError",
    "TransportError",
    "UnauthorizedError",
    "ValidationIssue",
]

CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL and C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # marks, embeddings, overrides and isolates of direction
    "\u2028\u2029\ufff9-\ufffb]"  # line ends, and annotations, which can be hidden
)
"""Characters that break a line, control a terminal or reverse text.

Source: https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
"""

BODY_EXCERPT = 2000
"""An error keeps at most this many bytes of an unusable response."""

_ITEM = re.compile(r"\$(?:\.data)?\[(\d+)\]", re.ASCII)
"""The start of a path into an item, on a page or in a bare array."""


def visible(text: str) -> str:
    """Return text as one line that cannot control a terminal."""
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


class TofuPilotError(Exception):
    """Root of every error that this package defines."""

    checkpoint: Checkpoint | None = None
    """Where to resume the walk, or None if the error is not from a walk."""
    position: int | None = None
    """The position of the unreadable item, from 0, or None."""
    item_id: str | None = None
    """The ID of the item with unreadable details, or None."""
    watermark: Watermark | None = None
    """What `Paginator.since` or `Paginator.follow` had seen, or None."""
    attempts: int = 0
    """Requests made for the page or the unreadable item. 0 if there were none."""
    hint: str | None = None
    """How to fix it, in one sentence, or None."""
    elapsed: float | None = None
    """Seconds from the first attempt, or the wait before it, to this error. None if the first error was raised at
    once."""
    down_since: datetime | None = None
    """When the session went down, in UTC. None if it was not down."""

    def __str__(self) -> str:
        return self._completed(super().__str__())

    def _completed(self, message: str) -> str:
        """Add the hint and the attempts. Line breaks are removed, because they could forge a log line."""
        if self.elapsed is not None:
            attempts = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
            message = f"{message} ({attempts} in {self.elapsed:.1f} s)"
        return visible(f"{message}; {self.hint}" if self.hint else message)

    def __reduce__(self) -> tuple[object, ...]:
        # BaseException.__reduce__ would call __init__ with the message alone.
        return type(self).__new__, (type(self), *self.args), self.__dict__


class ConfigurationError(TofuPilotError):
    """A key, URL or combination of options cannot be used; nothing was sent."""


class SessionError(TofuPilotError):
    """The session or the walk is closed, or the session belongs to another event loop."""


class TransportError(TofuPilotError):
    """No response arrived."""


class ConnectionFailedError(TransportError):
    """The connection failed or broke before the whole body arrived, or the response is not HTTP."""


class CertificateError(ConnectionFailedError):
    """The server's TLS certificate was not accepted. The request is not retried."""


class RequestTimeoutError(TransportError):
    """The whole response did not arrive within the timeout.

    Attributes:
        timeout: The limit in seconds; None if the connection gave up first.
    """

    def __init__(self, message: str, *, timeout: float | None) -> None:
        super().__init__(message)
        self.timeout = timeout


class ProxyError(TransportError):
    """The proxy refused the request. The request is not retried.

    A proxy that cannot be reached, or cannot reach the server, is a `ConnectionFailedError`.

    Attributes:
        status: The proxy's status code, such as 407 for a wrong password. Without TLS, a 403 is a `ForbiddenError`.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class RedirectError(TransportError):
    """The server redirected to another origin, to an invalid URL, or more than 5 times. The key was not sent there.

    Attributes:
        location: The target of the last redirect.
    """

    def __init__(self, message: str, *, location: str) -> None:
        super().__init__(message)
        self.location = location


class ResponseTooLargeError(TransportError):
    """The body is larger than the session's ``max_body``. Reading stopped there.

    Attributes:
        limit: The most bytes of a body, decompressed.
    """

    def __init__(self, message: str, *, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


@frozen
class ValidationIssue:
    """One fault of the input, as the API reports it (zod's issues)."""

    message: str
    """In English, for people."""
    path: tuple[str | int, ...] = ()
    """The names and indexes of the input, such as ``("limit",)``."""
    code: str | None = None
    """zod's code, such as ``too_big``, or None."""


class APIError(TofuPilotError):
    """The server responded with an error.

    Attributes:
        status: HTTP status code.
        code: The API's code, such as ``BAD_REQUEST``, or None if the response is not the API's.
        message: The API's message, or a summary of another body.
        issues: The faults of the input; empty if there were none.
        request_id: The ID of the request for a support ticket, or None.
        retry_after: Seconds that the server asked to wait, or None.
        body: The response's first 2,000 bytes, decompressed.
        headers: The response's headers; case does not matter in their names.

    If the response repeats the key, no text of it is kept.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        issues: Sequence[ValidationIssue] = (),
        request_id: str | None = None,
        retry_after: float | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.issues: tuple[ValidationIssue, ...] = tuple(issues)
        self.request_id = request_id
        self.retry_after = retry_after
        self.body = body
        self.headers: Mapping[str, str] = {} if headers is None else headers

    def __str__(self) -> str:
        head = f"{self.status} {self.code}" if self.code else f"{self.status}"
        complaints = "; ".join(
            f"{'.'.join(map(str, issue.path))}: {issue.message}" if issue.path else issue.message
            for issue in self.issues
        )
        message = f"{head}: {self.message}" + (f" ({complaints})" if complaints else "")
        return self._completed(message)


class BadRequestError(APIError):
    """400: the input failed validation; `issues` says where."""


class UnauthorizedError(APIError):
    """401: the key is missing or wrong."""


class ForbiddenError(APIError):
    """403: the key may not read this. A station's key, for example, is limited."""


class NotFoundError(APIError):
    """404: no such item or route. For a listing, the base URL is probably wrong."""


class RateLimitedError(APIError):
    """429: too many requests. `retry_after` says how long to wait."""


class ServerError(APIError):
    """5xx; or 408, when the server gave up on a slow query."""


class DecodeError(TofuPilotError):
    """The response is not what the API promises.

    Attributes:
        path: JSON path of the fault, such as ``$.data[3].name``.
        body: The first 2,000 bytes of the faulty item, or of the response. Empty if the response repeats the key.
    """

    def __init__(self, message: str, *, path: str = "$", body: bytes = b"") -> None:
        super().__init__(message)
        self.path = path
        self.body = body

    @property
    def item(self) -> int | None:
        """The index of the faulty item on its page, or None."""
        match = _ITEM.match(self.path)
        return None if match is None else int(match[1])


class InvalidJSONError(DecodeError):
    """The response claims success but is not JSON, such as a proxy's HTML page or half a document."""


class AttachmentError(TofuPilotError):
    """The attachment does not exist or has no usable address, or another process is downloading it."""


class PaginationError(TofuPilotError):
    """The cursor is missing or does not advance, or page after page brings nothing new.

    Attributes:
        cursor: The cursor of the page.
        next_cursor: The cursor that the page names for the next one, or None.
        fruitless_pages: Consecutive pages with nothing new; 0 if the cursor is at fault.
    """

    def __init__(self, message: str, *, cursor: int, next_cursor: int | None, fruitless_pages: int = 0) -> None:
        super().__init__(message)
        self.cursor = cursor
        self.next_cursor = next_cursor
        self.fruitless_pages = fruitless_pages


class DriftError(TofuPilotError):
    """The listing moved and the walk lost its position, or the server's cursors are not offsets.

    Attributes:
        cursor: The cursor of the page that did not fit the pages before it.
    """

    def __init__(self, message: str, *, cursor: int) -> None:
        super().__init__(message)
        self.cursor = cursor
