"""Time and chance, in one place where a test can replace them."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime

__all__ = ["Clock"]


class Clock:
    """The real clock and real chance. Tests give a clock that moves when they tell it to."""

    def monotonic(self) -> float:
        """Return the seconds since some moment. They never go back."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of the local clock, in UTC."""
        return datetime.now(UTC)

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between two others."""
        return random.uniform(low, high)  # noqa: S311 - spreads attempts over time, hides nothing

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds. Other tasks run meanwhile."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """Return a context that ends with a `TimeoutError` after a number of seconds."""
        return asyncio.timeout(seconds)
