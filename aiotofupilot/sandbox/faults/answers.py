"""Faults that replace the answer of the listing."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from aiotofupilot.sandbox.delivery import Delivery
from aiotofupilot.sandbox.wire import Refusal

from .fault import Alteration, fault, instead

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["empty", "html", "json", "redirect", "status"]

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
    """Answer with an error in the API's form.

    Args:
        code: An HTTP status code, or a code that only proxies use: 499, 520, 524 or 529.
        message: The API's message; None: the standard phrase of the code.
        retry_after: The header ``Retry-After``: seconds, an aware date, or any text; None: the header is not sent.
        headers: More headers, such as the `Date` of a server whose clock is wrong; None: there are none.
    """
    name, phrase = _NAMES[code] if code in _NAMES else (HTTPStatus(code).name, HTTPStatus(code).phrase)
    wanted = {"Content-Type": "application/json", **(headers or {})}
    if isinstance(retry_after, datetime):
        wanted["Retry-After"] = format_datetime(retry_after.astimezone(UTC), usegmt=True)
    elif retry_after is not None:
        wanted["Retry-After"] = str(retry_after)
    return instead(code, wanted, Refusal(code, name, message or phrase).answer().body)


@fault
def html(code: int = 200, *, headers: Mapping[str, str] | None = None) -> Alteration:
    """Answer with a web page, as proxies do.

    Args:
        code: HTTP status code.
        headers: More headers; None: there are none.
    """
    page = b"<!DOCTYPE html>\n<html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>\n"
    return instead(code, {"Content-Type": "text/html; charset=utf-8", **(headers or {})}, page)


@fault
def empty(code: int = 200, *, headers: Mapping[str, str] | None = None) -> Alteration:
    """Answer with no body at all.

    Args:
        code: HTTP status code.
        headers: The headers; None: there are none.
    """
    return instead(code, headers or {}, b"")


@fault
def json(document: Any, code: int = 200) -> Alteration:  # noqa: ANN401 - any JSON document
    """Answer with another JSON document.

    Args:
        document: The document, of types that JSON has.
        code: HTTP status code.
    """
    return instead(code, {"Content-Type": "application/json"}, orjson.dumps(document))


@fault
def redirect(location: str | None = None, *, code: int = 307) -> Alteration:
    """Redirect to another address.

    Args:
        location: The address, absolute or relative; None: the same address again.
        code: 301, 302, 303, 307 or 308.
    """
    return lambda delivery, request, _random: delivery.with_answer(
        Delivery.of(code, {"Location": location or request.target}, b""),
    )
