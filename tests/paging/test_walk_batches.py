"""A walk hands items over list by list, too."""

import pytest
from fakes.in_process import InProcess

from aiotofupilot.sandbox import Sandbox, paging


@pytest.fixture
def service():
    return Sandbox(procedures=95)


@pytest.fixture
def listing(service):
    return InProcess(service).procedures.list


@pytest.mark.parametrize("on_drift", ["ignore", "resync"])
@pytest.mark.parametrize("concurrency", [1, 8])
async def test_batches_are_the_items_of_the_pages(listing, service, concurrency, on_drift):
    """Joined they are the listing; each is what a page brought, and none is empty."""
    batches = [batch async for batch in listing(limit=20, concurrency=concurrency, on_drift=on_drift).walk().batches()]
    assert [procedure for batch in batches for procedure in batch] == service.procedures
    assert {len(batch) for batch in batches[:-1]} <= {19, 20}
    assert all(batches)


async def test_a_batch_is_there_before_the_next_page_is_asked_for(listing, service):
    """Nothing is held back."""
    asked = [len(service.requests) async for _ in listing(limit=20).walk().batches()]
    assert asked == [1, 2, 3, 4, 5]


async def test_pages_without_new_items_yield_nothing(listing, service):
    """A server's empty pages are passed over."""
    service.paging = paging.hidden_rows(every=10, hide=25)
    batches = [batch async for batch in listing(limit=10).walk().batches()]
    assert [procedure for batch in batches for procedure in batch] == await listing(limit=95).collect()
    assert len(batches) < len(service.requests) - 1
    assert all(batches)


async def test_a_batch_begins_where_the_walk_stands(listing, service):
    """Single items and batches may be taken in turn, and max_items bounds both together."""
    walk = listing(limit=20, max_items=30).walk()
    first = [await anext(walk), await anext(walk)]
    batches = [batch async for batch in walk.batches()]
    assert [len(batch) for batch in batches] == [18, 10]
    assert [*first, *batches[0], *batches[1]] == service.procedures[:30]


@pytest.mark.parametrize("on_drift", ["ignore", "resync"])
async def test_the_checkpoint_stands_behind_each_batch(listing, service, on_drift):
    """From each, another walk goes on with the item after."""
    walk, passed = listing(limit=20, on_drift=on_drift).walk(), 0
    async for batch in walk.batches():
        passed += len(batch)
        rest = await listing(limit=7, cursor=walk.checkpoint, on_drift=on_drift).collect()
        assert rest == service.procedures[passed:]


@pytest.mark.parametrize("on_drift", ["ignore", "resync"])
async def test_as_many_can_be_taken_as_are_wanted(listing, service, on_drift):
    """A page is cut then, and the checkpoint stands within it."""
    walk, passed = listing(limit=20, on_drift=on_drift).walk(), 0
    while taken := await walk.take(7):
        assert len(taken) <= 7
        assert taken == service.procedures[passed : passed + len(taken)]
        passed += len(taken)
        rest = await listing(limit=20, cursor=walk.checkpoint, on_drift=on_drift).collect()
        assert rest == service.procedures[passed:]
    assert passed == 95
    assert await walk.take(7) == []


async def test_what_is_taken_does_not_wait_for_the_next_page(listing, service):
    """Nothing is held back."""
    walk = listing(limit=20).walk()
    assert await walk.take(1000) == service.procedures[:20]
    assert len(service.requests) == 1


async def test_how_many_to_take_is_a_positive_integer(listing):
    with pytest.raises(ValueError, match="at_most must be at least 1, got 0"):
        await listing().walk().take(0)
