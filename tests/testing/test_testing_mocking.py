"""`testing.mocking`: every listing behind aioresponses.

- The guide is right about what each response of aioresponses needs, and about several payloads of one pattern.
- The error for a page that aioresponses does not mock names `mock_listing` and `on_drift="ignore"`.
- 120 items, also of one time, whose pages are mocked by hand come whole, or the error names `mock_listing`.
"""

import re
import sys
from importlib import import_module

import aiohttp
import pytest
from aiointercept import aiointercept
from aioresponses import CallbackResult, aioresponses
from fakes.listings import LISTINGS, required

from aiotofupilot import ConnectionFailedError, RetryPolicy, TofuPilotSession, to_wire
from aiotofupilot.errors import TransportError
from aiotofupilot.models import Procedure, Unit
from aiotofupilot.sandbox import Sandbox, make_procedures
from aiotofupilot.testing import MockResponse, make, make_run, mock_listing

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
    """aioresponses makes responses that aiohttp refuses. When this test fails, drop `MockResponse`."""
    mocked.get(URL, payload={})
    async with aiohttp.ClientSession() as http:
        with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'stream_writer'"):
            await http.get(URL)


async def test_any_walk_is_answered(mocked, session):
    """Any limit and cursor gets its page, as often as it is asked for."""
    mock_listing(mocked, 12, seed=7)
    expected = make_procedures(12, seed=7)
    assert await session.procedures.list(limit=5).collect() == expected
    assert cursors(mocked) == [None, "3", "6", "9"]
    mocked.requests.clear()
    assert await session.procedures.list(limit=5, on_drift="ignore").collect() == expected
    assert cursors(mocked) == [None, "5", "10"]
    assert await session.procedures.list(limit=7, cursor=3).collect() == expected[3:]
    assert await session.procedures.list(limit=2, concurrency=8).collect() == expected
    assert (await session.procedures.list(limit=1)).data == expected[:1]


async def test_what_is_not_given_is_made_up_as_in_the_sandbox(mocked, session):
    """The same seed makes the same items. Nothing is made up for runs that were given, or for an empty listing."""
    mock_listing(mocked, 20, runs=40, seed=7)
    made = Sandbox(20, runs=40, seed=7)
    for name in LISTINGS:
        arguments = required(name, made.procedures[0].id)
        found = await getattr(session, name).list(**arguments).collect()
        assert found, name
        listed = made.rows(name)
        assert found == ([item for item in listed if item in found] if arguments else listed), name
    mocked.clear()
    run = make_run()
    mock_listing(mocked, 3, runs=[run], stations=[])
    assert await session.stations.list().collect() == await session.units.list().collect() == []
    assert await session.runs.list().collect() == [run]


def by_hand(mocked, *pages, shared=0, listing="procedures"):
    """Mock the pages of a listing one by one, each once. A page begins with so many items of the one before it."""
    cursor = 0
    for number, data in enumerate(pages, 1):
        # aioresponses sorts the names
        url = re.compile(rf".*/v2/{listing}\?{f'cursor={cursor}&' if cursor else ''}limit=\d+$")
        end = cursor + len(data)
        meta = {"has_more": True, "next_cursor": end} if number < len(pages) else {"has_more": False}
        body = {"data": list(map(to_wire, data)), "meta": meta}
        mocked.get(url, payload=body, response_class=MockResponse)
        cursor = end - shared


def named(count, **fields):
    return [make(Procedure, name=f"Test {number}", **fields) for number in range(count)]


async def test_a_pattern_with_several_payloads_loses_its_second_page_to_the_overlap(mocked, session):
    """As the guide says, which leads to `mock_listing`. Where the cursor is followed, every page comes."""
    items, url = named(120), re.compile(URL)
    last = {"data": list(map(to_wire, items[100:])), "meta": {"has_more": False}}
    pages = [{"data": list(map(to_wire, items[:100])), "meta": {"has_more": True, "next_cursor": 100}}, last]
    for page in pages * 2:
        mocked.get(url, payload=page, response_class=MockResponse)
    assert await session.procedures.list(on_drift="ignore").collect() == items
    with pytest.raises(
        TransportError, match=r"^aioresponses has no response for .* with created_before; .*mock_listing"
    ):
        await session.procedures.list().collect()


async def test_each_response_of_aioresponses_works_as_the_guide_says(mocked, session):
    """A callback has to name the class in its result, and an exception needs no class."""
    (procedure,), url = named(1), re.compile(URL)
    page = {"data": [to_wire(procedure)], "meta": {"has_more": False}}

    def respond(_url, **_request):
        return CallbackResult(payload=page, response_class=MockResponse)

    mocked.get(url, exception=aiohttp.ServerDisconnectedError())
    mocked.get(url, timeout=True)
    mocked.get(url, body="{", response_class=MockResponse)
    mocked.get(url, callback=respond)
    mocked.get(url, payload=page, repeat=True, response_class=MockResponse)
    listing = session.procedures.list()
    assert await listing.collect() == await listing.collect() == await listing.collect() == [procedure]


async def test_the_error_for_an_exact_cursor_names_mock_listing_and_ignore(mocked, session):
    """At once: a request without a mocked response is not an outage."""
    procedures = make_procedures(5)
    by_hand(mocked, procedures[:3], procedures[3:])
    with pytest.raises(
        TransportError, match=r"^aioresponses has no response for /api/v2/procedures at cursor 1; "
    ) as it:
        await session.procedures.list().collect()
    assert it.value.hint == (
        "a walk requests each page two or more items early, or bounds it by a time, unless "
        'on_drift="ignore" is given: mock_listing of aiotofupilot.testing responds to any page'
    )
    assert it.value.attempts == 1
    assert it.value.down_since is None
    assert len(mocked.requests) == 2


async def test_exact_cursors_can_be_mocked(mocked, session, caplog):
    """A walk that looks for drift follows those of pages of one item, and warns."""
    procedures = make_procedures(5)
    by_hand(mocked, procedures[:3], procedures[3:])
    assert await session.procedures.list(on_drift="ignore").collect() == procedures
    mocked.clear()
    by_hand(mocked, *([procedure] for procedure in procedures))
    assert await session.procedures.list().collect() == procedures
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_the_listing_may_change(mocked, session):
    """The next request sees a change of the listing."""
    listing = mock_listing(mocked, 0)
    assert await session.procedures.list().collect() == []
    procedure, run = make(Procedure), make_run()
    listing.procedures.append(procedure)
    listing.runs.insert(0, run)
    assert await session.procedures.list().collect() == [procedure]
    assert await session.runs.list().collect() == [run]


async def test_a_failure_may_come_first(mocked, session):
    """An answer that is registered earlier is given earlier."""
    mocked.get(re.compile(URL), status=503, response_class=MockResponse)
    mocked.get(re.compile(URL), exception=aiohttp.ServerDisconnectedError())
    mock_listing(mocked, 3)
    async with session.procedures.list().walk() as walk:
        assert [procedure async for procedure in walk] == make_procedures(3)
    assert walk.stats.retries == 2


async def test_a_connection_that_a_test_lets_fail_is_a_connection_that_failed(mocked, session):
    """It has a mocked response, although it is of the class that aioresponses raises where there is none."""
    mocked.get(re.compile(URL), exception=aiohttp.ClientConnectionError("Connection refused: GET"))
    with pytest.raises(ConnectionFailedError):
        await session.with_options(retry=None).procedures.list()


async def test_there_has_to_be_a_key(mocked):
    """The header may come from the aiohttp session. A scalar parameter may not repeat."""
    mock_listing(mocked, 3)
    for headers, statuses in (({}, [401, 401]), ({"authorization": "Bearer k"}, [200, 400])):
        async with aiohttp.ClientSession(headers=headers) as http:
            assert [(await http.get(URL + query)).status for query in ("", "?limit=1&limit=2")] == statuses


async def test_nothing_else_is_answered(mocked):
    """Other paths and methods are left to other mocks."""
    mock_listing(mocked, 3)
    async with aiohttp.ClientSession() as http:
        for method, url in [
            ("POST", URL),
            ("GET", URL.replace("procedures", "imports")),
            ("GET", URL.replace("procedures", "runs-of-today")),
            ("GET", f"https://example.com/?u={URL}"),
        ]:
            with pytest.raises(aiohttp.ClientConnectionError):
                await http.request(method, url)


async def test_a_detail_is_answered_too(mocked):
    """At whatever path a server stands, and with an encoded serial number."""
    run = make_run(unit=make(Unit, serial_number="SN/1 v2"))
    mock_listing(mocked, 0, runs=[run], units=[make(Unit, serial_number="SN/1 v2")])
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer k"}) as http:
        for path, found in [
            (f"runs/{run.id}", run.id),
            ("units/SN%2F1%20v2", run.unit.id),
            ("units/SN1", None),
            (f"procedures/{run.procedure.id}/versions/v1.0.0?x=1", run.procedure.version.id),
        ]:
            async with http.get(URL.replace("procedures", path)) as response:
                assert (await response.json()).get("id") == found
        async with http.get(URL.replace("procedures", "whoami")) as response:
            assert (await response.json())["type"] == "user"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"procedures": -1}, ValueError, "procedures"),
        ({"procedures": None}, TypeError, r"^procedures must be a number or an iterable of procedures, got None$"),
        ({"runs": [make_run]}, TypeError, r"^runs\[0\] must be of the class Run, got function"),
        ({"widgets": []}, TypeError, r"^got an unexpected keyword argument 'widgets': it is not an option or"),
    ],
)
def test_a_bad_argument_is_named(mocked, options, error, message):
    with pytest.raises(error, match=message):
        mock_listing(mocked, **options)


def test_what_is_no_mock_is_refused():
    """The class is easily given in place of its instance."""
    with pytest.raises(TypeError, match=r"^mocked must be an aioresponses or an aiointercept, got <class "):
        mock_listing(aioresponses)


@pytest.mark.filterwarnings("ignore:Setting custom:DeprecationWarning")  # of aiohttp, in dev mode
async def test_aiointercept_is_a_mock_too(session):
    """Its requests pass through all of aiohttp, and reach the listing with each parameter, the key and any fault."""
    async with aiointercept(mock_external_urls=True) as mocked:
        mocked.get(re.compile(".*/v2/runs"), status=503, headers={"Retry-After": "0"})
        factory = mock_listing(mocked, 2, runs=[make_run("FAIL"), make_run("ERROR"), make_run()])
        found = await session.runs.list(outcomes=["FAIL", "PASS"], limit=1).collect()
        assert [run.outcome for run in found] == ["FAIL", "PASS"]
        assert await session.procedures.get(factory.procedures[1].id)
        assert (mocked.call_count, mocked.last_request.headers["Authorization"]) == (3, "Bearer any-key")


def test_without_aioresponses_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "aioresponses", None)
    monkeypatch.delitem(sys.modules, "aiotofupilot.testing.mocking")
    with pytest.raises(ModuleNotFoundError, match=r"need aioresponses: install the extra 'testing'$") as caught:
        import_module("aiotofupilot.testing.mocking")
    assert caught.value.name == "aioresponses"
