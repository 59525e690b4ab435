"""A listing is counted in a few requests, and never wrongly: a server that gives nothing to search by is refused.

- A count was the length of the listing at some time meanwhile; a server that cannot be searched is refused.
"""

import asyncio
from contextlib import suppress
from json import dumps
from urllib.parse import parse_qsl

import pytest
from fakes import paging
from fakes.budget import NIGHTLY, combined
from fakes.in_process import InProcess
from fakes.listings import Connection
from hypothesis import given, strategies as st

from aiotofupilot import Checkpoint, DriftError, PaginationError, ServerError
from aiotofupilot.listings import Procedures
from aiotofupilot.sandbox import BusyLine, Sandbox, faults, make_procedures

SUPPLY = make_procedures(10_000)


class Numbers(Connection):
    """A listing of as many items as a test wants, each of which is its own place."""

    def __init__(self, total):
        super().__init__()
        self.total, self.asked = total, []

    async def get(self, target, read, counts, **_):
        query = dict(parse_qsl(target.partition("?")[2]))
        cursor, limit = int(query.get("cursor", 0)), int(query["limit"])
        self.asked.append((cursor, limit))
        await asyncio.sleep(0)
        end = min(cursor + limit, self.total)
        items = [{"id": str(place), "name": "", "created_at": "2026-02-01T00:00:00Z"} for place in range(cursor, end)]
        meta = {"has_more": end < self.total, "next_cursor": end if end < self.total else None}
        self.body = dumps({"data": items, "meta": meta}).encode()
        return await super().get(target, read, counts)

    async def count(self, *, limit=100, concurrency=1):
        return await Procedures(self).list(limit=limit, concurrency=concurrency).count()


@pytest.mark.parametrize(
    ("total", "one_at_a_time", "several_at_once"),
    [
        (0, 1, 1),
        (100, 1, 1),
        (101, 2, 2),
        (200, 2, 2),
        (1_000, 10, 15),
        (10_000, 13, 18),
        (100_000, 19, 29),
        (1_000_000, 25, 36),
        (2**40, 55, 83),
    ],
)
async def test_a_count_takes_few_requests(total, one_at_a_time, several_at_once):
    for concurrency, requests in ((1, one_at_a_time), (4, several_at_once), (64, several_at_once)):
        numbers = Numbers(total)
        assert await numbers.count(concurrency=concurrency) == total
        assert len(numbers.asked) == requests


async def test_a_count_asks_for_whole_pages_at_the_beginning_and_at_the_end():
    """The pages in between have one item each, because they only tell whether the listing reaches that far."""
    numbers = Numbers(100_000)
    await numbers.count()
    assert [limit for _, limit in numbers.asked] == [100, 100, *[1] * 16, 100]


async def test_a_listing_that_never_ends_is_refused():
    with pytest.raises(DriftError, match="has no end: it continues after"):
        await Numbers(2**60).count()


@pytest.fixture
def service():
    return Sandbox(SUPPLY[:1050])


async def test_all_items_that_match_count_wherever_a_walk_would_begin_and_end(connection):
    make = connection.procedures.list
    assert await make().count() == 1050
    assert await make(cursor=Checkpoint(500, 3), max_items=7, on_drift="resync").count() == 1050
    assert await make().raw().count() == 1050
    found = await make(search_query="battery").collect()
    assert 0 < len(found) < 1050
    assert await make(search_query="battery").count() == len(found)


async def test_at_most_four_pages_are_in_flight(connection):
    """And no more than the concurrency allows."""
    await connection.procedures.list(concurrency=2).count()
    assert connection.most_in_flight == 2
    await connection.procedures.list(concurrency=64).count()
    assert connection.most_in_flight == 4


@pytest.mark.parametrize("odd", [paging.capped(25), paging.capped(1), paging.short_pages(1)])
@pytest.mark.parametrize("total", [0, 1, 26, 1050])
async def test_a_server_whose_pages_are_short_is_counted(odd, total):
    """Its cursors are offsets all the same."""
    for limit, concurrency in combined((1, 2, 100), (1, 4)):
        connection = InProcess(Sandbox(SUPPLY[:total], paging=odd))
        assert await connection.procedures.list(limit=limit, concurrency=concurrency).count() == total
        assert len(connection.cursors) <= 30


@pytest.mark.parametrize(
    ("odd", "error"),
    [
        (paging.hidden_rows(10, 25), DriftError),
        (paging.page_numbers, DriftError),
        (paging.null_cursor, PaginationError),
        (paging.repeating_cursor(), PaginationError),
        (paging.cycling_cursor(100), PaginationError),
        (paging.backward_cursor(100), PaginationError),
        (paging.endless_empty(1050), DriftError),
        (paging.endless_empty(100), DriftError),
    ],
)
@pytest.mark.parametrize("total", [150, 1050])
async def test_a_server_that_gives_nothing_to_search_by_is_refused(odd, error, total):
    """After a few requests. Where the oddity does not show, because the listing ends before, the count is right."""
    for limit, concurrency in combined((2, 10, 100), (1, 4)):
        connection = InProcess(Sandbox(SUPPLY[:total], paging=odd))
        counted = None
        with suppress(error):
            counted = await connection.procedures.list(limit=limit, concurrency=concurrency).count()
        assert counted in ({None} if total == 1050 else {None, 150})
        assert len(connection.cursors) <= 30


@pytest.mark.parametrize(("bad", "concurrency"), [(0, 1), (400, 1), (400, 4), (1000, 4)])
async def test_an_item_that_cannot_be_read_ends_a_count_that_meets_it(bad, concurrency):
    """Whatever is to be skipped. It counts where no page of the search has it."""
    service = Sandbox(procedures=1001)
    for on_unreadable in ("raise", "skip"):
        listing = InProcess(service).procedures.list(limit=10, concurrency=concurrency, on_unreadable=on_unreadable)
        service.faults.always(faults.unreadable(service.procedures[bad].id))
        if bad == 400:
            assert await listing.count() == 1001
        else:
            with pytest.raises(ServerError):
                await listing.count()
        service.faults.clear()


async def test_an_error_ends_the_requests_that_were_sent_together_with_the_one_that_failed(service):
    """Their answers would take longer, and they end only some steps after they were cancelled."""

    class Slow(InProcess):
        async def _respond(self, target):
            try:
                for _ in range(0 if "cursor=3200" in target else 20):
                    await asyncio.sleep(0)
            except asyncio.CancelledError:
                for _ in range(5):
                    await asyncio.sleep(0)
                raise
            return await super()._respond(target)

    service.faults.on(cursor=3200).next(faults.status(500))
    connection = Slow(service, attempts=1)
    with pytest.raises(ServerError):
        await connection.procedures.list(concurrency=4).count()
    assert connection.most_in_flight == 4
    assert connection.in_flight == 0


@pytest.mark.parametrize("turns", range(1, 12))
async def test_a_count_that_is_cancelled_leaves_nothing_in_flight(service, turns):
    connection = InProcess(service, turns=lambda: 3)
    counting = asyncio.create_task(connection.procedures.list(concurrency=4).count())
    for _ in range(turns):
        await asyncio.sleep(0)
    counting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await counting
    assert connection.in_flight == 0


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 500, 950, 1049, 1051, 1100, 6050])
async def test_what_comes_or_goes_during_a_count_counts_once_that_shows(length):
    """The number is right for one moment of the search."""

    for before in range(2, 12, 1 if NIGHTLY else 3):
        service = Sandbox(SUPPLY[:1050])
        connection = InProcess(service)

        def change(*_, before=before, service=service, connection=connection):
            if len(connection.cursors) == before:
                service.procedures[:] = SUPPLY[:length]

        service.before_response.append(change)
        assert await connection.procedures.list().count() in {1050, length}
        assert len(connection.cursors) <= 40


async def test_a_listing_that_never_stays_as_it_is_is_refused():
    """It is four items long, or a thousand, in turns."""
    service = Sandbox(SUPPLY[:1050])

    class Flickering(InProcess):
        async def _respond(self, target):
            service.procedures[:] = SUPPLY[:1050] if len(self.cursors) % 2 else SUPPLY[:4]
            return await super()._respond(target)

    connection = Flickering(service)
    connection.cursors.append(0)
    with pytest.raises(DriftError, match="moves too much to be counted"):
        await connection.procedures.list(limit=2).count()
    assert len(connection.cursors) < 200


@pytest.mark.parametrize(
    "totals",
    [[1000, 1000, 81, 1000], [1000, 1000, 1000, 321, 30], [1000, 1000, 38, 38, 38, 38, 45]],
    ids=["it has grown", "it has shrunk", "it has grown beyond an empty page"],
)
async def test_what_a_later_page_contradicts_is_forgotten(totals):
    """The last one of the lengths is the count."""

    class Changing(Numbers):
        async def get(self, *arguments, **options):
            self.total = totals[min(len(self.asked), len(totals) - 1)]
            return await super().get(*arguments, **options)

    numbers = Changing(0)
    assert await numbers.count(limit=10) == totals[-1]
    assert len(totals) < len(numbers.asked) <= 16


class Watching(InProcess):
    """Remembers how long the listing was at each answer."""

    def __init__(self, service, **options):
        super().__init__(service, **options)
        self.lengths = set()

    async def _respond(self, target):
        self.lengths.add(len(self.service.procedures))
        answer = await super()._respond(target)
        self.lengths.add(len(self.service.procedures))
        return answer


@given(
    total=st.integers(0, 2000),
    limit=st.integers(1, 100),
    concurrency=st.integers(1, 5),
    rates=st.tuples(st.floats(0, 3), st.floats(0, 3)),
    seed=st.integers(0, 1000),
)
def test_a_count_is_a_length_that_the_listing_had_meanwhile(total, limit, concurrency, rates, seed):
    """One of which more than a hundred items come and go within the few requests of a count may be refused."""
    service = Sandbox(SUPPLY[:total])
    service.before_response.append(BusyLine(inserts=rates[0], removals=rates[1], seed=seed))
    connection = Watching(service)
    try:
        counted = asyncio.run(connection.procedures.list(limit=limit, concurrency=concurrency).count())
    except DriftError:
        ids = {procedure.id for procedure in service.procedures}
        assert len(ids ^ {procedure.id for procedure in SUPPLY[:total]}) > 100
    else:
        assert counted in connection.lengths
