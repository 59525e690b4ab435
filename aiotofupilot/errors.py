"""Everything that can go wrong, under one root.

TofuPilotError
 ├── ConfigurationError          key, URL or option unusable; nothing was sent
 ├── SessionError                closed, or used from another event loop
 ├── TransportError              no response
 │    ├── ConnectionFailedError  refused, reset, or the body was cut short
 │    │    └── CertificateError  the server's certificate was not accepted; never tried again
 │    ├── RequestTimeoutError    no whole response within ``timeout``
 │    ├── ProxyError             the proxy refused to pass the request on; never tried again
 │    ├── RedirectError          the server pointed to another origin, or on and on
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
 ├── AttachmentError             an attachment that has no address to download it from
 ├── PaginationError             a cursor that leads nowhere
 └── DriftError                  the listing moved, and the walk's position in it was lost

A bad argument is not in this tree: it is Python's own `ValueError` or `TypeError`, raised where the argument is given.
Every error carries its facts as attributes, and can be pickled.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

from attrs import define, field, frozen

from ._public import explained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from attrs import Attribute

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

E = TypeVar("E", bound=Exception)

BODY_EXCERPT = 2000
"""An error keeps at most this many bytes of a response that cannot be used."""

_ITEM = re.compile(r"\$(?:\.data)?\[(\d+)\]", re.ASCII)
"""The beginning of a path into an item. The items are on a page or in a bare array."""


def _arguments_only(error: type, fields: Sequence[Attribute[Any]]) -> list[Attribute[Any]]:
    """Leave fields that are no arguments to the class: they are set later, so its attribute is their default."""
    for attribute in fields:
        if not attribute.init:
            setattr(error, attribute.name, attribute.default)
    return [attribute for attribute in fields if attribute.init]


@dataclass_transform(eq_default=False, kw_only_default=True, field_specifiers=(field,))
def with_fields(error: type[E]) -> type[E]:
    """Make the fields of an error its arguments and attributes. It remains equal only to itself, as exceptions are."""
    make = define(auto_exc=False, eq=False, field_transformer=_arguments_only, kw_only=True, repr=False, slots=False)
    return explained(make(error))


@with_fields
class TofuPilotError(Exception):
    """Root of every error that this package defines."""

    message: str = field(default="", kw_only=False)
    """What went wrong. ``str(error)`` also says how often it was tried, and what to do."""
    checkpoint: Checkpoint | None = field(default=None, init=False)
    """Where the walk stood when the error was raised. A walk can be resumed there. None: no walk raised the error."""
    position: int | None = field(default=None, init=False)
    """The position of the single item that cannot be read, counted from 0 in the server's order.
    ``list(cursor=error.checkpoint.after(error.position))`` resumes after it. None: no single item was found to be at
    fault."""
    item_id: str | None = field(default=None, init=False)
    """The ID of the item whose details cannot be read, in a walk over `Paginator.details`. None: the error is not about
    the details of one item."""
    watermark: Watermark | None = field(default=None, init=False)
    """What `Paginator.since` or `Paginator.follow` had seen when it raised the error. None: neither of them raised it,
    or nothing had been seen yet."""
    attempts: int = field(default=0, init=False)
    """How many requests were attempted for the page that this error is about. A request that could not connect counts.
    A request that was refused before it began, such as by a closed session, does not count. If a single item cannot be
    read, only the requests for this item alone count. 0: the error is about no page, or no request was attempted."""
    hint: str | None = field(default=None, init=False)
    """What to do about the error, in one sentence. None: there is nothing to advise."""
    elapsed: float | None = field(default=None, init=False)
    """Seconds from the beginning of the first attempt, or of the wait before it, to this error. None: there was one
    attempt, and its error was raised at once."""
    down_since: datetime | None = field(default=None, init=False)
    """Since when the server had given no good response, in UTC, if the session was down when this error was raised.
    None: it was not down."""

    def __attrs_post_init__(self) -> None:
        super().__init__(self.message)

    def __str__(self) -> str:
        return self._completed(super().__str__())

    def _completed(self, message: str) -> str:
        """Return a message with the number of attempts, unless there was only one, and with the hint."""
        if self.elapsed is not None:
            attempts = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
            message = f"{message} ({attempts} in {self.elapsed:.1f} s)"
        return f"{message}; {self.hint}" if self.hint else message

    def __reduce__(self) -> tuple[Any, ...]:
        # The method of BaseException would call __init__ with the message alone, and lose the keyword arguments.
        return type(self).__new__, (type(self), *self.args), self.__dict__


class ConfigurationError(TofuPilotError):
    """A key, URL or combination of options cannot be used; nothing was sent."""


class SessionError(TofuPilotError):
    """The session is closed, or belongs to another event loop."""


class TransportError(TofuPilotError):
    """No response arrived."""


class ConnectionFailedError(TransportError):
    """No connection could be made, or it was lost before the whole body had arrived, or the response is not HTTP."""


class CertificateError(ConnectionFailedError):
    """The server's TLS certificate was not accepted. There is no retry, because it would meet the same certificate."""


@with_fields
class RequestTimeoutError(TransportError):
    """The whole response, body included, did not arrive within the timeout."""

    timeout: float | None
    """The time limit, in seconds; None if the connection itself gave up first."""


@with_fields
class ProxyError(TransportError):
    """The proxy refused to pass the request on. There is no retry, because the proxy would refuse again.

    A proxy that cannot be reached, or that does not reach the server, is a `ConnectionFailedError`.
    """

    status: int
    """The status code of the proxy's response: 407 if the proxy wants a user name and a password or does not accept
    them, and 403 if it forbids this server. If the server has no TLS, a 403 is a `ForbiddenError`."""


@with_fields
class RedirectError(TransportError):
    """The server redirected to another origin, to an invalid URL, or more than 5 times.

    The key is not sent to another origin.
    """

    location: str
    """The address that the last redirect named."""


@with_fields
class ResponseTooLargeError(TransportError):
    """The response grew beyond the session's ``max_body``, or its headers beyond any; reading stopped there."""

    limit: int | None
    """The most bytes that a body may have, decompressed; None: there were too many headers, or one was too long."""


@frozen
class ValidationIssue:
    """One fault of the input, as the API words it (zod's issues)."""

    message: str
    """In English, for people."""
    path: tuple[str | int, ...] = ()
    """Names and indexes that lead to the input, such as ``("limit",)``."""
    code: str | None = None
    """zod's code, such as ``too_big``; None: the server gave none."""


def _issues(issues: Sequence[ValidationIssue]) -> tuple[ValidationIssue, ...]:
    return tuple(issues)


def _headers(headers: Mapping[str, str] | None) -> Mapping[str, str]:
    return {} if headers is None else headers


@with_fields
class APIError(TofuPilotError):
    """The server responded with an error. `message` is the API's, or a summary of a body that is not the API's.

    If the response repeats the key anywhere, all texts of the error are withheld, and its body, issues and headers are
    empty.
    """

    status: int
    """HTTP status code."""
    code: str | None = None
    """The API's own code, such as ``BAD_REQUEST``; None if the response was not the API's, such as a proxy's."""
    issues: tuple[ValidationIssue, ...] = field(default=(), converter=_issues)
    """What was wrong with the input; empty if the input was not at fault."""
    request_id: str | None = None
    """The ID that the server or a proxy gave to this request, for a support ticket; None if there is none."""
    retry_after: float | None = None
    """Seconds that the server asked to wait; None if it did not ask."""
    body: bytes = b""
    """The response's first 2,000 bytes, decompressed."""
    headers: Mapping[str, str] = field(default=None, converter=_headers)
    """The headers of the response, such as those about rate limits. Upper and lower case do not matter in their
    names."""

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
    """403: the key may not read this. A station's key, for example, may not list everything."""


class NotFoundError(APIError):
    """404: there is no such item, or no such route. Where a listing is not found, the base URL is probably wrong."""


class RateLimitedError(APIError):
    """429: too many requests were sent. `retry_after` says how long to wait."""


class ServerError(APIError):
    """5xx; or 408, when the server gave up on a slow query."""


@with_fields
class DecodeError(TofuPilotError):
    """The response is not what the API promises."""

    path: str = "$"
    """JSON path of the value at fault, such as ``$.data[3].name``."""
    body: bytes = b""
    """The first 2,000 bytes of the item at fault, as JSON; or of the response, if no single item is at fault. It is
    empty, and the path is withheld, if the response repeats the key."""

    @property
    def item(self) -> int | None:
        """The index of the faulty item on its page; None: the fault is not in an item."""
        match = _ITEM.match(self.path)
        return None if match is None else int(match[1])


class InvalidJSONError(DecodeError):
    """The response claims success but is not JSON, such as a proxy's HTML page or half a document."""


class AttachmentError(TofuPilotError):
    """The server has no address to download an attachment from, or none that can be used, or no such attachment."""


@with_fields
class PaginationError(TofuPilotError):
    """The server's cursor leads nowhere. It does not advance, or it is missing, or pages bring nothing new."""

    cursor: int
    """Where the page began."""
    next_cursor: int | None
    """Where the next page begins, according to this page; None: this page is the last one, or it announced another page
    without a cursor."""
    fruitless_pages: int = 0
    """How many pages in a row brought nothing new; 0 if the cursor is at fault."""


@with_fields
class DriftError(TofuPilotError):
    """The listing moved during the walk, and the walk lost its position. Or the server's cursors are not offsets.

    With ``on_drift="raise"`` a walk does not look for its position. With ``on_drift="resync"`` it did not find it.
    `Paginator.since` and `Paginator.follow` raise it as a walk that resyncs does. `Paginator.count` and
    `Paginator.shards` raise it if the listing cannot be searched.
    """

    cursor: int
    """The beginning of the page that did not fit the pages before it."""
