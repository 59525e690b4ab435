"""Which failures are about the server, which ones about the page, and what a `RetryPolicy` does about them."""

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
"""A function that takes an error and the number of the attempt, and returns a decision; see `RetryPolicy.rules`."""


Evidence = Literal["good", "server", "page"]
"""What the end of a request says: the server works, or it fails, or this page fails and others may not.

A failure of the server can be due to the page after all, if an item crashes what a proxy forwards to."""

_ABOUT_SERVER = frozenset({429, 502, 503, 520, 521, 522, 523, 529, 530})
"""520 to 523 and 530 are what Cloudflare says about a server behind it, and 529 is what some servers say for 503."""
_REFUSED = frozenset({429, 503, 529})
"""With these, a server refuses work, whatever page is requested."""
_SLOW = frozenset({408, 504, 524})


@frozen(kw_only=True)
class RetryPolicy:
    """How often a page is requested again, and after how long.

    A failure is about the page or about the server. It is about the page after a 500, 504, 408, 524 or another 5xx, a
    timeout, and a response that is not JSON. Then the wait before attempt n + 1 is drawn from 0 to ``min(max_wait,
    initial_wait * 2 ** (n - 1))``: exponential backoff with full jitter. Other pages do not wait.

    A failure is about the server after a 429, 502, 503, 520 to 523, 529 or 530, and if there is no connection or it is
    lost. While these come and no response is good, the session is down. Then one page at a time is requested, and all
    others wait. The wait before the next one is drawn from 0 to ``min(max_wait, max(initial_wait, seconds since the
    outage began))``. After the first good response to a request that was sent during the outage, requests begin again
    gradually: one, two, four and so on at a time. A response to an earlier request does not end the outage, because a
    server that restarts may finish what it had accepted.

    If the server sends Retry-After, the wait is that time, unless it is 0 or has passed. A 429 or a Retry-After pauses
    the whole session. If a 429 does not say for how long, the pause is at least 1 second.

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
    """The most requests for one page, including the first, while the server responds well to others. 1 means no
    retries. During an outage only ``max_elapsed`` counts. Until there has been any response, the address may be wrong.
    So a connection that is refused or reset is tried ``attempts`` times until then, and a name is resolved twice."""
    max_elapsed: float = 120.0
    """Seconds during which a page may be requested again, and the longest outage that is waited for. They count from
    the first failure of the page, or from when it begins to wait because the session is down. After a timeout they
    count from the beginning of the request. If the next attempt would start after that, the error is raised at once.
    0 means no retries."""
    initial_wait: float = 0.5
    """The longest wait before the first retry, in seconds. 0 means that no wait is longer than the server requests.
    During an outage, one request then follows another, still one at a time, for up to ``max_elapsed``."""
    max_wait: float = 30.0
    """The longest wait that the policy chooses, in seconds. A Retry-After may be longer."""
    max_retry_after: float = 60.0
    """The longest Retry-After that is obeyed, in seconds. If the server requests more, the error is raised at once."""
    rules: Sequence[Rule] = ()
    """Functions that decide before the policy does, in this order.

    Each is called with the error, and with the number of the attempt that failed, from 1 on. It returns True to try
    again after the policy's wait, a number of seconds to try again after that time, or False to raise the error. It
    returns None to leave the decision to the next rule, and after the last rule to the policy. The rules are not asked
    about a `SessionError` or a `ConfigurationError`. They cannot exceed ``attempts`` and ``max_elapsed``.
    """

    def __attrs_post_init__(self) -> None:
        # Checked here and not by attrs' converters, because mypy would see the type object for every option.
        rules = self.rules
        is_sequence = isinstance(cast("object", rules), Sequence) and not isinstance(rules, str)
        if not (is_sequence and all(map(callable, rules))):
            raise must_be(TypeError, "rules", "a sequence of functions", rules)
        object.__setattr__(self, "rules", tuple(rules))  # so that the policy can be hashed
        object.__setattr__(self, "attempts", integer("attempts", self.attempts, low=1))
        for name in ("max_elapsed", "initial_wait", "max_wait", "max_retry_after"):
            object.__setattr__(self, name, seconds(name, getattr(self, name)))

    def longest_wait(self, attempt: int) -> float:
        """Return the longest wait after an attempt, in seconds.

        Args:
            attempt: The number of the attempt, from 1 on.
        """
        return min(self.max_wait, self.initial_wait * 2.0 ** min(attempt - 1, 1000))  # more is no float

    def longest_probe_wait(self, elapsed: float) -> float:
        """Return the longest wait before the next request while the session is down, in seconds.

        Args:
            elapsed: Seconds since the outage began.
        """
        return min(self.max_wait, max(self.initial_wait, elapsed)) if self.initial_wait else 0.0

    def obeyed_wait(self, error: BaseException) -> float | None:
        """Return the seconds that the server asked to wait. None if it did not, or if they are more than is obeyed.

        Args:
            error: How an attempt ended.
        """
        asked = error.retry_after if isinstance(error, APIError) else None
        return None if asked is None or asked > self.max_retry_after else asked


def decide(policy: RetryPolicy, error: TofuPilotError, attempt: int) -> bool | float:
    """Return whether a page is requested again after an attempt, or after how many seconds.

    True: the policy chooses the wait, because neither a rule nor the server does.
    """
    asked = policy.obeyed_wait(error)
    for rule in policy.rules:
        decision = rule(error, attempt)
        if isinstance(decision, bool):
            return decision and (asked or True)
        if decision is not None:
            return seconds("the decision of a retry rule", decision)
    is_too_long = asked is None and isinstance(error, APIError) and error.retry_after is not None
    return is_transient(error) and not is_too_long and (asked or True)


def checked_retry(retry: object) -> Retry:
    """Return the argument ``retry=``: a policy, a tenacity controller, or None for no retries.

    A controller that would make up a page where there is none is refused.
    """
    if retry is None or isinstance(retry, RetryPolicy):
        return retry
    tenacity = sys.modules.get("tenacity")  # a program that has a controller has imported it
    if tenacity is None or not isinstance(retry, tenacity.AsyncRetrying):
        raise must_be(TypeError, "retry", "a RetryPolicy, a tenacity.AsyncRetrying or None", retry)
    controller = cast("AsyncRetrying", retry)
    if controller.retry_error_callback is not None:
        message = "retry must not have a retry_error_callback, because it would make up a page"
        raise for_parameter(TypeError(message), "retry")
    return controller


def evidence(error: BaseException | None) -> Evidence | None:
    """Return what the end of a request says about the server.

    Without an error, there was a response that could be read. Return None if it says nothing, because no request was
    made, or it would have failed with any server.
    """
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
    """Return whether another attempt may succeed. A response that is not JSON may come from a proxy."""
    return evidence(error) in {"server", "page"} and not isinstance(error, RedirectError | ResponseTooLargeError)


def is_slow(error: Exception | None) -> bool:
    """Return whether a page took too long."""
    return isinstance(error, RequestTimeoutError) or (isinstance(error, APIError) and error.status in _SLOW)


def is_lost(error: Exception | None) -> bool:
    """Return whether there was no whole response."""
    return isinstance(error, ConnectionFailedError | RequestTimeoutError)


def is_refused(error: TofuPilotError) -> bool:
    """Return whether a server refused work, so that the failure is not due to an item of the page."""
    return isinstance(error, APIError) and error.status in _REFUSED


def copied(error: TofuPilotError) -> TofuPilotError:
    """Return an error of the same class, message and attributes, without the traceback and the notes of this one."""
    other = copy(error)
    other.__cause__ = error.__cause__
    other.__dict__.pop("__notes__", None)
    return other
