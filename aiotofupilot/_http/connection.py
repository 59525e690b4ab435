"""How one request gets through: the whole way, from the target of the request to the value of the answer."""

from __future__ import annotations

import asyncio
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from aiotofupilot.errors import RequestTimeoutError, SessionError, TofuPilotError

from .advice import advise
from .retry import Attempts, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from typing import Self

    from aiotofupilot._wire.response import Response
    from aiotofupilot.clock import Clock, Deadline
    from aiotofupilot.stats import RequestCounts

    from .lifetime import Lifetime
    from .options import Options
    from .redaction import Redaction
    from .retry import Control
    from .throttle import Throttle
    from .transport import Transport

__all__ = ["Connection"]

T = TypeVar("T")


class Connection:
    """How listings reach the server, with one set of options.

    Args:
        transport: Sends requests.
        lifetime: Ends what is under way when the session is closed.
        throttle: Says when a request may be sent.
        redaction: Hides the key in errors.
        clock: Tells the time.
        options: The options of the session or of the view.
        key_source: Where the key is from, for errors that are about the key.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        lifetime: Lifetime,
        throttle: Throttle,
        redaction: Redaction,
        clock: Clock,
        options: Options,
        key_source: str = "api_key",
    ) -> None:
        self._transport = transport
        self._lifetime = lifetime
        self._throttle = throttle
        self._redaction = redaction
        self._clock = clock
        self._options = options
        self._key_source = key_source

    @property
    def concurrency(self) -> int:
        """How many pages may be in flight, if a listing does not set its own number."""
        return self._options.concurrency

    @property
    def clock(self) -> Clock:
        """Time and chance."""
        return self._clock

    @property
    def down_since(self) -> datetime | None:
        """Since when requests fail and no response has been good, in UTC; None: the last one was good."""
        return self._throttle.down_since

    def within(self, max_elapsed: float) -> Self:
        """Return the same way, but pages are asked for again for no longer than some seconds."""
        other, retry = copy(self), self._options.retry
        if isinstance(retry, RetryPolicy):
            shorter = evolve(retry, max_elapsed=min(retry.max_elapsed, max_elapsed))
            other._options = evolve(self._options, retry=shorter)  # noqa: SLF001 - its own
        return other

    async def pause(self, seconds: float, *, after: TofuPilotError | None = None) -> None:
        """Wait between two requests. Closing the session ends the wait.

        Args:
            seconds: How long to wait.
            after: An error that is not raised, but logged; None: there is none.

        Raises:
            SessionError: The session is closed, or was closed meanwhile.
        """
        if after is not None:
            self._throttle.log_wait(seconds, after)
        with self._lifetime.work():
            await self._clock.sleep(seconds)
            return
        raise SessionError("the session was closed meanwhile")

    async def get(
        self,
        target: str,
        read: Callable[[Response], T],
        counts: RequestCounts,
        *,
        once: bool = False,
        deadline: Deadline | None = None,
        control: Control | None = None,
    ) -> T:
        """Return what is read from the answer to a GET. The options say which failures are tried again.

        Args:
            target: Path and query, percent-encoded, appended to the base URL.
            read: Turns the answer into a value. It is called within the attempt, so an answer that cannot be read is a
                failure of the attempt.
            counts: Where requests, retries and waits are counted.
            once: Whether to make a single attempt, whatever the options say.
            deadline: A time limit that other requests have too. If it is not set, it is set to the time limit of this
                request. None: there is none but that of the options.
            control: Asks for something else of the listing once, and returns whether there was a good response. It
                tells whether the server is down, or only this page fails. None: nothing else can be asked for.

        Raises:
            TofuPilotError: No attempt succeeded. The error knows how many attempts were made.
        """
        attempts: Attempts[T] = Attempts(
            self._throttle,
            self._clock,
            target=target,
            retry=self._options.retry,
            once=once,
            counts=counts,
            deadline=deadline,
            control=control,
        )
        try:
            with self._lifetime.work():
                return await attempts.make(partial(self._send, target, read))
            raise SessionError("the session was closed meanwhile")
        except TofuPilotError as error:
            attempts.sign(error)
            raise

    def _send(self, target: str, read: Callable[[Response], T], attempts: Attempts[T]) -> Awaitable[T]:
        self._lifetime.check()
        self._transport.check()
        attempts.begin()
        return self._ask(target, read)

    async def _ask(self, target: str, read: Callable[[Response], T]) -> T:
        """Send a request once, within the timeout, and read its answer.

        This is the only place where an error gets a part of what the server says, so the key is removed from it here.

        Args:
            target: As in `get`.
            read: As in `get`.
        """
        url, timeout = self._transport.url(target), self._options.timeout
        response: Response | None = None
        try:
            async with asyncio.timeout(timeout):
                response = await self._transport.get(url)
            return read(response)
        except TimeoutError:
            failure: TofuPilotError = RequestTimeoutError(
                f"no whole answer within {timeout} s from {url.path}", timeout=timeout
            )
        except TofuPilotError as error:
            failure = error
        # Raised outside of the except clauses, so that no error of another library becomes the context of this one.
        try:
            self._redaction.clean(failure, response)
            advise(failure, url, self._key_source)
            raise failure
        finally:
            del failure  # its traceback refers to this frame
