"""What Postgres does for long listings, in time. It takes minutes, so it is done nightly."""

from datetime import timedelta
from functools import partial
from statistics import median

import pytest
from fakes.budget import NIGHTLY
from postgres.costs import measured
from postgres.loops import by_value
from postgres.plans import INDEX
from postgres.tables import add_runs
from postgres.walking import check, walk
from postgres.writers import stored

pytestmark = pytest.mark.skipif(not NIGHTLY, reason="it takes minutes")

TIMES = {100_000: 3, 1_000_000: 1}
"""How often each length is walked."""
FILLS = {count: partial(add_runs, count=count, gap=timedelta(seconds=2, microseconds=137)) for count in TIMES}


@pytest.mark.parametrize(("concurrency", "at_most"), [(1, 2), (16, 2.5)])
@pytest.mark.parametrize("count", FILLS)
async def test_a_long_listing(count, concurrency, at_most, still):
    """Its pages take at most two and a half times the work of a plain loop by value."""
    ratios = []

    def check_depth(server):
        assert not server.log or server.log[-1].cursor <= 2_500 + concurrency * 100

    for _ in range(TIMES[count]):
        server, plain = still(FILLS[count], INDEX), still(FILLS[count], INDEX)
        server.before_response.append(check_depth)
        with measured(plain) as least:
            assert sum(1 for _ in by_value(plain, "runs", "started_at")) == count
        with measured(server) as cost:
            came = await walk(server, "runs", concurrency=concurrency)
        check(came, stored(server, "runs"))
        ratios.append(cost.milliseconds / least.milliseconds)
    assert median(ratios) <= at_most
