"""How an answer travels, step by step: what a fault alters and the server plays.

A delivery is a value. Without a socket it tells what a client would get: `status`, `headers`, `body`, whether that is
`complete`, and after how many `seconds`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Chunk", "Close", "Delivery", "Head", "Reset", "Step", "Wait"]


@frozen
class Wait:
    """Nothing happens for a while."""

    seconds: float
    """How long; at least 0."""


@frozen
class Head:
    """The status line and the headers."""

    status: int
    """HTTP status code."""
    headers: Mapping[str, str]
    """All but what any HTTP server adds. Without a Content-Length, the body goes in chunked transfer coding."""


@frozen
class Chunk:
    """A part of the body, as it is on the wire."""

    data: bytes
    """At least one byte."""


@frozen
class Close:
    """The connection is closed in an orderly manner, however much was announced."""


@frozen
class Reset:
    """The connection is reset."""


Step = Wait | Head | Chunk | Close | Reset


def _until_end(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Drop what lies behind the end of the connection."""
    kept: list[Step] = []
    for step in steps:
        kept.append(step)
        if isinstance(step, Close | Reset):
            break
    return tuple(kept)


def _chunks(data: bytes) -> tuple[Chunk, ...]:
    """Make a chunk of bytes, or none of none."""
    return (Chunk(data),) if data else ()


@frozen
class Delivery:
    """The steps of one answer. Unless they end the connection, it is open for another request after the last one."""

    steps: tuple[Step, ...] = field(converter=_until_end)
    """In order; those behind an end of the connection are dropped."""

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Deliver an answer whole and at once."""
        return cls((Head(status, {**headers, "Content-Length": str(len(body))}), *_chunks(body)))

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
        """Headers of the answer; empty if nothing is sent."""
        return self.head.headers if self.head else {}

    @property
    def body(self) -> bytes:
        """What arrives of the body, as it is on the wire."""
        return b"".join(step.data for step in self.steps if isinstance(step, Chunk))

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return sum(step.seconds for step in self.steps if isinstance(step, Wait))

    @property
    def complete(self) -> bool:
        """Whether HTTP calls the answer whole; what the body means is another question."""
        return not any(isinstance(step, Close | Reset) for step in self.steps)

    def before_head(self) -> tuple[Step, ...]:
        """Give the steps that pass before anything is sent."""
        return self.steps[: self.steps.index(self.head)] if self.head else self.steps

    def with_head(self, head: Head) -> Delivery:
        """Send another head, if one is sent at all."""
        return Delivery(tuple(head if isinstance(step, Head) else step for step in self.steps))

    def with_headers(self, changes: Mapping[str, str | None]) -> Delivery:
        """Set headers, and take away those that are None."""
        if self.head is None:
            return self
        headers = {**self.head.headers, **changes}
        return self.with_head(evolve(self.head, headers={name: v for name, v in headers.items() if v is not None}))

    def with_answer(self, answer: Delivery) -> Delivery:
        """Send another answer instead, after the same waits."""
        return Delivery((*self.before_head(), *answer.steps))

    def split(self, at: float) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """Part the steps inside the body.

        Args:
            at: The share of the body's bytes that belongs to the first part, 0 to 1.
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
