"""The retries of a session: how `retry=` is checked, and what all requests share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from aiotofupilot._arguments import named

from .budget import RetryBudget
from .controller_attempts import ControllerAttempts
from .policy import RetryPolicy
from .policy_attempts import PolicyAttempts

if TYPE_CHECKING:
    from typing import TypeAlias

    from tenacity import AsyncRetrying

    from aiotofupilot.clock import Clock
    from aiotofupilot.stats import RequestCounts

    from .attempts import Attempts
    from .gate import Gate

    Retry: TypeAlias = RetryPolicy | AsyncRetrying | None

__all__ = ["Retries", "checked_retry"]

_ONCE = RetryPolicy(attempts=1)


def checked_retry(retry: object) -> Retry:
    """Return the argument ``retry=``: a policy, a tenacity controller, or None for no retries.

    Raises:
        TypeError: It is anything else.
    """
    if retry is None or isinstance(retry, RetryPolicy):
        return retry
    tenacity = sys.modules.get("tenacity")  # a program that has a controller has imported it
    if tenacity is not None and isinstance(retry, tenacity.AsyncRetrying):
        return cast("AsyncRetrying", retry)
    raise named(TypeError(f"retry must be a RetryPolicy, a tenacity.AsyncRetrying or None, got {retry!r}"), "retry")


class Retries:
    """Makes the attempts of a session's requests, and holds the budget that they share.

    Args:
        clock: Tells the time, waits and draws random numbers.
        gate: Knows how long a pause lasts.
    """

    def __init__(self, clock: Clock, gate: Gate) -> None:
        self.clock = clock
        self.gate = gate
        self.budget = RetryBudget()

    def attempts(self, target: str, retry: Retry, counts: RequestCounts) -> Attempts[Any]:
        """Return the attempts at one request.

        Args:
            target: Path and query of the request.
            retry: Which failures are worth another attempt, and when it is made. A controller of the user decides
                alone: the budget does not stop it.
            counts: Where requests, retries and waits are counted.
        """
        if retry is None:
            retry = _ONCE
        if isinstance(retry, RetryPolicy):
            return PolicyAttempts(self, target, counts, retry)
        return ControllerAttempts(self, counts, retry)
