"""Whether a failed request is sent again, and after how long. Everything here is pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from attrs import frozen

from aiotofupilot._arguments import integer, named, seconds
from aiotofupilot.errors import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    InvalidJSONError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    TofuPilotError,
)

__all__ = ["RetryPolicy", "Rule", "is_transient"]

Rule = Callable[[TofuPilotError, int], bool | float | None]
"""A function that takes an error and the number of the attempt, and returns a decision; see `RetryPolicy.rules`."""

_TRANSIENT = (ServerError, RateLimitedError, ConnectionFailedError, RequestTimeoutError, InvalidJSONError)


def is_transient(error: TofuPilotError) -> bool:
    """Return whether another attempt may succeed.

    It may succeed after a 5xx, a 408 or a 429, after a timeout, and after a connection that was refused, reset or cut.
    It may also succeed after an answer that claims success but is not JSON, because such an answer comes from a proxy.
    It will not succeed after a certificate that was not accepted.
    """
    return isinstance(error, _TRANSIENT) and not isinstance(error, CertificateError)


@frozen(kw_only=True)
class RetryPolicy:
    """How often a page is asked for again, and after how long.

    The wait before attempt n + 1 is drawn from 0 to ``min(max_wait, initial_wait * 2 ** (n - 1))``: exponential backoff
    with full jitter. If the server sends Retry-After, the wait is that time, unless it is 0 or has passed. All policies
    of a session share its budget. After 30 retries without success there are no more retries until some pages succeed.

    A 429 or a Retry-After also pauses the whole session. If a 429 does not say for how long, the pause is 1 second. For
    each further such 429 in a row it is 2, 4, 8, 16 and at last 30 seconds.

    Example:
        def on_conflict(error: TofuPilotError, attempt: int) -> bool | None:
            return True if isinstance(error, APIError) and error.status == 409 else None

        RetryPolicy(rules=[on_conflict])

    Raises:
        TypeError: An option is of the wrong type.
        ValueError: An option is out of bounds.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    attempts: int = 6
    """The most requests for one page, including the first. 1 means no retries."""
    max_elapsed: float = 120.0
    """Seconds after the first request for a page during which a retry may begin. 0 means no retries."""
    initial_wait: float = 0.5
    """The longest wait before the first retry, in seconds. 0 means that no wait is longer than the server asks for."""
    max_wait: float = 30.0
    """The longest wait that the policy chooses, in seconds. A Retry-After may be longer."""
    max_retry_after: float = 60.0
    """The longest Retry-After that is obeyed, in seconds. If the server asks for more, the error is raised at once."""
    rules: Sequence[Rule] = ()
    """Functions that decide before the policy does, in this order.

    Each is called with the error, and with the number of the attempt that failed, from 1 on. It returns True to try
    again after the policy's wait, a number of seconds to try again after that time, or False to raise the error. It
    returns None to leave the decision to the next rule, and after the last rule to the policy. The rules are not asked
    about a `SessionError` or a `ConfigurationError`. They cannot exceed ``attempts``, ``max_elapsed`` and the budget of
    the session.
    """

    def __attrs_post_init__(self) -> None:
        # Checked here and not by attrs' converters, because mypy would see the type object for every option.
        checked = {
            "attempts": integer("attempts", self.attempts, low=1),
            **{
                name: seconds(name, getattr(self, name))
                for name in ("max_elapsed", "initial_wait", "max_wait", "max_retry_after")
            },
            "rules": _rules(self.rules),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def longest_wait(self, attempt: int) -> float:
        """Return the longest wait after an attempt, in seconds.

        Args:
            attempt: The number of the attempt, from 1 on.
        """
        try:
            return min(self.max_wait, self.initial_wait * 2.0 ** (attempt - 1))
        except OverflowError:
            return self.max_wait

    def next_wait(self, error: TofuPilotError, attempt: int, uniform: Callable[[float, float], float]) -> float | None:
        """Return the seconds to wait before the next attempt, or None if the error is final.

        Args:
            error: What ended the attempt.
            attempt: The number of the attempt, from 1 on.
            uniform: Draws a random number between two others.
        """
        if attempt >= self.attempts:
            return None
        decision = self._decision(error, attempt)
        if decision is False:
            return None
        if decision is not True:
            return decision
        asked = error.retry_after if isinstance(error, APIError) else None
        if asked and asked <= self.max_retry_after:
            return asked
        return uniform(0.0, self.longest_wait(attempt))

    def _decision(self, error: TofuPilotError, attempt: int) -> bool | float:
        for rule in self.rules:
            decision = rule(error, attempt)
            if isinstance(decision, bool):
                return decision
            if decision is not None:
                return seconds("the decision of a retry rule", decision)
        asked = error.retry_after if isinstance(error, APIError) else None
        return is_transient(error) and (asked or 0.0) <= self.max_retry_after


def _rules(rules: object) -> tuple[Rule, ...]:
    """Return the rules as a tuple, so that the policy can be hashed."""
    if not isinstance(rules, Sequence) or isinstance(rules, str):
        raise named(TypeError(f"rules must be a sequence of functions, got {rules!r}"), "rules")
    for rule in cast("Sequence[object]", rules):
        if not callable(rule):
            raise named(TypeError(f"rules must hold functions, got {rule!r}"), "rules")
    return tuple(cast("Sequence[Rule]", rules))
