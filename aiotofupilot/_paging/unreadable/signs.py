"""Which errors can be due to an item of the page that was asked for, and how to get them without a raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

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

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from aiotofupilot.models import Page

__all__ = ["Ask", "calls_for_parts", "is_due_to_length", "is_inconclusive", "is_unreadable", "judged", "page_or_error"]

T = TypeVar("T")

_TOO_SLOW = frozenset({408, 504, 524})
_CRASHED = frozenset({500, 502, 520})
"""Statuses that one page alone can have. 520 and 524 are what Cloudflare says for 502 and 504.

503, 429 and 529 are not among them: with these a server refuses work, whatever page it is asked for.
"""


_REFUSED = 503
_MORE_ATTEMPTS = 2
"""How often a page is asked for once more, after an attempt that told nothing of it."""


class Ask(Protocol[T]):
    """Fetches a page of a listing, and counts the requests."""

    def __call__(self, cursor: int, limit: int, *, once: bool = False) -> Coroutine[Any, Any, Page[T]]:
        """Return a page; see `Source.fetch`."""
        ...


def is_unreadable(error: TofuPilotError) -> bool:
    """Return whether an error can be due to an item of the page that was asked for."""
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


def is_inconclusive(error: TofuPilotError) -> bool:
    """Return whether the last attempt at a page told nothing of its items, and there were others that may have."""
    return isinstance(error, ServerError) and error.status == _REFUSED and error.attempts > 1


def calls_for_parts(error: TofuPilotError, *, skips: bool) -> bool:
    """Return whether a page is to be read in parts after an error.

    Only if unreadable items are to be skipped, this is so for an error that could have been tried again where the user
    wants no retries, and after an attempt that told nothing of the items. Otherwise a test or a service would see more
    requests during an outage than the policy has attempts.

    Args:
        error: How the page failed.
        skips: Whether unreadable items are to be skipped.
    """
    if is_inconclusive(error):
        return skips
    if not is_unreadable(error):
        return False
    if skips or error.attempts > 1:
        return True
    return isinstance(error, DecodeError | ResponseTooLargeError) and not isinstance(error, InvalidJSONError)


async def judged(ask: Ask[T], cursor: int, limit: int, error: TofuPilotError) -> Page[T] | TofuPilotError:
    """Return a page, or an error that can be due to one of its items, after an attempt that was inconclusive.

    Args:
        ask: Fetches a page.
        cursor: Where the page begins.
        limit: How many items to ask for.
        error: How the last attempt failed.

    Raises:
        TofuPilotError: The error given, because more attempts fail in the same way, or in another that tells nothing.
    """
    for _ in range(_MORE_ATTEMPTS):
        try:
            return await ask(cursor, limit, once=True)
        except (APIError, TransportError, DecodeError) as again:
            if is_unreadable(again):
                return again
    raise error


async def page_or_error(ask: Ask[T], cursor: int, limit: int, *, retries: bool = False) -> Page[T] | TofuPilotError:
    """Return a page, or an error that can be due to one of its items.

    Args:
        ask: Fetches a page.
        cursor: Where the page begins.
        limit: How many items to ask for.
        retries: Whether to make as many attempts as the session allows. If not, a single one is made. Where that fails
            in a way that says nothing of an item, the page is asked for with retries after all.

    Raises:
        TofuPilotError: The page failed in another way.
    """
    if not retries:
        try:
            return await ask(cursor, limit, once=True)
        except (APIError, TransportError, DecodeError) as error:
            if is_unreadable(error):
                return error
    try:
        return await ask(cursor, limit)
    except TofuPilotError as error:
        if is_unreadable(error):
            return error
        if is_inconclusive(error):
            return await judged(ask, cursor, limit, error)
        raise
