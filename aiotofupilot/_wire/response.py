"""An HTTP answer as a value, and the page or the error that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from aiotofupilot.models import Page

from .problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

__all__ = ["Response", "read_page"]

T = TypeVar("T")


_REQUEST_ID_HEADERS = ("x-request-id", "x-vercel-id", "cf-ray")
"""Headers in which servers and proxies put the ID of a request. The first one that is there counts."""


@frozen
class Response:
    """An HTTP answer with its whole body."""

    status: int
    """Status code."""
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes
    """Decompressed."""
    received_at: datetime
    """When the whole answer had arrived, by the local clock; timezone-aware."""

    @property
    def request_id(self) -> str | None:
        """The ID that the server or a proxy gave to the request. None: there is none."""
        headers = self.headers
        return next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None)


def read_page(response: Response, cursor: int, decode: Callable[[bytes, int], Page[T]]) -> Page[T]:
    """Return the page that an answer holds.

    Args:
        response: The answer to the request for a page.
        cursor: Where that page was asked to begin.
        decode: Turns a body and its cursor into a page.

    Raises:
        APIError: The server refused, or failed.
        DecodeError: The status promises a page, but the body is not one.
    """
    if 200 <= response.status < 300:  # noqa: PLR2004 - the class of success in HTTP
        page = decode(response.body, cursor)
        return Page(page.data, page.meta, page.cursor, response.request_id, response.headers)
    raise problem(response)
