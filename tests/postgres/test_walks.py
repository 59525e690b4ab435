"""A walk in front of Postgres yields each item that stays listed exactly once, in every plan."""

from collections import Counter

import pytest
from postgres import data
from postgres.plans import CHANGING, INDEX, JOINED, PARALLEL, SORT
from postgres.tables import PROCEDURE
from postgres.today import FAILS_TODAY
from postgres.writers import Writer, stored

from aiotofupilot.testing import session_in_process

LISTINGS = {
    "runs": (data.runs, "runs", (INDEX, SORT, CHANGING)),
    "eights": (data.eights, "measurements", (INDEX, SORT)),
    "dozens": (data.dozens, "measurements", (INDEX, SORT, JOINED, PARALLEL, CHANGING)),
    "undated": (data.undated, "measurements", (INDEX, SORT)),
    "many undated": (data.many_undated, "measurements", (INDEX,)),
}
STILL_FAILS = {"runs-sort", "eights-sort", "dozens-sort", "dozens-joined", "dozens-parallel", "undated-sort"}
STILL_FAILS |= {"dozens-changing-1"}
BESIDE_WRITERS_FAILS = STILL_FAILS | {"dozens-index-1"}


def cases(failing):
    """Return each listing, in each plan, with 1 and with 16 requests in flight."""
    return [
        pytest.param(
            fill,
            listing,
            plan,
            concurrency,
            id=f"{name}-{plan}-{concurrency}",
            marks=[FAILS_TODAY] if failing & {f"{name}-{plan}", f"{name}-{plan}-{concurrency}"} else [],
        )
        for name, (fill, listing, plans) in LISTINGS.items()
        for plan in plans
        for concurrency in (1, 16)
    ]


async def walk(server, listing, **options):
    """Return the IDs that a walk yields."""
    query = {"procedure_id": PROCEDURE} if listing == "measurements" else {}
    async with session_in_process(server) as session:
        return [item.id async for item in getattr(session, listing).list(limit=100, **query, **options)]


def check(came, stayed):
    counts = Counter(came)
    assert (len(stayed - counts.keys()), counts.total() - len(counts)) == (0, 0), "missed and doubled"


@pytest.mark.parametrize(("fill", "listing", "plan", "concurrency"), cases(STILL_FAILS))
async def test_a_still_listing(fill, listing, plan, concurrency, still):
    server = still(fill, plan)
    check(await walk(server, listing, concurrency=concurrency), stored(server, listing))


@pytest.mark.parametrize(("fill", "listing", "plan", "concurrency"), cases(BESIDE_WRITERS_FAILS))
async def test_beside_writers(fill, listing, plan, concurrency, moving):
    server = moving(fill, plan)
    writer = Writer(server, listing, "started_at")
    check(await walk(server, listing, concurrency=concurrency), writer.stayed)
