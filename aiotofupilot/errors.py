"""Everything that can go wrong, under one root.

TofuPilotError
 ├── ConfigurationError          key, URL or option unusable; nothing was sent
 ├── SessionError                closed, or used from another event loop
 ├── TransportError              no answer
 │    ├── ConnectionFailedError  refused, reset, or the body was cut short
 │    │    └── CertificateError  the server's certificate was not accepted; never tried again
 │    ├── RequestTimeoutError    no whole answer within ``timeout``
 │    ├── RedirectError          the server pointed to another origin, or on and on
 │    └── ResponseTooLargeError  more bytes than any page can have
 ├── APIError                    an answer that says no
 │    ├── BadRequestError        400
 │    ├── UnauthorizedError      401
 │    ├── ForbiddenError         403
 │    ├── NotFoundError          404
 │    ├── RateLimitedError       429
 │    └── ServerError            5xx, and 408
 ├── DecodeError                 an answer that is not what the API promises
 │    └── InvalidJSONError       not even JSON
 ├── PaginationError             a cursor that leads nowhere
 └── DriftError                  the listing moved, and the walk's place in it was lost

A bad argument is a `ValueError` or `TypeError` of Python's own, raised where it is given. Every error carries what it
knows as attributes, and survives pickling.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .checkpoint import Checkpoint
    from .watermark import Watermark

__all__ = [
    "APIError",
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

BODY_EXCERPT = 64 * 1024
"""How much of an unusable answer an error keeps, in bytes."""


_ITEM = re.compile(r"\$(?:\.data)?\[(\d+)\]", re.ASCII)
"""How a path into an item begins, on a page or in a bare array."""


def _restore(cls: type[TofuPilotError], args: tuple[Any, ...], state: dict[str, Any]) -> TofuPilotError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class TofuPilotError(Exception):
    """Root of every error that this package raises on its own account."""

    checkpoint: Checkpoint | None = None
    """Where the walk stood that it was raised in, to resume from; None: it was raised outside of one."""
    position: int | None = None
    """Where the item stands that cannot be read while others can, in the server's counting, from 0 on.
    ``list(cursor=error.checkpoint.after(error.position))`` resumes after it. None: no item was found to be at fault."""
    watermark: Watermark | None = None
    """What had been seen, if it was raised by `Paginator.since` or `Paginator.follow`; None: it was not, or nothing had
    been seen yet."""
    attempts: int = 0
    """Requests attempted for the page that this error is about. One that could not connect counts; one that was refused
    before it began, such as by a closed session, does not. 0: the error is about no page, or none was attempted."""
    retry_budget: float | None = None
    """What the session's retry budget had left when it forbade another attempt, which is less than 1; None: it did not
    forbid one."""

    def __reduce__(self) -> tuple[Any, ...]:
        # BaseException's own would call __init__ with the message alone and lose the keyword arguments.
        return _restore, (type(self), self.args, self.__dict__)


class ConfigurationError(TofuPilotError):
    """A key, URL or combination of options cannot be used; nothing was sent."""


class SessionError(TofuPilotError):
    """The session is closed, or belongs to another event loop."""


class TransportError(TofuPilotError):
    """No answer arrived."""


class ConnectionFailedError(TransportError):
    """No connection could be made, or it was lost before the whole body had arrived, or what came is no HTTP."""


class CertificateError(ConnectionFailedError):
    """The server's TLS certificate was not accepted. Another attempt would meet the same one, so none is made."""


class RequestTimeoutError(TransportError):
    """The whole answer, body included, did not arrive within the timeout.

    Attributes:
        timeout: The limit that passed, in seconds; None if the connection itself gave up first.
    """

    def __init__(self, message: str, *, timeout: float | None) -> None:
        super().__init__(message)
        self.timeout = timeout


class RedirectError(TransportError):
    """The server redirected to another origin, where the key must not travel, to no URL, or more than 5 times.

    Attributes:
        location: Where it wanted to go.
    """

    def __init__(self, message: str, *, location: str) -> None:
        super().__init__(message)
        self.location = location


class ResponseTooLargeError(TransportError):
    """The answer grew beyond what any page can be; reading stopped there.

    Attributes:
        limit: The most bytes that a body may have, decompressed; None: it was the headers, too many or too long.
    """

    def __init__(self, message: str, *, limit: int | None) -> None:
        super().__init__(message)
        self.limit = limit


@frozen
class ValidationIssue:
    """One complaint about the input, as the API words it (zod's issues)."""

    message: str
    """In English, for people."""
    path: tuple[str | int, ...] = ()
    """Names and indexes that lead to the input, such as ``("limit",)``."""
    code: str | None = None
    """zod's code, such as ``too_big``; None: the server gave none."""


class APIError(TofuPilotError):
    """The server answered, and the answer is no.

    Attributes:
        status: HTTP status code.
        code: The API's own code, such as ``BAD_REQUEST``; None if the answer was not the API's, such as a proxy's.
        message: The API's message, or a summary of a body that is not the API's.
        issues: What was wrong with the input; empty if it was not that.
        request_id: What the server or a proxy calls this request, for a support ticket; None if it has no name.
        retry_after: Seconds that the server asked to wait; None if it did not ask.
        body: The answer's first 64 KiB, decompressed, with ``***`` where the key was.
        headers: Those of the answer, such as ones that tell of rate limits, with ``***`` where the key was. Names
            compare without regard to case.
    """

    advice: str | None = None
    """Which server refused which key, say, and what to do about it, as one sentence; None: nothing is known to help."""

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
        self.issues = tuple(issues)
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
        told = f"{head}: {self.message}" + (f" ({complaints})" if complaints else "")
        return f"{told}; {self.advice}" if self.advice else told


class BadRequestError(APIError):
    """400: the input failed validation; `issues` says where."""


class UnauthorizedError(APIError):
    """401: the key is missing or wrong."""


class ForbiddenError(APIError):
    """403: the key may not list this, as a station's key may not list everything."""


class NotFoundError(APIError):
    """404: no such route; the base URL is likely wrong."""


class RateLimitedError(APIError):
    """429: too many requests; `retry_after` says for how long."""


class ServerError(APIError):
    """5xx, or 408 where the server gave up on a slow query."""


class DecodeError(TofuPilotError):
    """The answer is not what the API promises.

    Attributes:
        path: JSON path of the value at fault, such as ``$.data[3].name``.
        body: The answer's first 64 KiB, decompressed, with ``***`` where the key was.
    """

    def __init__(self, message: str, *, path: str = "$", body: bytes = b"") -> None:
        super().__init__(message)
        self.path = path
        self.body = body

    @property
    def item(self) -> int | None:
        """Index on the page of the item at fault; None: the fault is not in an item."""
        match = _ITEM.match(self.path)
        return None if match is None else int(match[1])


class InvalidJSONError(DecodeError):
    """The answer claims success and is not JSON, such as a proxy's HTML page or half a document."""


class PaginationError(TofuPilotError):
    """The server's cursor leads nowhere: it does not advance, or it is missing, or page after page brings nothing.

    Attributes:
        cursor: Where the page began.
        next_cursor: Where the page said that the next one begins; None: it announced more and did not say where, or it
            was the last one.
        fruitless_pages: How many pages in a row brought nothing new; 0 if that was not the trouble.
    """

    def __init__(self, message: str, *, cursor: int, next_cursor: int | None, fruitless_pages: int = 0) -> None:
        super().__init__(message)
        self.cursor = cursor
        self.next_cursor = next_cursor
        self.fruitless_pages = fruitless_pages


class DriftError(TofuPilotError):
    """The listing moved under the walk, which was told not to look for its place, or did not find it.

    A count raises it too, where the server gives nothing to search by, or the listing moves too much to be counted.

    Attributes:
        cursor: Where the page began that did not fit.
    """

    def __init__(self, message: str, *, cursor: int) -> None:
        super().__init__(message)
        self.cursor = cursor
