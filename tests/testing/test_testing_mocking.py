"""`testing.mocking`: a listing behind aioresponses."""

import re
from datetime import UTC, datetime

import aiohttp
import pytest
from aioresponses import aioresponses

from aiotofupilot import ConfigurationError, ForbiddenError, RetryPolicy, TofuPilotSession, UnauthorizedError
from aiotofupilot.errors import ConnectionFailedError
from aiotofupilot.sandbox import make_procedures
from aiotofupilot.testing import MockResponse, make_procedure, mock_procedures

URL = "https://www.tofupilot.app/api/v2/procedures"
AT_ONCE = RetryPolicy(initial_wait=0.0)


@pytest.fixture
def mocked():
    with aioresponses() as mocked:
        yield mocked


@pytest.fixture
async def session():
    async with TofuPilotSession("any-key", base_url="https://www.tofupilot.app", retry=AT_ONCE) as session:
        yield session


def cursors(mocked):
    """The cursors that were asked for."""
    return [url.query.get("cursor") for _method, url in mocked.requests]


async def test_aioresponses_alone_fails_under_this_aiohttp(mocked):
    """aioresponses makes responses that aiohttp refuses. When this fails, `MockResponse` has done its duty."""
    mocked.get(URL, payload={})
    async with aiohttp.ClientSession() as http:
        with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'stream_writer'"):
            await http.get(URL)


async def test_a_mock_response_is_a_response(mocked):
    """With `MockResponse`, aioresponses works as it says."""
    mocked.get(URL, status=418, payload={"a": [1]}, headers={"X-Made": "up"}, response_class=MockResponse)
    async with aiohttp.ClientSession() as http, http.get(URL) as response:
        assert (response.status, response.headers["X-Made"], await response.json()) == (418, "up", {"a": [1]})
        assert response.url.path == "/api/v2/procedures"


async def test_three_lines_make_a_listing(mocked, session):
    """A listing of given procedures is answered without a server."""
    mock_procedures(mocked, [make_procedure("Burn-In"), make_procedure("ICT")])
    assert [procedure.name async for procedure in session.procedures.list()] == ["Burn-In", "ICT"]


async def test_any_walk_is_answered(mocked, session):
    """Any limit and cursor gets its page, as often as it is asked for."""
    mock_procedures(mocked, 250, seed=7)
    expected = make_procedures(250, seed=7)
    assert await session.procedures.list().collect() == expected
    assert await session.procedures.list(limit=7, cursor=3).collect() == expected[3:]
    assert await session.procedures.list(limit=10, concurrency=8).collect() == expected


async def test_pages_can_be_small(mocked, session):
    """`limit` makes several pages of a few procedures."""
    procedures = make_procedures(5)
    mock_procedures(mocked, procedures, limit=2)
    assert await session.procedures.list().collect() == procedures
    assert cursors(mocked) == [None, "2", "4"]
    assert (await session.procedures.list(limit=1)).data == procedures[:1]


async def test_searches_and_dates_are_answered(mocked, session):
    """The listing is searched as the server does it."""
    old = make_procedure("Battery Test", created_at=datetime(2024, 1, 1, tzinfo=UTC))
    new = make_procedure("Charger Test")
    mock_procedures(mocked, [new, old])
    assert await session.procedures.list(search_query="battery").collect() == [old]
    assert await session.procedures.list(created_after=datetime(2025, 1, 1, tzinfo=UTC)).collect() == [new]


async def test_the_listing_may_change(mocked, session):
    """What is done to the listing counts from the next request on."""
    listing = mock_procedures(mocked, 0)
    assert await session.procedures.list().collect() == []
    listing.procedures.append(make_procedure())
    assert await session.procedures.list().collect() == [make_procedure()]


async def test_a_failure_may_come_first(mocked, session):
    """An answer that is registered earlier is given earlier."""
    mocked.get(re.compile(URL), status=503, response_class=MockResponse)
    mocked.get(re.compile(URL), exception=aiohttp.ServerDisconnectedError())
    mock_procedures(mocked, 3)
    async with session.procedures.list().walk() as walk:
        assert [procedure async for procedure in walk] == make_procedures(3)
    assert walk.stats.retries == 2


async def test_the_key_may_be_checked(mocked, session):
    """With `api_key`, another key gets a 401, and so does none at all."""
    mock_procedures(mocked, 3, api_key="the-key")
    with pytest.raises(UnauthorizedError):
        await session.procedures.list()
    async with TofuPilotSession("the-key", base_url="https://www.tofupilot.app") as other:
        assert len(await other.procedures.list().collect()) == 3


async def test_a_station_s_key_is_forbidden(mocked):
    """The key of the sandbox's station gets a 403 here too."""
    mock_procedures(mocked, 3)
    async with TofuPilotSession("sandbox-station-key", base_url="https://www.tofupilot.app") as session:
        with pytest.raises(ForbiddenError):
            await session.procedures.list()


async def test_a_request_without_a_key_is_unauthorized(mocked):
    """Any key will do, but there has to be one; the header may come from the aiohttp session."""
    mock_procedures(mocked, 3)
    async with aiohttp.ClientSession() as http, http.get(URL) as response:
        assert response.status == 401
    async with aiohttp.ClientSession(headers={"authorization": "Bearer k"}) as http, http.get(URL) as response:
        assert response.status == 200


async def test_the_server_may_be_checked(mocked, session):
    """With `base_url`, only that server is answered for."""
    mock_procedures(mocked, 3, base_url="https://tofupilot.example.com/")
    with pytest.raises(ConnectionFailedError):
        await session.with_options(retry=None).procedures.list()
    async with TofuPilotSession("any-key", base_url="https://tofupilot.example.com/api") as other:
        assert len(await other.procedures.list().collect()) == 3


async def test_nothing_else_is_answered(mocked):
    """Other paths and methods are left to other mocks."""
    mock_procedures(mocked, 3)
    async with aiohttp.ClientSession() as http:
        for method, url in [("POST", URL), ("GET", f"{URL}/versions"), ("GET", f"https://example.com/?u={URL}")]:
            with pytest.raises(aiohttp.ClientConnectionError):
                await http.request(method, url)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"limit": 0}, ValueError, "limit"),
        ({"limit": 101}, ValueError, "limit"),
        ({"limit": "2"}, TypeError, "limit"),
        ({"procedures": -1}, ValueError, "count"),
        ({"procedures": "abc"}, TypeError, r"^procedures must be a number or an iterable of procedures, got 'abc'$"),
        ({"procedures": True}, TypeError, r"^procedures must be a number or an iterable of procedures, got True$"),
        ({"procedures": None}, TypeError, r"^procedures must be a number or an iterable of procedures, got None$"),
        ({"procedures": ["abc"]}, TypeError, r"^procedures\[0\] must be a Procedure, got 'abc'$"),
        ({"api_key": b"key"}, TypeError, r"^api_key must be a string, got b'key'$"),
        ({"base_url": "tofupilot"}, ConfigurationError, "base_url"),
    ],
)
def test_arguments_are_checked(mocked, options, error, message):
    """A bad argument is named."""
    with pytest.raises(error, match=message):
        mock_procedures(mocked, **options)


def test_what_is_no_mock_is_refused():
    """The class is easily given in place of its instance."""
    with pytest.raises(TypeError, match=r"^mocked must be an aioresponses, got <class "):
        mock_procedures(aioresponses)


async def test_a_repeated_parameter_reaches_the_listing(mocked, monkeypatch):
    """The listing sees each pair of the query, as a server does."""
    asked = []
    listing = mock_procedures(mocked, 3)

    def answer(query, authorization, of=listing.answer):
        asked.append(list(query.items()))
        return of(query, authorization)

    monkeypatch.setattr(listing, "answer", answer)
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer k"}) as http:
        await http.get(f"{URL}?limit=1&limit=2&search_query=")
    assert asked == [[("limit", "1"), ("limit", "2"), ("search_query", "")]]
