"""A walk has as many pages in flight as it may, opens step by step, and requests none that cannot be needed."""

import asyncio
import gc
from contextlib import suppress
from weakref import ref

import pytest
from fakes.in_process import InProcess

from aiotofupilot import ConnectionFailedError, SessionError
from aiotofupilot.sandbox import Sandbox, faults, paging


class Held(InProcess):
    """Responds to what is in flight when it is told to, and to all of it at once."""

    def __init__(self, service):
        super().__init__(service, attempts=1)
        self._released = asyncio.Event()

    def release(self):
        self._released.set()
        self._released = asyncio.Event()

    async def _respond(self, target):
        await self._released.wait()
        return await super()._respond(target)


async def settle():
    for _ in range(300):
        await asyncio.sleep(0)


class Late(InProcess):
    """Is late with the page at a cursor."""

    late = 4

    async def _respond(self, target):
        if target.endswith(f"cursor={self.late}"):
            await settle()
        return await super()._respond(target)


async def walked(walk):
    return [item async for item in walk]


async def ended(task):
    task.cancel()
    await asyncio.wait([task])


@pytest.fixture
def service():
    return Sandbox(procedures=2000, runs=0)


def list_of(connection, **options):
    return connection.procedures.list(limit=2, on_drift="ignore", **options)


async def in_flight_by_round_trip(service, round_trips, **options):
    """Return how many requests are in flight in each of the first round trips of a walk that nothing holds up."""
    connection, in_flight = Held(service), []
    walking = asyncio.create_task(walked(list_of(connection, **options)))
    for _ in range(round_trips):
        await settle()
        in_flight.append(connection.in_flight)
        connection.release()
    await ended(walking)
    return in_flight


@pytest.mark.parametrize(
    ("concurrency", "expected"),
    [(1, [1, 1, 1]), (6, [1, 2, 4, 6, 6]), (16, [1, 2, 4, 16, 16]), (64, [1, 7, 56, 64])],
)
async def test_the_window_grows_with_each_page(service, concurrency, expected):
    assert await in_flight_by_round_trip(service, len(expected), concurrency=concurrency) == expected


async def test_nothing_is_requested_further_ahead_than_what_is_wanted(service):
    connection = InProcess(service)
    await list_of(connection, concurrency=64, max_items=40).collect()
    assert max(connection.cursors) == 38


async def test_pages_that_are_wanted_are_in_flight_together_where_pages_overlap(service):
    connection = InProcess(service)
    assert len(await connection.procedures.list(limit=3, concurrency=64, max_items=60).collect()) == 60
    assert connection.most_in_flight > 10


async def test_nothing_more_is_requested_beyond_a_page_in_flight_that_shows_the_end(service):
    """The last page comes while the one before it is awaited."""

    del service.procedures[8:]
    connection = Late(service)
    assert await list_of(connection, concurrency=4).collect() == service.procedures
    assert sorted(connection.cursors) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("on_drift", [None, "ignore"])
async def test_a_walk_that_waits_keeps_no_items(service, on_drift):
    """Thousands of walks may wait at once."""
    connection = Held(service)
    walk = connection.procedures.list(limit=5, on_drift=on_drift).walk()
    first = asyncio.create_task(walk.take(5))
    await settle()
    connection.release()
    items = [ref(item) for item in await first]
    del first
    waiting = asyncio.create_task(walk.take(5))
    await settle()
    gc.collect()
    assert [item() for item in items] == [None] * 5
    await ended(waiting)


async def test_with_one_page_in_flight_there_are_no_tasks(service):
    connection = Held(service)
    walking = asyncio.create_task(walked(list_of(connection, max_items=6)))
    for requests in (1, 2, 3):
        await settle()
        assert len(connection.cursors) == requests
        assert asyncio.all_tasks() == {asyncio.current_task(), walking}
        connection.release()
    assert len(await walking) == 6


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_a_listing_ends_where_no_more_is_announced_although_a_cursor_is_given(service, concurrency):
    service.paging = lambda total, cursor, limit: paging.Window(0, limit, has_more=False, next_cursor=cursor + limit)
    assert len(await list_of(InProcess(service), concurrency=concurrency).collect()) == 2


async def test_a_server_that_shortens_its_pages_twice_is_read_one_page_at_a_time(service):
    service.paging = lambda total, cursor, limit: paging.capped(10 if cursor < 100 else 5)(total, cursor, limit)
    walk = InProcess(service).procedures.list(limit=20, concurrency=4, on_drift="ignore").walk()
    assert [item async for item in walk] == service.procedures
    assert walk.stats.is_sequential


async def test_errors_beyond_the_end_are_not_reported(service):
    """A page that the listing turns out not to have may fail. ``asyncio`` does not complain of it either."""
    del service.procedures[5:]
    service.faults.on(lambda request: int(request.query.get("cursor", 0)) > 5).always(faults.status(500))
    assert await list_of(InProcess(service, attempts=1), concurrency=16).collect() == service.procedures


async def test_a_wait_that_is_cancelled_has_a_line_in_the_log(service, caplog):
    """Nothing stays in flight, and the same page is requested next, alone."""
    connection = Held(service)
    walk = list_of(connection, concurrency=4).walk()
    first = asyncio.create_task(walk.take(2))
    await settle()
    connection.release()
    assert len(await first) == 2
    with caplog.at_level("DEBUG", "aiotofupilot"), pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await anext(walk)
    assert caplog.messages == ["the wait for cursor 2 ended with CancelledError: pages in flight are dropped"]
    rest = asyncio.create_task(walk.take(1))
    await settle()
    assert (connection.in_flight, sorted(connection.cursors)) == (1, [0, 2, 2, 4])
    connection.release()
    assert await rest == [service.procedures[2]]
    await walk.aclose()


async def test_after_a_cancellation_a_walk_does_not_begin_at_a_page_that_was_ahead(service):
    """The page at 784 is late, so later pages are requested in a query that begins on a page that has arrived."""

    connection = Late(service)
    connection.late = 784
    async with connection.procedures.list(limit=100, concurrency=16).walk() as walk:
        items = [await anext(walk) for _ in range(786)]
        waiting = asyncio.create_task(walk.take(1))
        await asyncio.sleep(0)
        await ended(waiting)
        requests = len(connection.cursors)
        items += [item async for item in walk]
    assert (items, connection.cursors[requests]) == (service.procedures, 784)


async def test_requests_that_others_cancel_end_the_walk_by_an_error_of_ours(service):
    """As the end of an event loop does. The consumer itself was not cancelled."""
    connection = Held(service)
    walking = asyncio.create_task(walked(list_of(connection, concurrency=4)))
    await settle()
    connection.release()
    await settle()
    for task in asyncio.all_tasks() - {asyncio.current_task(), walking}:
        task.cancel()
    with pytest.raises(SessionError, match="the session was closed during a request"):
        await walking


async def test_a_request_that_breaks_when_it_is_cancelled_is_not_reported(service):
    class Breaking(Held):
        async def _respond(self, target):
            try:
                return await super()._respond(target)
            except asyncio.CancelledError:
                raise ConnectionFailedError("broken off") from None

    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    connection = Breaking(service)
    walking = asyncio.create_task(walked(list_of(connection, concurrency=4)))
    await settle()
    connection.release()
    await settle()
    assert connection.in_flight == 2
    walking.cancel()
    with suppress(asyncio.CancelledError, ConnectionFailedError):
        await walking
    del walking
    await settle()
    assert (connection.in_flight, complaints) == (0, [])
