"""Where every request of a session passes: there may be a queue, or the server may have asked for a pause."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, TypeVar

from .errors import APIError, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._clock import Clock
    from ._lifetime import Lifetime
    from .stats import WalkStats

__all__ = ["Gate"]

T = TypeVar("T")

_UNEXPLAINED_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds to pause for a 429 that says nothing of how long: the first, the second in a row, and so on."""


class Gate:
    """Lets requests out in the order of their arrival, as many at once as there are connections for.

    A request that waited for its connection inside of aiohttp would use up its timeout there. After a 429, or any
    error with Retry-After, nobody passes until the time is over; then they return one, two, four ... at a time: from
    one on, each that comes back lets one more out than before.

    Args:
        clock: Measures and waits.
        lifetime: Ends the waiting.
        limit: Requests in flight at the most; None: no limit.
    """

    def __init__(self, clock: Clock, lifetime: Lifetime, limit: int | None) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._limit = math.inf if limit is None else limit
        self._allowed = self._limit
        self._in_flight = 0
        self._paused_until = -math.inf
        self._pauses = 0
        self._unexplained = 0
        self._queue = asyncio.Lock()
        self._queued = 0
        self._changed = asyncio.Event()

    async def run(self, send: Callable[[], Awaitable[T]], *, patience: float, stats: WalkStats) -> T:
        """Return what a request returns, sent when it is its turn.

        Args:
            send: Sends it.
            patience: The longest Retry-After that is obeyed, in seconds. For a longer one nobody is held up: the error
                is then the better answer to everyone.
            stats: Where the seconds waited for the turn are counted.
        """
        if self._queued or not self._is_open():
            await self._lifetime.run(self._wait(stats))
        self._in_flight += 1
        pauses = self._pauses
        try:
            result = await send()
        except APIError as error:
            self._heed(error, patience, knew_of=pauses)
            raise
        else:
            if pauses == self._pauses:
                self._unexplained = 0
            return result
        finally:
            self._in_flight -= 1
            if pauses == self._pauses and self._allowed < self._limit:
                self._allowed += 1
            self._changed.set()

    @property
    def rest(self) -> float:
        """Seconds that the pause still takes; 0.0: there is none."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def _is_open(self) -> bool:
        return self._in_flight < self._allowed and not self.rest

    async def _wait(self, stats: WalkStats) -> None:
        began = self._clock.monotonic()
        self._queued += 1
        try:
            # Who holds the lock is at the head of the queue, and watches for all of them.
            async with self._queue:
                while not self._is_open():
                    if rest := self.rest:
                        await self._clock.sleep(rest)
                    else:
                        self._changed.clear()
                        await self._changed.wait()
        finally:
            self._queued -= 1
            stats.waited += self._clock.monotonic() - began

    def _heed(self, error: APIError, patience: float, *, knew_of: int) -> None:
        """Pause, if an answer asks for it. What was sent before the last pause may prolong that one, but begin none."""
        news = knew_of == self._pauses
        seconds = error.retry_after
        if seconds is None and isinstance(error, RateLimitedError) and news:
            seconds = _UNEXPLAINED_PAUSES[min(self._unexplained, len(_UNEXPLAINED_PAUSES) - 1)]
            self._unexplained += 1
        if seconds is None or seconds > patience:
            return
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)
        if news:
            self._pauses += 1
            self._allowed = 1
