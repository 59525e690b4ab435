"""A mirror of an account that stands on Postgres has each row of it."""

import duckdb
import pytest
from postgres import data
from postgres.plans import INDEX, SORT
from postgres.tables import add_import
from postgres.writers import stored

from aiotofupilot.mirror import Mirror
from aiotofupilot.testing import FakeClock, session_in_process


def mirrored(path, listing):
    with duckdb.connect(str(path), read_only=True) as database:
        return {id_ for (id_,) in database.execute(f"SELECT id FROM {listing} WHERE _gone_at IS NULL").fetchall()}  # noqa: S608


@pytest.mark.parametrize("plan", [INDEX, SORT], ids=str)
@pytest.mark.parametrize(
    "fill", [data.few_eights, data.few_dozens, data.few_hundreds], ids=["eights", "dozens", "hundreds"]
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
