"""A listing is lazy, can be used in every way, and begins anew each time."""

from datetime import UTC, datetime

import pytest
from fakes import paging
from fakes.in_process import InProcess
from hypothesis import given, strategies as st

from aiotofupilot import Checkpoint, Page, ServerError
from aiotofupilot.listings import Runs
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import status


@pytest.fixture
def service():
    return Sandbox(procedures=35)


async def test_nothing_is_sent_before_it_is_used(listing, connection):
    """Neither by making it nor by making something of it."""
    listing().walk()
    listing().pages()
    assert connection.cursors == []


def test_it_shows_what_it_lists(listing):
    """Whoever prints it instead of iterating it sees why nothing was listed."""
    assert repr(listing(limit=10, cursor=Checkpoint(20, 3))) == "<Paginator of procedures from 20+3, limit=10>"


def test_it_shows_its_filters(connection):
    """As they are sent. Of hundreds of IDs, the first ones are enough."""
    created_after = datetime(2026, 1, 5, tzinfo=UTC)
    paginator = connection.procedures.list(search_query="Ada's", created_after=created_after)
    filters = """search_query="Ada's", created_after='2026-01-05T00:00:00.000Z'"""
    assert repr(paginator) == f"<Paginator of procedures from 0, limit=100, {filters}>"
    assert repr(paginator.raw()) == repr(paginator)
    runs = Runs(connection).list(outcomes=["FAIL"], serial_numbers=[f"SN{number}" for number in range(200)])
    filters = "outcomes='FAIL', serial_numbers=['SN0', 'SN1', 'SN2', 'SN3', ...]"
    assert repr(runs) == f"<Paginator of runs from 0, limit=100, {filters}>"


def test_it_has_no_length(listing):
    """``if listing:`` is true, also where nothing matches: its length is not known before it is walked."""
    assert bool(listing())
    assert not hasattr(listing(), "__len__")


async def test_awaited_it_is_its_first_page(listing, service):
    """As the server cut it, whatever max_items says."""
    page = await listing(limit=10, max_items=3)
    assert page.data == service.procedures[:10]
    assert (page.cursor, page.meta.has_more, page.meta.next_cursor) == (0, True, 10)


async def test_every_use_begins_anew(listing, service):
    """One listing can be walked twice, and by two at once."""
    paginator = listing(limit=10)
    for _ in range(2):
        assert [procedure async for procedure in paginator] == service.procedures
        assert await paginator.collect() == service.procedures
    one, other = paginator.walk(), paginator.walk()
    assert [(await anext(one)).id for _ in range(12)] == [(await anext(other)).id for _ in range(12)]


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_pages_are_the_listing_as_the_server_cuts_it(listing, service, concurrency):
    """Empty ones included."""
    service.paging = paging.hidden_rows(10, 25)
    pages = [page async for page in listing(limit=10, concurrency=concurrency).pages()]
    assert all(isinstance(page, Page) for page in pages)
    assert [procedure for page in pages for procedure in page.data] == service.procedures
    assert [] in [page.data for page in pages]


async def test_pages_from_a_checkpoint_begin_with_the_one_in_which_it_lies(listing, service):
    """They are raw, so what was passed of it comes again, and does not count for max_items."""
    pages = [page async for page in listing(limit=10, cursor=Checkpoint(10, 5), max_items=10).pages()]
    assert [page.cursor for page in pages] == [10, 20]
    assert (await listing(limit=10, cursor=Checkpoint(10, 5))).cursor == 10
    assert await listing(cursor=Checkpoint(10, 5)).first() == service.procedures[15]
    assert await listing(max_items=10).first() == service.procedures[0]
    assert service.requests[-1].query["limit"] == "1"


async def test_an_error_between_pages_tells_where_to_resume(listing, service):
    """At the page that could not be had."""
    service.faults.on(cursor=20).next(status(503), times=10)
    seen = []
    with pytest.raises(ServerError) as caught:
        async for page in listing(limit=10).pages():
            seen += page.data
    assert caught.value.checkpoint == Checkpoint(20)
    assert seen + await listing(cursor=caught.value.checkpoint).collect() == service.procedures


async def test_the_first_item_costs_one_request_for_one_item(listing, service, connection):
    """Or for none, where none is wanted."""
    assert await listing().first() == service.procedures[0]
    assert [request.query["limit"] for request in service.requests] == ["1"]
    assert await listing(max_items=0).first() is None
    assert await listing(search_query="no such thing").first() is None
    assert len(connection.cursors) == 2


@given(
    total=st.integers(0, 60),
    limit=st.integers(1, 100),
    concurrency=st.integers(1, 16),
    start=st.integers(0, 70),
    on_drift=st.sampled_from([None, "ignore", "resync"]),
    max_items=st.none() | st.integers(0, 70),
)
async def test_a_listing_equals_its_pages_joined_however_it_is_cut(total, start, max_items, **options):
    """And both equal what is listed. ``max_items`` bounds what is yielded, not what a page holds."""
    service = Sandbox(procedures=total, runs=0)
    listing = InProcess(service).procedures.list
    joined = [procedure async for page in listing(cursor=start, **options).pages() for procedure in page.data]
    assert await listing(cursor=start, **options).collect() == joined == service.procedures[start:]
    assert await listing(cursor=start, max_items=max_items, **options).collect() == joined[:max_items]
    assert await listing(cursor=start, **options).first() == next(iter(joined), None)
