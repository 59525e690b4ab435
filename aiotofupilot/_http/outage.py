"""Whether the server of a session is down: a state machine without tasks, I/O and a clock.

A failure is about the server or about the page that was requested. While failures about the server come, and no
response is good, the session is down. Then one request at a time probes, and all others wait.
"""

from __future__ import annotations

import math
import socket
from collections import OrderedDict
from copy import copy
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from attrs import define

from aiotofupilot.errors import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    DecodeError,
    InvalidJSONError,
    RateLimitedError,
    RedirectError,
    RequestTimeoutError,
    ResponseTooLargeError,
    TofuPilotError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Evidence",
    "Health",
    "Outage",
    "Sent",
    "Waiter",
    "asked_wait",
    "copied",
    "evidence",
    "is_slow",
    "is_unresolved",
]

Evidence = Literal["good", "server", "page"]
"""What the end of a request says: the server works, or fails, or fails for this page. The last one may be both."""

_REQUEST_TIMEOUT, _INTERNAL_ERROR = 408, 500
_ABOUT_SERVER = frozenset({429, 502, 503, 520, 521, 522, 523, 529, 530})
"""520 to 523 and 530 are what Cloudflare says about a server behind it, and 529 is what some servers say for 503."""
_SLOW = frozenset({_REQUEST_TIMEOUT, 504, 524})

_IN_A_ROW = 5
"""So many failures about the server without a good response between them are an outage. If one request of ten fails,
this happens once in 100,000 requests."""

_NEWS = 1.0
"""Seconds after which the last probe is so old that a new page may probe, and need not wait for the next probe."""

_NAME_ATTEMPTS = 2
"""How often a name is resolved before the first response. It is probably misspelled."""


def evidence(error: BaseException | None) -> Evidence | None:
    """Return what the end of a request says about the server.

    Args:
        error: What ended the request; None: a response that could be read.

    Returns:
        None: nothing, because no request was made, or it would have failed with any server.
    """
    found: Evidence | None = None
    match error:
        case None:
            found = "good"
        case APIError() if error.status in _ABOUT_SERVER:
            found = "server"
        case APIError():
            found = "page" if error.status >= _INTERNAL_ERROR or error.status == _REQUEST_TIMEOUT else "good"
        case ConnectionFailedError() if not isinstance(error, CertificateError):
            found = "server"
        case RequestTimeoutError() | InvalidJSONError() | RedirectError() | ResponseTooLargeError():
            found = "page"
        case DecodeError():
            found = "good"
        case _:
            pass
    return found


def is_slow(error: BaseException) -> bool:
    """Return whether a page took too long."""
    return isinstance(error, RequestTimeoutError) or (isinstance(error, APIError) and error.status in _SLOW)


def asked_wait(error: BaseException | None, max_retry_after: float) -> float | None:
    """Return the seconds that the server asked to wait. None: it did not, or they are too many to be obeyed."""
    asked = error.retry_after if isinstance(error, APIError) else None
    return None if asked is None or asked > max_retry_after else asked


def is_unresolved(error: BaseException) -> bool:
    """Return whether the name of the server could not be resolved."""
    return isinstance(error, ConnectionFailedError) and isinstance(error.__cause__, socket.gaierror)


def copied(error: TofuPilotError) -> TofuPilotError:
    """Return an error of the same class and message, without the traceback and the notes of this one."""
    other = copy(error)
    other.__cause__ = error.__cause__
    other.__dict__.pop("__notes__", None)
    return other


class Waiter(Protocol):
    """A page that waits while the session is down."""

    @property
    def is_exhausted(self) -> bool:
        """Whether the page has been requested so often that another page should probe."""
        ...

    @property
    def until(self) -> float:
        """The time from which on the page may not be requested."""
        ...


@define(eq=False)
class Outage:
    """The time during which the server is down."""

    began: float
    failure: TofuPilotError
    """A copy of the last error, because the error itself gets the attempts and the checkpoint of a page."""
    next_probe_at: float
    failed_at: float
    """When the last error came."""
    probes: int = 0
    """How many requests have failed that were sent during the outage."""
    is_unreachable: bool = False
    """Whether nothing has ever responded, so that the address is probably wrong. Then nobody waits any longer."""


class Sent(NamedTuple):
    """What was known when a request was sent."""

    good: int
    """How many good responses there had been."""
    outage: Outage | None


class Health:
    """What a session knows about its server, from how its requests end. All times are in seconds, by one clock.

    A single failure about the server begins an outage only if no other request is in flight, and no good response has
    come since its request was sent. The second one in a row begins one if either of these is so, and the fifth one in
    any case. So a single failure among good responses begins none.

    The first good response ends the outage. Before the first response at all, the outage ends with the last attempt.
    """

    def __init__(self) -> None:
        self.outage: Outage | None = None
        self.is_reached: bool = False
        """Whether there ever was a response."""
        self.good: int = 0
        """How many responses were good."""
        self.failing_since: float | None = None
        """When the first request failed since the last good response; None: none has."""
        self.paused_until: float = -math.inf
        """The time before which the server wants no request."""
        self._in_a_row = 0
        """How many failures about the server have come since the last good response."""
        self._began = 0.0
        """When the first of them came."""
        self._waiting: OrderedDict[Waiter, None] = OrderedDict()
        self._exhausted: OrderedDict[Waiter, None] = OrderedDict()
        self._probing: Waiter | None = None

    def sent(self) -> Sent:
        """Return what is known now that a request is sent."""
        return Sent(self.good, self.outage)

    @property
    def next(self) -> Waiter | None:
        """The next page to probe: of those that were not requested too often, the one that waits longest.

        If all were, it is the one of them that waits longest. None: no page waits.
        """
        return next(iter(self._waiting or self._exhausted), None)

    def pause(self, until: float) -> None:
        """Note that the server wants no request before a point in time."""
        self.paused_until = max(self.paused_until, until)
        if self.outage is not None:
            self.outage.next_probe_at = max(self.outage.next_probe_at, until)

    def succeeded(self) -> None:
        """Note a good response."""
        self.is_reached = True
        self.good += 1
        self._in_a_row = 0
        self.failing_since = self.outage = None

    def failed(
        self,
        error: TofuPilotError,
        sent: Sent,
        now: float,
        *,
        in_flight: int,
        attempts: int,
        wait: Callable[[float], float],
    ) -> None:
        """Note a failure.

        Args:
            error: How the request failed.
            sent: What was known when it was sent.
            now: The time.
            in_flight: How many other requests are in flight.
            attempts: How many attempts are made before the first response.
            wait: Returns the seconds before the next probe, from the seconds since the outage began.
        """
        if isinstance(error, APIError | DecodeError | RedirectError | ResponseTooLargeError):
            self.is_reached = True
        if self.failing_since is None:
            self.failing_since = now
        is_about_server = evidence(error) == "server"
        if is_about_server and not self._in_a_row:
            self._began = now
        self._in_a_row += is_about_server
        is_probe = sent.outage is not None and sent.outage is self.outage
        if self.outage is None and is_about_server and self._is_outage(error, sent, in_flight):
            self.outage = Outage(self._began, copied(error), now, now)
            self._schedule(self.outage, now, wait)
        elif self.outage is not None:
            if is_about_server:
                self.outage.failure = copied(error)
            if is_probe:
                self.outage.probes += 1
                self._schedule(self.outage, now, wait)
        if self.outage is not None and not self.is_reached:
            self._check_reach(self.outage, error, attempts)

    def join(self, waiter: Waiter) -> None:
        """Note that a page begins to wait."""
        (self._exhausted if waiter.is_exhausted else self._waiting)[waiter] = None

    def leave(self, waiter: Waiter) -> None:
        """Note that a page does not wait any longer."""
        self._waiting.pop(waiter, None)
        self._exhausted.pop(waiter, None)

    def may_send(self, waiter: Waiter, now: float, *, is_new: bool = False) -> bool:
        """Return whether a page that waits may be requested. If the session is down, the page is then the one to probe.

        Args:
            waiter: The page.
            now: The time.
            is_new: Whether the page begins to wait now, and was not requested before.
        """
        outage = self.outage
        if outage is None:
            return True
        if self._probing is not None or now >= waiter.until:
            return False
        if is_new and now > outage.failed_at + _NEWS:
            is_due = now >= self.paused_until
        else:
            is_due = now >= outage.next_probe_at and waiter is self.next
        if is_due:
            self._probing = waiter
        return is_due

    def wakes_at(self, waiter: Waiter, now: float) -> float | None:
        """Return until when a page waits at most that may not be requested now.

        Returns:
            None: Its time is up before the next probe, so it does not wait.
        """
        if now >= waiter.until:
            return None
        if self.outage is None or self._probing is not None:
            return waiter.until
        if self.outage.next_probe_at >= waiter.until:
            return None
        return self.outage.next_probe_at if waiter is self.next else waiter.until

    @property
    def is_probed(self) -> bool:
        """Whether a probe is under way, or about to be."""
        return self._probing is not None

    def is_probed_by(self, waiter: Waiter) -> bool:
        """Return whether a page is the one to probe."""
        return self._probing is waiter

    def release(self, waiter: Waiter) -> None:
        """Note that the request of a page is over, or is not made. Another page may probe then."""
        if self._probing is waiter:
            self._probing = None

    def _is_outage(self, error: TofuPilotError, sent: Sent, in_flight: int) -> bool:
        is_none_good = sent.good == self.good
        return (
            isinstance(error, RateLimitedError)  # which is never about the page
            or self._in_a_row >= _IN_A_ROW
            or (self._in_a_row > 1 and (is_none_good or not in_flight))
            or (is_none_good and not in_flight)
        )

    def _schedule(self, outage: Outage, now: float, wait: Callable[[float], float]) -> None:
        """Set the time of the next probe, after the pause that the server wants."""
        outage.failed_at = now
        outage.next_probe_at = max(now + wait(now - outage.began), self.paused_until)

    def _check_reach(self, outage: Outage, error: TofuPilotError, attempts: int) -> None:
        if outage.probes + 1 >= (_NAME_ATTEMPTS if is_unresolved(error) else attempts):
            outage.is_unreachable = True
            self.outage = None
            self._in_a_row = 0
