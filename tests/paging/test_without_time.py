"""No filter by time finds items without one. They stand after all others, or before them if the newest comes first."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from fakes import paging
from fakes.in_process import InProcess

from aiotofupilot import Checkpoint, DriftError
from aiotofupilot.cli.check import EXACT, NOT_PROVEN, verdict
from aiotofupilot.listings import Measurements
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.rest import Refusal

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TEMPLATE = Sandbox(procedures=1, runs=1).measurements[0]
CAP = 1000


def refusing_cursor(at):
    def refusing(total, cursor, limit):
        if cursor + limit > at:
            raise Refusal(400, "BAD_REQUEST", f"cursor must be at most {at}")
        return paging.offsets(total, cursor, limit)

    return refusing


CAPS = pytest.mark.parametrize("cap", [paging.ending_cursor, paging.clamped_cursor, refusing_cursor])


def measurements(with_time, without=0):
    """Return measurements in ascending order."""
    times = [BEGIN + timedelta(minutes=number) for number in range(with_time)] + [None] * without
    return [evolve(TEMPLATE, id=f"m{number:05}", started_at=time) for number, time in enumerate(times)]


def server(rows, cut=paging.offsets):
    service = Sandbox(procedures=1, runs=1, paging=cut)
    service.measurements[:] = reversed(rows)
    return InProcess(service)


def listing(connection, **options):
    return Measurements(connection).list(procedure_id=connection.service.procedures[0].id, **options)


async def ids_of(walk):
    return [item.id async for item in walk]


@pytest.mark.parametrize(("with_time", "without"), [(950, 0), (950, 20), (1480, 0), (1480, 20)])
@pytest.mark.parametrize("concurrency", [1, 8])
async def test_a_listing_that_is_shown_to_its_end_is_exact(with_time, without, concurrency, tmp_path):
    rows, path = measurements(with_time, without), tmp_path / "receipt"
    options = {"limit": 100, "concurrency": concurrency, "on_drift": "resync", "sort_order": "asc"}
    async with listing(server(rows), **options).walk(receipt=path) as walk:
        assert await ids_of(walk) == [row.id for row in rows]
    with path.open("rb") as receipt:
        assert verdict(receipt)[0] == EXACT


@CAPS
@pytest.mark.parametrize("total", [1500, 20_000])
async def test_a_walk_says_that_a_cap_may_hide_them(cap, total, tmp_path, caplog):
    rows, path = measurements(total - 20, 20), tmp_path / "receipt"
    connection = server(rows, cap(CAP))
    async with listing(connection, limit=100, sort_order="asc").walk(receipt=path) as walk:
        assert await ids_of(walk) == [row.id for row in rows[:-20]]
    assert walk.stats.is_unchecked
    warning = "the listing may continue after its apparent end, and no filter by time can show it"
    assert [record.message.split(":")[0] for record in caplog.records if record.levelname == "WARNING"] == [warning]
    with path.open("rb") as receipt:
        assert verdict(receipt)[0] == NOT_PROVEN
    assert len(connection.cursors) < 1.05 * total / 100 + 30


@CAPS
async def test_a_walk_says_so_if_the_last_items_before_them_fill_a_page(cap, caplog):
    rows = measurements(1480, 20)
    rows[-170:-20] = [evolve(row, started_at=rows[-21].started_at, measurement_name=row.id) for row in rows[-170:-20]]
    async with listing(server(rows, cap(CAP)), limit=100, sort_order="asc").walk() as walk:
        assert sorted(await ids_of(walk)) == [row.id for row in rows[:-20]]
    assert walk.stats.is_unchecked
    assert "the listing may continue after its apparent end" in caplog.text


@CAPS
async def test_a_count_does_not_leave_them_out_in_silence(cap):
    with pytest.raises(DriftError, match="no filter by time can show"):
        await listing(server(measurements(1480, 20), cap(CAP)), limit=100, sort_order="asc").count()


@pytest.mark.parametrize("removed", [2, 20])
async def test_nothing_is_hidden_if_the_last_items_were_removed_meanwhile(removed):
    """The listing itself ends before the last item then, as on a server with a cap."""
    rows = measurements(1480)

    class Removing(InProcess):
        async def _respond(self, target):
            if len(self.service.measurements) == len(rows) and int(target.partition("cursor=")[2] or 0) > 1400:
                del self.service.measurements[:removed]
            return await super()._respond(target)

    connection = Removing(server(rows).service)
    async with listing(connection, limit=100, sort_order="asc", on_drift="resync").walk() as walk:
        assert await ids_of(walk) == [row.id for row in rows]
    assert len(connection.service.measurements) == len(rows) - removed


@pytest.mark.parametrize("on_drift", [None, "resync"])
@pytest.mark.parametrize("limit", [3, 100])
@pytest.mark.parametrize("yielded", [1, 4, 6, 8])
async def test_a_resumed_walk_finds_out_that_they_come_first(on_drift, limit, yielded):
    connection = server(measurements(4, 4))
    options = {"limit": limit} | ({} if on_drift is None else {"on_drift": on_drift})
    async with listing(connection, **options).walk() as walk:
        ids = [(await anext(walk)).id for _ in range(yielded)]
    resumed = Checkpoint.parse(str(walk.checkpoint))
    async with listing(connection, cursor=resumed, **options).walk() as walk:
        assert ids + await ids_of(walk) == [row.id for row in connection.service.measurements]


async def test_if_only_such_items_are_left_a_resumed_walk_does_not_know_whether_they_were_yielded():
    connection = server(measurements(4, 4))
    async with listing(connection, sort_order="asc").walk() as walk:
        for _ in range(4):
            await anext(walk)
    del connection.service.measurements[4:]
    async with listing(connection, sort_order="asc", cursor=walk.checkpoint, on_drift="resync").walk() as resumed:
        with pytest.raises(DriftError, match="no filter by time can show"):
            await ids_of(resumed)
