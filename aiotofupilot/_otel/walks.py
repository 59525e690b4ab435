"""The span of a walk. Retries, pauses and other happenings become events in it."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from .instruments import instruments

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

    from aiotofupilot.stats import WalkStats

    from .instruments import Instruments

__all__ = ["WalkSpan", "paused", "retried"]

_NOTHING = nullcontext()

_LISTING = "tofupilot.listing"

_WALK = "aiotofupilot.walk"
"""The key of the current walk's span in OpenTelemetry's context."""


class WalkSpan:
    """The INTERNAL span of one walk. It begins when the first page is asked for.

    The span is attached to the context only while the walk waits for a page, and not while the user of the walk works
    on an item. Requests that begin meanwhile are its children, also those that continue in the background.

    It names the listing and the options of the walk, but not the filters.

    Args:
        listing: Name of the listing.
        options: The options of the walk.
    """

    __slots__ = ("_asked_at", "_attributes", "_context", "_name", "_span")

    def __init__(self, listing: str, options: Mapping[str, AttributeValue]) -> None:
        self._name = f"walk {listing}"
        self._attributes = {_LISTING: listing, **{f"tofupilot.{name}": value for name, value in options.items()}}
        self._span: Span | None = None
        self._context: Context | None = None
        self._asked_at = 0.0

    def fetching(self) -> AbstractContextManager[None]:
        """Return a context in which one page is fetched. It begins the span if there is none."""
        told = instruments()
        return _NOTHING if told is None else self._fetching(told)

    def arrived(self) -> None:
        """Record how long the last page took."""
        told = instruments()
        if told is not None and self._span is not None:
            told.pages.record(time.perf_counter() - self._asked_at, {_LISTING: self._attributes[_LISTING]})

    def event(self, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        """Add an event, if the span has begun.

        Args:
            name: What happened.
            attributes: More about it. The names get a prefix.
        """
        if self._span is not None:
            self._span.add_event(name, {f"tofupilot.{key}": value for key, value in attributes.items()})

    def end(self, stats: WalkStats, error: BaseException | None = None) -> None:
        """End the span, if it has begun. A walk that goes on after an error begins another one.

        Args:
            stats: The counts of the walk.
            error: The error that ended the walk; None: it came to its end, or was left.
        """
        span, self._span = self._span, None
        if span is None:
            return
        numbers = {
            "pages": stats.pages,
            "items": stats.items,
            "duplicates": stats.duplicates,
            "resyncs": stats.resyncs,
            "unreadable": stats.unreadable,
            "requests": stats.requests,
            "retries": stats.retries,
            "waited": stats.waited,
        }
        span.set_attributes({f"tofupilot.walk.{name}": value for name, value in numbers.items()})
        if error is not None:  # only the type, because the message may quote the server
            from opentelemetry.trace import StatusCode  # noqa: PLC0415 - it is imported: there is a span

            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
        span.end()

    def __del__(self) -> None:
        if self._span is not None:  # pages that were dropped after their loop was closed
            self._span.end()

    @contextmanager
    def _fetching(self, told: Instruments) -> Generator[None]:
        from opentelemetry import context, trace  # noqa: PLC0415 - it is imported: there are instruments

        if self._span is None or self._context is None:
            self._span = told.tracer.start_span(self._name, attributes=self._attributes)
            self._context = context.set_value(_WALK, self, trace.set_span_in_context(self._span))
        token = context.attach(self._context)
        self._asked_at = time.perf_counter()
        try:
            yield
        finally:
            context.detach(token)


def retried(attempt: int, failure: str) -> None:
    """Record that a page is asked for again.

    Args:
        attempt: The number of the attempt that begins; the second one is the first retry.
        failure: The type of the error that ended the last attempt.
    """
    told = instruments()
    if told is not None:
        told.retries.add(1, {"error.type": failure})
        _event("retry", {"attempt": attempt, "failure": failure})


def paused(seconds: float) -> None:
    """Record that the server made the session pause for a number of seconds."""
    told = instruments()
    if told is not None:
        told.pauses.add(1)
        _event("pause", {"seconds": seconds})


def _event(name: str, attributes: Mapping[str, AttributeValue]) -> None:
    from opentelemetry.context import get_value  # noqa: PLC0415 - it is imported: there are instruments

    walk = get_value(_WALK)
    if isinstance(walk, WalkSpan):
        walk.event(name, attributes)
