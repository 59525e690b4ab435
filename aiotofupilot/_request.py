"""The options of a request, shared by paging and HTTP, which do not know each other."""

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
    """Whether it is about a single item."""

    def __str__(self) -> str:
        if self.is_item:
            return f"one of the {self.listing}"
        return self.listing if self.cursor is None else f"{self.listing} at cursor {self.cursor}"


@define
class Deadline:
    """The time after which no request of a group begins. The first request sets it by its policy."""

    at: float | None = None
    """By the monotonic clock, or None if not set yet."""
    is_missed: bool = False
    """Whether a request of the group was refused because of it."""


class FetchOptions(TypedDict, total=False):
    """How a page or an item is requested, and for how long."""

    once: bool
    """Whether to make only one attempt."""
    deadline: Deadline | None
    """A shared time limit. By default, the request has its own."""
    control: Control | None
    """Requests something else of the listing once, and returns whether the response was good, to tell a failure of the
    page from one of the server. Takes the number of controls so far. None by default."""
