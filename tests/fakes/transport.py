"""A transport without a network, and all else that a connection consists of."""

import asyncio

from yarl import URL

from aiotofupilot import RetryPolicy
from aiotofupilot._checks import Secret
from aiotofupilot._http.client import Connection, Lifetime
from aiotofupilot._http.failures import Redaction
from aiotofupilot._http.outage import MissedSlotError, RetryState
from aiotofupilot._http.throttle import Throttle
from aiotofupilot._http.transport import Transport as RealTransport
from aiotofupilot._request import Deadline, Label
from aiotofupilot._wire.response import Response
from aiotofupilot.stats import RequestCounts


def wanted(policy=RetryPolicy(), counts=None, until=None):  # noqa: B008 - a value
    """Return a page that is to be requested before a point in time."""
    counts = RequestCounts() if counts is None else counts
    return RetryState(policy, counts, Deadline(at=until))


def is_missed(error):
    """Return whether a request was not sent, because its time was up before its turn came."""
    return isinstance(error, MissedSlotError)


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
            key_source="api_key",
        )

    def response(self, body=b"page", *, status=200, headers=None):
        """Return what ``get`` may respond."""
        return Response(status, headers or {}, body, self.clock.now())

    async def ask(
        self,
        target="/v2/runs",
        retry=RetryPolicy(),  # noqa: B008 - a value
        counts=None,
        control=None,
        *,
        timeout=None,  # noqa: ASYNC109 - it is handed on
        until=None,
        cursor=0,
        **how,
    ):
        """Request the body of a response, and a control as often as perhaps only the page fails, if there is one."""
        if until is not None:
            how["deadline"] = Deadline(at=until)
        if control is not None:
            how["control"] = lambda _: control()
        connection, counts, label = self.connection(retry, timeout), counts or RequestCounts(), Label("runs", cursor)
        return await connection.get(target, lambda response: response.body, counts, label=label, **how)


class Throttled:
    """Sends requests through a throttle. A function of the time decides how each one ends."""

    def __init__(self, clock, limiter=None, *, limit=1000, answer=lambda seconds: None, takes=1.0, connections=None):
        self.clock, self.answer, self.takes = clock, answer, takes
        self.connections = connections or asyncio.Semaphore(limit)
        self.throttle = Transport(clock, self.connections, limiter).throttle
        self.in_flight = self.most = 0
        self.began = []
        self.counts = RequestCounts()

    async def request(self, name=None, policy=RetryPolicy(), until=None):  # noqa: B008 - a value
        async def send(_):
            self.began.append((self.clock.seconds, name))
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            try:
                await self.clock.sleep(self.takes)
                if (error := self.answer(self.clock.seconds)) is not None:
                    raise error
            finally:
                self.in_flight -= 1
            return name

        return await self.throttle.send(wanted(policy, self.counts, until), send)

    def begun_at(self, seconds):
        return sum(began == seconds for began, _ in self.began)

    @property
    def is_idle(self):
        """Whether nothing of a request is left in the throttle."""
        throttle = self.throttle
        return (throttle._in_flight, throttle._queued, throttle._queue.locked()) == (0, 0, False)


class OverSockets:
    """aiohttp's transport, and the way to it that a request takes without retries."""

    def __init__(self, base_url, clock, *, key, **options):
        self.transport = RealTransport(base_url, Secret(f"Bearer {key}"), clock=clock, **options)
        self._parts = {
            "transport": self.transport,
            "lifetime": Lifetime(),
            "throttle": Throttle(clock, self.transport.connections),
            "clock": clock,
            "key_source": "api_key",
        }

    async def get(self, target, *, timeout, max_body=64 * 1024 * 1024):  # noqa: ASYNC109 - it is handed on
        connection = Connection(timeout=timeout, retry=None, concurrency=1, max_body=max_body, **self._parts)
        return await connection.get(target, lambda response: response, RequestCounts(), label=Label("runs"))
