"""An outage belongs to the session: while its server is down, one request probes, and everyone else waits.

- During an outage a server sees what was in flight, and then one request per wait for all walks.
- Single failures among good responses make nobody else wait.
- After an outage of up to a minute, all go on within twice its length.
- A page that gives up raises its own error, which says since when the session has been down; with `initial_wait=0`
  nothing waits.
"""

import asyncio
import math
from itertools import pairwise
from random import Random

import pytest
from fakes.budget import NIGHTLY, combined
from fakes.transport import Transport, wanted
from tenacity import AsyncRetrying, stop_after_attempt, wait_fixed

from aiotofupilot import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    DecodeError,
    InvalidJSONError,
    ProxyError,
    RateLimitedError,
    RedirectError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    SessionError,
)
from aiotofupilot._http.outage import Health
from aiotofupilot._http.policy import evidence
from aiotofupilot.stats import RequestCounts

REFUSALS = {
    "502": lambda: ServerError("bad gateway", status=502),
    "503": lambda: ServerError("unavailable", status=503),
    "reset": lambda: ConnectionFailedError("reset"),
    "refused": lambda: ConnectionFailedError("refused"),
}
"""What makes the error of a request to a server that is down."""


class Server(Transport):
    """A server that fails between two points in time, as a session reaches it. It is also the session's transport."""

    def __init__(self, clock, *, down=(math.inf, math.inf), kind="503", takes=0.3, connections=None):
        super().__init__(clock, connections)
        self.down, self.kind, self.takes = down, kind, takes
        self.sent = []
        self.once = {}
        """The error of each page that fails once."""
        self.bad = {}
        """What makes the error of each page that always fails."""

    def failure(self):
        return REFUSALS[self.kind]()

    async def get(self, url, max_body):
        began = self.clock.seconds
        self.sent.append((began, url.query_string))
        is_down = self.down[0] <= began < self.down[1]
        if is_down and self.kind == "refused":
            raise self.failure()
        await self.clock.sleep(self.takes)
        if is_down or began < self.down[0] <= self.clock.seconds:
            raise self.failure()
        if (error := self.once.pop(url.query_string, None)) is not None:
            raise error
        if (failure := self.bad.get(url.query_string)) is not None:
            raise failure()
        return self.response()

    async def ask(self, page="page", *arguments, **options):
        return await super().ask(f"/v2/runs?{page}", *arguments, **options)


async def walk(server, name, in_flight, results, retry=RetryPolicy()):  # noqa: B008 - a value
    """Ask for pages in order, several at once, as a walk does, until the outage is over."""
    await server.ask(f"{name}-0", retry=retry)
    number = 1
    while server.clock.seconds < server.down[1]:
        pages = [f"{name}-{number + page}" for page in range(in_flight)]
        results += await asyncio.gather(*(server.ask(page, retry=retry) for page in pages))
        number += in_flight


FEW, MANY = [(1, 1), (1, 16), (8, 4)], [(1, 64), (64, 1), (64, 2)]
"""How many walks, with how many pages in flight each."""

LENGTHS = (2, 8, 30, 60)


async def test_no_outage_ends_a_walk(clock):
    """All go on within twice the outage. A dead server sees what was in flight, and then one request per wait."""
    lengths = LENGTHS if NIGHTLY else LENGTHS[1::2]
    cases = combined(list(REFUSALS), LENGTHS, FEW) + combined(["502", "refused"], lengths, MANY)
    for kind, length, (walks, in_flight) in cases:
        clock.seconds = 0.0
        clock.uniform = Random(f"{kind} {length} {walks} {in_flight}").uniform  # noqa: S311 - test data
        server, results = Server(clock, down=(1.0, 1.0 + length), kind=kind), []
        ends = await clock.run(*(walk(server, name, in_flight, results) for name in range(walks)))
        assert not any(ends), (kind, length, walks, in_flight, ends)
        assert set(results) == {b"page"}
        goes_on_at = min(began for began, _ in server.sent if began >= server.down[1])
        assert goes_on_at <= 1.0 + 2 * length
        assert clock.seconds < goes_on_at + 12 * server.takes, "it does not open quickly"
        begun = [began for began, _ in server.sent if server.down[0] <= began < server.down[1]]
        assert len(begun) <= walks * in_flight + 20
        probes = [began for began in begun if began > server.down[0] + server.takes]
        gaps = [later - earlier for earlier, later in pairwise(probes)]
        assert all(gap > 0 for gap in gaps), "two requests were sent at once"


async def test_without_a_wait_each_probe_follows_the_last_one(clock):
    """It uses up no attempts."""
    policy, results = RetryPolicy(initial_wait=0, attempts=2), []
    for in_flight in (1, 4):
        clock.seconds = 0.0
        server = Server(clock, down=(2.0, 32.0))
        walks = (walk(server, f"{name}", in_flight, results, policy) for name in range(16))
        assert await clock.run(*walks) == [None] * 16
        assert min(began for began, _ in server.sent if began >= 32.0) < 32.0 + server.takes
        one_after_another = 30.0 / server.takes
        refused = sum(2.0 <= began < 32.0 for began, _ in server.sent)
        assert one_after_another / 2 < refused <= 16 * in_flight + one_after_another


async def test_single_failures_among_good_responses_close_nothing(clock):
    """With a tenth of all requests failing, each page goes on by itself, and nobody else waits for it."""
    for kind in ("502", "503", "reset"):
        random = Random(kind)  # noqa: S311 - test data
        clock.uniform = random.uniform
        server = Server(clock)

        async def fails(server=server, random=random, kind=kind):
            for _ in range(50 if NIGHTLY else 25):
                page, counts = f"{random.random()}", RequestCounts()
                if random.random() < 0.1:
                    server.once[page] = REFUSALS[kind]()
                assert await server.ask(page, counts=counts) == b"page"
                assert counts.retries or not counts.waited, "it waited for another page"

        await clock.run(server.ask("first"))
        assert await clock.run(*(fails() for _ in range(16))) == [None] * 16


async def test_a_single_failure_with_one_page_in_flight_costs_one_wait(clock):
    """The session counts as down then, and waits for no longer than a page waits that fails by itself."""
    for failure in REFUSALS.values():
        clock.seconds = 0.0
        server = Server(clock)
        server.once = {f"page-{number}": failure() for number in range(5, 100, 10)}

        async def read(server=server):
            for number in range(100):
                assert await server.ask(f"page-{number}") == b"page"

        assert await clock.run(read()) == [None]
        assert clock.seconds == pytest.approx((100 + 10) * server.takes + 10 * RetryPolicy().initial_wait)


async def test_a_page_that_gives_up_raises_an_error_of_its_own(clock, caplog):
    """It is of the class of the last probe's, with its own attempts, and says since when the session has been down."""
    server = Server(clock, down=(1.0, math.inf))
    cause = ConnectionResetError()

    def failure():
        error = ServerError("bad gateway", status=502)
        error.__cause__ = cause
        return error

    server.failure = failure
    await clock.run(server.ask("first"))
    await clock.run(clock.sleep(1.0 - clock.seconds))
    began = clock.seconds
    errors = await clock.run(*(server.ask(f"{number}") for number in range(8)))

    async def later():
        await clock.sleep(0.7)
        return await server.ask("late", retry=RetryPolicy(max_elapsed=5.0))

    late, *again = await clock.run(later(), *(server.ask(f"{number} again") for number in range(4)))
    assert began + 120.0 <= clock.seconds < began + 2 * 121.0
    assert len({id(error) for error in errors}) == 8
    for error in (late, *errors, *again):
        assert type(error) is ServerError
        assert (error.status, error.__cause__) == (502, cause)
        assert error.down_since.timestamp() == pytest.approx(clock.now().timestamp() - clock.seconds + began + 0.3)
        assert "not requested again: the session has been down since 2026-02-01T00:00:01+00:00" in error.__notes__[0]
    assert {error.attempts for error in errors} <= set(range(1, 20))
    assert late.attempts == 0
    assert str(late).startswith("502: bad gateway (0 attempts in ")
    levels = [record.levelname for record in caplog.records]
    assert levels.count("WARNING") == 1


async def test_someone_who_comes_late_may_probe(clock):
    """It does not if the last probe is less than a second old. Then it only learns when the outage ends."""
    server = Server(clock, down=(1.0, 40.0))

    async def late(at, max_elapsed):
        await clock.sleep(at)
        try:
            return await server.ask(f"late at {at}", retry=RetryPolicy(max_elapsed=max_elapsed))
        except ServerError as error:
            return error.attempts, clock.seconds - at

    async def first():
        await server.ask("first")
        await clock.sleep(1.0)
        return await server.ask("page")

    early, late_, result, page = await clock.run(late(33.0, 3.0), late(33.5, 3.0), late(41.0, 3.0), first())
    assert early == (1, pytest.approx(0.3))
    assert late_ == (0, 0.0)
    assert (result, page) == (b"page", b"page")
    assert clock.seconds < 43.0, "the page that waited goes on when someone else has found the server up"


async def test_a_controller_of_the_users_own_decides_alone(clock):
    """Its attempts obey pauses, do not wait while the session is down, and count as evidence."""
    server = Server(clock, down=(1.0, 30.0))
    controller = AsyncRetrying(sleep=clock.sleep, stop=stop_after_attempt(100), wait=wait_fixed(0.7), reraise=True)

    async def first():
        await server.ask("first")
        await clock.sleep(1.0)
        return await asyncio.gather(server.ask("own", retry=controller), server.ask("page"))

    assert await clock.run(first()) == [[b"page", b"page"]]
    own = [began for began, page in server.sent if page == "own"]
    assert all(later - earlier == pytest.approx(1.0) for earlier, later in pairwise(own))
    assert clock.seconds < 32.0, "its good response ends the outage for the others"
    server.once["own"] = RateLimitedError("slower", status=429, retry_after=9.0)
    began = clock.seconds
    assert await clock.run(server.ask("own", retry=controller)) == [b"page"]
    assert clock.seconds == pytest.approx(began + 0.3 + 9.0 + 0.3)


async def test_a_page_whose_time_was_up_before_it_was_requested_tells_no_time_before_it_came(clock):
    """It is one of several that have a time limit together."""
    clock.seconds = 50.0
    server = Server(clock)
    (error,) = await clock.run(server.ask(once=True, until=40.0))
    assert (error.attempts, error.elapsed, server.sent) == (0, 0.0, [])


async def test_the_time_of_a_page_that_waited_for_a_connection_begins_with_its_request(clock):
    """Otherwise a timeout would be its last, although its first request has just been sent."""
    server = Server(clock, takes=9.0, connections=asyncio.Semaphore(1))
    server.once = {"late": RequestTimeoutError("slow", timeout=9.0)}
    policy = RetryPolicy(max_elapsed=15)
    assert await clock.run(server.ask("first"), server.ask("late", policy)) == [b"page"] * 2


async def test_a_page_whose_time_is_up_before_a_pause_ends_is_given_up_at_once(clock):
    """It does not wait first for the time of its next attempt."""
    clock.chance = 1.0
    server = Server(clock)
    server.once["busy"] = ServerError("busy", status=500, retry_after=50.0)
    server.bad["bad"] = lambda: ServerError("broken", status=500)
    policy = RetryPolicy(initial_wait=2, max_elapsed=5)
    page, error = await clock.run(server.ask("busy"), server.ask("bad", policy))
    assert (page, error.attempts, error.elapsed) == (b"page", 1, pytest.approx(server.takes))


async def test_the_log_says_when_the_next_probe_is(clock, caplog):
    server = Server(clock)
    await clock.run(server.ask("first"))
    server.once["page"] = REFUSALS["503"]()
    await clock.run(server.ask())
    assert [record.tofupilot_wait for record in caplog.records] == [pytest.approx(RetryPolicy().initial_wait)]


DOWN, BUSY = ServerError("unavailable", status=503), RateLimitedError("slower", status=429)


@pytest.mark.parametrize(
    ("error", "is_answered", "failures", "others", "begins"),
    [
        (BUSY, True, 1, 9, True),
        (DOWN, True, 1, 0, False),
        (DOWN, False, 1, 0, True),
        (DOWN, False, 1, 1, False),
        (DOWN, True, 2, 1, True),
        (DOWN, True, 4, 4, False),
        (DOWN, True, 4, 3, True),
        (DOWN, False, 5, 100, True),
    ],
)
def test_so_many_failures_begin_an_outage(error, is_answered, failures, others, begins):
    """In a row, while others are in flight. A good response may have come after their requests were sent."""
    health = Health()
    health.succeeded(health.sent())
    sent = health.sent()
    if is_answered:
        health.succeeded(health.sent())
    for _ in range(failures):
        assert health.outage is None
        health.failed(error, sent, 0.0, in_flight=others, attempts=6, wait=lambda _: 1.0)
    assert (health.outage is not None) == begins


def test_pages_take_turns_to_probe_and_one_that_was_requested_often_comes_last():
    health, pages = Health(), [wanted(until=until) for until in (90.0, 90.0, 5.0)]
    health.failed(DOWN, health.sent(), 0.0, in_flight=0, attempts=6, wait=lambda _: 7.0)
    health.waiting |= {page: asyncio.Event() for page in pages}
    assert [health.wait(page, 1.0) for page in pages] == [6.0, 89.0, None]
    pages[0].made = pages[0].policy.attempts - 1
    assert [health.wait(page, 1.0) for page in pages] == [89.0, 6.0, None]
    assert [health.wait(pages[2], now, is_new=True) for now in (1.0, 1.1)] == [None, 0.0]
    health.pause(20.0)
    assert [health.wait(pages[1], now) for now in (1.0, 20.0)] == [19.0, 0.0]
    assert health.wait(pages[2], 2.0, is_new=True) is None


def test_the_latest_request_with_a_good_response_is_known_in_whatever_order_responses_come():
    health = Health()
    early = health.sent()
    health.failed(RequestTimeoutError("slow", timeout=1.0), early, 0.0, in_flight=2, attempts=6, wait=lambda _: 1.0)
    health.succeeded(health.sent())
    health.succeeded(early)
    assert health.good_after == 1


def test_a_page_whose_time_is_up_while_another_probes_gives_up():
    health = Health()
    page, probing = (wanted(until=until) for until in (5.0, 90.0))
    health.failed(REFUSALS["502"](), health.sent(), 0.0, in_flight=0, attempts=6, wait=lambda _: 1.0)
    health.waiting[page], health.probing = asyncio.Event(), probing
    assert [health.wait(page, now) for now in (4.0, 5.0, 6.0)] == [1.0, None, None]


def test_what_the_end_of_a_request_says_about_the_server():
    for error, about in [
        (None, "good"),
        (APIError("m", status=404), "good"),
        (DecodeError("m"), "good"),
        (ServerError("m", status=530), "server"),
        (ServerError("m", status=507), "page"),
        (RedirectError("m", location="/"), "page"),
        (InvalidJSONError("m"), "page"),
        (CertificateError("m"), None),
        (ProxyError("m", status=407), None),
        (SessionError("m"), None),
        (asyncio.CancelledError(), None),
    ]:
        assert evidence(error) == about


@pytest.mark.parametrize(
    ("others", "is_up", "attempts", "controls"), [(0, True, 2, 1), (1, True, 2, 0), (0, False, 6, 4)]
)
async def test_a_page_that_takes_too_long_twice_is_given_up_if_something_else_is_answered(
    clock, others, is_up, attempts, controls
):
    """A control is requested only if nothing else was. If it fails too, the page has all its attempts."""
    server, controlled = Server(clock), []
    server.bad["bad"] = lambda: RequestTimeoutError("no whole response", timeout=0.3)

    async def control():
        controlled.append(server.clock.seconds)
        return is_up and await server.ask("other", once=True) == b"page"

    async def keep_asking():
        for page in range(100):
            await server.ask(f"page-{page}")

    (error, *_) = await clock.run(server.ask("bad", control=control), *(keep_asking() for _ in range(others)))
    assert (type(error), error.attempts, len(controlled)) == (RequestTimeoutError, attempts, controls)
