"""When a pass over what is new began, and what time it is, by the clock that dates the items."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from aiotofupilot._paging.source import Identified

from .seen import moment_of

if TYPE_CHECKING:
    from aiotofupilot._paging.source import Control, Source
    from aiotofupilot.clock import Deadline
    from aiotofupilot.models import Page
    from aiotofupilot.stats import RequestCounts

__all__ = ["Beginning"]

T = TypeVar("T", bound=Identified)

_FRACTION = 1.0
"""The ``Date`` header drops a fraction of a second."""


class Beginning:
    """When a pass began, by the clock that dates the items. No clock at hand is surely that one.

    The server tells its time with a response, which may come seconds after the server has read the items. So the
    duration of the request is subtracted. The server's clock may be ahead of the one that dates the items, and so may
    the local clock. The items themselves show how far a clock can be ahead.

    The pages in flight hold it, and it holds nothing. So a pass that is dropped is freed, which cancels them.
    """

    def __init__(self) -> None:
        self.moment = -math.inf
        """Seconds since 1970, by the earlier of the two clocks; minus infinity before the server has responded."""
        self._told = -math.inf
        """The same by the server's clock, or else by the local one."""
        self._latest = -math.inf
        """The same by the later of the two clocks."""
        self._shown = -math.inf
        """The same as far as items show it. The pass began at this moment or later."""
        self._asked_at = 0.0
        """When the first page was asked for, in seconds by the monotonic clock."""

    async def fetch(
        self,
        source: Source[T],
        cursor: int,
        limit: int,
        counts: RequestCounts,
        *,
        once: bool = False,
        deadline: Deadline | None = None,
        control: Control | None = None,
    ) -> Page[T]:
        """Return a page. If it is the first page, note when it was asked for."""
        local, asked_at = moment_of(source.clock.now()), source.clock.monotonic()
        page = await source.fetch(cursor, limit, counts, once=once, deadline=deadline, control=control)
        if self.moment == -math.inf:
            served_at = source.served_at(page)
            taken = source.clock.monotonic() - asked_at
            self._told = local if served_at is None else moment_of(served_at) - taken
            self.moment, self._latest = min(local, self._told), max(local, self._told + _FRACTION)
            self._asked_at = asked_at
        return page

    def time(self, now: float) -> float:
        """Return the latest that the time can be by either clock, in seconds since 1970.

        Args:
            now: The time by the monotonic clock.
        """
        return self._latest + now - self._asked_at

    def note(self, newest: float, now: float) -> None:
        """Take note of an item that the pass has seen. The item was created by now.

        So the pass began at the moment of its creation or later, less the seconds that the pass has taken.

        Args:
            newest: When the item was created. The newest item of a page tells the most.
            now: The time by the monotonic clock.
        """
        self._shown = max(self._shown, newest - (now - self._asked_at))

    @property
    def bound(self) -> float:
        """A moment at which the pass had not begun yet, however far the clocks are ahead.

        It is wrong only if an item claims to have been created in the future, and a clock is ahead too.
        """
        return min(self._told, self._shown)

    @property
    def at_latest(self) -> float:
        """A moment at which the pass had not begun yet, unless both clocks are ahead.

        If the local clock is behind, the items show how late the pass began at least.
        """
        return max(self.moment, self.bound)
