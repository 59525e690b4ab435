"""The options of a request. Paging and HTTP share them, but do not know each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from attrs import define, frozen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Control = Callable[[int], Awaitable[bool]]


@frozen
class Label:
    """Names a request in log lines and errors, without filters or an item's key."""

    listing: str
    """The listing, or another part of the API."""
    cursor: int | None = None
    """The cursor of the page, or None."""
    is_item: bool = False
    """Whether the request is about a single item."""

    def __str__(self) -> str:
        if self.is_item:
            return f"one of the {self.listing}"
        return self.listing if self.cursor is None else f"{self.listing} at cursor {self.cursor}"


@define
class Deadline:
    """The time after which no request of a group begins. The first request sets it, by its policy."""

    at: float | None = None
    """The time by the monotonic clock, or None if it is not set yet."""
    is_missed: bool = False
    """Whether a request of the group was not sent because the time was up."""


class FetchOptions(TypedDict, total=False):
    """How a page or an item is requested, and for how long."""

    once: bool
    """Whether to make only one attempt."""
    deadline: Deadline | None
    """A shared time limit. By default, the request has its own."""
    control: Control | None
    """Requests another part of the listing once, and returns whether the response was good. This shows whether the page
    or the server failed. The argument is the number of controls so far. None by default."""
