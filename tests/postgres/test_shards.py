"""Shards and counts in front of Postgres."""

import pytest
from postgres import data
from postgres.costs import measured
from postgres.loops import by_value
from postgres.plans import CHANGING, INDEX, SORT
from postgres.walking import check, listed
from postgres.writers import Writer, stored

from aiotofupilot.testing import session_in_process


async def in_shards(server, listing, n):
    """Return the IDs of all shards, and how many items they count."""
    async with session_in_process(server) as session:
        shards = await listed(session, listing).shards(n)
        assert len(shards) > n / 2
        parts = [await session.list(shard, limit=100).collect() for shard in shards]
        return [item.id for part in parts for item in part]


@pytest.mark.parametrize(("plan", "n"), [(INDEX, 8), (SORT, 50), (SORT, 2), (CHANGING, 2)], ids=str)
async def test_shards_of_a_still_listing(plan, n, still):
    server = still(data.more_runs, plan)
    check(await in_shards(server, "runs", n), stored(server, "runs"))


async def test_an_index_serves_the_order_and_the_bounds(still):
    """Postgres looks at what the parts have, and a little more for the cuts."""
    server = still(data.many_apart, INDEX)
    with measured(server) as loop:
        check([item["id"] for item in by_value(server, "runs", "started_at")], stored(server, "runs"))
    async with session_in_process(server) as session:
        shards = await listed(session, "runs").shards(20)
        with measured(server) as parts:
            check(
                [item.id for shard in shards async for item in session.list(shard, limit=100)], stored(server, "runs")
            )
    assert parts.blocks <= 2.5 * loop.blocks


@pytest.mark.parametrize("plan", [INDEX, SORT], ids=str)
async def test_shards_beside_writers(plan, moving):
    server = moving(data.runs, plan)
    writer = Writer(server, "runs", "started_at")
    check(await in_shards(server, "runs", 10), writer.stayed)


@pytest.mark.parametrize("plan", [INDEX, SORT], ids=str)
@pytest.mark.parametrize(("fill", "listing"), [(data.runs, "runs"), (data.dozens, "measurements")])
async def test_a_count(fill, listing, plan, still):
    server = still(fill, plan)
    async with session_in_process(server) as session:
        assert await listed(session, listing).count() == len(stored(server, listing))
