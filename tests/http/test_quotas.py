"""A session slows down before a proxy that counts its requests refuses them."""

import asyncio
import math
import time

import pytest
from multidict import CIMultiDict
from yarl import URL

from aiotofupilot import RateLimitedError, RetryPolicy, SessionError, TofuPilotSession
from aiotofupilot._http.connection import Connection
from aiotofupilot._http.gate import Gate
from aiotofupilot._http.lifetime import Lifetime
from aiotofupilot._http.options import Options
from aiotofupilot._http.redaction import Redaction
from aiotofupilot._http.retries import Retries
from aiotofupilot._wire.quotas import Quota
from aiotofupilot._wire.response import Response
from aiotofupilot.listings.procedures import Procedures
from aiotofupilot.sandbox import Request, Sandbox
from aiotofupilot.sandbox.faults import fault, status
from aiotofupilot.stats import RequestCounts

LONGEST = 60.0


@fault
def quota(requests, *, window=60.0, clock=time.monotonic):
    """Allow a number of requests in each window of time, as a proxy does, and answer 429 to the others."""
    left, ends = requests, -math.inf

    def alter(delivery, request, random):
        nonlocal left, ends
        now = clock()
        if now >= ends:
            left, ends = requests, now + window
        if left:
            left -= 1
        else:
            delivery = status(429).alter(delivery, request, random)
        return delivery.with_headers(
            {
                "RateLimit-Policy": f'"sandbox";q={requests};w={math.ceil(window)}',
                "RateLimit": f'"sandbox";r={left};t={math.ceil(ends - now)}',
            }
        )

    return alter


class Server:
    """Sends requests through a gate, a second each. A function of the number of an answer gives its quota."""

    def __init__(self, clock, told=lambda number: ()):
        self.clock, self.told = clock, told
        self.gate = Gate(clock)
        self.counts = RequestCounts()
        self.began, self.in_flight = [], []
        self._in_flight = 0

    async def request(self, max_retry_after=LONGEST, error=None):
        async with self.gate.turn(max_retry_after, self.counts) as turn:
            number = len(self.began)
            self._in_flight += 1
            self.began.append(self.clock.seconds)
            self.in_flight.append(self._in_flight)
            try:
                await self.clock.sleep(1.0)
            finally:
                self._in_flight -= 1
            turn.heed(self.told(number))
            if error is not None:
                raise error


async def test_no_more_requests_are_in_flight_than_are_left(clock):
    """Each answer has the new number, so no request is sent that would be refused."""
    server = Server(clock, lambda number: [Quota(max(1, 9 - number), 3600)])
    await clock.run(server.request())
    await clock.run(*(server.request() for _ in range(12)))
    assert server.in_flight[:10] == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert server.in_flight[10:] == [1, 1, 1]


async def test_of_several_quotas_the_least_counts(clock):
    """The quota that is used up first refuses requests."""
    server = Server(clock, lambda _: [Quota(50, 1), Quota(2, 3600), Quota(9, 60)])
    await clock.run(server.request())
    await clock.run(*(server.request() for _ in range(6)))
    assert max(server.in_flight) == 2


async def test_a_request_that_ends_without_an_answer_counts_as_one_fewer(clock):
    """The proxy has counted it, although no answer has said so."""
    server = Server(clock, lambda _: [Quota(4, 3600)])
    await clock.run(server.request())
    tasks = [asyncio.create_task(server.request()) for _ in range(9)]

    async def cancel():
        await clock.sleep(0.5)
        for task in tasks[:2]:
            task.cancel()

    await clock.run(cancel(), *tasks)
    assert server.began == [0.0] + [1.0] * 4 + [2.0] * 4 + [3.0]
    assert max(server.in_flight) == 4


async def test_an_answer_that_tells_of_no_quota_lifts_the_bound(clock):
    """The proxy may be gone."""
    server = Server(clock, lambda number: [Quota(1, 3600)] if number < 2 else ())
    await clock.run(server.request())
    await clock.run(*(server.request() for _ in range(9)))
    assert server.began == [0.0, 1.0, 2.0] + [3.0] * 7


async def test_a_session_pauses_when_no_request_is_left(clock):
    """Then requests begin again gradually, because nobody knows how many more are allowed."""
    server = Server(clock, lambda number: [Quota(0, 12)] if number == 0 else [Quota(100, 12)])
    await clock.run(server.request())
    assert server.gate.rest(LONGEST) == 12.0
    await clock.run(*(server.request() for _ in range(7)))
    assert server.began == [0.0] + [13.0] + [14.0] * 2 + [15.0] * 4
    assert server.counts.waited == 12.0 + 13.0 * 2 + 14.0 * 4


async def test_of_several_quotas_that_are_used_up_the_last_one_counts(clock):
    """Only those count whose time is obeyed."""
    server = Server(clock, lambda _: [Quota(0, 5), Quota(0, 999_999), Quota(0, 7), Quota(3, 50), Quota(0, None)])
    await clock.run(server.request())
    assert server.gate.rest(math.inf) == 7.0


@pytest.mark.parametrize("resets_in", [999_999, 61, None, 0])
async def test_a_quota_without_a_time_that_is_obeyed_does_not_stop_a_session(clock, resets_in):
    """It is bounded as Retry-After is. Requests are sent one at a time until an answer says otherwise."""
    server = Server(clock, lambda _: [Quota(0, resets_in)])
    await clock.run(*(server.request() for _ in range(3)))
    assert server.gate.rest(math.inf) == 0.0
    await clock.run(*(server.request() for _ in range(3)))
    assert server.began == [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]


async def test_a_pause_for_a_quota_holds_up_none_that_would_not_obey_it(clock):
    """A view that waits at most 10 seconds goes on."""
    server = Server(clock, lambda number: [Quota(0, 30)] if number == 0 else [])
    await clock.run(server.request())
    await clock.run(server.request(max_retry_after=10.0), server.request())
    assert server.began == [0.0, 1.0, 31.0]


async def test_a_429_that_tells_when_there_are_more_is_no_unexplained_one(clock):
    """The pause is as long as it says, and the next unexplained 429 is the first one."""
    server = Server(clock, lambda number: [Quota(0, 20)] if number == 0 else [])
    await clock.run(server.request(error=RateLimitedError("slow down", status=429)))
    assert server.gate.rest(LONGEST) == 20.0
    await clock.run(server.request(error=RateLimitedError("slow down", status=429)))
    assert server.gate.rest(LONGEST) == 1.0


async def test_answers_of_one_volley_begin_one_pause(clock):
    """The answer that comes last does not let the others return any sooner or later."""
    server = Server(clock, lambda number: [Quota(0, 10 + number)] if number < 4 else [Quota(100, 10)])
    await clock.run(*(server.request() for _ in range(4)))
    assert server.gate.rest(LONGEST) == 13.0
    await clock.run(*(server.request() for _ in range(7)))
    assert server.began[4:] == [14.0] + [15.0] * 2 + [16.0] * 4


class Transport:
    """Asks a `Sandbox` and answers a quarter of a second later, as the clock has it."""

    def __init__(self, clock, service):
        self.clock, self.service = clock, service
        self.answered = []

    def check(self):
        pass

    def url(self, target):
        return URL(f"https://tofu.example.com/api{target}", encoded=True)

    async def get(self, url):
        request = Request(path=url.path, query=list(url.query.items()), authorization=f"Bearer {self.service.api_key}")
        with self.service.handle(request) as delivery:
            await self.clock.sleep(0.25)
            self.answered.append((self.clock.seconds, delivery.status))
            return Response(delivery.status, CIMultiDict(delivery.headers), delivery.body, self.clock.now())


@pytest.mark.parametrize(("concurrency", "refused_at_most"), [(1, 0), (4, 0), (16, 2)])
async def test_walks_through_a_proxy_that_counts_are_not_refused(clock, concurrency, refused_at_most):
    """Three walks at once, from many windows of time, get all that is listed.

    A wide walk gives up pages beyond the end, which the proxy has counted without telling. One request finds that out.
    """
    service = Sandbox(procedures=40)
    service.faults.always(quota(10, window=5.0, clock=clock.monotonic))
    gate = Gate(clock)
    transport = Transport(clock, service)
    connection = Connection(
        transport=transport,
        lifetime=Lifetime(),
        gate=gate,
        retries=Retries(clock, gate),
        redaction=Redaction("no-key-in-here"),
        clock=clock,
        options=Options(timeout=None, retry=RetryPolicy(), concurrency=concurrency),
    )
    await clock.run(connection.get("/v2/procedures?limit=1", lambda response: response, RequestCounts()))
    walks = await clock.run(*(Procedures(connection).list(limit=1).collect() for _ in range(3)))
    assert walks == [service.procedures] * 3
    statuses = [status for _, status in transport.answered]
    assert len(statuses) >= 121
    assert statuses.count(429) == len(statuses) - statuses.count(200) <= refused_at_most


async def test_a_session_heeds_the_headers_of_a_server(until):
    """The proxy allows five requests per hour. After these, nothing more is sent, and closing ends the wait."""
    async with Sandbox(procedures=20) as sandbox:
        sandbox.faults.always(quota(5, window=3600))
        session = TofuPilotSession(
            sandbox.api_key, base_url=sandbox.url, concurrency=4, retry=RetryPolicy(max_retry_after=3600)
        )
        seen = []

        async def walk():
            async for procedure in session.procedures.list(limit=2):
                seen.append(procedure)

        walking = asyncio.create_task(walk())
        await until(lambda: len(seen) == 10)
        await session.close()
        with pytest.raises(SessionError):
            await walking
        assert [request.status for request in sandbox.requests] == [200] * 5
