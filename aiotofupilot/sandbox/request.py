"""The request of a client, its response as steps on a connection, what goes wrong with it, and the log of all requests.

Faults alter the steps of a response, and the server plays them. A `Delivery` is a value. It says without a socket what
a client would get: `status`, `headers` and `body`, whether the response is `complete`, and after how many `seconds` it
arrives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote, urlencode

from attrs import Factory, define, field, frozen, setters

if TYPE_CHECKING:
    from aiotofupilot.models import Page

_READABLE = "/%:@!$&'()*+,;="  # beside letters, digits and -._~, what a path has unencoded (RFC 3986, section 3.3)


class Query(Mapping[str, str]):
    """Query parameters, decoded, in the order in which they were sent.

    As a mapping, a query gives the first value of each name. It equals a dict with the same names and first values.

    Args:
        pairs: The parameters; a mapping, or pairs in which names may repeat.
    """

    def __init__(self, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        if isinstance(pairs, Mapping):
            pairs = pairs.pairs if isinstance(pairs, Query) else cast("Mapping[str, str]", pairs).items()
        self.pairs: tuple[tuple[str, str], ...] = tuple(pairs)
        """All names with their values, including repeated names."""

    def all(self, name: str) -> list[str]:
        """Return every value of one parameter, in order; empty: it was not sent.

        Args:
            name: The name of the parameter.
        """
        return [value for sent, value in self.pairs if sent == name]

    def __getitem__(self, name: str) -> str:
        return dict(reversed(self.pairs))[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def __repr__(self) -> str:
        return f"Query({list(self.pairs)})"


@define(kw_only=True, eq=False, repr=False, on_setattr=setters.NO_OP)
class Request:
    """One request, and what happened to it."""

    method: str = "GET"
    """HTTP method."""
    path: str = "/api/v2/procedures"
    """The path without the query, as it was sent. Percent-encoded characters stay encoded."""
    query: Query = field(factory=Query, converter=Query)
    """Query parameters, decoded."""
    authorization: str | None = None
    """The header ``Authorization``; None: there was none."""
    range: str | None = None
    """The header ``Range``; None: there was none."""
    if_range: str | None = None
    """The header ``If-Range``; None: there was none."""
    head_size: int = 0
    """Bytes of the request line and the headers; 0: it is not known, because the request came without a network."""
    time: datetime = Factory(lambda: datetime.now(UTC))
    """When it arrived; UTC."""
    attempt: int = 1
    """How often the same request has come since it last got the right response, including this time."""
    asked: int = 1
    """How often the same request has come in all, including this time."""
    page: Page[Any] | None = None
    """The page that the API answers, before a fault alters it; None: the API answers with something else, or has not
    answered yet."""
    detail: Any = None
    """The detail that the API answers, before a fault alters it; None: the API answers with something else, or has not
    answered yet."""
    fault: Fault | None = None
    """What goes wrong with the response; None: nothing goes wrong."""
    status: int | None = None
    """HTTP status code of the response that was sent; None: nothing was sent, the client disconnected before it had all
    of the response, or the response is not decided yet."""
    is_right: bool = False
    """Whether the client can read the right response, because there is no fault or only a harmless one."""

    @property
    def target(self) -> str:
        """Path and query, encoded."""
        return quote(self.path, safe=_READABLE) + (f"?{urlencode(self.query.pairs)}" if self.query.pairs else "")

    def __str__(self) -> str:
        told = [f"{self.method} {self.target}: {self.status or 'no response'}"]
        if self.attempt > 1:
            told.append(f"attempt {self.attempt}")
        if self.page and (self.is_right or not self.fault):
            listing, items = self.path.removesuffix("/").rpartition("/")[2].lower(), len(self.page.data)
            if items == 1:
                listing = listing.removesuffix("es" if listing == "batches" else "s")
            told.append(f"{items} {listing}")
        if self.fault:
            told.append(repr(self.fault))
        return ", ".join(told)

    def __repr__(self) -> str:
        return f"<{self}>"


@frozen
class Head:
    """The status line and the headers."""

    status: int
    """HTTP status code."""
    headers: Mapping[str, str]
    """The headers, except those that every HTTP server adds. Without a Content-Length, the body is sent in chunked
    transfer coding."""


Step = Head | bytes | float | Literal["close", "reset"]
"""A head; a part of the body, with its content coding; a pause in seconds, in which nothing is sent; or the end of the
connection, which is closed in an orderly manner, even if more was announced, or reset."""


def _normal(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Drop parts of the body without bytes, and the steps after the end of the connection."""
    kept: list[Step] = [step for step in steps if step or not isinstance(step, bytes)]
    ends = [index for index, step in enumerate(kept) if isinstance(step, str)]
    return tuple(kept[: ends[0] + 1] if ends else kept)


@frozen
class Delivery:
    """The steps of one response. If no step ends the connection, it is then open for another request."""

    steps: tuple[Step, ...] = field(converter=_normal)
    """A ``Head``, parts of the body as bytes, pauses as seconds, and ``close`` or ``reset``, in order. The steps after
    the end of the connection are dropped."""

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Return the delivery of a whole response at once.

        Args:
            status: HTTP status code.
            headers: The headers. A Content-Length is added.
            body: The bytes of the body.
        """
        return cls((Head(status, {**headers, "Content-Length": str(len(body))}), body))

    @property
    def head(self) -> Head | None:
        """Status and headers; None: nothing is sent."""
        return next((step for step in self.steps if isinstance(step, Head)), None)

    @property
    def status(self) -> int | None:
        """HTTP status code; None: nothing is sent."""
        return self.head.status if self.head else None

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the response; empty if nothing is sent."""
        return self.head.headers if self.head else {}

    @property
    def body(self) -> bytes:
        """The bytes of the body that are sent, with their content coding."""
        return b"".join(step for step in self.steps if isinstance(step, bytes))

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return sum(step for step in self.steps if isinstance(step, int | float))

    @property
    def complete(self) -> bool:
        """Whether the response is complete for HTTP. Its body may still be half a document."""
        return not any(isinstance(step, str) for step in self.steps)

    def with_headers(self, changes: Mapping[str, str | None]) -> Delivery:
        """Set and remove headers. If nothing is sent, nothing changes.

        Args:
            changes: Values by name. None: the header is removed.
        """
        headers = {name: value for name, value in {**self.headers, **changes}.items() if value is not None}
        return Delivery(Head(step.status, headers) if isinstance(step, Head) else step for step in self.steps)

    def with_response(self, response: Delivery) -> Delivery:
        """Replace the response. The pauses before it stay. If nothing is sent, nothing changes.

        Args:
            response: The steps that take its place.
        """
        before = self.steps[: self.steps.index(self.head)] if self.head else self.steps
        return Delivery((*before, *response.steps))

    def split(self, at: float) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """Split the steps in the body.

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
"""A function that returns the altered response. All randomness comes from the ``Random`` that it is given."""


@frozen
class Fault:
    """Something that goes wrong with a response. It may consist of several faults."""

    name: str
    """The fault as it is written in code, such as ``status(503)``."""
    alter: Alteration = field(eq=False)
    """Alters a response."""
    is_harmless: bool = field(default=False, eq=False)
    """Whether the client still reads the right response, so that it has no reason to ask again."""

    def __add__(self, other: Fault) -> Fault:
        def alter(delivery: Delivery, request: Request, random: Random) -> Delivery:
            return other.alter(self.alter(delivery, request, random), request, random)

        return Fault(f"{self.name} + {other.name}", alter, self.is_harmless and other.is_harmless)

    def __repr__(self) -> str:
        return self.name


class RequestLog(list[Request]):
    """Requests in the order of their arrival.

    Attributes:
        in_flight: How many requests have responses that are not completely sent.
        peak_in_flight: The most requests that were in flight at any time.
    """

    in_flight: int = 0
    peak_in_flight: int = 0

    @property
    def cursors(self) -> list[str | None]:
        """The cursors that were requested; None for a request without a cursor."""
        return [request.query.get("cursor") for request in self]

    @property
    def statuses(self) -> Counter[int | None]:
        """How often each HTTP status code was sent. The key None counts the requests without a response."""
        return Counter(request.status for request in self)

    @property
    def faults(self) -> Counter[Fault]:
        """How often each fault happened."""
        return Counter(request.fault for request in self if request.fault)

    def __repr__(self) -> str:
        lines = "".join(f"\n  {request}" for request in self)
        return f"<{len(self)} requests{lines}>"
