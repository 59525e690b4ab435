"""A transport without a network, and all else that a connection consists of."""

import asyncio

from yarl import URL

from aiotofupilot import RetryPolicy
from aiotofupilot._http.client import Connection, Lifetime
from aiotofupilot._http.outage import Wanted
from aiotofupilot._http.redaction import Redaction
from aiotofupilot._http.throttle import Throttle
from aiotofupilot._request import Deadline
from aiotofupilot.stats import RequestCounts


def wanted(policy=RetryPolicy(), counts=None, until=None):  # noqa: B008 - a value
    """Return a page that is to be requested before a point in time."""
    counts = RequestCounts() if counts is None else counts
    return Wanted(policy.attempts, policy.max_retry_after, policy.longest_probe_wait, counts, Deadline(at=until))


class Transport:
    """The transport of a session, with its lifetime and its throttle. A subclass responds, with its ``get``."""

    def __init__(self, clock, connections=None, limiter=None):
        self.clock, self.lifetime, self.redaction = clock, Lifetime(), Redaction("no-key-in-here")
        self.throttle = Throttle(clock, connections or asyncio.Semaphore(1000), limiter)

    def check(self):
        pass

    def url(self, target):
        return URL("https://tofu.example.com/api" + target)

    def connection(self, retry=RetryPolicy(), timeout=None):  # noqa: B008 - a value
        """Return how a listing reaches the transport."""
        return Connection(
            transport=self,
            lifetime=self.lifetime,
            throttle=self.throttle,
            clock=self.clock,
            timeout=timeout,
            retry=retry,
            concurrency=1,
        )
