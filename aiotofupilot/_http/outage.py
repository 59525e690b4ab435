"""Whether the server of a session is down: a state machine without tasks, I/O and a clock.

A failure is about the server or about the page that was requested. While failures about the server come, and no
response is good, the session is down. Then one request at a time probes, and all others wait.
"""

from __future__ import annotations

import math
import socket
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from attrs import define

from aiotofupilot import errors

from .retry import evidence

if TYPE_CHECKING:
    from asyncio import Event
    from collections.abc import Callable

    from aiotofupilot.clock import Deadline
    from aiotofupilot.stats import RequestCounts

    from .retry import RetryPolicy

_IN_A_ROW = 5
"""So many failures about the server without a good response between them are an outage. If one request of ten fails,
this happens once in 100,000 requests."""

_NEWS = 1.0
"""Seconds after which the last probe is so old that a new page may probe, and need not wait for the next probe."""

_NAME_ATTEMPTS = 2
"""How often a name is resolved before the first response. It is probably misspelled."""


def copied(error: errors.TofuPilotError) -> errors.TofuPilotError:
    """Return an error of the same class, message and attributes, without the traceback and the notes of this one."""
    other = copy(error)
    other.__cause__ = error.__cause__
    other.__dict__.pop("__notes__", None)
    return other


class Wanted:
    """A page that is to be requested."""

    made: int = 0
    """How many requests were sent."""
    warned_at: float = -math.inf
    """When there was a warning about it."""

    def __init__(self, policy: RetryPolicy, counts: RequestCounts, deadline: Deadline) -> None:
        self.policy = policy
        """How failures are waited for. The default policy beside a controller of the user, and without retries."""
        self.counts = counts
        """Where requests, retries and waits are counted."""
        self.deadline = deadline
        """The time limit of this page and of what is requested because of it."""

    @property
    def until(self) -> float:
        """The time from which on no request may begin."""
        return math.inf if self.deadline.at is None else self.deadline.at

    @property
    def is_exhausted(self) -> bool:
        """Whether the next attempt but one is the last, so that another page should probe before."""
        return self.made >= self.policy.attempts - 1


@define(eq=False)
class Outage:
    """The time during which the server is down."""

    began: float
    failure: errors.TofuPilotError
    """A copy of the last error, because the error itself gets the attempts and the checkpoint of a page."""
    next_probe_at: float = -math.inf
    failed_at: float = -math.inf
    """When the last probe failed."""
    failures: int = 0
    """How many requests have failed: the one that began the outage, and those that were sent during it."""


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
        self.is_reached = False
        """Whether there ever was a response."""
        self.good = 0
        """How many responses were good."""
        self.failing_since: float | None = None
        """When the first request failed since the last good response; None: none has."""
        self.paused_until = -math.inf
        """The time before which the server wants no request."""
        self.waiting: dict[Wanted, Event] = {}
        """The pages that wait, in the order in which they began, and what wakes them."""
        self.probing: Wanted | None = None
        """The page that probes, or is about to."""
        self._in_a_row = 0
        """How many failures about the server have come since the last good response."""
        self._began = 0.0
        """When the first of them came."""

    @property
    def is_unreachable(self) -> bool:
        """Whether nothing has ever responded, and the last attempt at it has failed, so the address may be wrong."""
        return not (self.is_reached or self.outage or self._in_a_row)

    @property
    def next(self) -> Wanted | None:
        """The next page to probe: of those that were not requested too often, the one that waits longest.

        If all were, it is the one of them that waits longest. None: no page waits.
        """
        first = next(iter(self.waiting), None)
        return next((page for page in self.waiting if not page.is_exhausted), first)

    def sent(self) -> Sent:
        """Return what is known now that a request is sent."""
        return Sent(self.good, self.outage)

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
        error: errors.TofuPilotError,
        sent: Sent,
        now: float,
        *,
        in_flight: int,
        attempts: int,
        wait: Callable[[float], float],
    ) -> None:
        """Note a failure of a request, with what was known when it was sent, while some others are in flight.

        Before the first response, so many ``attempts`` are made. ``wait`` returns the seconds before the next probe,
        from the seconds since the outage began.
        """
        is_about_server = evidence(error) == "server"
        if not isinstance(error, errors.ConnectionFailedError | errors.RequestTimeoutError):
            self.is_reached = True
        if self.failing_since is None:
            self.failing_since = now
        if is_about_server:
            self._began = self._began if self._in_a_row else now
            self._in_a_row += 1
        if self.outage is None:
            if not is_about_server or not self._is_outage(error, sent, in_flight):
                return
            self.outage = Outage(self._began, error)
            sent = self.sent()
        outage = self.outage
        if is_about_server:
            outage.failure = copied(error)
        if sent.outage is outage:
            outage.failures += 1
            outage.failed_at = now
            outage.next_probe_at = max(now + wait(now - outage.began), self.paused_until)
        most = _NAME_ATTEMPTS if isinstance(error.__cause__, socket.gaierror) else attempts
        if not self.is_reached and outage.failures >= most:
            self.outage, self._in_a_row = None, 0

    def wait(self, page: Wanted, now: float, *, is_new: bool = False) -> float | None:
        """Return for how many seconds a page waits, unless it is woken; 0.0: it may be requested now.

        A new page is one that begins to wait now, and was not requested before. None: the time of the page is up
        before anything could change.
        """
        outage = self.outage
        if outage is None:
            return 0.0
        if now >= page.until:
            return None
        if self.probing is not None:
            return page.until - now
        if is_new and now > outage.failed_at + _NEWS and now >= self.paused_until:
            return 0.0
        if outage.next_probe_at >= page.until:
            return None
        return max(0.0, outage.next_probe_at - now) if page is self.next else page.until - now

    def _is_outage(self, error: errors.TofuPilotError, sent: Sent, in_flight: int) -> bool:
        is_none_good = sent.good == self.good
        return (
            isinstance(error, errors.RateLimitedError)  # which is never about the page
            or self._in_a_row >= _IN_A_ROW
            or (self._in_a_row > 1 and (is_none_good or not in_flight))
            or (is_none_good and not in_flight)
        )
