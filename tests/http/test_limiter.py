"""The user's own limiter: when it is entered, how it is left, and that nothing stays in it.

- Your own limiter is entered for each attempt, in order, and holds no connection; a cancelled request leaves it.
"""

import asyncio
import math
from contextlib import asynccontextmanager

import pytest
from aiolimiter import AsyncLimiter
from fakes.transport import Throttled, Transport, is_missed

from aiotofupilot import RateLimitedError, RetryPolicy, ServerError, TofuPilotSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.stats import RequestCounts


class Limiter:
    """A limiter that allows one request per second of its clock. It remembers who is in it, and how each one left."""

    def __init__(self, clock, takes=1.0, leaving_takes=0.0):
        self.clock, self.takes, self.leaving_takes = clock, takes, leaving_takes
        self.entering = self.inside = self.most_entering = 0
        self.let_go = []
        self.left = []

    async def __aenter__(self):
        self.entering += 1
        self.most_entering = max(self.most_entering, self.entering)
        try:
            await self.clock.sleep(self.takes)
        finally:
            self.entering -= 1
        self.inside += 1
        self.let_go.append(self.clock.seconds)

    async def __aexit__(self, kind, error, traceback):
        self.inside -= 1
        self.left.append(error)
        if self.leaving_takes:
            await self.clock.sleep(self.leaving_takes)
        return True  # which suppresses errors in an ``async with``


async def test_each_request_is_within_the_limiter_while_it_is_in_flight(clock):
    """It enters in the order of arrival, one at a time, and what it waits there is counted."""
    limiter = Limiter(clock)
    server = Throttled(clock, limiter, takes=1.5)
    assert await clock.run(*(server.request(name) for name in range(4))) == [0, 1, 2, 3]
    assert server.began == [(1.0, 0), (2.0, 1), (3.0, 2), (4.0, 3)]
    assert limiter.most_entering == 1
    assert limiter.left == [None] * 4
    assert server.counts.waited == 1.0 + 2.0 + 3.0 + 4.0


async def test_a_request_that_waits_in_the_limiter_holds_no_connection(clock):
    """Another session on the same connector can use the connection."""
    limiter = Limiter(clock, takes=10.0)
    server = Throttled(clock, limiter, limit=1)
    other = Throttled(clock, None, connections=server.connections)
    await clock.run(server.request("paced"), other.request("free"), other.request("free too"))
    assert other.began == [(0.0, "free"), (1.0, "free too")]
    assert server.began == [(10.0, "paced")]


async def test_at_most_one_request_that_was_let_go_waits_for_a_connection(clock):
    """So the limiter does not allow many requests in advance while a server is slow."""
    limiter = Limiter(clock, takes=0.125)
    server = Throttled(clock, limiter, limit=1, takes=5.0)
    await clock.run(*(server.request() for _ in range(3)))
    assert limiter.let_go == [0.125, 0.25, 5.25]
    assert [seconds for seconds, _ in server.began] == [0.125, 5.125, 10.125]


async def test_an_error_reaches_the_limiter_and_is_raised(clock):
    """The limiter may learn from a 429, and it cannot make an answer of it."""
    limiter = Limiter(clock)
    error = RateLimitedError("slow down", status=429)
    server = Throttled(clock, limiter, answer=lambda _: error)
    assert await clock.run(server.request()) == [error]
    assert limiter.left == [error]


async def test_a_pause_is_waited_for_outside_of_the_limiter(clock):
    """A request that was let go when the pause began leaves the limiter, and enters it anew after the pause."""
    limiter = Limiter(clock)
    refused = RateLimitedError("slow down", status=429, retry_after=20.0)
    server = Throttled(clock, limiter, takes=1.5, answer=lambda seconds: refused if seconds == 2.5 else None)

    async def look():
        await clock.sleep(10.0)
        return limiter.entering, limiter.inside

    results = await clock.run(server.request("a"), server.request("b"), server.request("c"), look())
    assert results == [refused, "b", "c", (0, 0)]
    # "c" was let go at 3.0 in the pause from 2.5 to 22.5, and again a second after it.
    assert limiter.let_go == [1.0, 2.0, 3.0, 23.5]
    assert server.began == [(1.0, "a"), (2.0, "b"), (23.5, "c")]


async def test_the_wait_in_the_limiter_ends_when_the_time_of_the_request_is_up(clock):
    """The limiter is not entered then, and the next request takes its place."""
    limiter = Limiter(clock, takes=5.0)
    server = Throttled(clock, limiter, takes=0.25)
    results = await clock.run(server.request("late", until=3.0), server.request("next"))
    assert is_missed(results[0])
    assert server.began == [(8.0, "next")]
    assert limiter.left == [None]
    assert server.counts.waited == 3.0 + 8.0
    assert server.is_idle


@pytest.mark.parametrize("until", [math.inf, 9.0])
async def test_what_a_limiter_raises_is_raised(clock, until):
    """A TimeoutError of its own, such as a database's, is not mistaken for the end of the request's time."""

    class Broken(Limiter):
        async def __aenter__(self):
            await self.clock.sleep(1.0)
            raise TimeoutError("the limiter's own")

    limiter = Broken(clock)
    server = Throttled(clock, limiter)
    (error,) = await clock.run(server.request(until=until))
    assert repr(error) == """TimeoutError("the limiter's own")"""
    assert server.began == limiter.left == []
    assert server.is_idle


async def test_what_a_limiter_raises_at_the_end_is_raised(clock):
    """The connection is free by then."""

    class Broken(Limiter):
        async def __aexit__(self, kind, error, traceback):
            assert not server.connections.locked()
            raise OSError("unreachable")

    server = Throttled(clock, Broken(clock), limit=1)
    (error,) = await clock.run(server.request())
    assert repr(error) == "OSError('unreachable')"
    assert server.is_idle


@pytest.mark.parametrize("until", [None, 1000.0])
@pytest.mark.parametrize("steps", range(6))
async def test_wherever_a_request_is_cancelled_nothing_of_it_stays_behind(clock, until, steps):
    """A request is cancelled at each moment at which something happens, and some steps of the event loop later.

    So it is cancelled in a pause, in the queue, in the limiter, while it waits for a connection, in flight, and while
    it leaves the limiter.
    """
    moments = 0
    is_over = False
    while not is_over:
        limiter = Limiter(clock, leaving_takes=1.0)
        server = Throttled(clock, limiter, limit=1, takes=1.5)
        began = clock.seconds
        refused = RateLimitedError("slow down", status=429, retry_after=2.0)
        server.answer = lambda seconds, began=began, refused=refused: refused if seconds == began + 2.5 else None
        requests = [
            asyncio.create_task(server.request(name, until=math.inf if until is None else began + until))
            for name in ("first", "victim", "third")
        ]

        async def cancel(victim=requests[1], moments=moments):
            for _ in range(moments):
                await clock.sleep(0.5)
            for _ in range(steps):
                await asyncio.sleep(0)
            return not victim.cancel()

        is_over, first, victim, third = await clock.run(cancel(), *requests)
        assert (first, third) == (refused, "third")
        assert victim == "victim" if is_over else isinstance(victim, asyncio.CancelledError)
        assert limiter.inside == limiter.entering == 0
        assert len(limiter.left) == len(limiter.let_go)
        assert server.is_idle
        assert not server.connections.locked()
        moments += 1
    assert moments > 12


class Pages(Transport):
    """Fails with one error after the other, and then responds."""

    def __init__(self, clock, limiter, *failures):
        super().__init__(clock, limiter=limiter)
        self.failures = list(failures)

    async def get(self, url, max_body):
        if self.failures:
            raise self.failures.pop(0)
        return self.response()


async def test_every_attempt_enters_the_limiter(clock):
    """The first one and the retries, and the waits of both kinds are added up."""
    limiter, counts = Limiter(clock), RequestCounts()
    failures = [ServerError("broken", status=500) for _ in range(2)]
    pages = Pages(clock, limiter, *failures)
    assert await clock.run(pages.ask(retry=RetryPolicy(initial_wait=0.5), counts=counts)) == [b"page"]
    assert limiter.left == [*failures, None]
    assert counts == RequestCounts(requests=3, retries=2, waited=1.0 + 0.5 + 1.0 + 1.0 + 1.0)


async def test_what_a_limiter_raises_before_a_retry_ends_the_retries(clock):
    """It is not a failure of the request, so no rule is asked about it."""
    asked = []

    class Broken(Limiter):
        async def __aenter__(self):
            await super().__aenter__()
            if len(self.let_go) > 1:
                raise OSError("unreachable")

    limiter, counts = Broken(clock), RequestCounts()
    policy = RetryPolicy(rules=[lambda error, attempt: asked.append(error)])
    failure = ServerError("broken", status=500)
    (error,) = await clock.run(Pages(clock, limiter, failure).ask(retry=policy, counts=counts))
    assert repr(error) == "OSError('unreachable')"
    assert (len(limiter.let_go), counts.requests, asked) == (2, 1, [failure])


async def test_the_wait_in_the_limiter_does_not_count_in_the_timeout(clock, monkeypatch):
    """The time of an attempt begins when the limiter has let it go."""
    limiter, begun = Limiter(clock), []

    def timeout(seconds):
        begun.append((seconds, limiter.inside))
        return asyncio.Timeout(None)

    monkeypatch.setattr(clock, "timeout", timeout)
    assert await clock.run(Pages(clock, limiter).ask(timeout=3.0)) == [b"page"]
    assert begun == [(3.0, 1)]


async def test_aiolimiter_lets_a_walk_go_on():
    """Each request waits until the bucket has leaked enough."""
    async with (
        Sandbox(procedures=10) as sandbox,
        TofuPilotSession(sandbox.api_key, base_url=sandbox.url, limiter=AsyncLimiter(1, 0.01)) as session,
    ):
        assert await session.procedures.list(limit=2, on_drift="ignore", concurrency=4).collect() == sandbox.procedures


async def test_views_share_the_limiter():
    """A semaphore is a limiter too: it bounds what the session and its views have in flight."""
    limiter = asyncio.Semaphore(1)
    async with (
        Sandbox(procedures=10) as sandbox,
        TofuPilotSession(sandbox.api_key, base_url=sandbox.url, limiter=limiter) as session,
    ):
        async with limiter:
            page = asyncio.ensure_future(session.with_options(timeout=5).procedures.list().first())
            await asyncio.sleep(0.0)
            assert not sandbox.requests
            assert session._connection.throttle._queued == 1
        assert await page == sandbox.procedures[0]


@asynccontextmanager
async def once():
    yield


@pytest.mark.parametrize("limiter", [3, 10.0, AsyncLimiter, lambda: None, once, object()])
def test_what_is_not_an_async_context_manager_is_refused(limiter):
    """A number or the class of a limiter are likely mistakes. What can be entered once fails at the second request."""
    with pytest.raises(TypeError, match=r"^limiter must be an async context manager or None, got "):
        TofuPilotSession("key", limiter=limiter)
    with pytest.raises(TypeError, match="one of @asynccontextmanager can be entered only once"):
        TofuPilotSession("key", limiter=once())
