"""How one request gets through: the whole way, from the target of the request to the value of the answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from aiotofupilot._otel import requests as telemetry
from aiotofupilot._wire.quotas import quotas
from aiotofupilot.errors import ConfigurationError, RequestTimeoutError, SessionError, TofuPilotError

from .advice import advise

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot._wire.response import Response
    from aiotofupilot.clock import Clock
    from aiotofupilot.stats import RequestCounts

    from .attempts import Attempts
    from .gate import Gate, Turn
    from .lifetime import Lifetime
    from .options import Options
    from .redaction import Redaction
    from .retries import Retries
    from .transport import Transport

__all__ = ["Connection"]

T = TypeVar("T")


class Connection:
    """How listings reach the server, with one set of options.

    Args:
        transport: Sends requests.
        lifetime: Ends what is under way when the session is closed.
        gate: Says when a request may be sent.
        retries: Makes the attempts.
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
        gate: Gate,
        retries: Retries,
        redaction: Redaction,
        clock: Clock,
        options: Options,
        key_source: str = "api_key",
    ) -> None:
        self._transport = transport
        self._lifetime = lifetime
        self._gate = gate
        self._retries = retries
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

    async def pause(self, seconds: float) -> None:
        """Wait between two requests. Closing the session ends the wait.

        Raises:
            SessionError: The session is closed, or was closed meanwhile.
        """
        with self._lifetime.work():
            await self._clock.sleep(seconds)
            return
        raise SessionError("the session was closed meanwhile")

    async def get(self, target: str, read: Callable[[Response], T], counts: RequestCounts, *, once: bool = False) -> T:
        """Return what is read from the answer to a GET. The options say which failures are tried again.

        Args:
            target: Path and query, percent-encoded, appended to the base URL.
            read: Turns the answer into a value. It is called within the attempt, so an answer that cannot be read is a
                failure of the attempt.
            counts: Where requests, retries and waits are counted.
            once: Whether to make a single attempt, whatever the options say.

        Raises:
            TofuPilotError: No attempt succeeded. The error knows how many attempts were made.
        """
        retry = None if once else self._options.retry
        attempts: Attempts[T] = self._retries.attempts(target, retry, counts)
        try:
            with self._lifetime.work():
                async for attempt in attempts:
                    with attempt:
                        async with self._gate.turn(attempts.max_retry_after, counts, until=attempts.until) as turn:
                            self._lifetime.check()
                            self._transport.check()
                            attempt.begin()
                            attempt.answer = await self._ask(target, read, turn, resend_count=attempts.made - 1)
                return attempts.answer
            raise SessionError("the session was closed meanwhile")
        except TofuPilotError as error:
            if isinstance(error, ConfigurationError):
                attempts.take_back()
            error.attempts = attempts.made
            raise

    async def _ask(self, target: str, read: Callable[[Response], T], turn: Turn, *, resend_count: int) -> T:
        """Send a request once, within the timeout, and read its answer.

        This is the only place where an error gets a part of what the server says, so the key is removed from it here.

        Args:
            target: As in `get`.
            read: As in `get`.
            turn: The turn of the request at the gate.
            resend_count: How many attempts were made before.
        """
        url, timeout = self._transport.url(target), self._options.timeout
        response: Response | None = None
        try:
            with telemetry.attempt(url.path, resend_count):
                async with asyncio.timeout(timeout):
                    response = await self._transport.get(url)
            turn.heed(quotas(response.headers))
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
