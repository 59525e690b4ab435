"""What a walk costs: requests, depth, and the work of Postgres, beside pages of 100 and a plain loop by value."""

import pytest
from attrs import frozen
from postgres import data
from postgres.costs import Cost, measured
from postgres.loops import by_value
from postgres.plans import INDEX, SORT
from postgres.server import RequestLog
from postgres.walking import check, walk
from postgres.writers import Writer, stored

PAGES = 100
"""How many pages of 100 each listing has at first."""
LISTINGS = {
    "still": (data.apart, "runs", INDEX, 0),
    "1 removed per request": (data.apart, "runs", INDEX, 1),
    "10 removed per request": (data.apart, "runs", INDEX, 10),
    "20 removed per request": (data.apart, "runs", INDEX, 20),
    "ties of 8": (data.many_eights, "measurements", SORT, 0),
    "ties of 20 to 51": (data.many_dozens, "measurements", SORT, 0),
}
REQUESTS = {
    "still": (1.03, 1.2),
    "1 removed per request": (1.35, 2),
    "10 removed per request": (1.35, 2),
    "20 removed per request": (1.35, 2),
    "ties of 8": (1.15, 1.6),
    "ties of 20 to 51": (1.35, 2),
}
"""The most requests per page, with 1 and with 16 in flight."""


@frozen
class Walked:
    """A walk that was exact."""

    log: RequestLog
    cost: Cost


@pytest.fixture(scope="module")
def walked_once():
    """The walks that earlier tests made."""
    return {}


@pytest.fixture
def walked(walked_once, moving, still):
    """Walk through a listing, once for all tests."""

    async def walked(name, concurrency):
        if (name, concurrency) not in walked_once:
            fill, listing, plan, removed = LISTINGS[name]
            server = (moving if removed else still)(fill, plan)
            stayed = stored(server, listing)
            if removed:
                stayed = Writer(server, listing, "started_at", created=0, removed=removed).stayed
            with measured(server) as cost:
                came = await walk(server, listing, concurrency=concurrency)
            check(came, stayed)
            walked_once[name, concurrency] = Walked(server.log, cost)
        return walked_once[name, concurrency]

    return walked


@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize("name", LISTINGS)
async def test_requests(name, concurrency, walked):
    walk = await walked(name, concurrency)
    requests = len(walk.log)
    assert requests <= PAGES * REQUESTS[name][concurrency > 1]


@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.parametrize("name", LISTINGS)
async def test_no_request_lies_deep(name, concurrency, walked):
    walk = await walked(name, concurrency)
    deepest = walk.log.deepest
    assert deepest <= 2_500 + concurrency * 100


@pytest.mark.parametrize(("concurrency", "at_most"), [(1, 2), (16, 2.5)])
async def test_postgres_looks_at_what_the_listing_has(concurrency, at_most, walked, still):
    walk, server = await walked("still", concurrency), still(data.apart, INDEX)
    with measured(server) as cost:
        check([item["id"] for item in by_value(server, "runs", "started_at")], stored(server, "runs"))
    assert walk.cost.blocks <= at_most * cost.blocks
    rows, fewest = walk.log.rows, server.log.rows
    assert rows <= at_most * fewest
