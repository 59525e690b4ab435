"""Classifies failures, and decides what a `RetryPolicy` does about them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from copy import copy
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, cast

from attrs import frozen

from aiotofupilot._checks import for_parameter, integer, must_be, seconds
from aiotofupilot.errors import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    DecodeError,
    InvalidJSONError,
    RedirectError,
    RequestTimeoutError,
    ResponseTooLargeError,
    TofuPilotError,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    from tenacity import AsyncRetrying

    Retry: TypeAlias = "RetryPolicy | AsyncRetrying | None"

__all__ = ["RetryPolicy"]

Rule = Callable[[TofuPilotError, int], bool | float | None]
"""A retry rule; see `RetryPolicy.rules`."""


Evidence = Literal["good", "server", "page"]
"""What a response shows: the server works ("good"), the server fails ("server"), or perhaps only this page fails
("page"). If it is "server", the page may still be the cause, because an item can crash the server behind a proxy."""

_ABOUT_SERVER = frozenset({429, 502, 503, 520, 521, 522, 523, 529, 530})
"""Statuses that are about the server. Cloudflare sends 520 to 523 and 530 about a server behind it. Some servers send
529 for 503."""
_REFUSED = frozenset({429, 503, 529})
"""Statuses with which a server refuses work, whichever page is requested."""
_SLOW = frozenset({408, 504, 524})


@frozen(kw_only=True)
class RetryPolicy:
    """How often a page is requested again, and after how long.

    Some failures are about the page: a 500, 504, 408, 524 or another 5xx, a timeout, and a response that is not JSON.
    The wait before attempt n + 1 is drawn from 0 to ``min(max_wait, initial_wait * 2 ** (n - 1))``: exponential backoff
    with full jitter. Other pages do not wait.

    Other failures are about the server: a 429, 502, 503, 520 to 523, 529 or 530, and a connection that fails or is
    lost. While such failures come and no response is good, the session is down. Then one page at a time is requested,
    and all others wait. The wait before the next request is drawn from 0 to ``min(max_wait, max(initial_wait, seconds
    since the outage began))``. A good response to a request that was sent during the outage ends the outage. Then
    requests resume gradually: one, two, four and so on at a time.

    A Retry-After replaces the wait, unless it is 0 or has passed. Like a 429, it pauses the whole session. After a 429
    without Retry-After, the pause is at least 1 second.

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
    """The most requests for one page, including the first. 1 means no retries. During an outage only ``max_elapsed``
    counts. But before the first response the address may be wrong, so a connection that is refused or reset is tried
    only ``attempts`` times, and a name is resolved only twice."""
    max_elapsed: float = 120.0
    """Seconds during which a page may be requested again, and so the longest outage that a page waits for. They count
    from the page's first failure, or from the beginning of its wait for the server. After a timeout, they count from
    the beginning of the request. If the next attempt would start later, the error is raised at once. 0 means no
    retries."""
    initial_wait: float = 0.5
    """The longest wait before the first retry, in seconds. 0 means no wait beyond Retry-After. During an outage, one
    request then follows another for up to ``max_elapsed``."""
    max_wait: float = 30.0
    """The longest wait that the policy chooses, in seconds. A Retry-After may be longer."""
    max_retry_after: float = 60.0
    """The longest Retry-After that is obeyed, in seconds. If the server asks for more, the error is raised at once."""
    rules: Sequence[Rule] = ()
    """Functions that decide before the policy does, in this order.

    Each function takes the error and the number of the failed attempt, from 1 on. It returns True to try again after
    the policy's wait, a number of seconds to try again after that time, or False to raise the error. None leaves the
    decision to the next rule, and then to the policy. The rules do not see a `SessionError` or a `ConfigurationError`.
    They cannot exceed ``attempts`` and ``max_elapsed``.
    """

    def __attrs_post_init__(self) -> None:
        # Not checked by attrs' converters, because mypy would see the type object for every option.
        rules = self.rules
        is_sequence = isinstance(cast("object", rules), Sequence) and not isinstance(rules, str)
        if not (is_sequence and all(map(callable, rules))):
            raise must_be(TypeError, "rules", "a sequence of functions", rules)
        object.__setattr__(self, "rules", tuple(rules))  # so that the policy can be hashed
        object.__setattr__(self, "attempts", integer("attempts", self.attempts, low=1))
        for name in ("max_elapsed", "initial_wait", "max_wait", "max_retry_after"):
            object.__setattr__(self, name, seconds(name, getattr(self, name)))


def longest_wait(policy: RetryPolicy, attempt: int) -> float:
    """Return the longest wait after an attempt, in seconds. Attempts are numbered from 1 on."""
    return min(policy.max_wait, policy.initial_wait * 2.0 ** min(attempt - 1, 1000))  # a larger float would overflow


def longest_probe_wait(policy: RetryPolicy, elapsed: float) -> float:
    """Return the longest wait before the next request while the session has been down for some seconds."""
    return min(policy.max_wait, max(policy.initial_wait, elapsed)) if policy.initial_wait else 0.0


def obeyed_wait(policy: RetryPolicy, error: BaseException) -> float | None:
    """Return the server's Retry-After in seconds. None if there is none, or it exceeds ``max_retry_after``."""
    asked = error.retry_after if isinstance(error, APIError) else None
    return None if asked is None or asked > policy.max_retry_after else asked


def decide(policy: RetryPolicy, error: TofuPilotError, attempt: int) -> bool | float:
    """Return False to raise the error, True to try again after the policy's wait, or the seconds to wait."""
    asked = obeyed_wait(policy, error)
    for rule in policy.rules:
        decision = rule(error, attempt)
        if isinstance(decision, bool):
            return decision and (asked or True)
        if decision is not None:
            return seconds("the decision of a retry rule", decision)
    is_too_long = asked is None and isinstance(error, APIError) and error.retry_after is not None
    return is_transient(error) and not is_too_long and (asked or True)


def checked_retry(retry: object) -> Retry:
    """Return the argument ``retry=``. A controller with a ``retry_error_callback`` is refused."""
    if retry is None or isinstance(retry, RetryPolicy):
        return retry
    tenacity = sys.modules.get("tenacity")  # a program that has a controller has imported it
    if tenacity is None or not isinstance(retry, tenacity.AsyncRetrying):
        raise must_be(TypeError, "retry", "a RetryPolicy, a tenacity.AsyncRetrying or None", retry)
    controller = cast("AsyncRetrying", retry)
    if controller.retry_error_callback is not None:
        message = "retry must not have a retry_error_callback, because its result would replace a page"
        raise for_parameter(TypeError(message), "retry")
    return controller


def evidence(error: BaseException | None) -> Evidence | None:
    """Return what the result of a request shows. None if no request was sent, or if every request would fail."""
    match error:
        case APIError() if error.status in _ABOUT_SERVER:
            return "server"
        case ConnectionFailedError() if not isinstance(error, CertificateError):
            return "server"
        case APIError() if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.status in _SLOW:
            return "page"
        case RequestTimeoutError() | InvalidJSONError() | RedirectError() | ResponseTooLargeError():
            return "page"
        case None | APIError() | DecodeError():
            return "good"
        case _:
            return None


def is_transient(error: TofuPilotError) -> bool:
    return evidence(error) in {"server", "page"} and not isinstance(error, RedirectError | ResponseTooLargeError)


def is_slow(error: Exception | None) -> bool:
    return isinstance(error, RequestTimeoutError) or (isinstance(error, APIError) and error.status in _SLOW)


def is_lost(error: Exception | None) -> bool:
    return isinstance(error, ConnectionFailedError | RequestTimeoutError)


def is_refused(error: TofuPilotError) -> bool:
    """Return whether a server refused work, so that no item is to blame."""
    return isinstance(error, APIError) and error.status in _REFUSED


def copied(error: TofuPilotError) -> TofuPilotError:
    """Copy an error without its traceback and notes."""
    other = copy(error)
    other.__cause__ = error.__cause__
    other.__dict__.pop("__notes__", None)
    return other
