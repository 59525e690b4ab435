"""Whether the server of a session is down: a state machine without tasks, I/O and a clock.

A failure is about the server or about the page that was requested. While failures about the server come, and no
response is good, the session is down. Then one request at a time probes, and all others wait.

A server that restarts refuses new requests while it finishes those that it had accepted. So a good response counts as
one of the server that is there now only if its request was sent after the failure that it is to refute.
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
"""So many failures about the server without a good response between them are an outage, however many requests are in
flight. If one request of ten fails, this happens once in 100,000 requests."""

_OLD = 1.0
"""Seconds after which the last probe is so old that a new page may probe, and need not wait for the next probe."""

_NAME_ATTEMPTS = 2
"""How often a name is resolved before the first response. A name that is not found is probably misspelled."""


class MissedSlotError(Exception):
    """The slot of a request did not come in time."""


class WentDownError(Exception):
    """The session went down while a request waited for its slot."""


@define(eq=False)
class RetryState:
    """A page that is to be requested, how often it was, and until when it may be."""

    policy: RetryPolicy
    """Beside a tenacity controller, it says only what the throttle has to know."""
    counts: RequestCounts
    """Where requests, retries and waits are counted."""
    deadline: Deadline
    """The time limit of this page and of what is requested because of it."""
    waits: bool = False
    """Whether it is not requested while the session is down, unless it probes."""
    made: int = 0
    """How many requests were sent."""
    warned_at: float = -math.inf
    """When there was a warning about it."""

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
    first: int
    """The number of the failure that began it."""
    failure: TofuPilotError
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
    failures: int
    """How many failures there had been."""


class Health:
    """What a session knows about its server, from how its requests end. All times are in seconds, by one clock.

    Failures about the server are counted in a row, which is since the last good response. One of them may begin an
    outage:

    | the failure | a good response came after its request was sent | an outage begins |
    |-|-|-|
    | a 429 | yes or no | yes, because it is never about the page |
    | the first in a row | yes | no: it is a single failure among good responses |
    | the first in a row | no | if no other request is in flight |
    | the second to the fourth | yes or no | if there are more in a row than other requests in flight |
    | the fifth or a later one | yes or no | yes |

    A good response ends the outage if its request was sent after the outage began. A good response to an earlier
    request changes nothing, because a server may finish what it had accepted, and refuse everything else. If
    connections are lost, a response that is bad because of the page ends the outage too: the server is there. Before
    the first response at all, the outage ends with the last attempt.
    """

    def __init__(self) -> None:
        self.outage: Outage | None = None
        self.is_reached = False
        """Whether there ever was a response."""
        self.good = 0
        """How many responses were good."""
        self.failures = 0
        """How many requests have failed."""
        self.good_after = -1
        """After how many failures the latest request was sent that had a good response; -1: there is none."""
        self.responded_after = -1
        """The same for a response that is good, or bad because of the page, so that the server is not unreachable."""
        self.failing_since: float | None = None
        """When the first request failed since the last good response. None if none has."""
        self.paused_until = -math.inf
        """The time before which the server wants no request."""
        self.waiting: dict[RetryState, Event] = {}
        """The pages that wait, in the order in which they began, and what wakes them."""
        self.probing: RetryState | None = None
        """The page that probes, or is about to."""
        self._in_a_row = 0
        """How many failures about the server have come since the last good response."""
        self._began = 0.0
        """When the first of them came."""
        self._first = 0
        """The number of the first of them among all failures."""

    @property
    def is_unreachable(self) -> bool:
        """Whether nothing has ever responded, and the last attempt at it has failed, so the address may be wrong."""
        return not (self.is_reached or self.outage or self._in_a_row)

    @property
    def next(self) -> RetryState | None:
        """The next page to probe: of those that were not requested too often, the one that waits longest.

        If all were, it is the one of them that waits longest. None if no page waits.
        """
        first = next(iter(self.waiting), None)
        return next((page for page in self.waiting if not page.is_exhausted), first)

    def sent(self) -> Sent:
        """Return what is known now that a request is sent."""
        return Sent(self.good, self.failures)

    def pause(self, until: float) -> None:
        """Note that the server wants no request before a point in time."""
        self.paused_until = max(self.paused_until, until)
        if self.outage is not None:
            self.outage.next_probe_at = max(self.outage.next_probe_at, until)

    def succeeded(self, sent: Sent) -> bool:
        """Note a good response, with what was known when its request was sent, and return whether it counts.

        It does not if the request was sent before the outage.
        """
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
        """Note a failure of a request, with what was known when it was sent, while some others are in flight.

        Before the first response, at most ``attempts`` are made. ``wait`` returns the seconds before the next probe,
        from the seconds since the outage began.
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
        """Return for how many seconds a page waits, unless it is woken, or 0.0 if it may be requested now.

        Return None if the time of the page is up before anything could change. A new page is one that begins to wait
        now, and was not requested before.
        """
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
        """Note a response that is bad because of the page. The server is there, although connections are lost."""
        self.responded_after = max(self.responded_after, sent.failures)
        outage = self.outage
        if outage is not None and sent.failures >= outage.first and is_lost(outage.failure):
            self.outage, self._in_a_row = None, 0

    def _is_outage(self, error: TofuPilotError, sent: Sent, in_flight: int) -> bool:
        if isinstance(error, RateLimitedError):  # it is never about the page
            return True
        is_single = self._in_a_row == 1 and sent.good < self.good
        return self._in_a_row > min(in_flight, _IN_A_ROW - 1) and not is_single
