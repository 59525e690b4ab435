"""An answer as a value, and the page or the error that it holds."""

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
"""Where servers and proxies commonly put a request's name. The first that is there is taken."""


@frozen
class Response:
    """An HTTP answer, wholly read."""

    status: int
    """Status code."""
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes
    """Decompressed."""
    received_at: datetime
    """When it had arrived, by the local clock; timezone-aware."""

    @property
    def request_id(self) -> str | None:
        """What the server or a proxy calls the request. None: it has no name."""
        headers = self.headers
        return next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None)


def read_page(response: Response, cursor: int, decode: Callable[[bytes, int], Page[T]]) -> Page[T]:
    """Return the page that an answer holds.

    Args:
        response: The answer to the request of a page.
        cursor: Where that page was asked to begin.
        decode: From a body and its cursor to a page.

    Raises:
        APIError: The server refused, or failed.
        DecodeError: The status promises a page, and the body is none.
    """
    if 200 <= response.status < 300:  # noqa: PLR2004 - the class of success in HTTP
        page = decode(response.body, cursor)
        return Page(page.data, page.meta, page.cursor, response.request_id, response.headers)
    raise problem(response)
