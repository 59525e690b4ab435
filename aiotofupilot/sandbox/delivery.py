"""A response as steps on a connection. Faults alter the steps, and the server plays them.

A delivery is a value. It says without a socket what a client would get: `status`, `headers` and `body`, whether the
response is `complete`, and after how many `seconds` it arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
    kept: list[Step] = []
    for step in steps:
        if step or not isinstance(step, bytes):
            kept.append(step)
        if isinstance(step, str):
            break
    return tuple(kept)


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
