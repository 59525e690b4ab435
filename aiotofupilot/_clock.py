"""Time and chance, in one place where a test can replace them."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from datetime import UTC, datetime


class Clock:
    """The real clock and real chance. Tests give a clock that moves when they tell it to."""

    def monotonic(self) -> float:
        """Return the seconds since some point in time. They never go back."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of the local clock, in UTC."""
        return datetime.now(UTC)

    def uniform(self, low: float, high: float) -> float:
        """Return a random number.

        Args:
            low: The least number.
            high: The greatest number.
        """
        return random.uniform(low, high)  # noqa: S311 - spreads attempts over time, hides nothing

    async def sleep(self, seconds: float) -> None:
        """Wait. Other tasks run meanwhile.

        Args:
            seconds: How long to wait; 0 or more.
        """
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Return a context that ends with a `TimeoutError` when its time is up.

        Args:
            seconds: The time of the context; 0 or less: it is up at once. None: it is never up.
        """
        return asyncio.timeout(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Wait until an event is set, but not longer than some time.

        Args:
            event: The event.
            seconds: How long to wait at most.
        """
        with suppress(TimeoutError):
            async with self.timeout(seconds):
                await event.wait()
