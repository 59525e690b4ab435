"""Every request of a session waits here for its turn: for the end of a pause, the limiter, and a free connection."""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from aiotofupilot._otel import walks
from aiotofupilot.errors import APIError, RateLimitedError

from .limiter import leave

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import TracebackType
    from typing import Self

    from aiotofupilot._wire.quotas import Quota
    from aiotofupilot.clock import Clock
    from aiotofupilot.stats import RequestCounts

    from .limiter import Limiter

__all__ = ["Gate", "MissedTurnError"]

_UNEXPLAINED_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds to pause for a 429 without Retry-After: for the first 429, for the second in a row, and so on."""


class MissedTurnError(Exception):
    """The turn of a request did not come in time."""


class Gate:
    """Lets requests through in the order of their arrival. No more are in flight than there are connections.

    After a 429, or any error with Retry-After, the gate is closed for that time. Then it lets one request through, and
    each request that comes back lets two more through: one, two, four and so on are in flight.

    Some answers tell how many requests are left. No more requests than that are in flight. When none is left, the gate
    is closed until there are more, as after a 429.

    Only the request at the head of the queue enters the limiter. It does so after the pauses, and before it takes a
    connection. So a request that waits in the limiter holds no connection. After the limiter, only this one request may
    have to wait for a connection, so the limiter counts requests when they are sent. If a pause begins meanwhile, the
    request leaves the limiter, and enters it again after the pause.

    Args:
        clock: Tells the time and waits.
        connections: A request holds each of these semaphores while it is in flight. Sessions that share connections
            share the semaphores.
        limiter: A request is within this context while it is in flight; None: there is no limiter.
    """

    def __init__(
        self, clock: Clock, connections: Sequence[asyncio.Semaphore] = (), limiter: Limiter | None = None
    ) -> None:
        self._clock = clock
        self._connections = connections
        self.limiter = limiter
        self._allowed = math.inf
        """The most requests in flight. It is 1 after a pause, and grows with each request."""
        self._remaining = math.inf
        """The same, but as the last answer's quota allows; at least 1, because only another answer can raise it."""
        self._in_flight = 0
        self._pauses: list[tuple[float, float]] = []
        """The end of each pause by the monotonic clock, and the seconds that the server asked for."""
        self._pauses_begun = 0
        self._unexplained = 0
        self._queue = asyncio.Lock()
        self._queued = 0
        self._changed = asyncio.Event()

    def turn(self, max_retry_after: float, counts: RequestCounts, *, until: float | None = None) -> Turn:
        """Return a context that is entered when it is the turn of a request, and left when the request is over.

        Args:
            max_retry_after: The longest Retry-After that the request obeys, in seconds. It does not wait for longer
                pauses. It does not begin longer pauses either: its caller gets the error instead.
            counts: Where the seconds of waiting are counted.
            until: From this moment by the monotonic clock on, the request is not wanted, and entering the context
                raises a `MissedTurnError`. None: the request is always wanted.
        """
        return Turn(self, max_retry_after, counts, until)

    def rest(self, max_retry_after: float) -> float:
        """Return the seconds until the last pause ends; 0.0: there is no pause.

        Args:
            max_retry_after: Pauses for which the server asked for more seconds than this do not count.
        """
        if not self._pauses:
            return 0.0
        now = self._clock.monotonic()
        self._pauses = [pause for pause in self._pauses if pause[0] > now]
        return max((end - now for end, asked in self._pauses if asked <= max_retry_after), default=0.0)

    async def enter(self, max_retry_after: float, counts: RequestCounts, until: float | None) -> int:
        """Wait for the turn of a request, and return how many pauses have begun by then."""
        if until is not None and self._clock.monotonic() >= until:
            raise MissedTurnError
        if self.limiter is not None or self._queued or self.rest(max_retry_after) or not self._has_room():
            await self._wait(max_retry_after, counts, until)
        else:
            for connection in self._connections:
                await connection.acquire()  # there is room, so this does not wait
            self._in_flight += 1
        return self._pauses_begun

    def heed(self, quotas: Collection[Quota], pauses_known: int, max_retry_after: float) -> None:
        """Slow down as the answer to a request asks.

        Args:
            quotas: What the answer says about the requests that are left.
            pauses_known: How many pauses had begun when the request was sent.
            max_retry_after: The longest Retry-After that the request obeys, in seconds. If the server needs more time
                to allow more requests, the gate is not closed.
        """
        if not quotas:
            self._remaining = math.inf
            return
        self._remaining = max(1, min(quota.remaining for quota in quotas))
        used_up = [quota.resets_in or 0 for quota in quotas if not quota.remaining]
        if seconds := max((seconds for seconds in used_up if seconds <= max_retry_after), default=0):
            self._pause(seconds, is_news=pauses_known == self._pauses_begun)

    def leave(self, pauses_known: int, error: BaseException | None, max_retry_after: float) -> None:
        """Note that a request is over, and pause if its error asks for it.

        Args:
            pauses_known: How many pauses had begun when the request was sent. The answer to a request that was sent
                before the last pause may make that pause longer, but it begins no new pause.
            error: The error that ended the request; None: it succeeded.
            max_retry_after: The longest Retry-After that the request obeys, in seconds.
        """
        self._in_flight -= 1
        for connection in self._connections:
            connection.release()
        if error is not None:  # the server may have counted it, although there was no answer
            self._remaining = max(1, self._remaining - 1)
        is_news = pauses_known == self._pauses_begun
        if isinstance(error, APIError):
            self._pause_after(error, max_retry_after, is_news=is_news)
        elif error is None and is_news:
            self._unexplained = 0
        if pauses_known == self._pauses_begun:
            self._allowed += 1
        self._changed.set()

    def _has_room(self) -> bool:
        return self._may_send() and not any(connection.locked() for connection in self._connections)

    def _may_send(self) -> bool:
        return self._in_flight < self._allowed and self._in_flight < self._remaining

    async def _wait(self, max_retry_after: float, counts: RequestCounts, until: float | None) -> None:
        began = self._clock.monotonic()
        time = nullcontext() if until is None else self._clock.timeout(until - began)
        self._queued += 1
        try:
            async with time:
                await self._pass(max_retry_after, until)
        except TimeoutError:
            if isinstance(time, asyncio.Timeout) and time.expired():
                raise MissedTurnError from None
            raise  # the limiter raised it
        finally:
            self._queued -= 1
            counts.add(waited=self._clock.monotonic() - began)

    async def _pass(self, max_retry_after: float, until: float | None) -> None:
        while True:
            # This wait is outside of the queue, because the next requests may not have to obey such a long pause.
            while rest := self.rest(max_retry_after):
                if until is not None and self._clock.monotonic() + rest >= until:
                    raise MissedTurnError
                await self._clock.sleep(rest)
            async with self._queue:
                # The request that holds the lock is at the head of the queue. It alone watches for changes.
                while not self._may_send() and not self.rest(max_retry_after):
                    self._changed.clear()
                    await self._changed.wait()
                if await self._take(max_retry_after):
                    return

    async def _take(self, max_retry_after: float) -> bool:
        """Enter the limiter, wait for connections, and return whether the request may be sent.

        If a pause has begun meanwhile, the connections are given back, and the limiter is left.
        """
        async with AsyncExitStack() as taken:
            if self.limiter is not None:
                await self.limiter.__aenter__()
                taken.push_async_exit(partial(leave, self.limiter))
            for connection in self._connections:
                await connection.acquire()
                taken.callback(connection.release)
            if self._may_send() and not self.rest(max_retry_after):
                taken.pop_all()
                self._in_flight += 1
                return True
        return False

    def _pause_after(self, error: APIError, max_retry_after: float, *, is_news: bool) -> None:
        seconds = error.retry_after
        if seconds is None and isinstance(error, RateLimitedError) and is_news:
            seconds = _UNEXPLAINED_PAUSES[min(self._unexplained, len(_UNEXPLAINED_PAUSES) - 1)]
            self._unexplained += 1
        if seconds is not None and seconds <= max_retry_after:
            self._pause(seconds, is_news=is_news)

    def _pause(self, seconds: float, *, is_news: bool) -> None:
        self._pauses.append((self._clock.monotonic() + seconds, seconds))
        if is_news:
            self._pauses_begun += 1
            self._allowed = 1
            walks.paused(seconds)


class Turn:
    """The time that one request is in flight; see `Gate.turn`."""

    __slots__ = ("_counts", "_gate", "_max_retry_after", "_pauses_known", "_until")

    def __init__(self, gate: Gate, max_retry_after: float, counts: RequestCounts, until: float | None) -> None:
        self._gate = gate
        self._max_retry_after = max_retry_after
        self._counts = counts
        self._until = until
        self._pauses_known = 0

    async def __aenter__(self) -> Self:
        self._pauses_known = await self._gate.enter(self._max_retry_after, self._counts, self._until)
        return self

    def heed(self, quotas: Collection[Quota]) -> None:
        """Slow the session down as the answer asks."""
        self._gate.heed(quotas, self._pauses_known, self._max_retry_after)

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._gate.leave(self._pauses_known, exc, self._max_retry_after)
        if self._gate.limiter is not None:  # last, because it may take time, and other requests wait for the connection
            await leave(self._gate.limiter, exc_type, exc, traceback)
