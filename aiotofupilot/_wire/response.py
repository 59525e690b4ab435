"""An answer as a value, and the page or the error that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from .problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from aiotofupilot.models import Page

__all__ = ["Response", "read_page"]

T = TypeVar("T")


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
        return decode(response.body, cursor)
    raise problem(response)
