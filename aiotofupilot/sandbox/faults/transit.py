"""Faults on the way: the answer of the listing is lost, late or in another coding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from zlib import Z_FINISH, Z_SYNC_FLUSH, compressobj

from aiotofupilot.sandbox.delivery import Chunk, Close, Delivery, Reset, Step, Wait

from .fault import Alteration, fault, harmless

if TYPE_CHECKING:
    from random import Random

    from aiotofupilot.sandbox.request import Question

__all__ = ["GZIP", "chunked", "cut", "gzip", "hang_up", "latency", "reset", "stall"]

GZIP = 31  # zlib's window bits for the gzip format


@fault
def reset(*, after: Literal["request", "headers", "half"] = "request") -> Alteration:
    """Reset the connection.

    Args:
        after: When to do it: after the request, after the answer's headers, or after half of its body.
    """

    def alter(delivery: Delivery, _request: Question, _random: Random) -> Delivery:
        sent = delivery.before_head() if after == "request" else delivery.split(0.0 if after == "headers" else 0.5)[0]
        return Delivery((*sent, Reset()))

    return alter


@fault
def hang_up() -> Alteration:
    """Close the connection in an orderly manner, without an answer."""
    return lambda delivery, _request, _random: Delivery((*delivery.before_head(), Close()))


@fault
def cut(*, at: float = 0.5, announced: bool = True) -> Alteration:
    """End the body early.

    Args:
        at: The share of the body's bytes that is sent, 0 to 1.
        announced: Whether Content-Length still names the whole body, so that the client notices. Otherwise it names the
            part, and HTTP considers the answer complete: a 200 with half a JSON document.
    """

    def alter(delivery: Delivery, _request: Question, _random: Random) -> Delivery:
        part = Delivery(delivery.split(at)[0])
        if announced:
            return Delivery((*part.steps, Close()))
        return part.with_headers({"Content-Length": str(len(part.body))})

    return alter


@fault
def stall(seconds: float, *, inside_body: bool = False) -> Alteration:
    """Send nothing for a while, and then continue.

    Args:
        seconds: How long nothing is sent; at least 0.
        inside_body: Whether to stop in the middle of the body. Otherwise nothing has been sent before.
    """

    def alter(delivery: Delivery, _request: Question, _random: Random) -> Delivery:
        before, after = delivery.split(0.5) if inside_body else ((), delivery.steps)
        return Delivery((*before, Wait(seconds), *after))

    return alter


@harmless
def latency(seconds: float, *, jitter: float = 0.0) -> Alteration:
    """Answer later.

    Args:
        seconds: How much later, on average; at least 0.
        jitter: How much a wait may be shorter or longer than that, in seconds; at least 0. No wait is less than 0.
    """

    def alter(delivery: Delivery, _request: Question, random: Random) -> Delivery:
        return Delivery((Wait(max(0.0, random.uniform(seconds - jitter, seconds + jitter))), *delivery.steps))

    return alter


@harmless
def chunked() -> Alteration:
    """Send the body in chunked transfer coding."""
    return lambda delivery, _request, _random: delivery.with_headers({"Content-Length": None})


@harmless
def gzip() -> Alteration:
    """Compress the body."""

    def alter(delivery: Delivery, _request: Question, _random: Random) -> Delivery:
        compressor = compressobj(wbits=GZIP)
        left = sum(isinstance(step, Chunk) for step in delivery.steps)
        steps: list[Step] = []
        for step in delivery.steps:
            if isinstance(step, Chunk):
                left -= 1
                data = compressor.compress(step.data) + compressor.flush(Z_SYNC_FLUSH if left else Z_FINISH)
                steps.append(Chunk(data))
            else:
                steps.append(step)
        compressed = Delivery(steps).with_headers({"Content-Encoding": "gzip"})
        if delivery.complete and "Content-Length" in delivery.headers:
            return compressed.with_headers({"Content-Length": str(len(compressed.body))})
        return compressed

    return alter
