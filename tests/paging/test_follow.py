"""A followed listing is a stream of what is created, polled when someone asks.

- A stream yields everything that is created after it was entered; each poll yields what is new, oldest first.
- A stream outlives outages, timeouts and a slow server for `max_outage` seconds, and raises anything else at once.
"""

import asyncio
import socket
from contextlib import nullcontext
from itertools import count
from random import Random

import pytest
from fakes.budget import combined
from fakes.dated import BEGIN, KINDS, Row, Server, listing

from aiotofupilot import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    DecodeError,
    ForbiddenError,
    InvalidJSONError,
    PaginationError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    SessionError,
    TofuPilotSession,
    Watermark,
)
from aiotofupilot.sandbox import Sandbox

EVERY = pytest.mark.parametrize("kind", KINDS)
TWO = pytest.mark.parametrize("kind", ["ordered", "of runs"])


def add(server, name, *, created=None, visible=None):
    made = server.now if created is None else created
    shown = server.now if visible is None else visible
    server.runs.append(Row(f"run of {name}", made, shown))
    server.rows.append(Row(name, made, shown, f"run of {name}"))


def filled(times, now=500.0, **options):
    """Return a server with items that were created at these times."""
    server = Server(now=now, **options)
    for number, time in enumerate(times):
        add(server, f"old {number}", created=time)
    return server


def later(server, *names):
    """Let items be created before the next answers, one each."""
    server.changes += [lambda name=name: add(server, name) for name in names]


def begun(server, **options):
    """Return a stream that polls every ten seconds, from the beginning of a listing on."""
    listed = listing("ordered", server)
    return listed.follow(10.0, listed.since().watermark, **options)


def unresolved():
    error = ConnectionFailedError("its name cannot be resolved")
    error.__cause__ = socket.gaierror(-2, "Name or service not known")
    return error


def clock(stream):
    return stream._source.clock


async def coming(stream, server, seconds):
    """Return what comes within some seconds."""
    seen = []

    async def consume():
        async for item in stream:
            seen.append(item.id)

    end = server.now + seconds
    consumer = asyncio.create_task(consume())
    while server.now < end:  # noqa: ASYNC110 - time passes when the stream waits
        await asyncio.sleep(0)
    consumer.cancel()
    await asyncio.gather(consumer, return_exceptions=True)
    return seen


async def first_response(server):
    """Wait until the server has read the items for a first response, which is under way then."""
    for _ in range(100):
        if server.requests:
            return
        await asyncio.sleep(0)
    raise AssertionError("nothing was requested")


@EVERY
async def test_what_exists_is_not_yielded_and_what_is_created_is(kind):
    server = filled([float(number) for number in range(30)])
    stream = listing(kind, server, limit=7).follow(5.0)
    assert stream.watermark is None
    await stream.__aenter__()
    assert stream.watermark is not None
    add(server, "new")
    assert (await anext(stream)).id == "new"
    add(server, "newer")
    assert (await anext(stream)).id == "newer"
    assert stream.stats.items == 2
    assert repr(stream) == f"<FollowedListing: 2 items, {stream.stats.requests} requests so far>"


async def test_the_beginning_costs_one_request_however_long_the_listing_is():
    """It finds what was created in the minute before the newest item."""
    server = filled([float(number * 5) for number in range(1000)], now=5000.0)
    stream = listing("ordered", server).follow(5.0)
    await stream.__aenter__()
    assert len(server.requests) == 1
    assert len(stream.watermark.seen) == 13


class TestBeginning:
    """A stream begins with the first response after it is entered, or else after it is asked for an item."""

    async def test_without_entering_it_begins_when_it_is_asked(self):
        server = Server(now=500.0)
        stream = listing("ordered", server).follow(5.0)
        add(server, "before")
        polling = asyncio.create_task(coming(stream, server, 7))
        await first_response(server)
        add(server, "after")
        assert await polling == ["after"]

    @pytest.mark.parametrize(
        ("kind", "rows", "failures"), combined([*KINDS], [(0, 100), (1, 100), (30, 7), (200, 20)], [0, 3])
    )
    async def test_whatever_its_requests_meet_what_is_created_after_the_first_response_comes(
        self, kind, rows, failures
    ):
        """It takes several requests where the last minute has more than a page, and where the API does not sort."""
        existing, limit = rows
        server = filled([499.0 - (existing - number) / 5 for number in range(existing)])
        stream = listing(kind, server, limit=limit).follow(5.0)
        entering = asyncio.create_task(stream.__aenter__())
        await first_response(server)
        add(server, "meanwhile")
        server.failures += [ServerError("down", status=503)] * failures
        async with await entering:
            add(server, "new")
            assert sorted(await coming(stream, server, 30)) == ["meanwhile", "new"]
            server.now += 100.0
            add(server, "newer")
            assert await coming(stream, server, 7) == ["newer"]

    @TWO
    async def test_no_old_item_comes_if_others_are_removed_meanwhile(self, kind):
        """The pages after the first one move then, and none of them may leave out an item that exists."""
        server = filled([499.0 - number / 5 for number in range(30)])
        names = iter([f"old {number}" for number in range(3)])

        def remove():
            name = next(names)
            server.rows[:] = [row for row in server.rows if row.id != name]
            server.runs[:] = [run for run in server.runs if run.id != f"run of {name}"]

        server.changes += [lambda: None, remove, remove, remove]
        async with listing(kind, server, limit=7).follow(5.0) as stream:
            assert not server.changes
            add(server, "new")
            assert await coming(stream, server, 7) == ["new"]

    async def test_it_says_so_if_items_of_one_time_may_come_although_they_exist(self, caplog):
        """More than a page of them have the time, and no other order shows all. Later there are fewer."""
        server = filled([500.0] * 150, shuffle=lambda rows, cursor, _: Random(cursor).shuffle(rows))  # noqa: S311
        async with listing("bounded", server, limit=100).follow(5.0) as stream:
            assert stream.stats.is_unchecked
            assert stream.stats.pages == 0
            del server.rows[80:]
            assert {*await coming(stream, server, 7)} < {row.id for row in server.rows}
            assert stream.stats.is_unchecked
        assert caplog.text.count("may be missed or doubled") == 1

    @TWO
    async def test_it_begins_where_cursors_are_not_offsets_too(self, kind):
        """As long as each poll finds no more than a page."""
        server = filled([float(number) for number in range(300)], counts_pages=True)
        async with listing(kind, server).follow(5.0) as stream:
            add(server, "new")
            assert await coming(stream, server, 7) == ["new"]

    async def test_an_outage_that_is_too_long_ends_the_entering(self):
        server = Server(now=500.0)
        server.failures += [ServerError("down", status=503) for _ in range(9)]
        stream = listing("ordered", server).follow(10.0, max_outage=35.0)
        with pytest.raises(ServerError) as caught:
            await stream.__aenter__()
        assert caught.value.watermark is None
        assert len(server.failures) == 5
        server.failures.clear()
        async with stream:
            add(server, "new")
            assert await coming(stream, server, 12) == ["new"]

    async def test_entering_requests_nothing_where_the_beginning_is_known_or_nothing_is_wanted(self):
        server = Server(now=500.0)
        listed = listing("ordered", server)
        closed = listed.follow()
        await closed.aclose()
        for stream in (listed.follow(since=listed.since().watermark), closed):
            async with stream:
                pass
        async with listing("ordered", server, max_items=0).follow() as stream:
            assert [item async for item in stream] == []
        assert server.requests == []

    @TWO
    async def test_no_old_item_comes_wherever_entering_was_cancelled(self, kind):
        """Pages are in flight that are not needed any more when it has seen enough."""
        for turns in count(1):
            server = filled([20.0 * number for number in range(20)], turns=3)
            stream = listing(kind, server, limit=2, concurrency=4).follow(5.0)
            entering = asyncio.create_task(stream.__aenter__())
            for _ in range(turns):
                await asyncio.sleep(0)
            entering.cancel()
            await asyncio.wait([entering])
            async with stream:
                add(server, "new")
                assert await coming(stream, server, 12) == ["new"]
            if not entering.cancelled():
                break
        assert turns > 10


@EVERY
async def test_a_stream_goes_on_from_a_watermark_at_once(kind):
    server = Server(now=500.0)
    add(server, "a", created=100.0)
    first = listing(kind, server).follow(since=listing(kind, server).since().watermark)
    assert (await anext(first)).id == "a"
    add(server, "b")
    second = listing(kind, server).follow(since=Watermark.parse(str(first.watermark)))
    assert (await anext(second)).id == "b"
    assert clock(second).slept == []


@EVERY
async def test_the_new_items_of_a_poll_come_oldest_first(kind):
    server = Server(now=500.0)
    stream = listing(kind, server, limit=4).follow(since=listing(kind, server).since().watermark)
    for number in (5, 3, 8, 1, 9, 2):
        add(server, f"{number}", created=float(number), visible=0.0)
    ids = [(await anext(stream)).id for _ in range(6)]
    if kind != "undated":
        assert ids == ["1", "2", "3", "5", "8", "9"]
    assert sorted(ids) == ["1", "2", "3", "5", "8", "9"]


@pytest.mark.parametrize(("given", "interval"), [({}, 5.0), ({"interval": 10.0}, 10.0)])
async def test_polls_are_an_interval_apart_made_longer_or_shorter_by_a_tenth(given, interval):
    server = Server(now=500.0)
    stream = listing("ordered", server, max_items=1).follow(since=listing("ordered", server).since().watermark, **given)
    for chance in (0.0, 1.0, 0.5):
        clock(stream).chance = chance
        server.changes = [lambda: None] * 2
        server.changes.append(lambda: add(server, "x"))
    assert (await anext(stream)).id == "x"
    assert set(clock(stream).drawn) == {(0.9, 1.1)}
    assert clock(stream).slept == pytest.approx([interval, interval])
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_slow_consumer_slows_the_polls_down():
    """Nothing is asked for while it is busy, and nothing is waited for when it comes back late."""
    server = Server(now=500.0)
    stream = begun(server)
    later(server, "a")
    await anext(stream)
    polls = len(server.requests)
    server.now += 60.0
    later(server, "b")
    assert (await anext(stream)).id == "b"
    assert len(server.requests) == polls + 1
    assert clock(stream).slept == []


async def test_an_error_has_the_watermark_and_the_stream_goes_on_after_an_interval():
    server = Server(now=500.0)
    stream = begun(server)
    later(server, "a")
    await anext(stream)
    server.failures.append(ForbiddenError("no", status=403))
    with pytest.raises(ForbiddenError) as caught:
        await anext(stream)
    assert caught.value.watermark == stream.watermark
    slept = len(clock(stream).slept)
    add(server, "b")
    assert (await anext(stream)).id == "b"
    assert clock(stream).slept[slept:] == pytest.approx([10.0])


@pytest.mark.parametrize("name", ["runs", "procedures"])
async def test_closing_the_session_ends_a_stream_that_waits_for_its_next_poll(name):
    """At once, however long the interval is."""
    async with Sandbox(3, runs=5) as sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        stream = getattr(session, name).list().follow(interval=3600.0)
        task = asyncio.create_task(anext(stream))
        while stream.watermark is None:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        await session.close()
        with pytest.raises(SessionError, match="closed meanwhile") as caught:
            await task
        assert caught.value.watermark == stream.watermark
        with pytest.raises(SessionError, match="the session is closed"):
            await anext(stream)


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("parameter", ["interval", "max_outage"])
def test_an_interval_and_an_outage_have_to_be_finite_and_more_than_nothing(parameter, value):
    with pytest.raises(ValueError, match=f"{parameter} must be more than 0") as caught:
        listing().follow(**{parameter: value})
    assert caught.value.parameter == parameter


class TestOutage:
    """A stream that runs for months outlives what ends by itself."""

    @pytest.fixture
    def server(self):
        return Server(now=500.0)

    @TWO
    async def test_what_ends_by_itself_does_not_end_it(self, kind):
        """Neither at the first poll, nor later. Nothing is lost, and the errors are logged."""
        for error in (
            ServerError("down", status=503),
            ServerError("slow", status=504),
            ServerError("slow", status=408),
            RateLimitedError("busy", status=429),
            ConnectionFailedError("refused"),
            RequestTimeoutError("slow", timeout=30.0),
        ):
            server = Server(now=500.0)
            server.failures += [error] * 3
            stream = listing(kind, server).follow(10.0)
            task = asyncio.create_task(anext(stream))
            while stream.watermark is None:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0)
            add(server, "a")
            assert (await task).id == "a"
            assert server.outlived == [error] * 3
            server.failures += [error] * 50
            add(server, "b")
            assert (await anext(stream)).id == "b"
            assert len(server.outlived) == 53
            assert not server.failures

    @pytest.mark.parametrize(
        "error",
        [
            ForbiddenError("no", status=403),
            APIError("teapot", status=418),
            ServerError("broken", status=500),
            DecodeError("no name"),
            InvalidJSONError("html"),
            PaginationError("no way", cursor=3, next_cursor=3),
            CertificateError("unknown authority"),
            unresolved(),
        ],
        ids=repr,
    )
    async def test_what_does_not_end_by_itself_is_raised_at_once(self, server, error):
        stream = begun(server)
        server.failures.append(error)
        with pytest.raises(type(error)) as caught:
            await anext(stream)
        assert caught.value is error
        assert server.outlived == []

    @pytest.mark.parametrize(("attempts", "is_outlived"), [(0, False), (1, False), (2, True)])
    async def test_a_500_is_outlived_after_retries(self, server, attempts, is_outlived):
        """Without retries, an item that cannot be read would be asked for by each poll, for ever."""
        stream = begun(server)
        error = ServerError("broken", status=500)
        error.attempts = attempts
        server.failures += [error] * (1 + 3 * is_outlived)  # of the page, and of three controls
        add(server, "a")
        with nullcontext() if is_outlived else pytest.raises(ServerError):
            assert (await anext(stream)).id == "a"
        assert server.outlived == [error] * is_outlived

    async def test_a_name_that_was_resolved_before_is_waited_for(self, server):
        stream = begun(server)
        error = unresolved()
        error.down_since = BEGIN
        server.failures.append(error)
        add(server, "a")
        assert (await anext(stream)).id == "a"
        assert server.outlived == [error]

    async def test_an_unreadable_item_is_raised_where_it_is_not_skipped(self, server):
        """Otherwise the stream would ask for it again and again, in silence."""
        stream = begun(server)
        error = ServerError("broken", status=500)
        error.position = 7
        server.failures.append(error)
        with pytest.raises(ServerError):
            await anext(stream)

    async def test_max_outage_bounds_them(self, server):
        """It counts from the first failure, and a good response begins anew."""
        stream = begun(server, max_outage=35.0)
        assert server.bounds == [35.0]
        down = [ServerError("down", status=503) for _ in range(9)]
        server.failures += down[:3]
        add(server, "a")
        assert (await anext(stream)).id == "a"
        began = server.now
        server.failures += down[3:]
        with pytest.raises(ServerError) as caught:
            await anext(stream)
        assert caught.value is down[6]
        assert caught.value.watermark == stream.watermark
        assert server.now - began <= 35.0 + 10.0
        server.failures.clear()
        add(server, "b")
        assert (await anext(stream)).id == "b"

    async def test_the_time_that_the_retries_took_counts(self, server):
        stream = begun(server, max_outage=35.0)
        error = ServerError("down", status=503)
        error.elapsed = 34.0
        server.failures.append(error)
        with pytest.raises(ServerError):
            await anext(stream)

    async def test_the_server_may_ask_for_a_longer_time_than_an_interval(self, server):
        stream = begun(server)
        server.failures.append(RateLimitedError("busy", status=429, retry_after=300.0))
        add(server, "a")
        assert (await anext(stream)).id == "a"
        assert clock(stream).slept == pytest.approx([300.0])


class TestLeftOut:
    """An item that cannot be read is asked for again by each poll."""

    @pytest.fixture
    def server(self):
        return filled([480.0 + number / 2 for number in range(30)])

    def unreadable(self, server, name):
        add(server, name)
        server.unreadable.add(name)

    async def beside_bad(self, server, kind="ordered"):
        """Return a stream that was entered before an item was created that cannot be read."""
        stream = listing(kind, server, on_unreadable="skip").follow(5.0)
        await stream.__aenter__()
        self.unreadable(server, "bad")
        return stream

    async def test_what_comes_behind_it_comes_at_the_next_poll(self, server):
        stream = await self.beside_bad(server)
        for number in range(40):
            assert await coming(stream, server, 7) == []
            add(server, f"new {number}")
            asked_at = server.now
            assert (await anext(stream)).id == f"new {number}"
            assert server.now - asked_at <= 6

    @pytest.mark.parametrize("delay", [1, 30, 55])
    async def test_an_item_that_can_be_read_within_a_minute_comes_though_others_come_meanwhile(self, server, delay):
        stream = await self.beside_bad(server)
        seen = await coming(stream, server, delay)
        server.unreadable.clear()
        for number in range(40):
            add(server, f"new {number}")
            seen += await coming(stream, server, 5)
        assert sorted(seen) == sorted(["bad", *(f"new {number}" for number in range(40))])

    @pytest.mark.parametrize("kind", ["bounded", "compared", "undated", "of runs"])
    async def test_where_the_api_does_not_sort_every_poll_asks_for_it(self, server, kind):
        """What is new may stand anywhere."""
        stream = await self.beside_bad(server, kind)
        await coming(stream, server, 30)
        add(server, "new")
        assert (await anext(stream)).id == "new"
        server.unreadable.clear()
        assert await coming(stream, server, 7) == ["bad"]


async def test_an_error_that_is_not_of_the_package_is_raised_as_it_is():
    class Limiter:
        async def __aenter__(self):
            raise ZeroDivisionError

        async def __aexit__(self, *_):
            pass

    async with TofuPilotSession("key", limiter=Limiter()) as session:
        with pytest.raises(ZeroDivisionError):
            await anext(session.procedures.list().follow())
