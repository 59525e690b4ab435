"""The moment when reading has to end, with what has come by then."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

__all__ = ["Deadline"]

T = TypeVar("T")


class Deadline:
    """A time from now on in which reading has to end.

    Args:
        seconds: How long it is, more than 0. None: there is no limit.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.is_missed: bool = False
        """Whether it has ended the reading of something."""
        self._at = None if seconds is None else time.monotonic() + seconds  # which is the clock of event loops

    async def before(self, arrivals: AsyncIterator[T]) -> AsyncGenerator[T]:
        """Yield what arrives in time. What is waited for when the time is over is cancelled."""
        while True:
            scope = asyncio.timeout_at(self._at)
            try:
                async with scope:
                    arrived = await anext(arrivals)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not scope.expired():
                    raise
                self.is_missed = True
                return
            yield arrived
