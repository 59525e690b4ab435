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
    "many undated": (data.many_undated, "measurements"),
}


def cases(*names):
    """Return cases by the name of the listing, of the plan and the number of requests in flight."""
    found = []
    for case in names:
        name, plan, concurrency = case.rsplit("-", 2)
        found.append(pytest.param(*LISTINGS[name], PLANS[plan], int(concurrency), id=case))
    return pytest.mark.parametrize(("fill", "listing", "plan", "concurrency"), found)


@cases(
    "runs-index-16",
    "runs-sort-1",
    "runs-sort-16",
    "runs-changing-1",
    "runs-changing-16",
    "eights-index-1",
    "eights-sort-1",
    "eights-sort-16",
    "dozens-index-16",
    "dozens-sort-1",
    "dozens-sort-16",
    "dozens-changing-1",
    "dozens-joined-16",
    "dozens-parallel-1",
    "undated-sort-1",
    "undated-sort-16",
    "many undated-index-1",
)
async def test_a_still_listing(fill, listing, plan, concurrency, still):
    server = still(fill, plan)
    check(await walk(server, listing, concurrency=concurrency), stored(server, listing))


@cases(
    "runs-index-1",
    "runs-index-16",
    "runs-sort-1",
    "runs-sort-16",
    "runs-changing-16",
    "eights-index-16",
    "eights-sort-1",
    "dozens-index-1",
    "dozens-sort-1",
    "dozens-sort-16",
    "dozens-changing-16",
    "undated-index-16",
    "undated-sort-16",
)
async def test_beside_writers(fill, listing, plan, concurrency, moving):
    server = moving(fill, plan)
    writer = Writer(server, listing, "started_at")
    check(await walk(server, listing, concurrency=concurrency), writer.stayed)
