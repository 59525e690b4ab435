"""Requests, their responses as steps on a connection, faults, and the log.

Faults alter the steps of a response, and the server carries the steps out. A `Delivery` shows without a socket what a
client would get.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from attrs import Factory, define, field, frozen, setters
from multidict import MultiDict, MultiDictProxy

if TYPE_CHECKING:
    from aiotofupilot.models import Page

_READABLE = "/%:@!$&'()*+,;="  # unencoded in a path, like letters, digits and -._~ (RFC 3986, section 3.3)


def _query(given: Mapping[str, str] | Iterable[tuple[str, str]]) -> MultiDictProxy[str]:
    return MultiDictProxy(MultiDict(given))


@define(kw_only=True, eq=False, repr=False, on_setattr=setters.NO_OP)
class Request:
    """One request, and what happened to it."""

    method: str = "GET"
    """HTTP method."""
    path: str = "/api/v2/procedures"
    """The path as it was sent, percent-encoded, without the query."""
    query: MultiDictProxy[str] = field(default=MultiDictProxy(MultiDict[str]()), converter=_query)
    """The decoded query parameters, in the order in which they were sent. Pass a mapping or pairs."""
    authorization: str | None = None
    """The header ``Authorization``, or None."""
    range: str | None = None
    """The header ``Range``, or None."""
    if_range: str | None = None
    """The header ``If-Range``, or None."""
    head_size: int = 0
    """Bytes of the request line and the headers, or 0 if the request came without a network."""
    time: datetime = Factory(lambda: datetime.now(UTC))
    """The time of arrival; UTC."""
    attempt: int = 1
    """How often a request like this one has come since it last got the right response, including this time."""
    asked: int = 1
    """How often a request like this one has come in all, including this time."""
    page: Page[Any] | None = None
    """The page in the response, before a fault alters it, or None."""
    detail: Any = None
    """The detail in the response, before a fault alters it, or None."""
    fault: Fault | None = None
    """The fault of the response. None if nothing goes wrong."""
    status: int | None = None
    """HTTP status code. None if nothing was sent, the client disconnected before the end, or the response is not
    decided yet."""
    is_right: bool = False
    """Whether the client can read the right response, perhaps despite a harmless fault."""

    @property
    def target(self) -> str:
        """The encoded path and query."""
        return quote(self.path, safe=_READABLE) + (f"?{urlencode([*self.query.items()])}" if self.query else "")

    def __str__(self) -> str:
        parts = [f"{self.method} {self.target}: {self.status or 'no response'}"]
        if self.attempt > 1:
            parts.append(f"attempt {self.attempt}")
        if self.page and (self.is_right or not self.fault):
            parts.append(f"{len(self.page.data)} items")
        if self.fault:
            parts.append(repr(self.fault))
        return ", ".join(parts)

    def __repr__(self) -> str:
        return f"<{self}>"


@frozen
class Head:
    """The status and the headers."""

    status: int
    """HTTP status code."""
    headers: Mapping[str, str]
    """The headers, except those that HTTP servers add. Without Content-Length, the body is sent in chunks."""


Step = Head | bytes | float | Literal["close", "reset"]
"""A head; a content-encoded part of the body; a pause in seconds; or the end of the connection: ``reset``, or an
orderly ``close``, which may come before the announced end of the body."""


def _normal(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Drop empty parts of the body, and steps after the end."""
    kept: list[Step] = [step for step in steps if step or not isinstance(step, bytes)]
    ends = [index for index, step in enumerate(kept) if isinstance(step, str)]
    return tuple(kept[: ends[0] + 1] if ends else kept)


@frozen
class Delivery:
    """The steps of one response. If no step ends the connection, it stays open."""

    steps: tuple[Step, ...] = field(converter=_normal)
    """The steps. Those after ``close`` or ``reset`` are dropped."""

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Return a delivery that sends a whole response at once.

        Args:
            status: HTTP status code.
            headers: The headers, without Content-Length, which is added.
            body: The bytes of the body.
        """
        return cls((Head(status, {**headers, "Content-Length": str(len(body))}), body))

    @property
    def head(self) -> Head | None:
        """Status and headers. None if nothing is sent."""
        return next((step for step in self.steps if isinstance(step, Head)), None)

    @property
    def status(self) -> int | None:
        """HTTP status code. None if nothing is sent."""
        return self.head.status if self.head else None

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers. Empty if nothing is sent."""
        return self.head.headers if self.head else {}

    @property
    def body(self) -> bytes:
        """The content-encoded bytes of the body that are sent."""
        return b"".join(step for step in self.steps if isinstance(step, bytes))

    @property
    def seconds(self) -> float:
        """The total length of the pauses, in seconds."""
        return sum(step for step in self.steps if isinstance(step, int | float))

    @property
    def complete(self) -> bool:
        """Whether HTTP considers the response complete. The body may still be half a document."""
        return not any(isinstance(step, str) for step in self.steps)

    def with_headers(self, changes: Mapping[str, str | None]) -> Delivery:
        """Set and remove headers, if any are sent.

        Args:
            changes: Values by name. None removes the header.
        """
        headers = {name: value for name, value in {**self.headers, **changes}.items() if value is not None}
        return Delivery(Head(step.status, headers) if isinstance(step, Head) else step for step in self.steps)

    def with_response(self, response: Delivery) -> Delivery:
        """Replace the response, if one is sent. The pauses before it stay.

        Args:
            response: The new steps.
        """
        before = self.steps[: self.steps.index(self.head)] if self.head else self.steps
        return Delivery((*before, *response.steps))

    def split(self, at: float) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """Split the steps inside the body.

        Args:
            at: The share of the body's bytes in the first part, 0 to 1.
        """
        left = int(len(self.body) * at)
        for index, step in enumerate(self.steps):
            if isinstance(step, bytes):
                if len(step) > left:
                    return _normal((*self.steps[:index], step[:left])), (step[left:], *self.steps[index + 1 :])
                left -= len(step)
        return self.steps, ()


Alteration = Callable[[Delivery, Request, Random], Delivery]
"""A function that returns the altered response. Its only randomness is the ``Random`` it gets."""


@frozen
class Fault:
    """Something that goes wrong with a response. Faults can be added."""

    name: str
    """The fault as it is written in code, such as ``status(503)``."""
    alter: Alteration = field(eq=False)
    """Alters a response."""
    is_harmless: bool = field(default=False, eq=False)
    """Whether the client still reads the right response, and has no reason to retry."""

    def __add__(self, other: Fault) -> Fault:
        def alter(delivery: Delivery, request: Request, random: Random) -> Delivery:
            return other.alter(self.alter(delivery, request, random), request, random)

        return Fault(f"{self.name} + {other.name}", alter, self.is_harmless and other.is_harmless)

    def __repr__(self) -> str:
        return self.name


class RequestLog(list[Request]):
    """Requests in the order of arrival.

    Attributes:
        in_flight: The number of requests without a complete response.
        peak_in_flight: The largest number of requests in flight at one time.
    """

    in_flight: int = 0
    peak_in_flight: int = 0

    @property
    def cursors(self) -> list[str | None]:
        """The requested cursors, or None for each request without one."""
        return [request.query.get("cursor") for request in self]

    @property
    def statuses(self) -> Counter[int | None]:
        """The number of responses per HTTP status code. None counts requests without a response."""
        return Counter(request.status for request in self)
