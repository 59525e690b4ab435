"""A sandbox in a thread of its own, for tests of every kind, and a session on it."""

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


@contextmanager
def serve(sandbox: Sandbox) -> Generator[Sandbox]:
    """Run a sandbox in a thread and an event loop of its own, for as long as a block runs.

    So it needs none of the test's, and answers a test that blocks, or another process, as well. The sandbox may be
    used from the test's thread: each answer is made of the procedures as they are at one moment. Its hooks are called
    in its own thread.

    Example:
        class ServiceTest(unittest.IsolatedAsyncioTestCase):
            def setUp(self) -> None:
                self.sandbox = self.enterContext(serve(Sandbox(procedures=3)))

    Args:
        sandbox: One that is not running. It can be served again.

    Raises:
        OSError: If its port is taken.
        RuntimeError: If it is running.
        ExceptionGroup: After the block, if hooks of the sandbox raised.
    """
    with _event_loop() as loop:
        asyncio.run_coroutine_threadsafe(sandbox.start(), loop).result()
        try:
            yield sandbox
        finally:
            asyncio.run_coroutine_threadsafe(sandbox.stop(), loop).result()


def session_on(sandbox: Sandbox) -> TofuPilotSession:
    """Make a session on a sandbox that runs: with its key, and with the usual retries, but no wait before them.

    Example:
        async with session_on(sandbox) as session:
            ...
    """
    return TofuPilotSession(sandbox.api_key, base_url=sandbox.url, retry=RetryPolicy(initial_wait=0.0))


@contextmanager
def _event_loop() -> Generator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread. It is asyncio's own, whatever policy the tests have set."""
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
