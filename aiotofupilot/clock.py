"""Time and chance, gathered where a test can replace them."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime

__all__ = ["Clock"]


class Clock:
    """The real clock and real chance. Tests hand in a clock that moves when it is told to."""

    def monotonic(self) -> float:
        """Return seconds since some moment, never going back."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the local clock's time, in UTC."""
        return datetime.now(UTC)

    def uniform(self, low: float, high: float) -> float:
        """Return a number between the two, each as likely as any other."""
        return random.uniform(low, high)  # noqa: S311 - spreads attempts over time, hides nothing

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds. Other tasks run meanwhile."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """Return a context that a `TimeoutError` ends after so many seconds."""
        return asyncio.timeout(seconds)
