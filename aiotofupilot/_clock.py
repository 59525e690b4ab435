"""Time and randomness, which tests can replace."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from datetime import UTC, datetime


class Clock:
    """Real time and randomness. Tests replace it."""

    def monotonic(self) -> float:
        """Return the seconds since some point in time. They never go back."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of the local clock, in UTC."""
        return datetime.now(UTC)

    def uniform(self, low: float, high: float) -> float:
        return random.uniform(low, high)  # noqa: S311 - spreads attempts over time, hides nothing

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Return a context that raises a `TimeoutError` after some seconds. None sets no limit."""
        return asyncio.timeout(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Wait until an event is set, for at most ``seconds``."""
        with suppress(TimeoutError):
            async with self.timeout(seconds):
                await event.wait()
