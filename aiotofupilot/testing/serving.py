"""A sandbox in its own thread, for tests of every kind, and a session with it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiotofupilot import RetryPolicy, TofuPilotSession

if TYPE_CHECKING:
    from collections.abc import Generator

    from aiotofupilot.sandbox import Sandbox

__all__ = ["serve", "session_on"]

_AT_ONCE = RetryPolicy(initial_wait=0.0, max_wait=0.05, max_elapsed=2.0)
"""The policy of a session for tests. An outage that does not end is an error after two seconds."""


@contextmanager
def serve(sandbox: Sandbox) -> Generator[Sandbox]:
    """Run a sandbox in its own thread and event loop, for the time of a block.

    So it needs no event loop of the test. It also answers a test that blocks, or another process. The test may change
    the sandbox from its own thread: each answer shows the items as they are at one moment. Hooks are called in the
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
