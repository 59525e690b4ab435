"""A response as steps on a connection. Faults alter the steps, and the server plays them.

A delivery is a value. It says without a socket what a client would get: `status`, `headers` and `body`, whether the
response is `complete`, and after how many `seconds` it arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@frozen
class Wait:
    """A pause in which nothing is sent."""

    seconds: float
    """How long; at least 0."""


@frozen
class Head:
    """The status line and the headers."""

    status: int
    """HTTP status code."""
    headers: Mapping[str, str]
    """The headers, except those that every HTTP server adds. Without a Content-Length, the body is sent in chunked
    transfer coding."""


@frozen
class Chunk:
    """A part of the body, with its content coding."""

    data: bytes
    """At least one byte."""


@frozen
class Close:
    """The connection is closed in an orderly manner, even if more was announced."""


@frozen
class Reset:
    """The connection is reset."""


Step = Wait | Head | Chunk | Close | Reset


def _until_end(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Drop the steps after the end of the connection."""
    kept: list[Step] = []
    for step in steps:
        kept.append(step)
        if isinstance(step, Close | Reset):
            break
    return tuple(kept)


def _chunks(data: bytes) -> tuple[Chunk, ...]:
    """Return the bytes as one chunk, or no chunk if there are no bytes."""
    return (Chunk(data),) if data else ()


@frozen
class Delivery:
    """The steps of one response. If no step ends the connection, it is then open for another request."""

    steps: tuple[Step, ...] = field(converter=_until_end)
    """The steps in order. Steps after the end of the connection are dropped."""

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Return the delivery of a whole response at once.

        Args:
            status: HTTP status code.
            headers: The headers. A Content-Length is added.
            body: The bytes of the body.
        """
        return cls((Head(status, {**headers, "Content-Length": str(len(body))}), *_chunks(body)))

    @property
    def head(self) -> Head | None:
        """Status and headers; None: nothing is sent."""
        return next((step for step in self.steps if isinstance(step, Head)), None)

    @property
    def status(self) -> int | None:
        """HTTP status code; None: nothing is sent."""
        head = self.head
        return head.status if head else None

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the response; empty if nothing is sent."""
        head = self.head
        return head.headers if head else {}

    @property
    def body(self) -> bytes:
        """The bytes of the body that are sent, with their content coding."""
        return b"".join(step.data for step in self.steps if isinstance(step, Chunk))

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return sum(step.seconds for step in self.steps if isinstance(step, Wait))

    @property
    def complete(self) -> bool:
        """Whether the response is complete for HTTP. Its body may still be half a document."""
        return not any(isinstance(step, Close | Reset) for step in self.steps)

    def before_head(self) -> tuple[Step, ...]:
        """Return the steps before anything is sent."""
        return self.steps[: self.steps.index(self.head)] if self.head else self.steps

    def with_headers(self, changes: Mapping[str, str | None]) -> Delivery:
        """Set and remove headers. If nothing is sent, nothing changes.

        Args:
            changes: Values by name. None: the header is removed.
        """
        if self.head is None:
            return self
        headers = {**self.head.headers, **changes}
        head = evolve(self.head, headers={name: value for name, value in headers.items() if value is not None})
        return Delivery(tuple(head if isinstance(step, Head) else step for step in self.steps))

    def with_response(self, response: Delivery) -> Delivery:
        """Replace the response. The waits before it stay.

        Args:
            response: The steps that take its place.
        """
        return Delivery((*self.before_head(), *response.steps))

    def split(self, at: float) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """Split the steps in the body.

        Args:
            at: The share of the body's bytes in the first part, 0 to 1.
        """
        left = int(len(self.body) * at)
        for index, step in enumerate(self.steps):
            if not isinstance(step, Chunk):
                continue
            if len(step.data) > left:
                return (
                    (*self.steps[:index], *_chunks(step.data[:left])),
                    (*_chunks(step.data[left:]), *self.steps[index + 1 :]),
                )
            left -= len(step.data)
        return self.steps, ()
