"""A listing is counted in a few requests, and never wrongly: a server that gives nothing to search by is refused.

The last tests are about what pages tell of the length, and what happens when they contradict one another.
"""

import asyncio
from contextlib import suppress
from itertools import product

import pytest
from fakes.budget import NIGHTLY
from fakes.in_process import InProcess

from aiotofupilot import Checkpoint, DriftError, Page, PageMeta, PaginationError, ServerError
from aiotofupilot._paging.count import Extent, Probe, count_items
from aiotofupilot._paging.source import Plan
from aiotofupilot.models import RawItem
from aiotofupilot.sandbox import Sandbox, faults, make_procedures, paging

SUPPLY = make_procedures(10_000)


class Numbers:
    """A listing of as many items as a test wants, each of which is its own place."""

    def __init__(self, total):
        self.total, self.asked = total, []

    async def __call__(self, cursor, limit, counts, *, once=False, **_):
        self.asked.append((cursor, limit))
        await asyncio.sleep(0)
        end = min(cursor + limit, self.total)
        items = [RawItem(id=str(place)) for place in range(cursor, end)]
        return Page(items, PageMeta(end < self.total, end if end < self.total else None), cursor)

    def count(self, *, limit=100, concurrency=1):
        return count_items(self, Plan(limit, Checkpoint(), None, concurrency, "ignore"))


@pytest.mark.parametrize(
    ("total", "one_at_a_time", "several_at_once"),
    [
        (0, 1, 1),
        (100, 1, 1),
        (101, 2, 2),
        (200, 2, 2),
        (1_000, 10, 15),
        (10_000, 13, 18),
        (100_000, 19, 29),
        (1_000_000, 25, 36),
        (2**40, 55, 83),
    ],
)
async def test_a_count_takes_few_requests(total, one_at_a_time, several_at_once):
    for concurrency, requests in ((1, one_at_a_time), (4, several_at_once), (64, several_at_once)):
        numbers = Numbers(total)
        assert await numbers.count(concurrency=concurrency) == total
        assert len(numbers.asked) == requests


async def test_a_count_asks_for_whole_pages_at_the_beginning_and_at_the_end():
    """The pages in between have one item each, because they only tell whether the listing reaches that far."""
    numbers = Numbers(100_000)
    await numbers.count()
    assert [limit for _, limit in numbers.asked] == [100, 100, *[1] * 16, 100]


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 100])
async def test_every_length_is_counted(limit):
    for total in (*range(25), *range(95, 106), *range(195, 206), 799, 800, 801, 802, 999):
        for concurrency in (1, 2, 3, 4) if NIGHTLY else (1 + total % 4,):
            assert await Numbers(total).count(limit=limit, concurrency=concurrency) == total, concurrency


async def test_a_listing_that_never_ends_is_refused():
    with pytest.raises(DriftError, match="has no end: it goes on after"):
        await Numbers(2**60).count()


@pytest.fixture
def service():
    return Sandbox(SUPPLY[:1050])


async def test_all_items_that_match_count_wherever_a_walk_would_begin_and_end(connection):
    make = connection.procedures.list
    assert await make().count() == 1050
    assert await make(cursor=Checkpoint(500, 3), max_items=7, on_drift="resync").count() == 1050
    assert await make().raw().count() == 1050
    found = await make(search_query="battery").collect()
    assert 0 < len(found) < 1050
    assert await make(search_query="battery").count() == len(found)


async def test_at_most_four_pages_are_in_flight(connection):
    """And no more than the concurrency allows."""
    await connection.procedures.list(concurrency=2).count()
    assert connection.most_in_flight == 2
    await connection.procedures.list(concurrency=64).count()
    assert connection.most_in_flight == 4


@pytest.mark.parametrize("odd", [paging.capped(25), paging.capped(1), paging.short_pages(1)])
@pytest.mark.parametrize("total", [0, 1, 26, 1050])
async def test_a_server_whose_pages_are_short_is_counted(odd, total):
    """Its cursors are offsets all the same."""
    for limit, concurrency in product((1, 2, 100), (1, 4)):
        connection = InProcess(Sandbox(SUPPLY[:total], paging=odd))
        assert await connection.procedures.list(limit=limit, concurrency=concurrency).count() == total
        assert len(connection.cursors) <= 30


def clamped_to_the_last_page(total, cursor, limit):
    """Show the last items, as many as were asked for, whatever cursor beyond them is asked for."""
    return paging.offsets(total, min(cursor, max(0, total - limit)), limit)


def clamped_to_a_whole_page(total, cursor, limit):
    """Show the last page, whatever cursor beyond it is asked for."""
    return paging.offsets(total, min(cursor, (total - 1) // limit * limit), limit)


@pytest.mark.parametrize(
    ("odd", "error"),
    [
        (paging.hidden_rows(10, 25), DriftError),
        (paging.page_numbers, DriftError),
        (paging.null_cursor, PaginationError),
        (paging.repeating_cursor(), PaginationError),
        (paging.cycling_cursor(100), PaginationError),
        (paging.backward_cursor(100), PaginationError),
        (paging.endless_empty(1050), DriftError),
        (paging.endless_empty(100), DriftError),
        (paging.ignored_cursor(), DriftError),
        (paging.ignored_cursor(500), DriftError),
        (paging.clamped_cursor(1000), DriftError),
        (paging.clamped_cursor(300), DriftError),
        (clamped_to_the_last_page, DriftError),
        (clamped_to_a_whole_page, DriftError),
    ],
)
@pytest.mark.parametrize("total", [150, 1050])
async def test_a_server_that_gives_nothing_to_search_by_is_refused(odd, error, total):
    """After a few requests. Where the oddity does not show, because the listing ends before, the count is right."""
    for limit, concurrency in product((2, 10, 100), (1, 4)):
        connection = InProcess(Sandbox(SUPPLY[:total], paging=odd))
        counted = None
        with suppress(error):
            counted = await connection.procedures.list(limit=limit, concurrency=concurrency).count()
        assert counted in ({None} if total == 1050 else {None, 150})
        assert len(connection.cursors) <= 30


@pytest.mark.parametrize("odd", [clamped_to_the_last_page, clamped_to_a_whole_page, paging.clamped_cursor(1000)])
async def test_a_server_that_shows_its_last_page_again_is_told_by_the_item_that_is_met_again(odd):
    connection = InProcess(Sandbox(SUPPLY[:1050], paging=odd))
    with pytest.raises(DriftError, match=r"shows an item that was seen \d+ places away") as caught:
        await connection.procedures.list().count()
    assert caught.value.cursor == connection.cursors[-1]


@pytest.mark.parametrize("bad", [0, 400, 1000])
@pytest.mark.parametrize("concurrency", [1, 4])
async def test_an_item_that_cannot_be_read_ends_a_count_that_meets_it(bad, concurrency):
    """Whatever is to be skipped. It counts where no page of the search has it."""
    service = Sandbox(procedures=1001)
    for on_unreadable in ("raise", "skip"):
        listing = InProcess(service).procedures.list(limit=10, concurrency=concurrency, on_unreadable=on_unreadable)
        service.faults.always(faults.unreadable(service.procedures[bad].id))
        if bad == 400:
            assert await listing.count() == 1001
        else:
            with pytest.raises(ServerError):
                await listing.count()
        service.faults.clear()


async def test_an_error_ends_the_count_and_leaves_nothing_in_flight(service, connection):
    service.faults.on(cursor=3200).next(faults.status(500), times=10)
    with pytest.raises(ServerError):
        await connection.procedures.list(concurrency=4).count()
    assert connection.in_flight == 0


async def test_an_error_ends_the_requests_that_were_sent_together_with_the_one_that_failed(service):
    """Their answers would take longer, and they end only some steps after they were cancelled."""

    class Slow(InProcess):
        async def _respond(self, target):
            try:
                for _ in range(0 if "cursor=3200" in target else 20):
                    await asyncio.sleep(0)
            except asyncio.CancelledError:
                for _ in range(5):
                    await asyncio.sleep(0)
                raise
            return await super()._respond(target)

    service.faults.on(cursor=3200).next(faults.status(500))
    connection = Slow(service, attempts=1)
    with pytest.raises(ServerError):
        await connection.procedures.list(concurrency=4).count()
    assert connection.most_in_flight == 4
    assert connection.in_flight == 0


@pytest.mark.parametrize("turns", range(1, 12))
async def test_a_count_that_is_cancelled_leaves_nothing_in_flight(service, turns):
    connection = InProcess(service, turns=lambda: 3)
    counting = asyncio.create_task(connection.procedures.list(concurrency=4).count())
    for _ in range(turns):
        await asyncio.sleep(0)
    counting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await counting
    assert connection.in_flight == 0


class Moving(InProcess):
    """Does something to the service before the answers to some requests."""

    def __init__(self, service, **changes):
        super().__init__(service)
        self._changes = changes

    async def _respond(self, target):
        change = self._changes.get(f"at_{len(self.cursors)}")
        if change:
            change(self.service.procedures)
        return await super()._respond(target)


@pytest.mark.parametrize("before", range(2, 12))
async def test_items_that_go_during_a_count_are_not_counted_once_that_shows(before):
    """The number is right for one moment of the search."""
    for left in (0, 1, 99, 100, 101, 500, 949, 950, 951, 1049):
        connection = Moving(
            Sandbox(SUPPLY[:1050]), **{f"at_{before}": lambda listed, left=left: listed.__delitem__(slice(left, None))}
        )
        assert await connection.procedures.list().count() in {1050, left}
        assert len(connection.cursors) <= 30


@pytest.mark.parametrize("before", range(2, 12))
async def test_items_that_come_during_a_count_are_counted_once_that_shows(before):
    for added in (1, 50, 100, 5000):
        connection = Moving(
            Sandbox(SUPPLY[:1050]), **{f"at_{before}": lambda listed, added=added: listed.extend(SUPPLY[-added:])}
        )
        assert await connection.procedures.list().count() in {1050, 1050 + added}
        assert len(connection.cursors) <= 40


async def test_a_listing_that_never_stays_as_it_is_is_refused():
    """It is four items long, or a thousand, in turns."""
    service = Sandbox(SUPPLY[:1050])

    class Flickering(InProcess):
        async def _respond(self, target):
            service.procedures[:] = SUPPLY[:1050] if len(self.cursors) % 2 else SUPPLY[:4]
            return await super()._respond(target)

    connection = Flickering(service)
    connection.cursors.append(0)
    with pytest.raises(DriftError, match="moves too much to be counted"):
        await connection.procedures.list(limit=2).count()
    assert len(connection.cursors) < 200


def page_of(cursor, count, *, more=False):
    items = [RawItem(id=f"{place}") for place in range(cursor, cursor + count)]
    return Page(items, PageMeta(more, cursor + count if more else None), cursor)


@pytest.fixture
def extent():
    """An extent that knows two whole pages, and that more follows."""
    extent = Extent(limit=10)
    assert extent.probes(4) == [Probe(0, 10)]
    extent.note(page_of(0, 10, more=True), Probe(0, 10))
    assert extent.probes(4) == [Probe(10, 10)]
    extent.note(page_of(10, 10, more=True), Probe(10, 10))
    return extent


def test_probes_beyond_what_is_known_go_further_by_a_factor(extent):
    assert extent.probes(3) == [Probe(80, 1), Probe(320, 1), Probe(1280, 1)]


def test_probes_divide_what_lies_between(extent):
    extent.note(page_of(80, 0), Probe(80, 1))
    assert extent.probes(3) == [Probe(35, 1), Probe(50, 1), Probe(65, 1)]
    assert extent.probes(1) == [Probe(50, 1)]


def test_whole_pages_cover_what_is_left_and_a_little_more_at_both_ends(extent):
    extent.note(page_of(38, 0), Probe(38, 1))
    assert extent.probes(1) == [Probe(29, 1)]
    assert extent.probes(2) == [Probe(19, 10), Probe(29, 10)]
    assert extent.length is None
    extent.note(page_of(29, 4), Probe(29, 10))
    assert extent.length == 33


def test_an_end_that_no_page_leads_to_is_believed_once_a_page_beyond_it_is_empty(extent):
    """A server that shows its last page again has no empty page."""
    extent.note(page_of(80, 1), Probe(80, 1))
    assert extent.length is None
    assert extent.probes(1) == [Probe(324, 1)]
    extent.note(page_of(324, 0), Probe(324, 1))
    assert extent.length == 81


def test_an_end_that_another_page_led_to_is_believed_at_once(extent):
    extent.note(page_of(20, 10, more=True), Probe(20, 10))
    extent.note(page_of(30, 5), Probe(30, 10))
    assert extent.length == 35


def test_a_page_beyond_an_end_takes_it_back(extent):
    """The listing has grown meanwhile."""
    extent.note(page_of(80, 1), Probe(80, 1))
    extent.note(page_of(320, 1, more=True), Probe(320, 1))
    assert extent.length is None
    assert extent.probes(1) == [Probe(1284, 1)]


def test_an_empty_page_before_an_end_takes_it_back(extent):
    """The listing has shrunk meanwhile."""
    extent.note(page_of(320, 1), Probe(320, 1))
    extent.note(page_of(80, 0), Probe(80, 1))
    assert extent.length is None
    assert extent.probes(1) == [Probe(50, 1)]


def test_an_end_beyond_an_empty_page_has_to_be_shown_anew(extent):
    extent.note(page_of(38, 0), Probe(38, 1))
    extent.note(page_of(29, 10), Probe(29, 10))
    assert extent.length is None
    assert extent.probes(1) == [Probe(156, 1)]


def test_an_item_that_moved_a_little_is_no_trouble_and_one_that_is_everywhere_is(extent):
    moved = Page([RawItem(id="19")], PageMeta(has_more=True, next_cursor=22), 21)
    extent.note(moved, Probe(moved.cursor, 1))
    with pytest.raises(DriftError) as caught:
        extent.note(Page(moved.data, PageMeta(has_more=True, next_cursor=121), 120), Probe(120, 1))
    assert caught.value.cursor == 120
