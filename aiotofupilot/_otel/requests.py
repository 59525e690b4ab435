"""Adds attributes to the CLIENT span that the instrumentation of aiohttp makes for a request."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from attrs import frozen

from .instruments import instruments

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Generator, Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span
    from yarl import URL

__all__ = ["UNWANTED", "attempt", "describe", "given_up"]

UNWANTED = "the page is not wanted any more"
"""The message of the cancellation of a page that was fetched ahead."""

_NOTHING = nullcontext()

_ATTEMPT = "aiotofupilot.attempt"
"""The key of the current attempt in OpenTelemetry's context."""

_URLS = ("url.full", "http.url")
"""The attribute for the address, in the new and the old semantic conventions."""


@frozen
class _Attempt:
    path: str
    """The path of the address. It is also the template, because the path of a listing has no variable parts."""
    resend_count: int
    """How many attempts were made before."""
    around: Span
    """The current span outside of the request."""


def attempt(path: str, resend_count: int) -> AbstractContextManager[None]:
    """Return a context in which a request is sent once.

    Args:
        path: Path of the address.
        resend_count: How many attempts at the same request were made before.
    """
    return _NOTHING if instruments() is None else _attempt(path, resend_count)


@contextmanager
def _attempt(path: str, resend_count: int) -> Generator[None]:
    from opentelemetry import context, trace  # noqa: PLC0415 - it is imported: there are instruments

    token = context.attach(context.set_value(_ATTEMPT, _Attempt(path, resend_count, trace.get_current_span())))
    try:
        yield
    finally:
        context.detach(token)


def describe(url: URL) -> None:
    """Add the address and the number of the attempt to the span of the current request.

    The address in the span keeps only ``limit`` and ``cursor`` of the query, because a filter may be somebody's name.

    Args:
        url: The address.
    """
    under_way = _under_way()
    if under_way is None:
        return
    sending, span = under_way
    span.set_attribute("url.template", sending.path)
    if sending.resend_count:
        span.set_attribute("http.request.resend_count", sending.resend_count)
    shown = str(url.with_query([(name, url.query[name]) for name in ("limit", "cursor") if name in url.query]))
    written: Mapping[str, object] = getattr(span, "attributes", None) or {}
    for name in _URLS:
        if name in written:
            span.set_attribute(name, shown)


def given_up(error: asyncio.CancelledError) -> None:
    """Note that the current request was cancelled. This is not an error if its page is not wanted any more.

    The status "OK" is final, so the instrumentation of aiohttp cannot replace it by an error.
    """
    under_way = _under_way() if error.args == (UNWANTED,) else None
    if under_way is not None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - it is imported: there is a span

        under_way[1].set_status(StatusCode.OK)


def _under_way() -> tuple[_Attempt, Span] | None:
    """Return the current attempt and the span of its request. None: the request has no span."""
    if instruments() is None:
        return None
    from opentelemetry import context, trace  # noqa: PLC0415 - it is imported: there are instruments

    sending, span = context.get_value(_ATTEMPT), trace.get_current_span()
    if not isinstance(sending, _Attempt) or span is sending.around or not span.is_recording():
        return None
    return sending, span
