"""More items than a page with one time: another order tells them apart, or the walk says that it cannot."""

import logging
from collections import Counter

import pytest
from postgres import data
from postgres.loops import by_cursor
from postgres.plans import CHANGING, INDEX, SORT
from postgres.walking import check, listed, walk
from postgres.writers import stored

from aiotofupilot import DriftError
from aiotofupilot.testing import session_in_process

PLANS = pytest.mark.parametrize(("plan", "concurrency"), [(INDEX, 1), (SORT, 1), (SORT, 16), (CHANGING, 16)], ids=str)
IN_FLIGHT = pytest.mark.parametrize("concurrency", [1, 16])


@PLANS
async def test_measurements_of_which_up_to_200_have_one_time(plan, concurrency, still):
    server = still(data.hundreds, plan)
    check(await walk(server, "measurements", concurrency=concurrency), stored(server, "measurements"))


@PLANS
async def test_an_import_whose_500_runs_start_at_one_time(plan, concurrency, still):
    """It takes at most 15 requests, beside the page that the others would take."""
    server = still(data.started_at_once, plan)
    check(await walk(server, "runs", concurrency=concurrency), stored(server, "runs"))
    requests = len(server.log)
    assert requests <= 15 + 1


@IN_FLIGHT
async def test_procedures_have_no_other_order(concurrency, still, caplog):
    """The walk takes what it can find, and says so once."""
    server = still(data.procedures, SORT)
    found = Counter(item["id"] for item in by_cursor(server, "procedures"))
    tied = "SELECT created_at FROM procedures GROUP BY 1 HAVING count(*) > 1"
    grouped = stored(server, f"procedures WHERE created_at IN ({tied})")
    async with session_in_process(server) as session:
        walk = listed(session, "procedures", concurrency=concurrency).walk()
        with caplog.at_level(logging.WARNING):
            came = [item.id async for item in walk]
    check(came, stored(server, "procedures") - grouped)
    assert len(grouped - set(came)) <= len(grouped - found.keys())
    assert walk.stats.is_unchecked
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


@IN_FLIGHT
async def test_procedures_that_must_be_exact_are_refused(concurrency, still):
    server = still(data.procedures, SORT)
    with pytest.raises(DriftError):
        await walk(server, "procedures", concurrency=concurrency, on_drift="resync")
