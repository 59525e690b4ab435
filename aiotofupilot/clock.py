"""Time and chance, in one place where a test can replace them.

`Deadline` and `FetchOptions` say for how long and how something is requested. Paging and HTTP have them from here,
because they do not know each other.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

from attrs import define

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Clock", "Deadline", "FetchOptions"]


@define
class Deadline:
    """A point in time after which no request of a group begins. The first request sets it by its policy."""

    at: float | None = None
    """By the monotonic clock; None: it is not set yet."""
    is_missed: bool = False
    """Whether a request of the group was refused because of it."""


class FetchOptions(TypedDict, total=False):
    """How a page or an item is requested, and for how long."""

    once: bool
    """Whether to make a single attempt, however many the session allows. By default not."""
    deadline: Deadline | None
    """A time limit that other requests have too, and that this request sets if it is not set. By default, the session
    has one. A page with a time limit also has a control."""
    control: Callable[[], Awaitable[bool]] | None
    """Requests something else of the listing once, and returns whether there was a good response. It tells whether the
    server is down, or only this request fails. None: nothing else can be requested."""


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
