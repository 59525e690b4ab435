"""The server does what a Postgres behind a REST layer does. So it can judge a client."""

from collections import Counter

import pytest
from attrs import evolve
from postgres import data
from postgres.loops import by_cursor, by_value, page
from postgres.plans import INDEX, JOINED, PARALLEL, SORT
from postgres.server import WrongPlanError
from postgres.tables import PROCEDURE
from postgres.writers import stored

OF = {"procedure_id": PROCEDURE}


def ids(items):
    return [item["id"] for item in items]


@pytest.mark.parametrize(
    ("plan", "expected"), [(INDEX, "Index Scan"), (SORT, "Seq Scan on runs"), (PARALLEL, "Gather Merge")], ids=str
)
def test_a_plan_is_the_one_that_is_meant(plan, expected, still):
    server = still(data.runs, plan)
    assert expected in server.explain("runs", limit="100")
    assert expected in server.explain("runs", limit="100", cursor="1000")
    page(server, "runs")


def test_another_plan_than_the_one_that_is_meant_fails(still):
    server = still(data.runs, evolve(SORT, settings={"enable_seqscan": "off"}))
    with pytest.raises(WrongPlanError, match="Index Scan"):
        page(server, "runs")


def test_a_sort_keeps_a_heap_of_the_first_rows(still):
    server = still(data.dozens, SORT)
    assert "top-N heapsort" in server.explain("measurements", cursor="1000", limit="100", **OF)
    joined = evolve(server, plan=JOINED).explain("measurements", cursor="1000", limit="100", **OF)
    assert "Hash Join" in joined
    assert "top-N heapsort" in joined


@pytest.mark.parametrize(
    ("plan", "is_exact"), [(INDEX, True), (SORT, False), (PARALLEL, False), (JOINED, False)], ids=str
)
def test_equal_times_have_another_order_for_each_offset(plan, is_exact, still):
    """In tables that stand still, a loop that follows the cursor misses as many as it doubles."""
    server = still(data.dozens, plan)
    came = Counter(ids(by_cursor(server, "measurements", **OF)))
    missed, doubled = stored(server, "measurements") - came.keys(), came.total() - len(came)
    assert len(missed) == doubled
    assert (doubled == 0) == is_exact


@pytest.mark.parametrize("plan", [INDEX, SORT, PARALLEL, JOINED], ids=str)
@pytest.mark.parametrize("fill", [data.eights, data.dozens])
def test_a_loop_by_value_is_exact(plan, fill, still):
    server = still(fill, plan)
    came = ids(by_value(server, "measurements", "started_at", **OF))
    assert len(came) == len(set(came))
    assert set(came) == stored(server, "measurements")
    assert server.log.deepest == 0


def test_a_loop_by_value_stops_at_a_group_that_is_longer_than_a_page(still):
    with pytest.raises(ValueError, match="more than 100 items have the time"):
        list(by_value(still(data.hundreds, SORT), "measurements", "started_at", **OF))


def test_times_are_cut_to_milliseconds_and_filters_compare_microseconds(still):
    server = still(data.runs, INDEX)
    newest = page(server, "runs", limit=1)["data"][0]
    (time,) = server.connection.execute("SELECT max(started_at) FROM runs").fetchone()
    assert time.microsecond % 1000
    cut = time.replace(microsecond=time.microsecond // 1000 * 1000)
    assert newest["started_at"] == cut.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    before = page(server, "runs", limit=1, started_before=cut.isoformat())["data"][0]
    assert before["id"] != newest["id"]
    exactly = page(server, "runs", limit=1, started_before=time.isoformat())["data"][0]
    assert exactly["id"] == newest["id"]


def test_items_without_a_time_come_first(still):
    server = still(data.undated, INDEX)
    times = [item["started_at"] for item in by_cursor(server, "measurements", **OF)]
    count = times.count(None)
    assert 0 < count < len(times)
    assert times[:count] == [None] * count


def test_a_query_that_is_not_valid_is_refused(still):
    server = still(data.runs, INDEX)
    for query in ({"limit": "101"}, {"cursor": "-1"}, {"cursor": "x"}, {"sort_by": "name"}, {"sort_order": "up"}):
        with pytest.raises(AssertionError, match="BAD_REQUEST"):
            page(server, "runs", **query)
    with pytest.raises(NotImplementedError, match="slot_keys of runs"):
        page(server, "runs", slot_keys="1")
