"""Makes waits take no time, for tests of services that make their own sessions."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from aiotofupilot.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["without_waits"]


@contextmanager
def without_waits() -> Generator[None]:
    """Let sessions of this process wait for nothing while a block runs, neither before a retry nor in a pause.

    For a session, each wait is over at once. So it sends the same requests in the same order as a session that waits,
    and gives up as it would. It still waits for the server's answers. Sessions of other processes do not
    change.

    Example:
        with serve(Sandbox()) as sandbox, without_waits():
            sandbox.faults.always(status(503))
            ...  # a service that gives up after a minute gives up at once
    """
    ahead = 0.0
    monotonic = Clock.monotonic

    def moved(clock: Clock) -> float:
        return monotonic(clock) + ahead

    async def pass_by(clock: Clock, seconds: float) -> None:
        nonlocal ahead
        over_at = clock.monotonic() + seconds
        await asyncio.sleep(0)  # other tasks run meanwhile, and may move the clock too
        ahead += max(0.0, over_at - clock.monotonic())

    async def pass_by_unless(clock: Clock, event: asyncio.Event, seconds: float) -> None:
        over_at = clock.monotonic() + seconds
        await asyncio.sleep(0)
        if not event.is_set():
            await pass_by(clock, over_at - clock.monotonic())

    with (
        patch.object(Clock, "monotonic", moved),
        patch.object(Clock, "sleep", pass_by),
        patch.object(Clock, "wait", pass_by_unless),
    ):
        yield
