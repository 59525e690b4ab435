"""What a diagnosis says of Postgres."""

import pytest
from postgres import data
from postgres.plans import INDEX, SORT

from aiotofupilot.doctor import diagnose
from aiotofupilot.testing import session_in_process

MISSING = ("parts", "batches", "stations", "users", "deployments")


@pytest.mark.parametrize(("plan", "keeps_ties"), [(INDEX, True), (SORT, False)])
@pytest.mark.parametrize(("fill", "listing"), [(data.runs, "runs"), (data.dozens, "measurements")])
async def test_the_plan_decides_whether_equal_times_keep_their_order(fill, listing, plan, keeps_ties, still):
    server = still(fill, plan)
    async with session_in_process(server) as session:
        diagnosis = await diagnose(session)
    facts = {each.name: each for each in diagnosis.listings}
    seen = facts[listing]
    assert (seen.sorted_by, seen.filter, seen.follows) == ("started_at desc", "by microseconds", "by value")
    assert (seen.keeps_ties, seen.has_offsets, seen.cap) == (keeps_ties, True, None)
    assert (seen.deepest, seen.beyond) == (900, 9900)
    assert diagnosis.findings == tuple(f"{name}: a request failed: 404 NotFoundError at cursor 0" for name in MISSING)
    assert server.log.deepest < 20_000
    assert 0.5 <= seen.head_seconds <= 1.5
    assert 0.5 <= seen.deep_seconds <= 1.5
