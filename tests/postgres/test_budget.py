"""What a walk costs: requests, depth, and the work of Postgres, beside pages of 100 and a plain loop by value."""

import pytest
from postgres import data
from postgres.costs import measured
from postgres.loops import by_value
from postgres.plans import INDEX, SORT
from postgres.walking import check, walk
from postgres.writers import Writer, stored


async def walked(server, listing, concurrency, *, removed=0):
    """Walk through a listing, which has to be exact, and return what it cost."""
    stayed = stored(server, listing)
    if removed:
        stayed = Writer(server, listing, "started_at", created=0, removed=removed).stayed
    with measured(server) as cost:
        came = await walk(server, listing, concurrency=concurrency)
    check(came, stayed)
    return cost


def check_requests(server, concurrency, at_most, *, looks_at_end=False):
    """Check how many requests there were, and how deep they lay.

    Items that may lack a time may stand behind all others, where no filter finds them. One request looks there.
    """
    cursors = sorted(asked.cursor for asked in server.log)
    assert len(cursors) <= at_most
    assert cursors[-1 - looks_at_end] <= 2_500 + concurrency * 100


@pytest.mark.parametrize(("concurrency", "per_page", "work"), [(1, 1.03, 2), (16, 1.2, 6)])
async def test_a_still_listing(concurrency, per_page, work, still):
    """Postgres looks at a few times the blocks of a plain loop by value. It skips most of them, which costs little."""
    server, plain = still(data.many_apart, INDEX), still(data.many_apart, INDEX)
    cost = await walked(server, "runs", concurrency)
    check_requests(server, concurrency, 100 * per_page)
    with measured(plain) as least:
        check([item["id"] for item in by_value(plain, "runs", "started_at")], stored(plain, "runs"))
    assert cost.blocks <= work * least.blocks


@pytest.mark.parametrize(
    ("concurrency", "removed", "per_page"), [(1, 1, 1.1), (1, 10, 1.1), (1, 20, 1.1), (16, 10, 1.6)]
)
async def test_removals(concurrency, removed, per_page, moving):
    """So many rows are removed before each request."""
    server = moving(data.apart, INDEX)
    await walked(server, "runs", concurrency, removed=removed)
    check_requests(server, concurrency, 50 * per_page)


@pytest.mark.parametrize(("concurrency", "per_page"), [(1, 1.15), (16, 1.6)])
async def test_ties_of_8(concurrency, per_page, still):
    server = still(data.many_eights, SORT)
    await walked(server, "measurements", concurrency)
    check_requests(server, concurrency, 50 * per_page, looks_at_end=True)


@pytest.mark.parametrize(("concurrency", "per_page"), [(1, 1.35), (16, 2)])
async def test_ties_of_20_to_51(concurrency, per_page, still):
    server = still(data.many_dozens, SORT)
    await walked(server, "measurements", concurrency)
    check_requests(server, concurrency, len(stored(server, "measurements")) / 100 * per_page, looks_at_end=True)
