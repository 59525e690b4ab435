"""Runs sandboxes in threads, and makes sessions for them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiotofupilot import RetryPolicy, TofuPilotSession
from aiotofupilot._blocking import LoopThread

if TYPE_CHECKING:
    from collections.abc import Generator

    from aiotofupilot.sandbox import Sandbox

__all__ = ["serve", "session_on"]

_AT_ONCE = RetryPolicy(initial_wait=0.0, max_wait=0.05, max_elapsed=2.0)
"""The retry policy for tests. An outage that lasts raises an error after two seconds."""


@contextmanager
def serve(sandbox: Sandbox) -> Generator[Sandbox]:
    """Run a sandbox in its own thread and event loop for the duration of a block.

    The test may block, and the client may be another process. The test may change the sandbox from its own thread.
    Each response shows the items at one point in time. Hooks run in the sandbox's thread.

    Example:
        class ServiceTest(unittest.IsolatedAsyncioTestCase):
            def setUp(self) -> None:
                self.sandbox = self.enterContext(serve(Sandbox(procedures=3)))

    Args:
        sandbox: A sandbox that is not running. It can be served again later.

    Raises:
        OSError: The port is taken.
        RuntimeError: The sandbox is running.
        ExceptionGroup: Errors of the sandbox's hooks, raised after the block.
    """
    # asyncio's own event loop, whatever policy the tests have set.
    with LoopThread(name="tofupilot-sandbox", new_loop=asyncio.SelectorEventLoop) as thread:
        thread.run(sandbox.start)
        try:
            yield sandbox
        finally:
            thread.run(sandbox.stop)


def session_on(sandbox: Sandbox) -> TofuPilotSession:
    """Return a session with a running sandbox.

    It retries as often as usual, almost without waiting. An outage raises an error after 2 seconds.

    Example:
        async with session_on(sandbox) as session:
            ...

    Args:
        sandbox: A sandbox that is running.
    """
    return TofuPilotSession(sandbox.api_key, base_url=sandbox.url, retry=_AT_ONCE)
