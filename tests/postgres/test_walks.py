"""A walk in front of Postgres yields each item that stays listed exactly once, in every plan."""

import pytest
from postgres import data
from postgres.plans import PLANS
from postgres.walking import check, walk
from postgres.writers import Writer, stored

LISTINGS = {
    "runs": (data.runs, "runs"),
    "eights": (data.eights, "measurements"),
    "dozens": (data.dozens, "measurements"),
    "undated": (data.undated, "measurements"),
    "many_undated": (data.many_undated, "measurements"),
}


def cases(**names):
    """Return cases by the name of the listing, with each plan and number of requests in flight."""
    found = []
    for name, ways in names.items():
        for way in ways.split():
            plan, concurrency = way.split("-")
            found.append(pytest.param(*LISTINGS[name], PLANS[plan], int(concurrency), id=f"{name}-{way}"))
    return pytest.mark.parametrize(("fill", "listing", "plan", "concurrency"), found)


@cases(
    runs="index-16 sort-1 sort-16 changing-1 changing-16",
    eights="index-1 sort-1 sort-16",
    dozens="index-16 sort-1 sort-16 changing-1 joined-16 parallel-1",
    undated="sort-1 sort-16",
    many_undated="index-1",
)
async def test_a_still_listing(fill, listing, plan, concurrency, still):
    server = still(fill, plan)
    check(await walk(server, listing, concurrency=concurrency), stored(server, listing))


@cases(
    runs="index-1 index-16 sort-1 sort-16 changing-16",
    eights="index-16 sort-1",
    dozens="index-1 sort-1 sort-16 changing-16",
    undated="index-16 sort-16",
)
async def test_beside_writers(fill, listing, plan, concurrency, moving):
    server = moving(fill, plan)
    writer = Writer(server, listing, "started_at")
    check(await walk(server, listing, concurrency=concurrency), writer.stayed)
