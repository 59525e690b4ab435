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
"""From an error, and the number of the attempt that it ended, to a decision; see `RetryPolicy.rules`."""

_TRANSIENT = (ServerError, RateLimitedError, ConnectionFailedError, RequestTimeoutError, InvalidJSONError)


def is_transient(error: TofuPilotError) -> bool:
    """Return whether another attempt may succeed.

    It may after a 5xx, 408 or 429, a connection that was refused, reset or cut, a timeout, and an answer that claims
    success and is not JSON, because such an answer comes from a proxy. A certificate that was not accepted will not be
    accepted next time.
    """
    return isinstance(error, _TRANSIENT) and not isinstance(error, CertificateError)


@frozen(kw_only=True)
class RetryPolicy:
    """How often, and after how long, a page is asked for again.

    The wait before attempt n + 1 is drawn from 0 to ``min(max_wait, initial_wait * 2 ** (n - 1))``: exponential backoff
    with full jitter. Where the server sends Retry-After, that is the wait, unless it is 0 or has passed. All policies
    of a session share its budget: when 30 retries have come to nothing, there are no more until some pages succeed.

    A 429 or a Retry-After also pauses the whole session. For a 429 that does not say how long, the pause is 1 second,
    for the next in a row 2, then 4, 8, 16 and 30.

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
    """At most this many requests for one page, the first included. 1 means no retries."""
    max_elapsed: float = 120.0
    """Seconds after the first request of a page from which on none is begun; 0 means no retries."""
    initial_wait: float = 0.5
    """The longest first wait, in seconds; 0 means that no wait is longer than the server asks."""
    max_wait: float = 30.0
    """The longest wait of the policy's own, in seconds."""
    max_retry_after: float = 60.0
    """The longest Retry-After that is obeyed, in seconds. After a longer one the error is raised at once."""
    rules: Sequence[Rule] = ()
    """Functions that decide before the policy does, in this order.

    Each is called with the error and with the number of the attempt that it ended, from 1 on. It returns True to try
    again after the policy's wait, a number of seconds to try again after these, False to raise the error, or None to
    leave the decision to the next rule, and at last to the policy. No rule is asked about a `SessionError` or a
    `ConfigurationError`. Whatever the rules say, ``attempts``, ``max_elapsed`` and the budget of the session hold.
    """

    def __attrs_post_init__(self) -> None:
        # attrs' converters would give the options the type object in the signature that mypy sees.
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
            uniform: Draws a number between two others.
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
                return seconds("what a retry rule returns", decision)
        asked = error.retry_after if isinstance(error, APIError) else None
        return is_transient(error) and (asked or 0.0) <= self.max_retry_after


def _rules(rules: object) -> tuple[Rule, ...]:
    """Return rules as a tuple, so that the policy stays a value that can be hashed."""
    if not isinstance(rules, Sequence) or isinstance(rules, str):
        raise named(TypeError(f"rules must be a sequence of functions, got {rules!r}"), "rules")
    for rule in cast("Sequence[object]", rules):
        if not callable(rule):
            raise named(TypeError(f"rules must hold functions, got {rule!r}"), "rules")
    return tuple(cast("Sequence[Rule]", rules))
