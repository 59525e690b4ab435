"""A clock of which a test decides the time."""

import asyncio
import heapq
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

from aiotofupilot._clock import Clock


class FakeClock(Clock):
    """A clock whose time passes only when everyone waits, and whose chance draws given numbers."""

    def __init__(self):
        self.seconds = 0.0
        self.slept = []
        self.drawn = []
        self.chance = 1.0
        """Where a number is drawn between its bounds: 0.0 is the low one, and 1.0 the high one."""
        self._sleepers = []
        self._order = count()

    def monotonic(self):
        return self.seconds

    def now(self):
        return datetime(2026, 2, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def uniform(self, low, high):
        self.drawn.append((low, high))
        return low + (high - low) * self.chance

    async def sleep(self, seconds):
        self.slept.append(seconds)
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._order), woken))
        await woken

    def timeout(self, seconds):
        scope = asyncio.timeout(None)
        if seconds is None:
            return scope
        over = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._order), over))

        def expire(_over):
            with suppress(RuntimeError):  # unless the context was left before
                scope.reschedule(0.0)

        over.add_done_callback(expire)
        return scope

    async def run(self, *coroutines):
        """Run coroutines side by side, let the time pass that they need, and return their results or errors."""
        loop = asyncio.get_running_loop()
        running = asyncio.gather(*coroutines, return_exceptions=True)
        while not running.done():
            await asyncio.sleep(0)
            if not loop._ready and not running.done():  # nothing can continue before some time has passed
                assert self._sleepers, "everyone waits, and not for the time"
                self.seconds, _, woken = heapq.heappop(self._sleepers)
                if not woken.done():  # unless the sleeper was cancelled
                    woken.set_result(None)
        return await running
