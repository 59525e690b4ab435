"""Runs sandboxes in threads, makes sessions for them, and skips waits."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import evolve

from aiotofupilot import RetryPolicy, TofuPilotSession
from aiotofupilot._blocking import LoopThread
from aiotofupilot._checks import boolean, must_be
from aiotofupilot._clock import Clock
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import Fault
from aiotofupilot.sandbox.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    import pytest

__all__ = ["serve", "session_on", "without_waits"]

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


@contextmanager
def without_waits() -> Generator[None]:
    """Skip the waits before retries and in pauses, for all sessions that are made in a block.

    A session sends the same requests in the same order as one that waits, and gives up at the same point. It still
    waits for responses. Other sessions, including those of other processes, do not change.

    Example:
        with serve(Sandbox()) as sandbox, without_waits():
            sandbox.faults.always(status(503))
            ...  # a service that gives up after a minute gives up at once
    """
    wiring = TofuPilotSession._wiring  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - it is there for the test kit
    TofuPilotSession._wiring = evolve(wiring, clock=HurriedClock())  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as above
    try:
        yield
    finally:
        TofuPilotSession._wiring = wiring  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as above


class HurriedClock(Clock):
    """The real clock, except that each wait ends at once and moves the time by its length."""

    _ahead = 0.0
    """Seconds ahead of the real clock."""

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        over_at = self.monotonic() + seconds
        await asyncio.sleep(0)  # other tasks run, and may move the clock
        self._ahead += max(0.0, over_at - self.monotonic())

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        over_at = self.monotonic() + seconds
        await asyncio.sleep(0)
        if not event.is_set():
            await self.sleep(over_at - self.monotonic())


def sandbox_of(markers: Iterable[pytest.Mark]) -> tuple[Sandbox, bool]:
    """Return the sandbox that markers describe, and whether sessions wait. The first marker is the closest."""
    options: dict[str, Any] = {}
    for marker in markers:
        if marker.args:
            raise TypeError(f"the marker tofupilot takes options by name, not {marker.args[0]!r}")
        options = {**marker.kwargs, **options}
    known = {*inspect.signature(Sandbox).parameters, *RESOURCES, "faults", "waits"} - {"items"}
    if unknown := options.keys() - known:
        raise TypeError(f"the marker tofupilot has no option {min(unknown)}: it has {', '.join(sorted(known))}")
    faults, waits = options.pop("faults", []), boolean("waits of the marker tofupilot", options.pop("waits", True))
    sandbox = Sandbox(**options)
    if callable(faults):
        faults(sandbox.faults)
    elif hasattr(faults, "__len__") and all(isinstance(fault, Fault) for fault in faults):
        sandbox.faults.next(*faults)
    else:
        bound = "a list of faults, such as [status(503)], or a function that takes sandbox.faults"
        raise must_be(TypeError, "faults of the marker tofupilot", bound, faults)
    return sandbox, waits
