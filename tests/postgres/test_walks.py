"""A walk in front of Postgres yields each item that stays listed exactly once, in every plan."""

import pytest
from postgres import data
from postgres.plans import CHANGING, INDEX, JOINED, PARALLEL, SORT
from postgres.walking import check, walk
from postgres.writers import Writer, stored

LISTINGS = {
    "runs": (data.runs, "runs", (INDEX, SORT, CHANGING)),
    "eights": (data.eights, "measurements", (INDEX, SORT)),
    "dozens": (data.dozens, "measurements", (INDEX, SORT, JOINED, PARALLEL, CHANGING)),
    "undated": (data.undated, "measurements", (INDEX, SORT)),
    "many undated": (data.many_undated, "measurements", (INDEX,)),
}
CASES = [
    pytest.param(fill, listing, plan, concurrency, id=f"{name}-{plan}-{concurrency}")
    for name, (fill, listing, plans) in LISTINGS.items()
    for plan in plans
    for concurrency in (1, 16)
]


@pytest.mark.parametrize(("fill", "listing", "plan", "concurrency"), CASES)
async def test_a_still_listing(fill, listing, plan, concurrency, still):
    server = still(fill, plan)
    check(await walk(server, listing, concurrency=concurrency), stored(server, listing))


@pytest.mark.parametrize(("fill", "listing", "plan", "concurrency"), CASES)
async def test_beside_writers(fill, listing, plan, concurrency, moving):
    server = moving(fill, plan)
    writer = Writer(server, listing, "started_at")
    check(await walk(server, listing, concurrency=concurrency), writer.stayed)
