"""Walks through an outage, on a clock of their own: what is read around, what is waited for, and for how long.

- A request for another item tells an item that crashes its worker from an outage.
- An outage of a minute and a half ends no walk, also during the search for an unreadable item, if requests hang, or
  some get 503 afterwards.
- A wrong address is reported in seconds, to everyone who waits.
- A server that hangs costs `max_elapsed` and one timeout; the search for an unreadable item is bounded too.
"""

import asyncio
import logging
import socket
from datetime import datetime
from functools import partial
from itertools import pairwise, product
from random import Random
from urllib.parse import parse_qsl

import pytest
from fakes.budget import combined
from fakes.transport import Transport

from aiotofupilot import (
    APIError,
    ConnectionFailedError,
    InvalidJSONError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    SessionError,
)
from aiotofupilot.listings import Procedures, Users
from aiotofupilot.sandbox import Request, Sandbox

TIMEOUT = 5.0


class Server(Transport):
    """A sandbox without a socket. Each response takes a tenth of a second by the clock of the test."""

    def __init__(self, clock, items=95, **options):
        super().__init__(clock, **options)
        self.sandbox = Sandbox(procedures=items)
        self.sent = []
        self.fails = lambda query, began: None
        """Returns the error of a request, or None. A `RequestTimeoutError` comes when the time is up."""

    async def get(self, url, max_body):
        query, began = dict(url.query), self.clock.seconds
        self.sent.append((began, query))
        failure = self.fails(query, began)
        await self.clock.sleep(failure.timeout if isinstance(failure, RequestTimeoutError) else 0.1)
        if failure is not None:
            raise failure
        request = Request(
            path=url.path, query=parse_qsl(url.query_string), authorization=f"Bearer {self.sandbox.api_key}"
        )
        with self.sandbox.handle(request) as delivery:
            return self.response(delivery.body, status=delivery.status, headers=delivery.headers)

    def covers(self, query, position):
        """Whether a page has the item at a position. A query may have only what was created before some time."""
        bound, listed = query.get("created_before"), self.sandbox.procedures
        begin = 0 if bound is None else sum(item.created_at > datetime.fromisoformat(bound) for item in listed)
        return 0 <= position - begin - int(query.get("cursor", 0)) < int(query["limit"])

    def procedures(self, retry=RetryPolicy()):  # noqa: B008 - a value
        return Procedures(self.connection(retry))


def timed_out(timeout=TIMEOUT):
    return RequestTimeoutError("no whole response", timeout=timeout)


async def every(walk):
    return [item async for item in walk]


@pytest.fixture
def server(clock):
    return Server(clock)


async def test_a_server_that_hangs_costs_the_time_and_one_timeout(clock):
    """Nothing begins after the time, also no search for an unreadable item."""
    for policy in (
        RetryPolicy(attempts=4, max_elapsed=20),
        RetryPolicy(attempts=100, max_elapsed=20),
        RetryPolicy(attempts=3, max_elapsed=60),
        RetryPolicy(),
    ):
        for answers, concurrency, skips in ((0, 1, "raise"), (3, 1, "skip"), (3, 16, "skip"), (3, 16, "raise")):
            clock.seconds = 0.0
            server = Server(clock)
            server.fails = lambda _, began, hangs_from=answers * 0.1: timed_out() if began >= hangs_from else None
            listing = server.procedures(policy).list(limit=10, concurrency=concurrency, on_unreadable=skips)
            (error,) = await clock.run(listing.collect())
            assert isinstance(error, RequestTimeoutError)
            begun = max(began for began, _ in server.sent)
            assert begun < answers * 0.1 + policy.max_elapsed
            assert clock.seconds <= answers * 0.1 + policy.max_elapsed + TIMEOUT


async def test_an_outage_of_a_minute_and_a_half_ends_no_walk(clock):
    """By default, a probe comes at least every 30 seconds, and a request to a server that hangs takes as long."""
    failures = partial(ServerError, "unavailable", status=503), partial(timed_out, 30.0)
    for failure, concurrency, seed in product(failures, (1, 16), range(5)):
        clock.seconds, clock.uniform = 0.0, Random(seed).uniform  # noqa: S311 - test data
        server = Server(clock, items=300)
        server.fails = lambda _, began, failure=failure: failure() if 0.15 <= began < 0.15 + 89.0 else None
        listing = server.procedures().list(limit=10, concurrency=concurrency)
        assert await clock.run(listing.collect()) == [server.sandbox.procedures]


@pytest.mark.parametrize(
    "response",
    [
        lambda: InvalidJSONError("the body is not JSON"),
        lambda: ServerError("broken", status=500),
        lambda: ServerError("gateway timeout", status=504),
    ],
)
async def test_what_a_response_says_counts_more_than_that_connections_are_lost(clock, response):
    """So a server that hangs up after each response is not taken for one that is down."""
    for first, (drop, concurrency) in product((0, 1), [(2, 1), (2, 16), (3, 1)]):
        clock.seconds = 0.0
        server = Server(clock)

        def fails(_query, _began, server=server, first=first, drop=drop):
            is_lost = (len(server.sent) + first) % drop == 0
            return ConnectionFailedError("the server disconnected") if is_lost else response()

        server.fails = fails
        listing = server.procedures(RetryPolicy(attempts=3)).list(limit=10, concurrency=concurrency)
        (error,) = await clock.run(listing.collect())
        assert type(error) is type(response()), (first, drop, concurrency)
        assert len(server.sent) <= 30 * concurrency, (first, drop, concurrency)
        assert clock.seconds <= 30.0, (first, drop, concurrency)


async def test_an_item_that_crashes_the_worker_is_read_around(clock):
    """Whatever the server does then, and with any number of pages in flight."""
    for failure in (
        lambda: ServerError("bad gateway", status=502),
        lambda: ServerError("unknown", status=520),
        lambda: ConnectionFailedError("reset"),
        lambda: ServerError("broken", status=500),
        timed_out,
    ):
        for concurrency in (1, 16):
            server = Server(clock)
            server.fails = lambda query, _, server=server, failure=failure: (
                failure() if server.covers(query, 45) else None
            )
            walk = server.procedures().list(limit=10, concurrency=concurrency, on_unreadable="skip").walk()

            (items,) = await clock.run(every(walk))
            assert items == server.sandbox.procedures[:45] + server.sandbox.procedures[46:]
            assert walk.stats.unreadable_positions == [45]
            assert walk.stats.requests == len(server.sent)


async def test_details_that_take_too_long_are_given_up_after_two_attempts_if_something_else_is_read(clock):
    """They are requested twice more before the item is left out, each time after a control."""
    server = Server(clock, items=1)
    server.fails = lambda query, _: None if query else timed_out()
    walk = server.procedures().list(limit=10, on_unreadable="skip").details().walk()

    assert await clock.run(every(walk)) == [[]]
    assert walk.stats.unreadable == 1
    requested = [query.get("limit", "an item") for _, query in server.sent]
    assert requested == ["10", "an item", "an item", "1", "1", "an item", "1", "an item"]


async def test_each_control_has_a_line_in_the_log(clock, server, caplog):
    caplog.set_level(logging.DEBUG, "aiotofupilot")
    server.fails = lambda query, _: ServerError("bad gateway", status=502) if server.covers(query, 45) else None
    await clock.run(server.procedures().list(limit=10, on_unreadable="skip").collect())
    control, looking = (
        "to see whether only the request at cursor 40 fails",
        "looking for an unreadable item: requesting 1 ",
    )
    assert any(control in line for line in caplog.messages)
    single = [query for _, query in server.sent if query["limit"] == "1"]
    assert len(single) == len([line for line in caplog.messages if control in line or line.startswith(looking)])


async def test_a_listing_of_one_page_has_no_control(clock):
    """Nothing else of it can be requested, so each request is an attempt."""
    server = Server(clock)
    server.fails = lambda _, began: timed_out() if began < 2 * TIMEOUT else None
    (users,) = await clock.run(Users(server.connection()).list().collect())
    assert users == [*server.sandbox.users]
    assert [query for _, query in server.sent] == [{}, {}, {}]


async def test_an_outage_that_begins_in_the_search_for_an_item_is_waited_for(clock):
    """Nothing else is left out, and the walk goes on after it."""
    failures = [
        lambda: ServerError("bad gateway", status=502),
        lambda: ServerError("overloaded", status=503),
        lambda: ConnectionFailedError("reset"),
    ]
    for failure, begins_at, on_drift in combined(failures, range(10, 24), ["ignore", "resync"]):
        server, began = Server(clock), []

        def fails(query, now, server=server, began=began, failure=failure, begins_at=begins_at):
            if len(server.sent) == begins_at:
                began.append(now)
            if began and now < began[0] + 8:
                return failure()
            return ServerError("broken", status=500) if server.covers(query, 45) else None

        server.fails = fails
        walk = server.procedures().list(limit=10, on_drift=on_drift, on_unreadable="skip").walk()

        (items,) = await clock.run(every(walk))
        assert items == server.sandbox.procedures[:45] + server.sandbox.procedures[46:]
        assert walk.stats.unreadable_positions == [45]


async def test_a_server_that_still_refuses_some_requests_after_a_restart_ends_no_walk(clock):
    """One page is in flight, so the walk itself requests another item during the outage, to see what fails."""
    for seed in range(20):
        clock.seconds, clock.uniform = 0.0, Random(seed).uniform  # noqa: S311 - test data
        server = Server(clock, items=300)

        def fails(_, began, random=Random(seed)):  # noqa: B008, S311 - of this seed, and test data
            is_refused = 1.0 <= began < 7.0 or (7.0 <= began < 13.0 and random.random() < 0.25)
            return ServerError("unavailable", status=503) if is_refused else None

        server.fails = fails
        assert await clock.run(server.procedures().list(limit=5).collect()) == [server.sandbox.procedures]


SLOW = [timed_out, *(partial(ServerError, "slow", status=status) for status in (408, 504, 524))]


@pytest.mark.parametrize("slow", SLOW, ids=["timeout", "408", "504", "524"])
async def test_a_page_that_is_slow_is_read_in_parts_after_two_attempts(clock, server, slow):
    """While others are answered: with the default, a page costs a minute otherwise, or six."""
    server.fails = lambda query, _: slow() if server.covers(query, 45) and int(query["limit"]) > 5 else None
    assert await clock.run(server.procedures().list(limit=10).collect()) == [server.sandbox.procedures]
    whole = [query for _, query in server.sent if query.get("cursor") == "40" and query["limit"] == "10"]
    assert len(whole) == 2


async def test_the_search_goes_on_while_another_item_can_be_read(clock, server, caplog):
    """Its requests are logged. They may take longer than the policy allows for a page."""
    caplog.set_level(logging.INFO)
    policy = RetryPolicy(attempts=2, max_elapsed=12, initial_wait=0)
    server.fails = lambda query, _: timed_out() if server.covers(query, 0) else None
    walk = server.procedures(policy).list(limit=50, on_unreadable="skip").walk()
    (found,) = await clock.run(walk.take(50))
    assert len(found) == 49
    assert clock.seconds <= 13 * TIMEOUT + 1
    assert walk.stats.unreadable_positions == [0]
    told = [record.getMessage() for record in caplog.records if "unreadable" in record.getMessage()]
    assert all(message.startswith("looking for an unreadable item: ") for message in told)
    assert len(told) >= 2


async def test_a_name_is_resolved_twice_before_the_first_response(clock, server):
    """Later, it is an outage like others."""

    def unresolved(*_):
        error = ConnectionFailedError("the name cannot be resolved")
        error.__cause__ = socket.gaierror(-2, "Name or service not known")
        return error

    server.fails = unresolved
    (error,) = await clock.run(server.procedures().list().collect())
    assert error.attempts == len(server.sent) == 2
    assert clock.seconds < 2
    assert error.down_since is None
    server.fails = lambda *_: APIError("a proxy's", status=418)
    await clock.run(server.procedures().list().collect())
    began = clock.seconds
    server.fails = lambda query, at: unresolved() if at < began + 30 else None
    assert await clock.run(server.procedures().list().collect()) == [server.sandbox.procedures]


async def test_a_wrong_address_is_tried_as_often_as_the_policy_says(clock):
    """And every page that waits fails with it, with an error of its own, whatever is in flight."""
    server = Server(clock)
    server.fails = lambda *_: ConnectionFailedError("refused")
    listing = server.procedures().list(limit=10, concurrency=16)
    errors = await clock.run(*(listing.collect() for _ in range(8)))
    assert {type(error) for error in errors} == {ConnectionFailedError}
    assert len({id(error) for error in errors}) == 8
    assert len(server.sent) == 8 + 5
    assert clock.seconds < 20
    (error,) = await clock.run(listing.collect())
    assert error.attempts == 6, "someone who comes later begins anew"


async def test_a_session_without_retries_asks_at_once(clock, server):
    """It does not wait while the session is down, and what it learns counts."""
    await clock.run(server.procedures().list(max_items=1).collect())
    server.fails = lambda *_: ServerError("down", status=503)
    for retry in (None, RetryPolicy(attempts=1), RetryPolicy(max_elapsed=0)):
        began, sent = clock.seconds, len(server.sent)
        (error,) = await clock.run(server.procedures(retry).list().collect())
        assert (error.attempts, len(server.sent) - sent) == (1, 1)
        assert clock.seconds == pytest.approx(began + 0.1)
        assert error.down_since is not None
    assert server.throttle.health.outage is not None
    server.fails = lambda *_: None
    assert await clock.run(server.procedures(None).list().collect()) == [server.sandbox.procedures]
    assert server.throttle.health.outage is None


async def test_the_warnings_of_a_long_outage_are_ten_minutes_apart(clock, server, caplog):
    """Whoever notices it, and one line tells its end."""
    caplog.set_level(logging.INFO)
    patient = RetryPolicy(max_elapsed=1e6)
    server.fails = lambda _, began: ServerError("down", status=503) if 1.0 <= began < 3600 else None

    async def read():
        await clock.sleep(1.0)
        return await server.procedures(patient).list(limit=10).collect()

    await clock.run(server.procedures().list(max_items=1).collect())
    assert await clock.run(read(), read()) == [server.sandbox.procedures] * 2
    records = [record for record in caplog.records if record.name == "aiotofupilot"]  # asyncio warns of slow steps
    warned = [record for record in records if record.levelno == logging.WARNING]
    assert 6 <= len(warned) <= 7
    assert "attempt 1 failed after 0.10 s, next in 0.50 s: 503: down" in warned[0].getMessage()
    ends = [record for record in caplog.records if "responds again" in record.getMessage()]
    assert [record.levelname for record in ends] == ["INFO"]


async def test_a_page_is_warned_of_once_although_others_are_answered(clock, server, caplog):
    caplog.set_level(logging.INFO)
    server.fails = lambda query, began: ServerError("broken", status=500) if query["limit"] == "10" else None

    async def others():
        for _ in range(200):
            await clock.sleep(0.1)
            await server.procedures().list(limit=1, max_items=1).collect()

    await clock.run(server.procedures().list(limit=10).collect(), others())
    levels = [record.levelname for record in caplog.records if "cursor 0: attempt" in record.getMessage()]
    assert levels == ["WARNING", *["INFO"] * 4]


async def test_something_else_that_is_refused_does_not_confirm_a_failure(clock, server):
    """But the server works, so the failure is about the page, and it ends after its attempts."""
    await clock.run(server.procedures().list(max_items=1).collect())
    refused = APIError("teapot", status=418)
    server.fails = lambda query, _: refused if query["limit"] == "1" else ServerError("bad gateway", status=502)
    (error,) = await clock.run(server.procedures().list(limit=10).collect())
    assert error.status == 502
    assert error.attempts <= 12


@pytest.mark.parametrize("queue", ["limiter", "connections"])
async def test_what_waits_in_a_queue_when_an_outage_begins_waits_for_its_end(clock, queue):
    """It would have been sent to a server that is known to be down, beside the request that probes."""

    class Limiter:
        async def __aenter__(self):
            await clock.sleep(0.2)

        async def __aexit__(self, *_):
            pass

    queues = {"limiter": Limiter()} if queue == "limiter" else {"connections": asyncio.Semaphore(1)}
    server = Server(clock, **queues)
    server.fails = lambda _, began: ServerError("down", status=503) if 0.55 <= began < 60.0 else None
    listings = [server.procedures().list(limit=2, max_items=1, on_drift="ignore") for _ in range(50)]
    assert await clock.run(*(listing.collect() for listing in listings)) == [server.sandbox.procedures[:1]] * 50
    meanwhile = [began for began, _ in server.sent if 0.55 <= began < 60.0]
    assert len(meanwhile) < 25
    assert all(later - sooner >= 0.1 for sooner, later in pairwise(meanwhile[5:]))


async def followed(stream, seen):
    async for item in stream:
        seen.append(item)


async def test_a_stream_goes_on_after_an_outage_of_hours(clock, server, caplog):
    """It says since when it lasts, and warns every ten minutes, whatever the outage is."""
    for failure, retry in ((lambda: ServerError("down", status=502), RetryPolicy()), (timed_out, None)):
        caplog.clear()
        caplog.set_level(logging.INFO)
        clock.seconds = 0.0
        clock._sleepers.clear()
        server = Server(clock, items=3)
        server.fails = lambda _, began, failure=failure: failure() if 100.0 <= began < 7300.0 else None
        stream = server.procedures(retry).list().follow(interval=20.0)
        told = {}

        async def look(server=server, stream=stream, told=told):
            for seconds in (50.0, 3600.0, 7600.0):
                await clock.sleep(seconds - clock.seconds)
                told[seconds] = stream.down_since
            await server.lifetime.close()

        error, _ = await clock.run(followed(stream, []), look())
        assert isinstance(error, SessionError)
        assert told[50.0] is told[7600.0] is None
        assert 100.0 <= (told[3600.0] - clock.now()).total_seconds() + clock.seconds < 130.0
        levels = [record.levelno for record in caplog.records]
        assert 12 <= levels.count(logging.WARNING) <= 14
        assert caplog.records[-1].getMessage().startswith("the server responds again after 7")


async def test_max_outage_shortens_the_retries_of_a_stream(clock, server):
    """The policy is otherwise the session's. Other ways to try again stay as they are."""
    server.fails = lambda _, began: ServerError("down", status=503) if began >= 10.0 else None
    stream = server.procedures().list().follow(interval=5.0, max_outage=40.0)
    (error,) = await clock.run(followed(stream, []))
    assert isinstance(error, ServerError)
    assert error.watermark == stream.watermark
    assert error.down_since is not None
    assert clock.seconds < 10.0 + 2 * 40.0 + 10.0
    untried = server.procedures(None).list().follow(max_outage=40.0)
    assert untried._source.listing.connection.retry is None
