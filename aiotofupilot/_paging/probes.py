"""Requests that tell an item that the server cannot serve from a server that is down."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import define

from aiotofupilot.errors import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    DecodeError,
    InvalidJSONError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
    TofuPilotError,
    TransportError,
)

from .source import Fetch, Identified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiotofupilot.clock import Deadline
    from aiotofupilot.models import Page

T = TypeVar("T", bound=Identified)

_TOO_SLOW = frozenset({408, 504, 524})
_CRASHED = frozenset({500, 502, 520})
"""Statuses that one page alone can have. 520 and 524 are what Cloudflare says for 502 and 504.

503, 429 and 529 are not among them: with these a server refuses work, whatever page is requested.
"""

_FAILED = (APIError, TransportError, DecodeError)
"""How a request fails that was sent."""

_log = logging.getLogger("aiotofupilot")


def is_unreadable(error: TofuPilotError) -> bool:
    """Return whether an error can be due to an item of the page that was requested."""
    match error:
        case ServerError():
            return error.status in _TOO_SLOW | _CRASHED
        case ConnectionFailedError():  # the server may reset the connection when the item crashes it
            return not isinstance(error, CertificateError)
        case ResponseTooLargeError():
            return error.limit is not None
        case DecodeError():
            return error.item is not None or isinstance(error, InvalidJSONError)
        case _:
            return isinstance(error, RequestTimeoutError)


def is_due_to_length(error: TofuPilotError) -> bool:
    """Return whether an error can be due to the length of the page, so that a shorter one might come."""
    if isinstance(error, ServerError):
        return error.status in _TOO_SLOW
    return isinstance(error, RequestTimeoutError | ResponseTooLargeError)


def positions_beside(cursor: int, limit: int) -> tuple[int, ...]:
    """Return the positions of controls: right behind a page, and further on.

    The last one is beyond the end of most listings. An empty page cannot fail because of an item.
    """
    return cursor + limit, cursor + 11 * limit, cursor + 1001 * limit


async def read_beside(fetch: Fetch[Any], cursor: int, limit: int, deadline: Deadline, tried: Iterator[int]) -> bool:
    """Request an item beside a page once, at another position each time, and return whether there was a good response.

    With its arguments, this is the `Control` of the page. It knows no walk, because the pages in flight hold it.
    """
    positions = positions_beside(cursor, limit)
    with suppress(*_FAILED):
        await fetch(positions[next(tried) % len(positions)], 1, once=True, deadline=deadline)
        return True
    return False


class TimeUpError(Exception):
    """The search has taken too long."""


@define(eq=False, repr=False)
class Probes(Generic[T]):
    """Requests items within a time limit. After it, each request raises a `TimeUpError`."""

    fetch: Fetch[T]
    """Fetches a page."""
    deadline: Deadline
    """The time limit of the search."""
    has_waited: bool = False
    """Whether a control had to wait for the server. What failed before it may have failed for the same reason."""

    async def probe(self, cursor: int, limit: int, *, once: bool = True) -> Page[T] | TofuPilotError:
        """Return items, or an error that can be due to one of them. Any other error is raised.

        The policy decides about further attempts if not ``once``, or after an error such as a 503.
        """
        try:
            return await self._request(cursor, limit, once=once)
        except _FAILED as error:
            if is_unreadable(error):
                return error
            if not once:
                raise
        return await self.probe(cursor, limit, once=False)

    async def control(self, cursor: int, limit: int = 1) -> Page[T] | None:
        """Request items elsewhere, once if the session is up, and return them; None: there was no good response."""
        for once in (True, False):
            try:
                return await self._request(cursor, limit, once=once)
            except _FAILED as error:
                if error.down_since is None:
                    break
                self.has_waited = True
        return None

    async def _request(self, cursor: int, limit: int, *, once: bool) -> Page[T]:
        deadline = self.deadline
        try:
            return await self.fetch(cursor, limit, once=once, deadline=deadline)
        except TofuPilotError as error:
            if deadline.is_missed:
                raise TimeUpError from error
            _log.info("looking for an unreadable item: %d items at position %d fail: %s", limit, cursor, error)
            raise
