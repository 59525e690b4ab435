"""Decides whether the server is down: a state machine without tasks, I/O or a clock. `RetryPolicy` explains it.

A server that restarts may finish old requests while it refuses new ones. So a good response ends an outage only if its
request was sent after the outage began.
"""

from __future__ import annotations

import math
import socket
from typing import TYPE_CHECKING, NamedTuple

from attrs import define

from aiotofupilot.errors import RateLimitedError, TofuPilotError

from .policy import copied, evidence, is_lost

if TYPE_CHECKING:
    from asyncio import Event
    from collections.abc import Callable

    from aiotofupilot._request import Deadline
    from aiotofupilot.stats import RequestCounts

    from .policy import RetryPolicy

_IN_A_ROW = 5
"""This many failures about the server in a row are an outage, however many requests are in flight. If one request in
ten fails at random, five fail in a row once in 100,000 requests."""

_OLD = 1.0
"""A new page probes at once if the last probe failed more than this many seconds ago."""

_NAME_ATTEMPTS = 2
"""How often a name is resolved before the first response. If it is not found, it is probably misspelled."""


class MissedSlotError(Exception):
    """The slot of a request did not come in time."""


class WentDownError(Exception):
    """The session went down while a request waited for its slot."""


@define(eq=False)
class RetryState:
    """The progress of the requests for a page."""

    policy: RetryPolicy
    """The policy. With a tenacity controller, only the throttle uses it."""
    counts: RequestCounts
    deadline: Deadline
    """The time limit, shared with requests that are made because of this page."""
    waits: bool = False
    """Whether the page waits while the session is down."""
    made: int = 0
    """Requests sent."""
    warned_at: float = -math.inf
    """When a warning about the page was last logged."""

    @property
    def until(self) -> float:
        """No request may begin at or after this time."""
        return math.inf if self.deadline.at is None else self.deadline.at

    @property
    def is_exhausted(self) -> bool:
        """Whether at most one attempt is left, in which case another page should probe first."""
        return self.made >= self.policy.attempts - 1


@define(eq=False)
class Outage:
    """The time during which the server is down."""

    began: float
    first: int
    """The number of the failure that began the outage."""
    failure: TofuPilotError
    """A copy of the last error. A page adds its own facts to the original."""
    next_probe_at: float = -math.inf
    failed_at: float = -math.inf
    """When the last probe failed."""
    failures: int = 0
    """The number of failures: the one that began the outage, and those of requests sent during it."""


class Sent(NamedTuple):
    """The counts of `Health` when a request was sent."""

    good: int
    failures: int


class Health:
    """Learns the state of the server from how requests end.

    Failures about the server are counted since the last good response. They begin an outage as follows:

    | the failure | a good response came after its request was sent | an outage begins |
    |-|-|-|
    | a 429 | yes or no | yes, because it is never about the page |
    | the first in a row | yes | no: it is a single failure among good responses |
    | the first in a row | no | if no other request is in flight |
    | the second to the fourth | yes or no | if more fail in a row than other requests are in flight |
    | the fifth or a later one | yes or no | yes |

    A good response ends an outage. If connections were lost, a bad response that is about the page also ends an outage,
    because it shows that the server is there. Before the first response, the outage ends with the last attempt.
    """

    def __init__(self) -> None:
        self.outage: Outage | None = None
        self.is_reached = False
        """Whether any response has arrived."""
        self.good = 0
        self.failures = 0
        self.good_after = -1
        """How many failures there were when the latest request with a good response was sent. -1 if there is none."""
        self.responded_after = -1
        """How many failures there were when the latest request with any response of the server was sent. -1 if there is
        none."""
        self.failing_since: float | None = None
        """When the first request after the last good response failed. None if none has."""
        self.paused_until = -math.inf
        """The server asked for no request before this time."""
        self.waiting: dict[RetryState, Event] = {}
        """The waiting pages, oldest first, and the events that wake them."""
        self.probing: RetryState | None = None
        """The page that probes, or is about to probe."""
        self._in_a_row = 0
        """Failures about the server since the last good response."""
        self._began = 0.0
        """When the first of these failures happened."""
        self._first = 0
        """The number of that failure among all failures."""

    @property
    def is_unreachable(self) -> bool:
        """Whether the last attempt failed before any response, so that the address may be wrong."""
        return not (self.is_reached or self.outage or self._in_a_row)

    @property
    def next(self) -> RetryState | None:
        """The page that probes next: the page that waits longest. Exhausted pages come last."""
        first = next(iter(self.waiting), None)
        return next((page for page in self.waiting if not page.is_exhausted), first)

    def sent(self) -> Sent:
        return Sent(self.good, self.failures)

    def pause(self, until: float) -> None:
        self.paused_until = max(self.paused_until, until)
        if self.outage is not None:
            self.outage.next_probe_at = max(self.outage.next_probe_at, until)

    def succeeded(self, sent: Sent) -> bool:
        """Learn from a good response. Return False if it does not count, because it was requested before the outage."""
        self.is_reached = True
        if self.outage is not None and sent.failures < self.outage.first:
            return False
        self.good += 1
        self.good_after = max(self.good_after, sent.failures)
        self.responded_after = max(self.responded_after, sent.failures)
        self._in_a_row = 0
        self.failing_since = self.outage = None
        return True

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
        """Learn from a failed request while ``in_flight`` others are in flight.

        Before the first response, an outage ends after ``attempts`` requests. ``wait`` returns the seconds until the
        next probe, given the seconds since the outage began.
        """
        is_about_server = evidence(error) == "server"
        self.is_reached = self.is_reached or not is_lost(error)
        if self.failing_since is None:
            self.failing_since = now
        self.failures += 1
        if is_about_server:
            if not self._in_a_row:
                self._began, self._first = now, self.failures
            self._in_a_row += 1
        elif not is_lost(error):
            self._note_bad_response(sent)
        if self.outage is None:
            if not is_about_server or not self._is_outage(error, sent, in_flight):
                return
            self.outage = Outage(self._began, self._first, error)
            sent = self.sent()
        outage = self.outage
        if is_about_server:
            outage.failure = copied(error)
        if sent.failures >= outage.first:
            outage.failures += 1
            outage.failed_at = now
            outage.next_probe_at = max(now + wait(now - outage.began), self.paused_until)
        most = _NAME_ATTEMPTS if isinstance(error.__cause__, socket.gaierror) else attempts
        if not self.is_reached and outage.failures >= most:
            self.outage, self._in_a_row = None, 0

    def wait(self, page: RetryState, now: float, *, is_new: bool = False) -> float | None:
        """Return the seconds until a page may be requested, unless it is woken. None if its time is up first."""
        outage = self.outage
        if outage is None:
            return 0.0
        if now >= page.until:
            return None
        if self.probing is not None:
            return page.until - now
        if is_new and now > outage.failed_at + _OLD and now >= self.paused_until:
            return 0.0
        if outage.next_probe_at >= page.until:
            return None
        return max(0.0, outage.next_probe_at - now) if page is self.next else page.until - now

    def _note_bad_response(self, sent: Sent) -> None:
        self.responded_after = max(self.responded_after, sent.failures)
        outage = self.outage
        if outage is not None and sent.failures >= outage.first and is_lost(outage.failure):
            self.outage, self._in_a_row = None, 0

    def _is_outage(self, error: TofuPilotError, sent: Sent, in_flight: int) -> bool:
        if isinstance(error, RateLimitedError):  # a 429 is never about the page
            return True
        is_single = self._in_a_row == 1 and sent.good < self.good
        return self._in_a_row > min(in_flight, _IN_A_ROW - 1) and not is_single
