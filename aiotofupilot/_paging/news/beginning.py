"""When a pass over what is new began, and what time it is, by the server's clock, or else by the local one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from aiotofupilot._paging.source import Identified

from .seen import moment_of

if TYPE_CHECKING:
    from aiotofupilot._paging.source import Source
    from aiotofupilot.models import Page
    from aiotofupilot.stats import RequestCounts

__all__ = ["Beginning"]

T = TypeVar("T", bound=Identified)


class Beginning:
    """When a pass began, by the server's clock. If the server does not tell the time, the local clock counts.

    The pages in flight hold it, and it holds nothing. So a pass that is dropped is freed, which cancels them.
    """

    def __init__(self) -> None:
        self.moment = -math.inf
        """Seconds since 1970; minus infinity before the server has answered."""
        self._is_told = False
        """Whether the server told the time."""
        self._asked_at = 0.0
        """When the first page was asked for, in seconds by the monotonic clock."""

    async def fetch(
        self, source: Source[T], cursor: int, limit: int, counts: RequestCounts, *, once: bool = False
    ) -> Page[T]:
        """Return a page. If it is the first page, note when it was served."""
        now, asked_at = source.clock.now(), source.clock.monotonic()
        page = await source.fetch(cursor, limit, counts, once=once)
        if self.moment == -math.inf:
            served_at = source.served_at(page)
            self.moment = moment_of(served_at or now)
            self._is_told, self._asked_at = served_at is not None, asked_at
        return page

    def time(self, now: float) -> float:
        """Return the time by the clock that tells when the pass began, in seconds since 1970.

        Args:
            now: The time by the monotonic clock.
        """
        return self.moment + now - self._asked_at

    def bound(self, newest: float, now: float) -> float:
        """Return a moment that is later than neither the beginning of the pass nor the newest item.

        The local clock may be ahead. But the newest item was created by now. So the pass began at the moment of its
        creation or later, less the seconds that the pass has taken.

        Args:
            newest: When the newest item was created that the pass has seen.
            now: The time by the monotonic clock.
        """
        taken = 0.0 if self._is_told else now - self._asked_at
        return min(self.moment, newest - taken)
