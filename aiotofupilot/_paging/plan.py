"""How a listing is to be walked, and how a page of it is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from aiotofupilot.checkpoint import Checkpoint
    from aiotofupilot.clock import Deadline
    from aiotofupilot.models import Page
    from aiotofupilot.stats import RequestCounts

    from .source import Control

__all__ = ["Fetch", "OnDrift", "OnUnreadable", "Plan"]

T = TypeVar("T")

OnDrift = Literal["ignore", "resync", "raise"]
"""What a walk does about a listing that moves during the walk."""


OnUnreadable = Literal["raise", "skip"]
"""What a walk does about an item that the server cannot serve."""


class Fetch(Protocol[T]):
    """Fetches a page of a listing."""

    def __call__(
        self,
        cursor: int,
        limit: int,
        counts: RequestCounts,
        *,
        once: bool = False,
        deadline: Deadline | None = None,
        control: Control | None = None,
    ) -> Coroutine[Any, Any, Page[T]]:
        """Return the page that begins at a cursor; see `Source.fetch`."""
        ...


@frozen
class Plan:
    """How a listing is to be walked."""

    limit: int
    """Items per page."""
    start: Checkpoint
    """Where to begin."""
    max_items: int | None
    """The most items to yield; None: all."""
    concurrency: int
    """How many pages may be in flight or waiting to be used."""
    on_drift: OnDrift
    """What to do about a listing that moves."""
    keep: Callable[[Any], bool] | None = None
    """Returns whether to yield an item that the server lists; None: all are yielded. The others are passed over."""
    sort_key: Callable[[Any], object] | None = None
    """Returns what the server sorts an item by; None: that is not known. Items with equal keys have no order."""
    on_unreadable: OnUnreadable | None = "raise"
    """What to do about an item that cannot be read. None: the server does not cut the listing into pages, so no
    page can be asked for in parts."""

    def described(self) -> dict[str, int | str]:
        """Return how the listing is walked, for instruments."""
        return {"limit": self.limit, "concurrency": self.concurrency, "on_drift": self.on_drift}
