"""Reports to OpenTelemetry: a span for each walk, and events in it.

A program that sends telemetry has imported OpenTelemetry's API before it lists anything. So this package never imports
it first. Without telemetry, a page costs one lookup in `sys.modules`.

The instrumentation of aiohttp makes the spans of requests, as children of the walk's span. Filters are removed from
their addresses here, because a filter may be somebody's name. Of a presigned address, only the server is kept, because
anybody could download the file from it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue
    from yarl import URL

_URLS = ("url.full", "http.url")
"""The attribute for the address of a request, in the new and old semantic conventions."""

_COUNTS = ("pages", "items", "duplicates", "resyncs", "unreadable", "requests", "retries", "waited")
"""The counts of a walk in its span."""


def tracer() -> Tracer | None:
    """Return the tracer, or None if the program does not use OpenTelemetry."""
    return _made() if "opentelemetry.trace" in sys.modules else None


@cache
def _made() -> Tracer:
    from opentelemetry.trace import get_tracer  # noqa: PLC0415 - an extra; see the module's docstring

    return get_tracer("aiotofupilot")


class WalkSpan:
    """The INTERNAL span of one walk. It names the listing and options of the walk, but not the filters.

    It is the current span only while the walk waits for a page, not while the user works on an item. Requests that
    begin during that wait are its children, even if they continue in the background.
    """

    __slots__ = ("_attributes", "_listing", "_span")

    def __init__(self, listing: str, options: Mapping[str, AttributeValue]) -> None:
        self._listing = listing
        self._attributes = _prefixed({"listing": listing, **options})
        self._span: Span | None = None

    @contextmanager
    def fetching(self) -> Generator[None]:
        """Return a context for fetching one page. It begins the span if there is none."""
        made = tracer()
        if made is None:
            yield
            return
        from opentelemetry import context, trace  # noqa: PLC0415 - imported already

        if self._span is None:
            self._span = made.start_span(f"walk {self._listing}", attributes=self._attributes)
        token = context.attach(trace.set_span_in_context(self._span))
        try:
            yield
        finally:
            context.detach(token)

    def event(self, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        """Add an event with prefixed attributes, if the span has begun."""
        if self._span is not None:
            self._span.add_event(name, _prefixed(attributes))

    def end(self, stats: object, error: BaseException | None = None) -> None:
        """End the span, if it has begun, with the `WalkStats` of the walk. A resumed walk begins another span.

        ``error`` is None if the walk came to its end or was left early.
        """
        span, self._span = self._span, None
        if span is None:
            return
        span.set_attributes({f"tofupilot.walk.{name}": getattr(stats, name) for name in _COUNTS})
        if error is not None:  # record only its type, because a message may quote the server or a name
            from opentelemetry.trace import StatusCode  # noqa: PLC0415 - imported already

            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
        span.end()


def event(name: str, attributes: Mapping[str, AttributeValue]) -> None:
    """Add an event to the current span, which may be the user's."""
    if tracer() is None:
        return
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 - imported already

    span = get_current_span()
    if span.is_recording():
        span.add_event(name, _prefixed(attributes))


def _prefixed(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {f"tofupilot.{name}": value for name, value in attributes.items()}


def hide_filters(url: URL, *, is_presigned: bool = False) -> None:
    """Keep only ``limit`` and ``cursor`` of the query in the address that the current request's span shows.

    A span without this address, such as one of the user's, is not changed. Of a presigned address, only the server is
    kept, in whatever form the span has it.
    """
    if tracer() is None:
        return
    from opentelemetry import trace  # noqa: PLC0415 - imported already

    span = trace.get_current_span()
    written: Mapping[str, object] = getattr(span, "attributes", None) or {}
    kept = [(name, url.query[name]) for name in ("limit", "cursor") if name in url.query]
    shown, begin = str(url.origin() if is_presigned else url.with_query(kept)), str(url.with_query(None))
    is_client = getattr(span, "kind", None) is trace.SpanKind.CLIENT
    for name in _URLS:
        if name in written and (is_client if is_presigned else str(written[name]).startswith(begin)):
            span.set_attribute(name, shown)
