"""Decides when to send a request: after pauses and outages, once the limiter allows it and a connection is free."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from datetime import timedelta
from inspect import isasyncgen
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from aiotofupilot._checks import must_be
from aiotofupilot._otel import event
from aiotofupilot.errors import RateLimitedError, TofuPilotError

from .outage import Health, MissedSlotError, RetryState, WentDownError
from .policy import evidence, longest_probe_wait, obeyed_wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from aiotofupilot._clock import Clock

    from .outage import Outage, Sent

    Limiter: TypeAlias = AbstractAsyncContextManager[object]

T = TypeVar("T")
W = TypeVar("W", bound=RetryState)

_RATE_LIMITED_WAIT = 1.0
"""The pause in seconds after a 429 without Retry-After."""

_REMINDER = 600.0
"""Seconds between two warnings while no good response comes."""

_LONG = 10.0
"""If failures lasted at least this many seconds, their end is logged, even if there was no outage."""

_log = logging.getLogger("aiotofupilot")


class Throttle:
    """Lets the requests of a session through, in the order of their arrival.

    A request in flight holds one of ``connections``, which sessions may share. After a pause there is a slow start: one
    request is sent, and each request that ends lets two more through, so one, two, four and so on are in flight.
    Requests sent earlier do not count. After an outage, the probe is the first request. Requests that waited for the
    end of a pause resume in any order.

    Only the head of the queue enters the limiter, after the pauses and before it takes a connection. So a request in
    the limiter holds no connection, and the limiter counts requests as they are sent. If a pause or an outage begins
    meanwhile, the request leaves the limiter. It enters again after the pause, or waits for the end of the outage.
    """

    def __init__(self, clock: Clock, connections: asyncio.Semaphore, limiter: Limiter | None = None) -> None:
        self.clock = clock
        self._connections = connections
        self._limiter = limiter
        self.health = Health()
        self._allowed = math.inf
        """The most requests in flight."""
        self._starts = 0
        self._in_flight = 0
        """Requests in flight that were sent since the last slow start."""
        self._queue = asyncio.Lock()
        self._queued = 0
        self._has_room_again = asyncio.Event()
        self._warned_at = -math.inf

    @property
    def down_since(self) -> datetime | None:
        """When the first request failed after the last good response, in UTC. None if no request has."""
        since = self.health.failing_since
        return None if since is None else self.clock.now() - timedelta(seconds=self.clock.monotonic() - since)

    async def send(self, page: W, send: Callable[[W], Awaitable[T]]) -> T:
        """Wait until a page may be requested, and return the result of ``send``. Then let another page probe.

        Raises:
            MissedSlotError: The page's time was up first.
            WentDownError: An outage began first, and the page does not probe.
        """
        await self._enter(page)
        sent, starts = self.health.sent(), self._starts
        try:
            result = await send(page)
        except BaseException as error:
            self._leave(page, sent, starts, error)
            if self._limiter is not None:  # after the connection was given back, because others wait for it
                await self._limiter.__aexit__(type(error), error, error.__traceback__)  # may not suppress the error
            raise
        self._leave(page, sent, starts, None)
        if self._limiter is not None:
            await self._limiter.__aexit__(None, None, None)
        return result

    def rest(self) -> float:
        """Return the seconds left of the pause."""
        return max(0.0, self.health.paused_until - self.clock.monotonic())

    async def wait_for_server(self, page: RetryState, *, is_new: bool = False) -> Outage | None:
        """Wait until an outage ends or the page may probe. Return the outage if the page's time is up earlier."""
        health, began = self.health, self.clock.monotonic()
        wake = health.waiting[page] = asyncio.Event()
        try:
            while True:
                outage = health.outage
                wait = health.wait(page, self.clock.monotonic(), is_new=is_new)
                if wait is None:
                    return outage
                if not wait:
                    health.probing = health.probing if outage is None else page
                    return None
                is_new = False
                wake.clear()
                if page is health.next and health.probing is None:
                    await self.clock.wait(wake, wait)
                else:
                    with suppress(TimeoutError):
                        async with self.clock.timeout(wait):
                            await wake.wait()
                if health.outage is not outage and not health.is_reached:
                    return outage
        finally:
            was_next = page is health.next
            del health.waiting[page]
            page.counts.add(waited=self.clock.monotonic() - began)
            if was_next and health.next is not None:
                health.waiting[health.next].set()

    def release(self, page: RetryState) -> None:
        """If this page is the probe, let another page probe."""
        if self.health.probing is page:
            self.health.probing = None
            self._wake_all()

    def log_level(self, page: RetryState | None = None) -> int:
        """Return WARNING, but at most once in 10 minutes, and otherwise INFO.

        After a good response, another page may warn earlier.
        """
        now = self.clock.monotonic()
        if now - max(self._warned_at, page.warned_at if page else -math.inf) < _REMINDER:
            return logging.INFO
        self._warned_at = now
        if page:
            page.warned_at = now
        return logging.WARNING

    def log_wait(self, seconds: float, error: TofuPilotError) -> None:
        """Log an error that is not raised, because a stream polls again."""
        _log.log(self.log_level(), "the stream polls again in %.1f s: %s", seconds, error)

    async def _enter(self, page: RetryState) -> None:
        if page.until < math.inf and self.clock.monotonic() >= page.until:
            raise MissedSlotError
        if self._limiter is not None or self._queued or self.rest() or not self._has_room():
            await self._wait(page)
        else:
            await self._connections.acquire()  # does not wait, because one is free
            self._in_flight += 1

    def _leave(self, page: RetryState, sent: Sent, starts: int, error: BaseException | None) -> None:
        if starts == self._starts:
            self._in_flight -= 1
        self._connections.release()
        pause = None
        if error is None:
            self._note_success(sent)
        else:
            pause = self._note_error(page, sent, error)
        if starts == self._starts:
            self._allowed += 1
        if pause is not None:
            self.health.pause(self.clock.monotonic() + pause)
            if starts == self._starts:  # a request from before the slow start may only extend the pause
                self._start_slowly(1)
                event("pause", {"seconds": pause})
        self._has_room_again.set()
        self.release(page)

    def _note_error(self, page: RetryState, sent: Sent, error: BaseException) -> float | None:
        """Learn from an error. Return the seconds of the pause that it asks for, or None."""
        about, asked, outage = evidence(error), obeyed_wait(page.policy, error), self.health.outage
        if about == "good":
            self._note_success(sent)
        elif about is not None:
            self.health.failed(
                cast("TofuPilotError", error),
                sent,
                self.clock.monotonic(),
                in_flight=self._in_flight,
                attempts=page.policy.attempts,
                wait=lambda elapsed: asked or self.clock.uniform(0.0, longest_probe_wait(page.policy, elapsed)),
            )
            if self.health.is_unreachable:  # the waiting pages have to learn this from their own requests
                self._wake_all()
            elif outage is not None and self.health.outage is None:
                self._end_outage()
        is_silent = isinstance(error, RateLimitedError) and error.retry_after is None
        return _RATE_LIMITED_WAIT if is_silent else asked

    def _note_success(self, sent: Sent) -> None:
        health, outage, since = self.health, self.health.outage, self.health.failing_since
        if not health.succeeded(sent):
            return
        if self._warned_at > -math.inf and since is not None:
            lasted = self.clock.monotonic() - since
            if outage is not None or lasted >= _LONG:
                _log.info("the server responds again after %.1f s", lasted)
            self._warned_at = -math.inf
        if outage is not None:
            self._end_outage()

    def _end_outage(self) -> None:
        self._start_slowly(2)
        self._wake_all()

    def _start_slowly(self, allowed: int) -> None:
        """Allow this many requests. Requests in flight now do not count, because they may hang until they time out."""
        self._starts += 1
        self._allowed, self._in_flight = allowed, 0

    def _wake_all(self) -> None:
        for wake in self.health.waiting.values():
            wake.set()

    def _has_room(self) -> bool:
        return self._in_flight < self._allowed and not self._connections.locked()

    async def _wait(self, page: RetryState) -> None:
        began = self.clock.monotonic()
        time = nullcontext() if page.until == math.inf else self.clock.timeout(page.until - began)
        self._queued += 1
        try:
            async with time:
                await self._pass(page)
        except TimeoutError:
            if isinstance(time, asyncio.Timeout) and time.expired():
                raise MissedSlotError from None
            raise  # the limiter's own error
        finally:
            del time  # the timeout refers to its task, whose error refers to this frame
            self._queued -= 1
            page.counts.add(waited=self.clock.monotonic() - began)

    def _is_held(self, page: RetryState) -> bool:
        return self.rest() > 0.0 or self._must_wait_for_server(page)

    def _must_wait_for_server(self, page: RetryState) -> bool:
        return page.waits and self.health.outage is not None and self.health.probing is not page

    async def _pass(self, page: RetryState) -> None:
        while True:
            # Requests wait for a pause outside the queue, because later requests may have less time for it.
            while rest := self.rest():
                if self.clock.monotonic() + rest >= page.until:
                    raise MissedSlotError
                await self.clock.sleep(rest)
            if self._must_wait_for_server(page):
                raise WentDownError
            async with self._queue:
                # The holder of the lock is the head of the queue. Nobody else watches for changes.
                while self._in_flight >= self._allowed and not self._is_held(page):
                    self._has_room_again.clear()
                    await self._has_room_again.wait()
                # If a pause or an outage has begun, the limiter and the connection are given back.
                async with AsyncExitStack() as taken:
                    if self._limiter is not None:
                        await self._limiter.__aenter__()
                        taken.push_async_callback(self._limiter.__aexit__, None, None, None)
                    await self._connections.acquire()
                    taken.callback(self._connections.release)
                    if self._in_flight < self._allowed and not self._is_held(page):
                        taken.pop_all()
                        self._in_flight += 1
                        return


def checked_limiter(limiter: object) -> Limiter | None:
    """Return the argument ``limiter=``. An ``@asynccontextmanager`` is refused: it can be entered only once."""
    if limiter is None:
        return None
    if not isinstance(limiter, AbstractAsyncContextManager):
        raise must_be(TypeError, "limiter", "an async context manager or None", limiter)
    if isasyncgen(getattr(cast("object", limiter), "gen", None)):
        bound = "an async context manager that can be entered many times; one of @asynccontextmanager can be"
        raise must_be(TypeError, "limiter", f"{bound} entered only once", cast("object", limiter))
    return cast("Limiter", limiter)
