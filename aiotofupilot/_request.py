"""How a page or an item is requested, and for how long: shared by paging and HTTP, which do not know each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from attrs import define, frozen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Control = Callable[[int], Awaitable[bool]]


@frozen
class Label:
    """What log lines and errors say a request is about. It names neither the filters of a listing nor an item's key."""

    listing: str
    """The listing, or another part of the API."""
    cursor: int | None = None
    """The cursor of the page. None if it is not about a page."""
    is_item: bool = False
    """Whether it is about one of the items."""

    def __str__(self) -> str:
        if self.is_item:
            return f"one of the {self.listing}"
        return self.listing if self.cursor is None else f"{self.listing} at cursor {self.cursor}"


@define
class Deadline:
    """A point in time after which no request of a group begins. The first request sets it by its policy."""

    at: float | None = None
    """By the monotonic clock. None if it is not set yet."""
    is_missed: bool = False
    """Whether a request of the group was refused because of it."""


class FetchOptions(TypedDict, total=False):
    """How a page or an item is requested, and for how long."""

    once: bool
    """Whether to make a single attempt, however many the session allows. By default not."""
    deadline: Deadline | None
    """A time limit that other requests have too, and that this request sets if it is not set. By default, the session
    has one."""
    control: Control | None
    """Requests something else of the listing once, and returns whether there was a good response, so that a failure of
    this page or item alone is told from one of the server. It gets the number of the control, from 0 on. By default,
    there is none, because nothing else can be requested."""
