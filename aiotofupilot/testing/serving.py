"""Runs sandboxes in threads, makes sessions for them, and audits what any client's loop reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING

from attrs import frozen

from aiotofupilot import RetryPolicy, TofuPilotSession
from aiotofupilot._blocking import LoopThread
from aiotofupilot._checks import integer, must_be
from aiotofupilot.sandbox import BusyLine, Factory, Request, Sandbox

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["AuditReport", "audit", "serve", "session_on"]

_Ids = Iterable[str] | AsyncIterable[str]

_AT_ONCE = RetryPolicy(initial_wait=0.0, max_wait=0.05, max_elapsed=2.0)
"""The retry policy for tests. An outage that lasts raises an error after two seconds."""

_SHOWN_AT_MOST = 2
"""Ids that a report shows of each kind."""


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


@frozen(kw_only=True)
class AuditReport:
    """The result of a loop over changing procedures. ``str()`` gives a summary for people."""

    requests: int
    """How many requests the loop sent."""
    stayed: int
    """How many procedures were always in the listing. The loop should get each once."""
    got: int
    """How many ids the loop got, including repeated ones."""
    missed: tuple[str, ...]
    """The ids of procedures that were always listed but that the loop did not get, in the listing's order."""
    doubled: tuple[str, ...]
    """The ids that the loop got again, once for each repetition, in order of arrival."""

    @property
    def is_exact(self) -> bool:
        """Whether no ids are missed or doubled."""
        return not (self.missed or self.doubled)

    def __str__(self) -> str:
        lines = [f"{self.got:,} procedures in {self.requests:,} requests, of {self.stayed:,} that were always listed"]
        for name, ids in (("missed", self.missed), ("doubled", self.doubled)):
            shown = f": {', '.join(ids[:_SHOWN_AT_MOST])}{' and more' * (len(ids) > _SHOWN_AT_MOST)}" if ids else ""
            lines.append(f"{len(ids):,} {name}{shown}")
        return "\n".join(lines)


async def audit(
    read: Callable[[str, str], Iterable[str] | AsyncIterable[str]],
    *,
    items: int = 1000,
    created: float = 1.0,
    removed: float = 2.0,
    seed: int = 0,
) -> AuditReport:
    """Let a loop read changing procedures, and report the procedures that it missed or doubled.

    The loop may use any client. The server is a sandbox in its own thread, which creates and removes procedures before
    each response. A loop with one request at a time always gets the same report.

    Example:
        async def read(url: str, key: str) -> AsyncIterator[str]:
            async with TofuPilotSession(key, base_url=url) as session:
                async for procedure in session.procedures.list():
                    yield procedure.id


        report = await audit(read, seed=7)
        assert report.is_exact, report

    Args:
        read: The loop, a function or an async generator. It takes the base URL, such as
            ``http://127.0.0.1:49152/api``, and a key, and returns or yields the id of each procedure. If it is not
            async, it runs in a thread and may block.
        items: The number of procedures at first; at least 1.
        created: The average number created per request; at least 0. They come first in the listing. In all, at most
            `items` are created, so that every loop ends.
        removed: The average number removed per request, anywhere in the listing; at least 0.
        seed: The seed of the procedures and the changes.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of bounds.
        Exception: An error of the loop.
    """
    items = integer("items", items, low=1)
    for name, rate in (("created", created), ("removed", removed)):
        if not isinstance(rate, int | float):  # pyright: ignore[reportUnnecessaryIsInstance] - a claim of the user
            raise must_be(TypeError, name, "a number", rate)
        if not 0 <= rate < inf:
            raise must_be(ValueError, name, "0 or more and finite", rate)
    sandbox = Sandbox(items, runs=0, seed=seed)
    line = BusyLine(inserts=created, removals=removed, seed=seed)

    def rest(_factory: Factory, _request: Request) -> None:
        if len(line.inserted) >= items:
            line.inserts = 0.0

    sandbox.before_response += [rest, line]
    at_first = [procedure.id for procedure in sandbox.procedures]
    with serve(sandbox):
        got = await _read(read, sandbox.url, sandbox.api_key)
    gone = {procedure.id for procedure in line.removed}
    stayed = [identity for identity in at_first if identity not in gone]
    once, doubled = set[str](), list[str]()
    for identity in got:
        (doubled.append if identity in once else once.add)(identity)
    return AuditReport(
        requests=len(sandbox.requests),
        stayed=len(stayed),
        got=len(got),
        missed=tuple(identity for identity in stayed if identity not in once),
        doubled=tuple(doubled),
    )


async def _read(read: Callable[[str, str], _Ids], url: str, key: str) -> list[str]:
    """Return the ids of the loop. It begins in a thread, because it may block."""
    ids = await asyncio.to_thread(read, url, key)
    if not isinstance(ids, AsyncIterable):
        return await asyncio.to_thread(list[str], ids)
    try:
        return [identity async for identity in ids]
    finally:
        if isinstance(ids, AsyncGenerator):
            await ids.aclose()
