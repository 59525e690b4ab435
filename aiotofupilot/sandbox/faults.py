"""What can go wrong with a response. Each function takes the details and returns a `Fault`.

`unreadable` and `malformed` are about items, by themselves and on any page that holds them:
``sandbox.faults.always(unreadable(62))``. An item is named by its ID, or by its position in the listing as the request
filters and sorts it. The first item has the position 0. Positions can be used only if the server's cursors are offsets.

Faults can be added. The left one happens first: ``gzip() + cut()`` cuts compressed bytes. Faults that are written in
the same way are equal, so ``request.fault == status(503)`` is true for a logged request that met this fault.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import wraps
from http import HTTPStatus
from json import loads
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, cast
from zlib import Z_FINISH, Z_SYNC_FLUSH, compressobj

from .document import Refusal, dumps
from .request import Alteration, Delivery, Fault, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

__all__ = [
    "TRANSIENT",
    "Alteration",
    "Fault",
    "chunked",
    "cut",
    "empty",
    "gzip",
    "gzip_bomb",
    "hang_up",
    "header_flood",
    "html",
    "json",
    "latency",
    "malformed",
    "oversized",
    "redirect",
    "reset",
    "stall",
    "status",
    "unreadable",
]

_GZIP = 31  # zlib's window bits for the gzip format
_MIB = 1024 * 1024
_HARMLESS = frozenset({"latency", "chunked", "gzip"})  # after these, the client still reads the right response

P = ParamSpec("P")


def fault(build: Callable[P, Alteration]) -> Callable[P, Fault]:
    """Turn a function that returns an alteration into one that returns a fault. The fault is named after the call."""

    @wraps(build)
    def make(*args: P.args, **kwargs: P.kwargs) -> Fault:
        details = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        return Fault(f"{build.__name__}({', '.join(details)})", build(*args, **kwargs), build.__name__ in _HARMLESS)

    return make


def instead(status: int, headers: Mapping[str, str], body: bytes) -> Alteration:
    """Return an alteration that replaces the response."""
    response = Delivery.of(status, headers, body)
    return lambda delivery, _request, _random: delivery.with_response(response)


# The API is built with tRPC. These are the codes of tRPC for which Python has other names, or names that depend on its
# version, and statuses of proxies that Python does not know. https://trpc.io/docs/server/error-handling
_NAMES: Mapping[int, tuple[str, str]] = {
    405: ("METHOD_NOT_SUPPORTED", "Method Not Allowed"),
    408: ("TIMEOUT", "Request Timeout"),
    413: ("PAYLOAD_TOO_LARGE", "Content Too Large"),
    414: ("URI_TOO_LONG", "URI Too Long"),
    416: ("RANGE_NOT_SATISFIABLE", "Range Not Satisfiable"),
    422: ("UNPROCESSABLE_CONTENT", "Unprocessable Content"),
    499: ("CLIENT_CLOSED_REQUEST", "Client Closed Request"),
    520: ("INTERNAL_SERVER_ERROR", "Web Server Returned an Unknown Error"),
    524: ("INTERNAL_SERVER_ERROR", "A Timeout Occurred"),
    529: ("INTERNAL_SERVER_ERROR", "Site Is Overloaded"),
}


@fault
def status(
    code: int,
    *,
    message: str | None = None,
    retry_after: float | datetime | str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Alteration:
    """Respond with an error in the API's form.

    Args:
        code: An HTTP status code, or a code that only proxies use: 499, 520, 524 or 529.
        message: The API's message; None: the standard phrase of the code.
        retry_after: The header ``Retry-After``: seconds, an aware date, or any text; None: the header is not sent.
        headers: More headers, such as the ``Date`` of a server whose clock is wrong; None: there are none.
    """
    name, phrase = _NAMES[code] if code in _NAMES else (HTTPStatus(code).name, HTTPStatus(code).phrase)
    wanted = {"Content-Type": "application/json", **(headers or {})}
    if isinstance(retry_after, datetime):
        wanted["Retry-After"] = format_datetime(retry_after.astimezone(UTC), usegmt=True)
    elif retry_after is not None:
        wanted["Retry-After"] = str(retry_after)
    return instead(code, wanted, Refusal(code, name, message or phrase).body)


@fault
def html(code: int = 200, *, headers: Mapping[str, str] | None = None) -> Alteration:
    """Respond with a web page, as proxies do.

    Args:
        code: HTTP status code.
        headers: More headers; None: there are none.
    """
    page = b"<!DOCTYPE html>\n<html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>\n"
    return instead(code, {"Content-Type": "text/html; charset=utf-8", **(headers or {})}, page)


@fault
def empty(code: int = 200, *, headers: Mapping[str, str] | None = None) -> Alteration:
    """Respond with no body at all.

    Args:
        code: HTTP status code.
        headers: The headers; None: there are none.
    """
    return instead(code, headers or {}, b"")


@fault
def json(document: Any, code: int = 200) -> Alteration:  # noqa: ANN401 - any JSON document
    """Respond with another JSON document.

    Args:
        document: The document, of types that JSON has.
        code: HTTP status code.
    """
    return instead(code, {"Content-Type": "application/json"}, dumps(document))


@fault
def redirect(location: str | None = None, *, code: int = 307) -> Alteration:
    """Redirect to another address.

    Args:
        location: The address, absolute or relative; None: the same address again.
        code: 301, 302, 303, 307 or 308.
    """
    return lambda delivery, request, _random: delivery.with_response(
        Delivery.of(code, {"Location": location or request.target}, b""),
    )


@fault
def reset(*, after: Literal["request", "headers", "half"] = "request") -> Alteration:
    """Reset the connection.

    Args:
        after: When to do it: after the request, after the response's headers, or after half of its body.
    """
    if after == "request":
        return lambda delivery, _request, _random: delivery.with_response(Delivery(["reset"]))
    at = 0.0 if after == "headers" else 0.5
    return lambda delivery, _request, _random: Delivery((*delivery.split(at)[0], "reset"))


@fault
def hang_up() -> Alteration:
    """Close the connection in an orderly manner, without a response."""
    return lambda delivery, _request, _random: delivery.with_response(Delivery(["close"]))


@fault
def cut(*, at: float = 0.5, announced: bool = True) -> Alteration:
    """End the body early.

    Args:
        at: The share of the body's bytes that is sent, 0 to 1.
        announced: Whether Content-Length still names the whole body, so that the client notices. Otherwise it names the
            part, and HTTP considers the response complete: a 200 with half a JSON document.
    """

    def alter(delivery: Delivery, _request: Request, _random: Random) -> Delivery:
        part = Delivery(delivery.split(at)[0])
        if announced:
            return Delivery((*part.steps, "close"))
        return part.with_headers({"Content-Length": str(len(part.body))})

    return alter


@fault
def stall(seconds: float, *, inside_body: bool = False) -> Alteration:
    """Send nothing for a while, and then continue.

    Args:
        seconds: How long nothing is sent; at least 0.
        inside_body: Whether to stop in the middle of the body. Otherwise nothing has been sent before.
    """

    def alter(delivery: Delivery, _request: Request, _random: Random) -> Delivery:
        before, after = delivery.split(0.5) if inside_body else ((), delivery.steps)
        return Delivery((*before, seconds, *after))

    return alter


@fault
def latency(seconds: float, *, jitter: float = 0.0) -> Alteration:
    """Respond later.

    Args:
        seconds: How much later, on average; at least 0.
        jitter: How much a wait may be shorter or longer than that, in seconds; at least 0. No wait is less than 0.
    """
    low, high = seconds - jitter, seconds + jitter
    return lambda delivery, _request, random: Delivery((max(0.0, random.uniform(low, high)), *delivery.steps))


@fault
def chunked() -> Alteration:
    """Send the body in chunked transfer coding."""
    return lambda delivery, _request, _random: delivery.with_headers({"Content-Length": None})


@fault
def gzip() -> Alteration:
    """Compress the body."""

    def alter(delivery: Delivery, _request: Request, _random: Random) -> Delivery:
        compressor = compressobj(wbits=_GZIP)
        steps = list(delivery.steps)
        parts = [(index, step) for index, step in enumerate(steps) if isinstance(step, bytes)]
        for index, part in parts:
            is_last = index == parts[-1][0]
            steps[index] = compressor.compress(part) + compressor.flush(Z_FINISH if is_last else Z_SYNC_FLUSH)
        compressed = Delivery(steps).with_headers({"Content-Encoding": "gzip"})
        if delivery.complete and "Content-Length" in delivery.headers:
            return compressed.with_headers({"Content-Length": str(len(compressed.body))})
        return compressed

    return alter


@fault
def gzip_bomb(size: int = 80 * _MIB) -> Alteration:
    """Respond with a few bytes that decompress to many spaces.

    Args:
        size: The number of spaces, in bytes.
    """
    compressor = compressobj(wbits=_GZIP)
    parts = [compressor.compress(b" " * min(_MIB, size - at)) for at in range(0, size, _MIB)]  # takes little memory
    bomb = b"".join(parts) + compressor.flush()
    return instead(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, bomb)


@fault
def oversized(size: int = 80 * _MIB, *, announced: bool = True) -> Alteration:
    """Send many spaces after the response. JSON allows that.

    Args:
        size: The least number of spaces, in bytes.
        announced: Whether Content-Length says so, and the client can refuse before it reads.
    """

    def alter(delivery: Delivery, _request: Request, _random: Random) -> Delivery:
        padding = ceil(size / _MIB) * (b" " * _MIB,)  # the same bytes many times take little memory
        padded = Delivery((*delivery.steps, *padding))
        length = str(len(delivery.body) + len(padding) * _MIB) if announced else None
        return padded.with_headers({"Content-Length": length})

    return alter


@fault
def header_flood(count: int = 1000, *, size: int = 1000) -> Alteration:
    """Send many more headers.

    Args:
        count: How many more headers to send.
        size: The length of each of their values, in bytes.
    """
    flood = {f"X-Flood-{number}": "x" * size for number in range(count)}
    return lambda delivery, _request, _random: delivery.with_headers(flood)


@fault
def unreadable(*items: int | str, by: Fault | None = None) -> Alteration:
    """Apply a fault to each page that holds one of these items, and to each response that is one by itself.

    Args:
        items: Positions or IDs.
        by: The fault of such a response, such as ``empty(504)`` or ``stall(60)``; None: ``status(500)``.
    """
    met = status(500) if by is None else by

    return lambda delivery, request, random: (
        met.alter(delivery, request, random) if _among(request, items) else delivery
    )


@fault
def malformed(*items: int | str) -> Alteration:
    """Write null as the ID of these items. The rest of the response stays the same.

    A response that another fault has replaced stays as it is.

    Args:
        items: Positions or IDs.
    """

    def alter(delivery: Delivery, request: Request, _random: Random) -> Delivery:
        among = _among(request, items)
        if not among or delivery.status != HTTPStatus.OK:
            return delivery
        try:
            document: Any = loads(delivery.body)
        except ValueError:  # another fault has replaced it
            return delivery
        match document:
            case {"data": [*sent]} | [*sent]:
                pass
            case _:
                sent = [document]
        for index, item in enumerate(sent):  # of any type, because a fault may have sent another document
            if isinstance(item, dict) and (index, cast("Any", item).get("id")) in among:
                item["id"] = None
        return delivery.with_response(Delivery.of(200, {"Content-Type": "application/json"}, dumps(document)))

    return alter


def _among(request: Request, items: tuple[int | str, ...]) -> list[tuple[int, str]]:
    """Return the index and the ID of the named items that are on the page. An item by itself has the index 0."""
    page = request.page
    if page is None:
        return [(0, item.id) for item in [request.detail] if getattr(item, "id", None) in items]
    return [
        (index, item.id) for index, item in enumerate(page.data) if item.id in items or page.cursor + index in items
    ]


TRANSIENT = (
    status(500),
    html(502),
    status(503, retry_after=0),
    empty(504),
    status(408),
    status(429),
    reset(),
    reset(after="headers"),
    reset(after="half"),
    hang_up(),
    cut(),
    chunked() + cut(),
    cut(announced=False),
    html(),
)
"""The faults of a bad day. Each is gone at the next attempt, and none of them is slow."""
