"""A mirror of an account that stands on Postgres has each row of it."""

import duckdb
import pytest
from postgres import data
from postgres.costs import measured
from postgres.loops import by_value
from postgres.plans import CHANGING, INDEX, SORT
from postgres.tables import add_import
from postgres.walking import check
from postgres.writers import stored
from psycopg.types.json import Jsonb

from aiotofupilot.mirror import Mirror
from aiotofupilot.mirror.update import Update
from aiotofupilot.testing import FakeClock, session_in_process


def mirrored(path, listing):
    with duckdb.connect(str(path), read_only=True) as database:
        return {id_ for (id_,) in database.execute(f"SELECT id FROM {listing} WHERE _gone_at IS NULL").fetchall()}  # noqa: S608


@pytest.mark.parametrize(
    ("fill", "plan"),
    [
        pytest.param(data.few_eights, INDEX, id="eights"),
        pytest.param(data.few_dozens, SORT, id="dozens"),
        pytest.param(data.few_hundreds, SORT, id="hundreds"),
        pytest.param(data.few_undated, INDEX, id="undated"),
        pytest.param(data.few_undated, SORT, id="undated-sort"),
    ],
)
async def test_runs_and_their_measurements(fill, plan, moving, tmp_path):
    """Those of one run have one time. What is imported afterwards comes with the next update."""
    server = moving(fill, plan)
    path, clock = tmp_path / "line.duckdb", FakeClock()
    async with session_in_process(server, clock) as session:
        mirror = Mirror(path, session=session, listings=["runs", "measurements"])
        await mirror.update()
        for listing in ("runs", "measurements"):
            assert mirrored(path, listing) == stored(server, listing)
        add_import(server.connection, 500, at=clock.now())
        await clock.advance(5)
        await mirror.update()
        assert mirrored(path, "runs") == stored(server, "runs")


@pytest.mark.parametrize(("removed", "plan"), [(1, SORT), (7, INDEX), (7, SORT), (7, CHANGING)], ids=str)
async def test_runs_of_one_import_that_were_removed(removed, plan, moving, tmp_path):
    """They have one time, and are more than a page."""
    server = moving(data.imported, plan)
    path, clock = tmp_path / "line.duckdb", FakeClock()
    async with session_in_process(server, clock) as session:
        mirror = Mirror(path, session=session, listings=["runs"])
        await mirror.update()
        ids = sorted(stored(server, "runs"))[3 :: 500 // removed][:removed]
        server.connection.execute("DELETE FROM runs WHERE id = ANY(%s)", (ids,))
        for gone in (0, removed):
            await clock.advance(120)
            (result,) = await mirror.update()
            assert (result.gone, result.doubt) == (gone, None)
        assert mirrored(path, "runs") == stored(server, "runs")


@pytest.mark.parametrize("plan", [INDEX, SORT], ids=str)
async def test_more_than_a_page_of_measurements_of_a_run_that_nothing_tells_apart(plan, moving, tmp_path):
    """What the pages show is stored, and the result says that more may be missing."""
    server = moving(data.long_undated, plan)
    path, clock = tmp_path / "line.duckdb", FakeClock()
    async with session_in_process(server, clock) as session:
        mirror = Mirror(path, session=session, listings=["runs", "measurements"])
        for full in (False, True):
            runs, measurements = await mirror.update(full=full)
            assert (runs.is_unchecked, measurements.is_unchecked) == (False, True)
            assert (measurements.gone, measurements.doubt) == (0, None)
        assert mirrored(path, "runs") == stored(server, "runs")
        found = mirrored(path, "measurements")
        assert found <= stored(server, "measurements")
        assert len(found) == (600 if plan is INDEX else pytest.approx(600, abs=20))


@pytest.mark.parametrize(
    ("listing", "fill", "order"),
    [("runs", data.more_runs, {"sort_by": "created_at"}), ("procedures", data.more_procedures, {})],
)
async def test_a_first_load_costs_postgres_twice_of_a_loop(listing, fill, order, still, tmp_path):
    """A loop goes by value, at cursor 0 of each page."""
    server = still(fill, INDEX)
    with measured(server) as loop:
        check([item["id"] for item in by_value(server, listing, "created_at", **order)], stored(server, listing))
    with measured(server) as load:
        async with session_in_process(server, FakeClock()) as session:
            await Mirror(tmp_path / "line.duckdb", session=session, listings=[listing]).update()
    assert mirrored(tmp_path / "line.duckdb", listing) == stored(server, listing)
    assert load.blocks <= 2 * loop.blocks


@pytest.mark.parametrize(("overlap", "comes"), [(60, False), (120, True)])
async def test_the_overlap_of_a_mirror(overlap, comes, moving, tmp_path, monkeypatch):
    async def look(*_):
        """Find no late run while looking for removed ones."""

    monkeypatch.setattr(Update, "_find_removed", look)
    server = moving(data.few_runs, INDEX)
    path, clock = tmp_path / "line.duckdb", FakeClock()
    async with session_in_process(server, clock) as session:
        mirror = Mirror(path, session=session, listings=["runs"], overlap=overlap)
        await mirror.update()
        began = clock.now()
        await clock.advance(75)
        add_import(server.connection, 1, at=clock.now())
        await mirror.update()
        await clock.advance(15)
        server.connection.execute(
            "INSERT INTO runs SELECT (jsonb_populate_record(r, %s)).* FROM runs r ORDER BY id LIMIT 1",
            (Jsonb({"id": "late", "created_at": began.isoformat()}),),
        )
        (result,) = await mirror.update()
    assert ("late" in mirrored(path, "runs")) is comes
    assert result.new == comes
    assert (
        73 * comes <= result.lateness <= 75 * comes
    )  # up to a second for the first request, and another for the floor
