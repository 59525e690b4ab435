"""Passes over what is new, and streams, in front of Postgres: each item comes once, and an idle pass costs little."""

from datetime import timedelta
from random import Random

import pytest
from attrs import define
from postgres import data
from postgres.plans import CHANGING, INDEX, SORT
from postgres.tables import NEWEST, add_import
from postgres.walking import check, listed
from postgres.writers import Writer, stored

from aiotofupilot import Watermark
from aiotofupilot.testing import FakeClock, session_in_process


@define
class Follower:
    """Makes one pass after the other, and keeps nothing but the text of the watermark."""

    server: object
    clock: FakeClock
    listing: str = "runs"
    concurrency: int = 1
    overlap: float = 60
    watermark: str | None = None
    lateness: float = 0

    async def __call__(self):
        """Return the IDs of a pass."""
        since = None if self.watermark is None else Watermark.parse(self.watermark)
        async with session_in_process(self.server, self.clock) as session:
            walk = listed(session, self.listing, concurrency=self.concurrency).since(since, overlap=self.overlap)
            came = [item.id async for item in walk]
            self.watermark = str(walk.watermark)
            self.lateness = max(self.lateness, walk.stats.lateness)
        return came


@pytest.fixture
def clock():
    return FakeClock(start=NEWEST + timedelta(minutes=15))


@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize("plan", [INDEX, SORT, CHANGING], ids=str)
async def test_an_import_of_500_at_one_time(plan, concurrency, still, clock):
    server = still(data.imported, plan)
    follow = Follower(server, clock, concurrency=concurrency)
    check(await follow(), stored(server, "runs"))


@pytest.mark.parametrize(("late", "overlap"), [(55, 60), (90, 120)])
@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize("plan", [INDEX, SORT], ids=str)
async def test_what_is_committed_late(plan, concurrency, late, overlap, moving, clock):
    """A transaction dates its rows by its beginning. They come if it takes less than the overlap."""
    server = moving(data.runs, plan)
    follow = Follower(server, clock, concurrency=concurrency, overlap=overlap)
    random, came = Random(1), await follow()  # noqa: S311 - waits of a test
    writer = Writer(server, "runs", "created_at", created=3, removed=0, now=clock.now, ties=False, late=late)
    for _ in range(12):
        await clock.advance(random.choice([1, 5, 20, 300]))
        came += await follow()
    writer.stop()
    await clock.advance(5)
    came += await follow()
    check(came, stored(server, "runs"))
    assert 1 < follow.lateness <= late


@pytest.mark.parametrize(("overlap", "comes"), [(60, 0), (120, 1)])
async def test_a_longer_overlap_is_for_longer_transactions(overlap, comes, moving, clock):
    """The stats say how long it has to be, as far as it is long enough."""
    server = moving(data.few_runs, INDEX)
    follow = Follower(server, clock, overlap=overlap)
    await follow()
    began = clock.now()
    await clock.advance(75)
    add_import(server.connection, 1, at=clock.now())
    assert len(await follow()) == 1
    await clock.advance(15)
    server.connection.execute("UPDATE runs SET id = 'old' WHERE id = (SELECT min(id) FROM runs)")
    server.connection.execute("UPDATE runs SET created_at = %s WHERE id = 'old'", (began,))
    assert len(await follow()) == comes
    assert (
        73 * comes <= follow.lateness <= 75 * comes
    )  # up to a second for the first request, and another for the floor


async def test_what_is_committed_late_comes_after_hours_without_any(moving, clock):
    server = moving(data.few_runs, INDEX)
    follow = Follower(server, clock)
    for _ in range(5):
        await follow()
        await clock.advance(3600)
    began = clock.now()
    for _ in range(3):
        assert await follow() == []
        await clock.advance(18)
    add_import(server.connection, 1, at=began)
    assert len(await follow()) == 1


@pytest.mark.parametrize(("plan", "count"), [(INDEX, 20_000), (SORT, 1_000)], ids=str)
async def test_an_idle_pass_after_an_import_costs_three_requests(plan, count, moving, clock):
    """Ten minutes of the server's clock after the import was seen first."""
    server = moving(data.few_runs, plan)
    follow = Follower(server, clock)
    await follow()
    add_import(server.connection, count, at=clock.now())
    await clock.advance(5)
    assert len(await follow()) == count
    await clock.advance(601)
    assert await follow() == []
    for _ in range(3):
        await clock.advance(60)
        server.log.clear()
        assert await follow() == []
        requests = len(server.log)
        assert requests <= 3
        assert len(follow.watermark) < 2_000


async def test_a_stream_yields_what_is_committed_late(moving, clock):
    server = moving(data.runs, INDEX)
    writer = Writer(server, "runs", "created_at", removed=0, now=clock.now, ties=False, late=30)

    def check_requests(server):
        assert len(server.log) < 300, "what is missing does not come"

    server.before_response.append(check_requests)
    came = []
    async with session_in_process(server, clock) as session, listed(session, "runs").follow() as stream:
        before = set(writer.created)
        async for item in stream:
            came.append(item.id)
            if len(came) == 40:
                writer.stop()
            if len(came) >= 40 and not writer.created - before - set(came):
                break
    check(came, writer.created - before)
