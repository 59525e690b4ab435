"""The span of a walk. What happens while its pages are fetched becomes an event on it."""

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
"""Under this key, OpenTelemetry's context has the span of the walk that a page is fetched for."""


class WalkSpan:
    """The INTERNAL span of one walk. It begins when the first page is asked for.

    The span is attached to the context only while the walk waits for a page, and never while the walk's user has an
    item in hand. Requests that are sent meanwhile, and those that go on in the background, are its children.

    It says which listing is walked and how. It does not say what the listing is filtered by.

    Args:
        listing: Name of the listing.
        options: How it is walked.
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
        """Tell how long the page took that was fetched last."""
        told = instruments()
        if told is not None and self._span is not None:
            told.pages.record(time.perf_counter() - self._asked_at, {_LISTING: self._attributes[_LISTING]})

    def event(self, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        """Add an event, if the span has begun.

        Args:
            name: What happened.
            attributes: More about it, under names without the prefix that they get.
        """
        if self._span is not None:
            self._span.add_event(name, {f"tofupilot.{key}": value for key, value in attributes.items()})

    def end(self, stats: WalkStats, error: BaseException | None = None) -> None:
        """End the span, if it has begun. A walk that goes on after an error begins another one.

        Args:
            stats: What the walk did.
            error: The error that ended it; None: it came to its end, or was left.
        """
        span, self._span = self._span, None
        if span is None:
            return
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - it is imported: there is a span

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
        if error is not None:  # its words may be the server's, so its type has to do
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
        span.end()

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
    """Tell that a page is asked for again.

    Args:
        attempt: The number of the attempt that begins; the second one is the first retry.
        failure: The type of the error that ended the attempt before.
    """
    told = instruments()
    if told is not None:
        told.retries.add(1, {"error.type": failure})
        _event("retry", {"attempt": attempt, "failure": failure})


def paused(seconds: float) -> None:
    """Tell that the server made the session pause, for so many seconds."""
    told = instruments()
    if told is not None:
        told.pauses.add(1)
        _event("pause", {"seconds": seconds})


def _event(name: str, attributes: Mapping[str, AttributeValue]) -> None:
    from opentelemetry.context import get_value  # noqa: PLC0415 - it is imported: there are instruments

    walk = get_value(_WALK)
    if isinstance(walk, WalkSpan):
        walk.event(name, attributes)
