"""A listing that is longer than its server goes is counted all the same, by the time that sorts it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from fakes import paging
from fakes.budget import combined
from fakes.in_process import InProcess
from fakes.paging import ignored_cursor

from aiotofupilot import BadRequestError, DriftError
from aiotofupilot.listings import Runs
from aiotofupilot.sandbox import Sandbox, make_procedures

TOTAL = 5_000
SUPPLY = make_procedures(TOTAL)


def clamped_to_the_last_page(total, cursor, limit):
    """Show the last items, as many as were asked for, whatever cursor beyond them is asked for."""
    return paging.offsets(total, min(cursor, max(0, total - limit)), limit)


def clamped_to_a_whole_page(total, cursor, limit):
    """Show the last page, whatever cursor beyond it is asked for."""
    return paging.offsets(total, min(cursor, (total - 1) // limit * limit), limit)


class Refusing(InProcess):
    """Refuses pages that reach beyond an offset."""

    def __init__(self, service, at):
        super().__init__(service)
        self.at = at

    async def _respond(self, target):
        query = dict(pair.split("=") for pair in target.partition("?")[2].split("&"))
        if int(query.get("cursor", 0)) + int(query["limit"]) > self.at:
            self.cursors.append(int(query["cursor"]))
            raise BadRequestError("the cursor is too large", status=400)
        return await super()._respond(target)


def server(cap, at, total=TOTAL):
    """A server that goes no deeper than to an offset, in one of three ways."""
    if cap == "refused":
        return Refusing(Sandbox(SUPPLY[:total]), at)
    return InProcess(Sandbox(SUPPLY[:total], paging=getattr(paging, f"{cap}_cursor")(at)))


CAPS = pytest.mark.parametrize("cap", ["ending", "refused", "clamped"])


@CAPS
@pytest.mark.parametrize(("at", "concurrency"), combined((1000, 1050), (1, 4)))
async def test_what_stands_behind_the_last_item_counts(cap, at, concurrency):
    connection = server(cap, at)
    assert await connection.procedures.list(concurrency=concurrency).count() == TOTAL
    assert len(connection.cursors) < 90


async def test_a_walk_that_counts_may_be_wrong_and_that_is_said(caplog):
    """There are 1,500 items all the time. With each request, the last one is removed and a new one created."""

    class Changing(InProcess):
        async def _respond(self, target):
            items = self.service.procedures
            newest = items[0].created_at + timedelta(seconds=1)
            items[:] = [evolve(items[0], id=f"new-{len(self.cursors)}", created_at=newest), *items[:-1]]
            return await super()._respond(target)

    connection = Changing(Sandbox(SUPPLY[:1500], paging=paging.ending_cursor(1000)))
    assert await connection.procedures.list(limit=100).count() != 1500
    assert "a walk counts them: the number may be wrong if items are created and removed meanwhile" in caplog.text


@CAPS
@pytest.mark.parametrize("total", [1, 899, 900, 999, 1000])
async def test_a_listing_that_ends_before_is_counted(cap, total):
    assert await server(cap, 1000, total).procedures.list().count() == total


@pytest.mark.parametrize(("total", "requests"), [(890, 10), (910, 11), (5000, 14)])
async def test_an_end_is_confirmed_from_cursor_900_on(total, requests):
    """By one request at cursor 0."""
    connection = InProcess(Sandbox(SUPPLY[:total]))
    assert await connection.procedures.list(limit=100).count() == total
    assert len(connection.cursors) == requests
    assert (connection.cursors[-1] == 0) is (total >= 900)


@CAPS
async def test_shards_of_such_a_listing_have_similar_sizes(cap):
    connection = server(cap, 1000)
    shards = await connection.procedures.list().shards(8)
    sizes = [await connection.procedures.part(shard, limit=100).count() for shard in shards]
    assert (len(sizes), sum(sizes)) == (8, TOTAL)
    assert max(sizes) < 1.5 * TOTAL / 8


@pytest.mark.parametrize("cap", ["refused", "clamped"])
async def test_a_listing_without_such_a_filter_cannot_be_counted(cap):
    """Where a server ends such a listing in silence, nothing tells it."""
    service = Sandbox(procedures=1, runs=1500)
    if cap == "clamped":
        service.paging = paging.clamped_cursor(1000)
    connection = InProcess(service) if cap == "clamped" else Refusing(service, 1000)
    with pytest.raises(BadRequestError if cap == "refused" else DriftError):
        await Runs(connection).list(sort_by="duration", limit=100).count()


@pytest.mark.parametrize("first", [0, 100, 1000])
async def test_items_of_one_time_that_change_places_are_not_taken_for_a_cap(first):
    """Postgres may list them in another order at each cursor."""
    last = SUPPLY[first + 399].created_at
    connection = InProcess(
        Sandbox([*SUPPLY[:first], *(evolve(item, created_at=last) for item in SUPPLY[first : first + 400])])
    )
    connection.service.before_response.append(paging.shuffled_ties("procedures"))
    for limit, concurrency in combined((10, 50, 100), (1, 4)):
        assert await connection.procedures.list(limit=limit, concurrency=concurrency).count() == first + 400


@pytest.mark.parametrize("alike", [1, 60, 150])
@pytest.mark.parametrize("total", [1000, 5000])
async def test_items_of_one_time_at_the_end_are_no_more_behind_it(total, alike):
    """A page may end among them, or have nothing else."""
    last = SUPPLY[total - 1].created_at
    supply = [*SUPPLY[: total - alike], *(evolve(item, created_at=last) for item in SUPPLY[total - alike : total])]
    connection = InProcess(Sandbox(supply))
    assert await connection.procedures.list().count() == total
    assert len(connection.cursors) <= 14


async def test_items_from_the_beginning_of_the_calendar_are_counted():
    """Nothing is created before it, and no bound can say so."""
    service = Sandbox(procedures=1, runs=1000)
    first = datetime.min.replace(tzinfo=UTC)
    service.runs[:] = [evolve(run, started_at=first) for run in service.runs]
    assert await Runs(InProcess(service)).list(limit=100).count() == 1000


@pytest.mark.parametrize(("first", "limit"), [(900, 100), *((880, limit) for limit in range(84, 100, 3))])
async def test_items_of_one_time_at_the_cap_all_count(first, limit):
    """The last page may have no other."""
    supply = [*SUPPLY[:first], *(evolve(item, created_at=SUPPLY[960].created_at) for item in SUPPLY[first:960])]
    supply += SUPPLY[960:1500]
    connection = InProcess(Sandbox(supply, paging=paging.ending_cursor(930)))
    assert await connection.procedures.list(limit=limit).count() == 1500


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_what_is_created_during_a_count_is_not_taken_for_a_cap(order):
    """In ascending order, it stands behind the end that was found."""
    connection = InProcess(Sandbox(procedures=1, runs=1000))
    runs = connection.service.runs

    async def added():
        newest = runs[0]
        runs.insert(0, evolve(newest, id="new", started_at=newest.started_at + timedelta(seconds=1)))

    class Adding(InProcess):
        async def _respond(self, target):
            if "started_before" in target or "started_after" in target:
                await added()
            return await super()._respond(target)

    adding = Adding(connection.service)
    assert await Runs(adding).list(sort_order=order, limit=100).count() in (1000, 1001)
    assert len(adding.cursors) < 14


async def test_a_filter_that_is_ignored_confirms_nothing_and_that_is_said(caplog):
    class Deaf(InProcess):
        async def _respond(self, target):
            return await super()._respond(re.sub(r"&?created_before=[^&]*", "", target))

    connection = Deaf(Sandbox(SUPPLY))
    assert await connection.procedures.list().count() == TOTAL
    assert len(connection.cursors) == 14
    assert "the server does not filter procedures by time, so more may follow the last one" in caplog.text


@pytest.mark.parametrize(
    "odd", [clamped_to_the_last_page, clamped_to_a_whole_page, paging.clamped_cursor(300), paging.clamped_cursor(1000)]
)
@pytest.mark.parametrize("total", [150, 1050])
async def test_a_server_that_shows_a_page_again_is_counted_by_a_walk(odd, total):
    for limit, concurrency in combined((10, 100), (1, 4)):
        connection = InProcess(Sandbox(SUPPLY[:total], paging=odd))
        assert await connection.procedures.list(limit=limit, concurrency=concurrency).count() == total


@pytest.mark.parametrize("at", [0, 500])
async def test_a_server_that_shows_one_page_for_ever_is_refused(at):
    connection = InProcess(Sandbox(SUPPLY[:1050], paging=ignored_cursor(at)))
    with pytest.raises(DriftError):
        await connection.procedures.list().count()


@pytest.mark.parametrize("concurrency", [1, 16])
async def test_a_walk_requests_nothing_ahead_beyond_a_cursor_that_was_refused(concurrency):
    walk = server("refused", 300).procedures.list(limit=50, concurrency=concurrency).walk()
    assert len([item async for item in walk]) == TOTAL
    assert walk.stats.requests <= 1.35 * TOTAL / 50
