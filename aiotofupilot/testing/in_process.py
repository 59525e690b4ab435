"""A session on a sandbox without sockets, and a clock without real waits."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from multidict import CIMultiDict

from aiotofupilot import ConnectionFailedError, TofuPilotSession
from aiotofupilot._checks import aware, boolean, integer, seconds as checked_seconds
from aiotofupilot._clock import Clock
from aiotofupilot._http.transport import Transport
from aiotofupilot._session import Wiring
from aiotofupilot.sandbox.request import Head, Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from yarl import URL

    from aiotofupilot._http.policy import Retry
    from aiotofupilot._http.throttle import Limiter
    from aiotofupilot.sandbox import Sandbox
    from aiotofupilot.sandbox.request import Step

__all__ = ["FakeClock", "session_in_process"]

_START = datetime(2027, 1, 1, tzinfo=UTC)
"""Ten months after the newest made-up item of a sandbox with 10,000 runs."""

_QUIET_TURNS = 30
"""After this many turns of the event loop without a change, a clock assumes that every task waits."""

_AT_ONCE = 0.05
"""Seconds that an attempt takes if another failed at the same time. So any policy gives up in an outage."""


class FakeClock(Clock):
    """A clock whose time passes without waiting. Only the session uses it.

    By default, time jumps to the end of the next wait once every task waits. Otherwise it stands still until `advance`.
    Either way, waits end in the same order as in real time.

    Example:
        clock = FakeClock(autojump=False)
        session = session_in_process(sandbox, clock)

    Args:
        autojump: Whether time jumps, after 30 turns of the event loop in which no wait begins or ends. Work in threads
            and other processes goes unnoticed.
        start: The initial time; timezone-aware.
        seed: The seed of random waits.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: `start` is naive.
    """

    def __init__(self, *, autojump: bool = True, start: datetime = _START, seed: int = 0) -> None:
        self._autojump = boolean("autojump", autojump)
        self._start = aware("start", start) or _START
        self._random = Random(integer("seed", seed, low=0))  # noqa: S311 - waits of a test
        self._passed = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None] | asyncio.Timeout]] = []
        """When the waits end, and the futures that end them. Some may have been cancelled."""
        self._order = count()
        self._stirs = 0
        """How often a wait has begun or ended."""
        self._is_watching = False

    def __repr__(self) -> str:
        return f"<FakeClock at {self.now().isoformat()}>"

    def monotonic(self) -> float:
        """Return the seconds that have passed since the start."""
        return self._passed

    def now(self) -> datetime:
        """Return the time."""
        return self._start + timedelta(seconds=self._passed)

    def uniform(self, low: float, high: float) -> float:
        """Return a random number, drawn by the seed.

        Args:
            low: The least number.
            high: The greatest number.
        """
        return self._random.uniform(low, high)

    async def sleep(self, seconds: float) -> None:
        """Wait while other tasks run.

        Args:
            seconds: How long to wait; 0 or more.
        """
        woken = asyncio.get_running_loop().create_future()
        self._add(seconds, woken)
        await woken

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Return a context that raises `TimeoutError` when its time is up.

        Args:
            seconds: The time. If 0 or less, it is up at once; if None, never.
        """
        scope = asyncio.timeout(None if seconds is None or seconds > 0 else 0)
        if seconds is not None and seconds > 0:
            self._add(seconds, scope)
        return scope

    async def advance(self, seconds: float) -> None:
        """Let time pass, end all waits that are due, and return once every task waits again.

        Args:
            seconds: How much time passes; 0 or more.

        Raises:
            TypeError: `seconds` is not a number.
            ValueError: `seconds` is out of bounds.
        """
        until = self._passed + checked_seconds("seconds", seconds)
        await self._settle()
        while (due := self._next()) is not None and due <= until:
            self._jump(due)
            await self._settle()
        self._passed = max(self._passed, until)

    def _add(self, seconds: float, waiter: asyncio.Future[None] | asyncio.Timeout) -> None:
        self._next()  # forgets waiters that were left
        heappush(self._waiting, (self._passed + max(0.0, seconds), next(self._order), waiter))
        self._stirs += 1
        if self._autojump and not self._is_watching:
            self._is_watching = True
            asyncio.get_running_loop().call_soon(self._watch, self._stirs, 0)

    def _next(self) -> float | None:
        """Return when the next wait ends, or None if there is none."""
        while self._waiting:
            due, _, waiter = self._waiting[0]
            if _waits(waiter):
                return due
            heappop(self._waiting)
        return None

    def _jump(self, due: float) -> None:
        """Move the time to the end of a wait, and end all waits that are due."""
        self._passed = max(self._passed, due)
        while (end := self._next()) is not None and end <= self._passed:
            _, _, waiter = heappop(self._waiting)
            if isinstance(waiter, asyncio.Future):
                waiter.set_result(None)
            else:
                waiter.reschedule(0.0)
        self._stirs += 1

    def _watch(self, stirs: int, quiet: int) -> None:
        """Let the time jump after enough turns without a change."""
        quiet = quiet + 1 if stirs == self._stirs else 0
        due = self._next()
        self._is_watching = due is not None
        if due is None:
            return
        if quiet >= _QUIET_TURNS:
            self._jump(due)
            quiet = 0
        asyncio.get_running_loop().call_soon(self._watch, self._stirs, quiet)

    async def _settle(self) -> None:
        """Return once every task waits."""
        stirs, quiet = self._stirs, 0
        while quiet < _QUIET_TURNS:
            await asyncio.sleep(0)
            quiet = quiet + 1 if stirs == self._stirs else 0
            stirs = self._stirs


def _waits(waiter: asyncio.Future[None] | asyncio.Timeout) -> bool:
    """Return whether a future is pending, or a context is open."""
    if isinstance(waiter, asyncio.Future):
        return not waiter.done()
    try:
        waiter.reschedule(None)
    except RuntimeError:
        return False
    return True


class Options(TypedDict, total=False):
    """Options of a session that apply without a network. `TofuPilotSession` explains them."""

    api_key: str
    """The key; by default the sandbox's key of a user."""
    timeout: float | None
    """Seconds for one attempt, by the session's clock."""
    retry: Retry
    """How often and after how long a page is requested again."""
    concurrency: int
    """The most pages of a listing in flight."""
    max_body: int
    """The most bytes of one response."""
    limiter: Limiter | None
    """A rate limiter. It uses real time."""


def session_in_process(
    sandbox: Sandbox, clock: FakeClock | None = None, **options: Unpack[Options]
) -> TofuPilotSession:
    """Return a session on a sandbox that needs no sockets and no real time.

    The sandbox need not be started. Errors of its hooks are raised in the task that makes a request. Pauses, waits
    before retries and the session's timeout use the session's clock. An attempt that follows a failed one without a
    wait takes 50 ms. Downloads of attachments write real files and have real timeouts.

    Example:
        sandbox = Sandbox(procedures=250)
        sandbox.faults.next(status(503, retry_after=20))
        async with session_in_process(sandbox) as session:
            assert await session.procedures.list().collect() == sandbox.procedures

    Args:
        sandbox: The sandbox, running or not.
        clock: The session's clock. Sessions may share one. None makes a new `FakeClock` with `autojump`.
        options: Options of the session, except those of the network.

    Raises:
        TypeError: An option is of the wrong type.
        ValueError: An option is out of bounds.
    """
    clock = FakeClock() if clock is None else clock
    return session_over(partial(InProcess, sandbox), clock, **{"api_key": sandbox.api_key, **options})


def session_over(transport: Callable[..., Transport], clock: Clock, **options: object) -> TofuPilotSession:
    """Return a session whose transport a function makes from the arguments of `Transport`."""
    return _InProcessSession(Wiring(transport, clock), **options)


class _InProcessSession(TofuPilotSession):
    def __init__(self, wiring: Wiring, **options: Any) -> None:  # noqa: ANN401 - those of a session, which checks them
        self._wiring = wiring
        super().__init__(base_url="https://sandbox.invalid", proxy="", **options)


class InProcess(Transport):
    """Sends requests to a sandbox in this process, and times its responses by the clock.

    Args:
        sandbox: The sandbox.
        arguments: Positional arguments of `Transport`.
        options: Keyword arguments of `Transport`.
    """

    def __init__(self, sandbox: Sandbox, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - `Transport` checks them
        super().__init__(*arguments, **options)
        self._sandbox = sandbox
        self._failed_at: float | None = None
        """When the last failed attempt was made."""

    def open(self) -> Any:  # noqa: ANN401 - there is no aiohttp session
        """Return a stand-in for an aiohttp session that requests the API."""
        return _Client(self, self._authorization.value)

    def bare(self) -> Any:  # noqa: ANN401 - there is no aiohttp session
        """Return a stand-in for an aiohttp session that requests files."""
        return _Client(self, None)

    @asynccontextmanager
    async def requested(
        self, url: URL, authorization: str | None, headers: Mapping[str, str]
    ) -> AsyncGenerator[tuple[Head, AsyncGenerator[bytes]]]:
        """Yield the head and the body of a response, or raise the error of a broken connection."""
        request = Request(
            path=url.raw_path,
            query=url.query.items(),
            authorization=authorization,
            range=headers.get("Range"),
            if_range=headers.get("If-Range"),
            time=self.clock.now(),
        )
        await asyncio.sleep(0)  # lets other tasks run, as any response does
        failure: Exception | None = None
        with self._sandbox.handle(request) as delivery:
            if request.attempt > 1 and self._failed_at == self.clock.monotonic():
                await self.clock.sleep(_AT_ONCE)
            if not request.is_right:
                self._failed_at = self.clock.monotonic()
            steps = iter(delivery.steps)
            head = await self._head(steps, url)
            async with aclosing(self._body(head, steps, url)) as parts:
                try:
                    yield head, parts
                except Exception as error:
                    if not all(isinstance(step, bytes) for step in steps):
                        raise
                    failure = error  # all was sent, so `handle` must not see the error
        if failure is not None:
            raise failure

    async def _head(self, steps: Iterator[Step], url: URL) -> Head:
        while not isinstance(step := next(steps, "close"), Head):
            if isinstance(step, str | bytes):
                raise _lost(url, "Connection reset by peer" if step == "reset" else "the server disconnected")
            await self.clock.sleep(step)
        return step

    async def _body(self, head: Head, steps: Iterator[Step], url: URL) -> AsyncGenerator[bytes]:
        length = 0
        for step in steps:
            match step:
                case bytes():
                    length += len(step)
                    yield step
                case int() | float():
                    await self.clock.sleep(step)
                case _ if head.headers.get("Content-Length") != str(length):
                    raise _lost(url, "the body was cut short")
                case _:
                    return


class _Client(nullcontext[None]):
    """Stands in for an aiohttp session. Leaving it does nothing, because there are no connections."""

    closed = False

    def __init__(self, transport: InProcess, authorization: str | None) -> None:
        super().__init__()
        self._transport = transport
        self._authorization = authorization

    @asynccontextmanager
    async def get(self, url: URL, *, headers: Mapping[str, str], **_: object) -> AsyncGenerator[SimpleNamespace]:
        """Yield a response like aiohttp's."""
        async with self._transport.requested(url, self._authorization, headers) as (head, parts):
            received = CIMultiDict({"Date": format_datetime(self._transport.clock.now(), usegmt=True)})
            received.update(head.headers)
            yield SimpleNamespace(status=head.status, headers=received, content=_Content(parts))


class _Content:
    """The body of a response."""

    def __init__(self, parts: AsyncGenerator[bytes]) -> None:
        self._parts = parts
        self._has_ended = False

    def at_eof(self) -> bool:
        return self._has_ended

    async def readany(self) -> bytes:
        """Return the next part, or an empty one after the last."""
        part = await anext(self._parts, b"")
        self._has_ended = not part
        return part


def _lost(url: URL, reason: str) -> ConnectionFailedError:
    return ConnectionFailedError(f"the connection to {url.host_port_subcomponent} failed: {reason}")
