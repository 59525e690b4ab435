"""A sandbox in its own thread, for tests of every kind, a session with it, and sessions that wait for nothing."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from aiotofupilot import RetryPolicy, TofuPilotSession
from aiotofupilot.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Generator

    from aiotofupilot.sandbox import Sandbox

__all__ = ["serve", "session_on", "without_waits"]

_AT_ONCE = RetryPolicy(initial_wait=0.0, max_wait=0.05, max_elapsed=2.0)
"""The policy of a session for tests. An outage that does not end is an error after two seconds."""


@contextmanager
def serve(sandbox: Sandbox) -> Generator[Sandbox]:
    """Run a sandbox in its own thread and event loop, for the time of a block.

    So it needs no event loop of the test. It also serves a test that blocks, or another process. The test may change
    the sandbox from its own thread: each response shows the items as they are at one time. Hooks are called in the
    sandbox's thread.

    Example:
        class ServiceTest(unittest.IsolatedAsyncioTestCase):
            def setUp(self) -> None:
                self.sandbox = self.enterContext(serve(Sandbox(procedures=3)))

    Args:
        sandbox: A sandbox that is not running. It can be served again.

    Raises:
        OSError: The port is taken.
        RuntimeError: The sandbox is running.
        ExceptionGroup: Hooks of the sandbox have raised these errors. It is raised after the block.
    """
    with _event_loop() as loop:
        asyncio.run_coroutine_threadsafe(sandbox.start(), loop).result()
        try:
            yield sandbox
        finally:
            asyncio.run_coroutine_threadsafe(sandbox.stop(), loop).result()


def session_on(sandbox: Sandbox) -> TofuPilotSession:
    """Return a session with a running sandbox. It retries without waiting.

    It makes the usual number of attempts. An outage is an error after 2 seconds.

    Example:
        async with session_on(sandbox) as session:
            ...

    Args:
        sandbox: A sandbox that is running.
    """
    return TofuPilotSession(sandbox.api_key, base_url=sandbox.url, retry=_AT_ONCE)


@contextmanager
def without_waits() -> Generator[None]:
    """Let sessions of this process wait for nothing while a block runs, neither before a retry nor in a pause.

    For a session, each wait is over at once. So it sends the same requests in the same order as a session that waits,
    and gives up as it would. It still waits for the server's responses. Sessions of other processes do not
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


@contextmanager
def _event_loop() -> Generator[asyncio.AbstractEventLoop]:
    """Run an event loop of asyncio in a thread, whatever policy the tests have set."""
    runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
    loop = runner.get_loop()

    def run() -> None:
        with runner:
            loop.run_forever()

    thread = threading.Thread(target=run, name="tofupilot-sandbox", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
