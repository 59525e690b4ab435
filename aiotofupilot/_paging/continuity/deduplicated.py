"""Continuity where pages are taken as they come: what was passed lately is dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from aiotofupilot._paging.source import Identified

from .memory import Memory
from .progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiotofupilot._paging.unreadable.gap import Gap
    from aiotofupilot.models import Page

__all__ = ["Deduplicated"]

T = TypeVar("T", bound=Identified)


class Deduplicated(Generic[T]):
    """Takes pages as they come, and drops items that were passed lately.

    Args:
        anchors: Digests of the items passed last, oldest first, from a checkpoint.
        skip: How many items of the pages to come have been passed already.
    """

    overlap = 0
    """How many items of a page the next page is to begin with."""
    next_look = 0
    """Where to look for the place of the walk. It is never lost, because every page is taken as it comes."""
    resyncs = 0
    """How often the listing was found to have moved. It is not held to anything, so it never is."""

    def __init__(self, anchors: Iterable[bytes] = (), *, skip: int = 0) -> None:
        self.memory = Memory(anchors)
        """What was passed."""
        self.skip = skip
        """How many items of the pages to come are still to be skipped."""
        self._progress = Progress()

    def admit(
        self,
        page: Page[T],
        *,
        is_short: bool = False,  # noqa: ARG002 - each page is welcome
        gap: Gap | None = None,
    ) -> Sequence[T]:
        """Return the new items of a page, in the page's order.

        Args:
            page: The page.
            is_short: Whether fewer items were asked for than a whole page has.
            gap: What lies before the page, if that is a part of one that failed.

        Raises:
            PaginationError: More than 100 pages in a row brought nothing.
        """
        ids = [item.id for item in page.data]
        self.memory.take_up(ids)
        if gap is not None:
            self.skip = max(0, self.skip - (gap.stop - gap.start))
        skipped = min(self.skip, len(ids))
        if skipped:
            self.skip -= skipped
            self.memory.skip(skipped)
        new = self.memory.new(page.data, skipped)
        self._progress.check(page, ids, is_new=bool(new or skipped))
        return new
