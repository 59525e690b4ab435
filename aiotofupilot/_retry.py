"""Who deserves another attempt, and after how long; tenacity carries it out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from attrs import field, frozen
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from ._arguments import integer, seconds
from .errors import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    InvalidJSONError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    TofuPilotError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from attrs import Attribute

    from ._clock import Clock
    from .stats import WalkStats

__all__ = ["Retry", "RetryPolicy", "checked_retry", "is_transient", "with_retries"]

T = TypeVar("T")

_log = logging.getLogger("aiotofupilot")

_TRANSIENT = (ServerError, RateLimitedError, ConnectionFailedError, RequestTimeoutError, InvalidJSONError)


def is_transient(error: BaseException) -> bool:
    """Return whether another attempt may fare better.

    So it may after 5xx, 408, 429, a refused, reset or cut connection, a timeout, and a success that is not JSON, which
    is a proxy's. A wrong certificate stays wrong.
    """
    return isinstance(error, _TRANSIENT) and not isinstance(error, CertificateError)


def _whole(_: object, attribute: Attribute[int], value: object) -> None:
    integer(attribute.name, value, low=1)


def _seconds(_: object, attribute: Attribute[float], value: object) -> None:
    seconds(attribute.name, value)


@frozen(kw_only=True)
class RetryPolicy:
    """How often and how patiently a failing page is asked for again.

    The wait before attempt n + 1 is drawn from 0 to ``min(max_wait, initial_wait * 2 ** (n - 1))``: exponential backoff
    with full jitter. Where the server sends Retry-After, that is the wait.

    Raises:
        TypeError: An option is no number.
        ValueError: An option is out of bounds.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    attempts: int = field(default=6, validator=_whole)
    """Requests for one page at the most, the first included; at least 1, which means no retries."""
    max_elapsed: float = field(default=120.0, validator=_seconds)
    """Seconds after the first request of a page beyond which none is begun; 0 means no retries."""
    initial_wait: float = field(default=0.5, validator=_seconds)
    """The longest first wait, in seconds; 0 means that no wait is longer than the server asks."""
    max_wait: float = field(default=30.0, validator=_seconds)
    """The longest wait of the policy's own, in seconds."""
    max_retry_after: float = field(default=60.0, validator=_seconds)
    """The longest Retry-After that is obeyed, in seconds; beyond it the error is raised at once."""

    def retrying(self, clock: Clock) -> AsyncRetrying:
        """Return the tenacity controller of one page, whose time begins now.

        Args:
            clock: Measures, waits and draws.
        """
        began = clock.monotonic()

        def deserves_another(error: BaseException) -> bool:
            return is_transient(error) and (_asked_wait(error) or 0.0) <= self.max_retry_after

        def wait(state: RetryCallState) -> float:
            asked = _asked_wait(_failure(state))
            if asked is not None:
                return asked
            # The exponent is bounded, for a float would overflow past 1,023 attempts.
            backoff = self.initial_wait * 2.0 ** min(state.attempt_number - 1, 64)
            return clock.uniform(0.0, min(self.max_wait, backoff))

        def stop(state: RetryCallState) -> bool:
            return (
                state.attempt_number >= self.attempts
                or clock.monotonic() - began + state.upcoming_sleep > self.max_elapsed
            )

        return AsyncRetrying(
            retry=retry_if_exception(deserves_another),
            wait=wait,
            stop=stop,
            sleep=clock.sleep,
            before_sleep=_announce,
            reraise=True,
        )


Retry = RetryPolicy | AsyncRetrying | None
"""What ``retry=`` takes: a policy, a tenacity controller of the user's own, or None for no retries."""


def checked_retry(retry: object) -> Retry:
    """Return what was given as ``retry=``, if it can be one."""
    if retry is None or isinstance(retry, RetryPolicy | AsyncRetrying):
        return retry
    raise TypeError(f"retry must be a RetryPolicy, a tenacity.AsyncRetrying or None, got {retry!r}")


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _asked_wait(error: BaseException | None) -> float | None:
    return error.retry_after if isinstance(error, APIError) else None


def _announce(state: RetryCallState) -> None:
    _log.warning("attempt %d failed, next in %.2f s: %s", state.attempt_number, state.upcoming_sleep, _failure(state))


async def with_retries(attempt: Callable[[], Awaitable[T]], retry: Retry, clock: Clock, stats: WalkStats) -> T:
    """Return what an attempt returns, trying again as ``retry`` says.

    Retries and waits are counted in ``stats``. An error of ours that comes out knows how many attempts there were.
    """
    if retry is None:
        retrying = AsyncRetrying(stop=stop_after_attempt(1), reraise=True)
    elif isinstance(retry, RetryPolicy):
        retrying = retry.retrying(clock)
    else:
        # A controller keeps the state of its iteration in itself: sharing one, concurrent pages would mix theirs up.
        retrying = retry.copy()
    try:
        return await retrying(attempt)
    except TofuPilotError as error:
        error.attempts = retrying.statistics["attempt_number"]
        raise
    finally:
        stats.retries += retrying.statistics["attempt_number"] - 1
        stats.waited += retrying.statistics["idle_for"]
