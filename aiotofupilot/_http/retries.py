"""Who deserves another attempt, and after how long; tenacity carries it out, as far as gate and budget allow."""

from __future__ import annotations

import logging
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from attrs import asdict, define, frozen
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from aiotofupilot._arguments import integer, seconds
from aiotofupilot.errors import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    InvalidJSONError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    SessionError,
    TofuPilotError,
)

from .budget import RetryBudget
from .gate import MissedTurnError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

    from aiotofupilot.stats import RequestCounts

    from .clock import Clock
    from .gate import Gate
    from .lifetime import Lifetime

__all__ = ["Retries", "Retry", "RetryPolicy", "checked_retry", "is_transient"]

T = TypeVar("T")

_log = logging.getLogger("aiotofupilot")

_TRANSIENT = (ServerError, RateLimitedError, ConnectionFailedError, RequestTimeoutError, InvalidJSONError)


def is_transient(error: BaseException) -> bool:
    """Return whether another attempt may fare better.

    So it may after 5xx, 408, 429, a refused, reset or cut connection, a timeout, and a success that is not JSON, which
    is a proxy's. A wrong certificate stays wrong.
    """
    return isinstance(error, _TRANSIENT) and not isinstance(error, CertificateError)


@frozen(kw_only=True)
class RetryPolicy:
    """How often and how patiently a failing page is asked for again.

    The wait before attempt n + 1 is drawn from 0 to ``min(max_wait, initial_wait * 2 ** (n - 1))``: exponential backoff
    with full jitter. Where the server sends Retry-After, that is the wait, unless it is 0 or has passed. All policies
    of a session share its budget: when 30 retries have come to nothing, there are no more until some pages succeed.

    A 429 or a Retry-After also pauses the whole session. For a 429 that does not say how long, the pause is 1 second,
    for the next in a row 2, then 4, 8, 16 and 30.

    Raises:
        TypeError: An option is no number.
        ValueError: An option is out of bounds.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    attempts: int = 6
    """Requests for one page at the most, the first included; at least 1, which means no retries."""
    max_elapsed: float = 120.0
    """Seconds after the first request of a page from which on none is begun; 0 means no retries."""
    initial_wait: float = 0.5
    """The longest first wait, in seconds; 0 means that no wait is longer than the server asks."""
    max_wait: float = 30.0
    """The longest wait of the policy's own, in seconds."""
    max_retry_after: float = 60.0
    """The longest Retry-After that is obeyed, in seconds; beyond it the error is raised at once."""

    def __attrs_post_init__(self) -> None:
        # attrs' converters would give the options the type object in the signature that mypy sees.
        checked = {name: seconds(name, value) for name, value in asdict(self).items() if name != "attempts"}
        for name, value in {"attempts": integer("attempts", self.attempts, low=1), **checked}.items():
            object.__setattr__(self, name, value)

    def longest_wait(self, attempt: int) -> float:
        """Return what the wait after an attempt is at the most, in seconds.

        Args:
            attempt: Its number, from 1 on.
        """
        try:
            return min(self.max_wait, self.initial_wait * 2.0 ** (attempt - 1))
        except OverflowError:
            return self.max_wait


Retry = RetryPolicy | AsyncRetrying | None
"""What ``retry=`` takes: a policy, a tenacity controller of the user's own, or None for no retries."""


def checked_retry(retry: object) -> Retry:
    """Return what was given as ``retry=``, if it can be one."""
    if retry is None or isinstance(retry, RetryPolicy | AsyncRetrying):
        return retry
    raise TypeError(f"retry must be a RetryPolicy, a tenacity.AsyncRetrying or None, got {retry!r}")


_MAX_RETRY_AFTER = RetryPolicy().max_retry_after
"""Seconds of Retry-After that are obeyed where ``retry`` is no `RetryPolicy`."""


@define
class _Sending(Generic[T]):
    """Sends one request as often as it is told to, each time through the gate, and counts."""

    attempt: Callable[[], Awaitable[T]]
    gate: Gate
    clock: Clock
    max_retry_after: float
    counts: RequestCounts
    check: Callable[[], None]
    sent: int = 0
    began: float = 0.0
    """When the first was sent, by the monotonic clock."""
    taken: int = 0
    """Tokens taken from the budget."""

    async def __call__(self, until: float | None = None) -> T:
        async with self.gate.turn(max_retry_after=self.max_retry_after, counts=self.counts, until=until):
            return await self.send()

    async def send(self) -> T:
        self.check()
        if self.sent:
            self.counts.retries += 1
        else:
            self.began = self.clock.monotonic()
        self.sent += 1
        self.counts.requests += 1
        return await self.attempt()


class Retries:
    """Sends the requests of a session, and sends again those that failed, as far as a policy and the session allow.

    Args:
        clock: Measures, waits and draws.
        lifetime: Ends it all.
        gate: Where each attempt passes.
    """

    def __init__(self, clock: Clock, lifetime: Lifetime, gate: Gate) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._gate = gate
        self._budget = RetryBudget()

    async def run(
        self,
        attempt: Callable[[], Awaitable[T]],
        retry: Retry,
        counts: RequestCounts,
        check: Callable[[], None] = lambda: None,
    ) -> T:
        """Return what an attempt returns, trying again as ``retry`` says.

        A controller of the user's own decides alone: the budget does not stop it. Only of cancelling and closing it is
        not asked, for they are to end it.

        Args:
            attempt: Sends the request once. An error of ours that comes out knows how many of them there were.
            retry: Who deserves another attempt, and when.
            counts: Where requests, retries and waits are counted.
            check: Called before each attempt. It raises an error where nothing can be sent, which is no attempt then.
        """
        max_retry_after = retry.max_retry_after if isinstance(retry, RetryPolicy) else _MAX_RETRY_AFTER
        sending = _Sending(attempt, self._gate, self._clock, max_retry_after, counts, check)
        try:
            if retry is None:
                result = await sending()
            elif isinstance(retry, RetryPolicy):
                result = await self._by_policy(retry, sending)
            else:
                result = await self._lifetime.run(_by_controller(retry, sending))
        except TofuPilotError as error:
            error.attempts = sending.sent
            raise
        self._budget.give_back(sending.taken)
        return result

    async def _by_policy(self, policy: RetryPolicy, sending: _Sending[T]) -> T:
        # A page that succeeds at once does without tenacity, which would add a tenth to what it costs.
        try:
            return await sending()
        except TofuPilotError as error:
            if not _deserves_another(policy, error):
                raise
            latest = error
        is_first = True

        async def attempt() -> T:
            nonlocal latest, is_first
            if is_first:
                is_first = False
                raise latest
            try:
                return await sending(until=sending.began + policy.max_elapsed)
            except TofuPilotError as error:
                latest = error
                raise
            except MissedTurnError:  # so this attempt was not made
                sending.taken -= 1
                self._budget.put_back()
            raise latest

        try:
            return await self._lifetime.run(self._controller(policy, sending)(attempt))
        finally:
            del latest  # its traceback knows this frame

    def _controller(self, policy: RetryPolicy, sending: _Sending[T]) -> AsyncRetrying:
        """Return the tenacity controller of one request, which a first attempt has been made of."""

        def wait(state: RetryCallState) -> float:
            # To be asked to wait no time at all leaves the wait to the policy.
            return _asked_wait(_failure(state)) or self._clock.uniform(0.0, policy.longest_wait(state.attempt_number))

        def stop(state: RetryCallState) -> bool:  # asked once after each attempt that failed: it may take a token
            next_at = self._clock.monotonic() + max(state.upcoming_sleep, self._gate.rest(policy.max_retry_after))
            return (
                state.attempt_number >= policy.attempts
                or next_at - sending.began >= policy.max_elapsed
                or not self._take(sending, _failure(state))
            )

        async def sleep(seconds: float) -> None:
            sending.counts.waited += seconds
            await self._clock.sleep(seconds)

        return AsyncRetrying(
            retry=retry_if_exception(partial(_deserves_another, policy)),
            wait=wait,
            stop=stop,
            sleep=sleep,
            before_sleep=_announce,
            reraise=True,
        )

    def _take(self, sending: _Sending[T], error: TofuPilotError) -> bool:
        """Take the token of another attempt; return whether there was one. If not, the error says so."""
        budget = self._budget
        if budget.take():
            sending.taken += 1
            return True
        error.retry_budget = budget.tokens
        error.add_note(
            f"not tried again: the retry budget of the session is used up ({budget.tokens:.1f} of "
            f"{budget.CAPACITY:.0f} left, each success adds {budget.GAIN})"
        )
        return False


async def _by_controller(controller: AsyncRetrying, sending: _Sending[T]) -> T:
    judge = controller.retry
    received: list[T] = []

    async def attempt() -> T:
        received[:] = [await sending()]
        return received[0]

    async def retry(state: RetryCallState) -> bool:
        # tenacity asks about every exception, and a condition that excepts a few would keep all others from their end.
        error = cast("Future[object]", state.outcome).exception()
        if isinstance(error, SessionError) or not isinstance(error, Exception | None):
            return False
        verdict: Any = judge(state)
        return bool(await verdict if isawaitable(verdict) else verdict)

    # It keeps the state of its iteration in itself: sharing it, concurrent pages would mix theirs up.
    controller = controller.copy(retry=retry)
    try:
        result: T = await controller(attempt)
    finally:
        sending.counts.waited += controller.statistics.get("idle_for", 0.0)  # empty if it is not enabled
    if not received or result is not received[0]:
        raise TypeError(f"retry must not make up an answer: its retry_error_callback returned {result!r}")
    return result


def _failure(state: RetryCallState) -> TofuPilotError:
    return cast("TofuPilotError", cast("Future[object]", state.outcome).exception())


def _deserves_another(policy: RetryPolicy, error: BaseException) -> bool:
    return is_transient(error) and (_asked_wait(error) or 0.0) <= policy.max_retry_after


def _asked_wait(error: BaseException) -> float | None:
    return error.retry_after if isinstance(error, APIError) else None


def _announce(state: RetryCallState) -> None:
    _log.warning("attempt %d failed, next in %.2f s: %s", state.attempt_number, state.upcoming_sleep, _failure(state))
