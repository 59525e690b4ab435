"""How a page or an item is requested, and for how long: shared by paging and HTTP, which do not know each other."""

from __future__ import annotations

from typing import TypedDict

from attrs import define, frozen


@frozen
class Label:
    """What log lines and errors say a request is about. It names neither the filters of a listing nor an item's key."""

    listing: str
    """The listing, or another part of the API."""
    cursor: int | None = None
    """The cursor of the page. None: it is not about a page."""
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
    """By the monotonic clock; None: it is not set yet."""
    is_missed: bool = False
    """Whether a request of the group was refused because of it."""


class Suspicion(Exception):  # noqa: N818 - it is not an error: the request goes on
    """Perhaps only this page or item fails. To find out, something else of the listing has to be requested.

    Request the page again with the suspicion after that. Its attempts then go on where they were.
    """

    def __init__(self, tried: object) -> None:
        super().__init__()
        self.tried: object = tried
        """The attempts so far. Only HTTP knows what is in it, and takes it back once."""
        self.is_confirmed: bool = False
        """Whether there was a good response to something else. Whoever requests that sets it."""


class FetchOptions(TypedDict, total=False):
    """How a page or an item is requested, and for how long."""

    once: bool
    """Whether to make a single attempt, however many the session allows. By default not."""
    deadline: Deadline | None
    """A time limit that other requests have too, and that this request sets if it is not set. By default, the session
    has one."""
    suspects: bool
    """Whether a `Suspicion` may be raised. By default not, because nothing else can be requested."""
    suspicion: Suspicion | None
    """The one that was raised, after something else was requested. By default, these are the first attempts."""
