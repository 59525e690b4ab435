"""Sessions that wait for nobody but the server."""

import asyncio
from contextlib import contextmanager

from attrs import evolve

from aiotofupilot import TofuPilotSession
from aiotofupilot._clock import Clock


@contextmanager
def without_waits():
    """Skip all waits of the sessions that are made in a block, before retries and in pauses.

    A session sends the same requests in the same order as one that waits, and gives up at the same point.
    """
    wiring = TofuPilotSession._wiring
    TofuPilotSession._wiring = evolve(wiring, clock=HurriedClock())
    try:
        yield
    finally:
        TofuPilotSession._wiring = wiring


class HurriedClock(Clock):
    """The real clock, except that each wait ends at once and moves the time by its length."""

    _ahead = 0.0
    """Seconds ahead of the real clock."""

    def monotonic(self):
        return super().monotonic() + self._ahead

    async def sleep(self, seconds):
        over_at = self.monotonic() + seconds
        await asyncio.sleep(0)  # other tasks run, and may move the clock
        self._ahead += max(0.0, over_at - self.monotonic())

    async def wait(self, event, seconds):
        over_at = self.monotonic() + seconds
        await asyncio.sleep(0)
        if not event.is_set():
            await self.sleep(over_at - self.monotonic())
