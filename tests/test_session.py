"""The session for its users: its options and views, the ownership of connections, and its end.

- A page that fails is requested again, and not the whole listing.
- `timeout` holds for sessions that share an aiohttp session too, but a wait for connections of your other code
  counts.
- Closing a session ends requests and all waits at once, with a `SessionError`.
- The log has a debug line for each response, a warning for the first failure of a page or an outage, and info lines
  after it.
- An aiohttp session that you hand in stays open.
"""

import asyncio
import copy
import gc
import logging
import pickle
import re
from enum import Enum

import aiohttp
import pytest
from tenacity import AsyncRetrying, stop_after_attempt, wait_fixed

from aiotofupilot import (
    ConfigurationError,
    RateLimitedError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    SessionError,
    TofuPilotSession,
    UnauthorizedError,
)
from aiotofupilot.sandbox import Sandbox, faults

AT_ONCE = RetryPolicy(initial_wait=0)


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=250) as sandbox:
        yield sandbox


def test_a_session_tells_its_server():
    """The address has the path of the API, and no slash at the end."""
    assert TofuPilotSession("key", base_url="https://tofupilot.example.com/").base_url == (
        "https://tofupilot.example.com/api"
    )
    session = TofuPilotSession("key", base_url="https://tofupilot.example.com/x/api")
    assert session.with_options(timeout=1).base_url == session.base_url == "https://tofupilot.example.com/x/api"


async def test_a_listing_is_streamed_item_by_item(session, sandbox):
    """It takes three requests, one after the other, each for a page that begins with the last two items before it."""
    assert [procedure async for procedure in session.procedures.list()] == sandbox.procedures
    assert sandbox.requests.cursors == [None, "98", "196"]
    sandbox.requests.clear()
    assert [procedure async for procedure in session.procedures.list(on_drift="ignore")] == sandbox.procedures
    assert sandbox.requests.cursors == [None, "100", "200"]


async def test_many_walks_at_once_share_the_connections(session, sandbox):
    """One session serves the whole process, and never has more connections than its limit."""
    listings = await asyncio.gather(*(session.procedures.list(limit=50).collect() for _ in range(20)))
    assert all(listing == sandbox.procedures for listing in listings)
    assert len(sandbox.requests) == 120
    assert sandbox.connections <= 20


async def test_a_failing_page_is_asked_for_again_and_the_listing_is_not(session, sandbox):
    """Nothing of a proxy's answer is in the result."""
    sandbox.faults.next(faults.status(503), faults.html(), faults.cut(), faults.reset())
    assert await session.procedures.list().collect() == sandbox.procedures
    assert sandbox.requests.cursors == [None] * 5 + ["98", "196"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"timeout": 0}, ValueError, "timeout must be more than 0 seconds"),
        ({"timeout": "30"}, TypeError, "timeout must be a number of seconds"),
        ({"retry": 3}, TypeError, "retry must be a RetryPolicy"),
        ({"concurrency": 0}, ValueError, "concurrency must be at least 1"),
        ({"concurrency": "4"}, TypeError, "concurrency must be an integer, got '4'"),
        ({"max_body": 0}, ValueError, "max_body must be at least 1, got 0"),
        ({"max_body": 1e6}, TypeError, "max_body must be an integer, got 1000000.0"),
    ],
)
async def test_an_option_out_of_bounds_is_refused_where_it_is_given(session, options, error, message):
    """A session and a view on one refuse it. A session that was never made has nothing to close."""
    with pytest.raises(error, match=message) as caught:
        TofuPilotSession("key", **options)
    assert [caught.value.parameter] == list(options)
    with pytest.raises(error, match=message) as caught:
        session.with_options(**options)
    assert [caught.value.parameter] == list(options)
    gc.collect()


def test_an_option_of_the_wrong_type_is_a_type_error_that_names_it():
    """The error comes from the constructor, and a session that was never made needs no closing."""
    for options, message in [
        ({"http_session": 5}, "http_session must be an aiohttp.ClientSession or None, got 5"),
        ({"http_session": aiohttp.ClientSession}, "http_session must be an aiohttp.ClientSession or None, got <class"),
        ({"trace_configs": [5]}, "trace_configs must be a sequence of aiohttp.TraceConfig or None, got [5]"),
        ({"trace_configs": 5}, "trace_configs must be a sequence of aiohttp.TraceConfig or None, got 5"),
        ({"trace_configs": aiohttp.TraceConfig()}, "trace_configs must be a sequence of aiohttp.TraceConfig or None"),
        ({"trace_configs": "all"}, "trace_configs must be a sequence of aiohttp.TraceConfig or None, got 'all'"),
        ({"allow_insecure_http": "false"}, "allow_insecure_http must be True or False, got 'false'"),
        ({"allow_insecure_http": None}, "allow_insecure_http must be True or False, got None"),
        ({"base_url": 5}, "base_url must be a string or None, got int"),
        ({"limiter": 5}, "limiter must be an async context manager or None, got 5"),
    ]:
        with pytest.raises(TypeError, match=f"^{re.escape(message)}") as caught:
            TofuPilotSession("key", **options)
        assert [caught.value.parameter] == list(options)
        gc.collect()


async def test_a_member_of_an_enumeration_counts_as_its_value(sandbox):
    """The server receives the value of a (str, Enum) key and address, and numeric options become plain numbers."""

    class Line(str, Enum):  # noqa: UP042 - str() of a StrEnum member is its value
        KEY = sandbox.api_key
        URL = sandbox.url

    class Seconds(float, Enum):
        LONG = 30.5

    class Pages(int, Enum):
        FEW = 2

    policy = RetryPolicy(attempts=Pages.FEW, max_elapsed=Seconds.LONG)
    assert repr(policy).startswith("RetryPolicy(attempts=2, max_elapsed=30.5,")
    async with TofuPilotSession(
        Line.KEY, base_url=Line.URL, timeout=Seconds.LONG, concurrency=Pages.FEW, retry=policy
    ) as session:
        assert repr(session) == f"<TofuPilotSession {sandbox.url} open>"
        assert await session.procedures.list().first() == sandbox.procedures[0]
        assert type(session._connection.timeout) is float
        assert type(session._connection.concurrency) is int


async def test_trace_configs_belong_to_one_of_the_two_sessions():
    """A session that is handed in would not use them."""
    async with aiohttp.ClientSession() as http_session:
        with pytest.raises(ConfigurationError, match="trace_configs"):
            TofuPilotSession("key", http_session=http_session, trace_configs=[aiohttp.TraceConfig()])


def test_a_view_of_a_session_of_a_subclass_has_its_attributes():
    """A subclass without slots may keep what it likes."""

    class Labelled(TofuPilotSession):
        def __init__(self, label):
            super().__init__("key")
            self.label = label

    view = Labelled("line 3").with_options(concurrency=2)
    assert (type(view), view.label) == (Labelled, "line 3")


async def test_a_view_has_its_own_options_and_the_sessions_connections(session, sandbox):
    """They hold for every page of a walk that begins from the view. Other options stay."""
    view = session.with_options(timeout=0.05, retry=None)
    sandbox.faults.on(cursor=196).next(faults.stall(1000))
    with pytest.raises(RequestTimeoutError) as caught:
        await view.procedures.list().collect()
    assert caught.value.timeout == 0.05
    sandbox.faults.next(faults.status(500))
    assert await session.procedures.list().collect() == sandbox.procedures
    sandbox.faults.next(faults.status(500))
    with pytest.raises(ServerError):
        await session.with_options(retry=None).with_options(timeout=None).procedures.list()
    assert session.with_options(concurrency=7).with_options(timeout=1).procedures.list()._plan.concurrency == 7
    assert session.procedures.list()._plan.concurrency == 1


async def test_closing_a_view_closes_nothing(session, sandbox):
    """Its connections are the session's."""
    async with session.with_options(timeout=1) as view:
        await view.procedures.list()
    await view.close()
    assert await session.procedures.list().first() == sandbox.procedures[0]


async def test_a_view_of_a_closed_session_is_closed(sandbox):
    """It lives as long as the session."""
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        view = session.with_options(timeout=1)
    assert repr(view) == f"<TofuPilotSession {sandbox.url} closed>"
    with pytest.raises(SessionError, match="the session is closed"):
        await view.procedures.list()


async def test_an_aiohttp_session_that_is_handed_in_stays_open(sandbox):
    """It is used, and its owner closes it."""
    async with aiohttp.ClientSession() as http_session:
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, http_session=http_session) as session:
            assert await session.procedures.list().collect() == sandbox.procedures
        assert not http_session.closed
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, http_session=http_session) as session:
            assert await session.procedures.list().first() == sandbox.procedures[0]


@pytest.mark.parametrize("limits", [{"limit": 2}, {"limit": 0, "limit_per_host": 2}, {"limit": 3, "limit_per_host": 2}])
async def test_sessions_that_share_an_aiohttp_session_wait_for_its_connections_in_no_timeout(sandbox, limits):
    """A request that waits within aiohttp would use up its timeout."""
    queued = []

    async def see(http_session, context, params):
        queued.append(context)

    trace = aiohttp.TraceConfig()
    trace.on_connection_queued_start.append(see)
    connector = aiohttp.TCPConnector(**limits)
    async with (
        aiohttp.ClientSession(connector=connector, trace_configs=[trace]) as http_session,
        aiohttp.ClientSession(connector=connector, connector_owner=False, trace_configs=[trace]) as another,
    ):
        sessions = [
            TofuPilotSession(sandbox.api_key, base_url=sandbox.url, http_session=shared)
            for shared in (http_session, http_session, another)
        ]
        await asyncio.gather(*(session.procedures.list(limit=10).first() for session in sessions for _ in range(4)))
    assert len(sandbox.requests) == 12
    assert sandbox.connections <= 2
    assert queued == []


async def test_a_pause_is_the_whole_sessions(waiting, sandbox, until):
    """A Retry-After that one walk meets holds up another, and is no part of its timeout."""
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, retry=None) as session:
        sandbox.faults.next(faults.status(429, retry_after=30))
        with pytest.raises(RateLimitedError):
            await session.procedures.list()
        other = asyncio.create_task(session.with_options(timeout=1e-6).procedures.list().first())
        await until(lambda: session._connection.throttle._queued)
        for _ in range(10):  # a timeout that had begun would be over
            await asyncio.sleep(0)
        assert not other.done()
        assert len(sandbox.requests) == 1
        assert session._connection.throttle.rest() > 25
    with pytest.raises(SessionError, match="closed meanwhile"):
        await other


@pytest.mark.parametrize("handed_in", [False, True])
async def test_closing_ends_a_request_under_way_at_once(sandbox, until, handed_in):
    """The request ends with a SessionError, also if the aiohttp session stays open.

    The server sees the connection close.
    """
    async with aiohttp.ClientSession() as http_session:
        session = TofuPilotSession(
            sandbox.api_key, base_url=sandbox.url, timeout=None, http_session=http_session if handed_in else None
        )
        sandbox.faults.next(faults.stall(1000))
        walk = asyncio.create_task(session.procedures.list().first())
        await until(lambda: sandbox.requests)
        await session.close()
        with pytest.raises(SessionError, match="closed meanwhile"):
            await walk
        await until(lambda: not sandbox.connections)
        assert not http_session.closed


@pytest.mark.parametrize(
    ("retry", "fault"),
    [
        (RetryPolicy(max_retry_after=3600.0, max_elapsed=7200.0), faults.status(503, retry_after=3000)),
        (RetryPolicy(initial_wait=1e6, max_wait=1e6, max_elapsed=1e7), faults.status(503)),
        (AsyncRetrying(wait=wait_fixed(3600)), faults.status(503)),
    ],
    ids=["as the server asks", "backoff", "controller"],
)
async def test_closing_ends_a_wait_between_attempts_at_once(waiting, sandbox, until, retry, fault):
    """Nobody waits out a backoff for nothing."""
    sandbox.faults.next(fault)
    session = TofuPilotSession(sandbox.api_key, base_url=sandbox.url, retry=retry)
    walk = asyncio.create_task(session.procedures.list().first())
    await until(lambda: len(sandbox.requests) == 1 and not session._connection.throttle._in_flight)
    async with asyncio.timeout(10):
        await session.close()
        with pytest.raises(SessionError, match="closed meanwhile"):
            await walk


async def test_closing_from_a_callback_does_not_deadlock(waiting, sandbox):
    """The callback is one of tenacity's."""
    session = None

    async def close(state):
        await session.close()

    controller = AsyncRetrying(before_sleep=close)
    async with aiohttp.ClientSession() as http_session:
        session = TofuPilotSession(
            sandbox.api_key, base_url=sandbox.url, retry=controller.copy(), http_session=http_session
        )
        own = session.with_options(retry=AsyncRetrying(before_sleep=close, stop=stop_after_attempt(3), reraise=True))
        sandbox.faults.next(faults.status(500), times=10)
        with pytest.raises(SessionError, match="the session is closed"):
            await own.procedures.list()
        assert len(sandbox.requests) == 1


async def test_a_closed_session_says_so(sandbox):
    """Its repr says so, and the next request and entering it are refused. Closing it again does nothing."""
    session = TofuPilotSession(sandbox.api_key, base_url=sandbox.url)
    await session.procedures.list()
    await session.close()
    await session.close()
    assert repr(session) == f"<TofuPilotSession {sandbox.url} closed>"
    walk = session.procedures.list().walk()
    with pytest.raises(SessionError, match="the session is closed") as caught:
        await anext(walk)
    assert caught.value.attempts == walk.stats.requests == 0
    with pytest.raises(SessionError, match="the session is closed"):
        async with session:
            raise AssertionError("entered")


async def test_a_page_and_an_error_can_be_pickled_with_the_headers_of_their_response(session, sandbox):
    """They travel to other processes."""
    page = await session.procedures.list(limit=3)
    sandbox.faults.next(faults.status(401))
    with pytest.raises(UnauthorizedError) as caught:
        await session.procedures.list()
    for value in (page, caught.value):
        twin = pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
        assert twin.headers == value.headers == copy.deepcopy(value).headers
        assert twin.headers["CONTENT-TYPE"].startswith("application/json")


async def test_a_session_logs_a_line_a_request_and_the_beginning_and_end_of_an_outage(session, sandbox, caplog):
    """It logs nothing else."""
    caplog.set_level(logging.DEBUG, "aiotofupilot")
    sandbox.faults.next(faults.status(503))
    await session.procedures.list(limit=3)
    records = [record for record in caplog.records if record.name.startswith("aiotofupilot")]
    assert [record.levelname for record in records] == ["DEBUG", "WARNING", "DEBUG", "INFO"]
