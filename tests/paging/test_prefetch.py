"""The window hands pages over in order, bounded in what it has in flight, whatever the server's cursors do."""

import asyncio
import gc

import pytest

from aiotofupilot._paging.prefetch import Window
from aiotofupilot.errors import PaginationError, SessionError
from aiotofupilot.models import Page, PageMeta


class Server:
    """Pages of numbers, each answered when it is let go; all at once unless `held`.

    Cursors behind the end show what is at the cursor `beyond`.
    """

    def __init__(self, total, limit=10, *, held=False, next_cursor=lambda cursor, limit: cursor + limit, beyond=None):
        self.total, self.limit, self.beyond = total, limit, beyond
        self.next_cursor = next_cursor
        self.asked, self.answered, self.cancelled = [], [], []
        self.errors = {}
        self._released = {}
        self._held = held

    @property
    def in_flight(self):
        return len(self.asked) - len(self.answered) - len(self.cancelled)

    def let_go(self, *cursors):
        for cursor in cursors:
            self._released[cursor].set()

    async def fetch(self, at, limit, **_):
        self.asked.append(at)
        released = self._released[at] = asyncio.Event()
        if not self._held:
            released.set()
        try:
            await asyncio.sleep(0)
            await released.wait()
        except asyncio.CancelledError:
            self.cancelled.append(at)
            raise
        self.answered.append(at)
        if at in self.errors:
            raise self.errors.pop(at)
        more = at + self.limit < self.total
        begin = at if at < self.total or self.beyond is None else self.beyond
        data = list(range(begin, min(begin + self.limit, self.total)))
        return Page(data, PageMeta(more, self.next_cursor(at, self.limit) if more else None), at)


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


def window_of(fetch, *, overlap=0, concurrency=1):
    return Window(fetch, cursor=0, limit=10, overlap=overlap, concurrency=concurrency, on_unreadable=None, passed=0)


async def begun(server, *, concurrency):
    """A window on a server that holds its answers, of which the first page has been handed over."""
    window = window_of(server.fetch, concurrency=concurrency)
    first = asyncio.ensure_future(window.next())
    await settle()
    server.let_go(0)
    assert (await first).cursor == 0
    return window


async def drain(window):
    pages = []
    while (page := await window.next()) is not None:
        pages.append(page)
    return pages


@pytest.mark.parametrize("concurrency", [1, 2, 3, 16])
@pytest.mark.parametrize("total", [0, 1, 10, 11, 95, 100])
async def test_pages_come_in_order_and_whole(total, concurrency):
    """However many are in flight, what is handed over is the listing."""
    server = Server(total)
    pages = await drain(window_of(server.fetch, concurrency=concurrency))
    assert [number for page in pages for number in page.data] == list(range(total))
    assert server.in_flight == 0


@pytest.mark.parametrize("concurrency", [1, 2, 16])
async def test_a_listing_of_one_page_costs_one_request(concurrency):
    """The first page is fetched alone, and says that it is the last."""
    server = Server(10)
    await drain(window_of(server.fetch, concurrency=concurrency))
    assert server.asked == [0]


@pytest.mark.parametrize("concurrency", [1, 2, 3, 8, 16, 64])
@pytest.mark.parametrize("total", [11, 25, 95, 400, 660, 670])
async def test_requests_beyond_the_end_stay_below_the_concurrency(total, concurrency):
    """The window grows by one or two a page, so a short listing costs few requests that turn out needless."""
    server = Server(total)
    pages = await drain(window_of(server.fetch, concurrency=concurrency))
    is_looking_far = concurrency > 16  # that is one request more
    assert len(server.asked) - is_looking_far - len(pages) <= concurrency - 1
    assert len(server.asked) - len(pages) < 2 * len(pages)


async def in_flight_by_round_trip(concurrency, *, round_trips):
    """Return how many pages are in flight in each of the first round trips."""
    server = Server(10_000, held=True)
    window = window_of(server.fetch, concurrency=concurrency)
    turn, in_flight = asyncio.ensure_future(window.next()), []
    await settle()
    for _ in range(round_trips):
        in_flight.append(server.in_flight)
        server.let_go(*server.asked)
        await settle()
        while turn.done():
            turn = asyncio.ensure_future(window.next())
            await settle()
    turn.cancel()
    await asyncio.wait([turn])
    return in_flight


async def test_the_window_doubles_with_each_round_trip_up_to_the_concurrency():
    """It grows by one with each page that is handed over."""
    in_flight = await in_flight_by_round_trip(6, round_trips=5)
    assert in_flight == [1, 2, 4, 6, 6]


async def test_a_window_of_sixteen_is_soon_reached():
    """It more than doubles with each round trip once it is four pages wide."""
    in_flight = await in_flight_by_round_trip(16, round_trips=5)
    assert in_flight == [1, 2, 4, 12, 16]


async def test_a_wider_window_opens_at_once_if_the_listing_goes_on_far_ahead():
    """One item is requested beside the second page, as far ahead as the window may reach."""
    in_flight = await in_flight_by_round_trip(64, round_trips=4)
    assert in_flight == [1, 3, 64, 64]


@pytest.mark.parametrize("error", [None, ConnectionError("far ahead")])
async def test_a_wider_window_opens_step_by_step_if_nothing_is_known_to_be_far_ahead(error):
    """The listing may be shorter, or the item there may not be readable."""
    server = Server(200 if error is None else 10_000)
    server.errors = {650: error} if error else {}
    window = window_of(server.fetch, concurrency=64)
    widths = []
    for _ in range(7):
        await window.next()
        await settle()
        widths.append(len(server.asked) - server.asked.count(650))
    assert widths == [1, 3, 5, 7, 10, 13, 16]
    assert server.asked.count(650) == 1
    await window.aclose()
    assert server.in_flight == 0


async def test_a_server_that_shows_its_last_page_for_any_cursor_beyond_its_end_does_not_open_the_window():
    """The listing does not go on there."""
    server = Server(50, beyond=40)
    pages = await drain(window_of(server.fetch, concurrency=64))
    assert [page.cursor for page in pages] == [0, 10, 20, 30, 40]
    assert len(server.asked) - len(pages) <= 6


async def test_no_more_are_in_flight_than_allowed_while_what_is_far_ahead_is_awaited():
    """It is one of them."""
    server = Server(10_000, held=True)
    window = await begun(server, concurrency=17)
    for cursor in range(10, 210, 10):
        turn = asyncio.ensure_future(window.next())
        await settle()
        assert server.in_flight <= 17
        server.let_go(cursor)
        await turn
    assert server.asked.count(180) == 2  # once for the item far ahead, and once for the page
    assert server.in_flight == 16  # the page that was handed over is the seventeenth
    await window.aclose()


async def test_what_is_far_ahead_is_no_further_than_the_pages_that_are_wanted():
    """The listing need not go on behind them."""
    server = Server(280)
    window = window_of(server.fetch, concurrency=64)
    await window.next(20)
    await window.next(19)
    await settle()
    assert max(server.asked) == 10 + 19 * 10
    await window.aclose()


async def test_nothing_far_ahead_is_requested_if_few_pages_are_wanted():
    """The window does not become wide then."""
    server = Server(10_000)
    window = window_of(server.fetch, concurrency=64)
    for wanted in range(16, 0, -1):
        await window.next(wanted)
    assert server.asked == list(range(0, 160, 10))
    await window.aclose()


async def test_what_is_requested_far_ahead_is_cancelled_with_the_pages():
    """Closing the window waits for its end too."""
    server = Server(10_000, held=True)
    window = await begun(server, concurrency=64)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await window.next()
    await settle()
    assert server.cancelled == [10, 20, 650]
    await window.aclose()


async def test_pages_held_never_exceed_the_concurrency():
    """A consumer that stops consuming stops the requests: the page it has counts as one of them."""
    server = Server(1000)
    window = window_of(server.fetch, concurrency=4)
    for handed_over in range(1, 20):
        await window.next()
        await settle()
        assert len(server.asked) - handed_over <= 3
    asked = len(server.asked)
    await settle()
    assert len(server.asked) == asked
    await window.aclose()


async def test_one_page_at_a_time_is_fetched_when_it_is_wanted():
    """A concurrency of 1 fetches nothing ahead, and makes no tasks."""
    server = Server(30)

    window = window_of(server.fetch)
    for handed_over in range(1, 4):
        await window.next()
        await settle()
        assert len(server.asked) == handed_over
        assert asyncio.all_tasks() == {asyncio.current_task()}
    assert await window.next() is None


async def test_pages_that_arrive_out_of_order_wait_for_their_turn():
    """The third page may be here before the second."""
    server = Server(1000, held=True)
    window = await begun(server, concurrency=2)
    second = asyncio.ensure_future(window.next())
    await settle()
    assert server.asked == [0, 10, 20]
    server.let_go(20)
    await settle()
    assert not second.done()
    server.let_go(10)
    assert (await second).cursor == 10
    await window.aclose()


async def test_cursors_that_are_not_arithmetic_are_followed_one_by_one():
    """Nothing is computed where the first page does not bear it out, and nothing is fetched in vain."""
    server = Server(100, next_cursor=lambda cursor, _: cursor + 7)
    pages = await drain(window_of(server.fetch, concurrency=16))
    assert server.asked == [page.cursor for page in pages] == list(range(0, 92, 7))


@pytest.mark.parametrize("concurrency", [1, 16])
async def test_a_window_that_falls_back_to_one_page_in_flight_says_so(concurrency):
    """Unless no more are allowed anyway."""
    for step in (10, 7):
        server = Server(100, next_cursor=lambda cursor, _, step=step: cursor + step)
        window = window_of(server.fetch, concurrency=concurrency)
        await drain(window)
        assert window.is_sequential is (step == 7 and concurrency == 16)


async def test_a_page_that_breaks_the_prediction_throws_away_what_lies_beyond():
    """From there on the server's own cursors are followed, and none is computed any more."""
    server = Server(200, next_cursor=lambda cursor, limit: cursor + (limit if cursor < 50 else 15))
    pages = await drain(window_of(server.fetch, concurrency=4))
    followed = [0, 10, 20, 30, 40, *range(50, 201, 15)]
    assert [page.cursor for page in pages] == followed
    assert [cursor for cursor in server.asked if cursor > 90] == [cursor for cursor in followed if cursor > 90]
    assert server.in_flight == 0


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(("name", "step"), [("repeats", 0), ("goes back", -10), ("cycles", None)])
async def test_a_cursor_that_does_not_advance_is_an_error_after_the_page_that_named_it(name, step, concurrency):
    """The page itself is handed over first; following its cursor would never end."""
    server = Server(
        100, next_cursor=lambda cursor, limit: cursor + limit if cursor < 30 else (0 if step is None else 30 + step)
    )
    window = window_of(server.fetch, concurrency=concurrency)
    for _ in range(4):
        page = await window.next()
    for _ in range(2):  # asking again changes nothing
        with pytest.raises(PaginationError, match="not beyond it") as caught:
            await window.next()
    assert page.cursor == caught.value.cursor == 30
    assert caught.value.next_cursor == page.meta.next_cursor
    assert server.in_flight == 0


async def test_an_empty_page_is_not_the_end():
    """The end is what the server says, never an empty page."""

    async def fetch(cursor, limit, **_):
        at = cursor or 0
        return Page([] if at % 20 else [at], PageMeta(at < 60, at + 10), at)

    pages = await drain(window_of(fetch, concurrency=4))
    assert [page.data for page in pages] == [[0], [], [20], [], [40], [], [60]]


@pytest.mark.parametrize(("has_more", "next_cursor"), [(False, 10), (False, None)])
async def test_the_listing_ends_where_no_more_is_announced_or_no_cursor_given(has_more, next_cursor):
    """Either is enough."""

    async def fetch(cursor, limit, **_):
        return Page([1], PageMeta(has_more, next_cursor), cursor or 0)

    assert len(await drain(window_of(fetch, concurrency=4))) == 1


async def test_no_more_pages_are_in_flight_than_can_be_needed():
    """Who wants two more pages pays for two more."""
    server = Server(1000)
    window = window_of(server.fetch, concurrency=16)
    for wanted in (12, 11, 10, 9):
        await window.next(wanted)
    before = len(server.asked)
    await window.next(5)
    await settle()
    assert len(server.asked) <= max(before, 4 + 5)
    await window.aclose()


async def test_an_error_comes_in_its_turn_and_leaves_nothing_in_flight():
    """Pages before it are handed over; those beyond that had arrived are not."""
    server = Server(1000)
    server.errors[50] = ConnectionError("page 50")
    window = window_of(server.fetch, concurrency=8)
    seen = [(await window.next()).cursor for _ in range(5)]
    with pytest.raises(ConnectionError, match="page 50"):
        await window.next()
    await settle()
    assert seen == [0, 10, 20, 30, 40]
    assert server.in_flight == 0
    assert (await window.next()).cursor == 50  # asked again, it goes on there
    await window.aclose()


async def test_errors_beyond_the_end_are_nobodys_business():
    """A page that the listing turns out not to have may fail as it likes, and asyncio does not complain."""
    server = Server(25)
    server.errors.update({cursor: ConnectionError("beyond") for cursor in range(30, 500, 10)})
    assert len(await drain(window_of(server.fetch, concurrency=16))) == 3


async def test_cancelling_the_wait_cancels_all_that_is_in_flight(caplog):
    """And the next call asks for the same page again."""
    server = Server(1000, held=True)
    window = await begun(server, concurrency=4)
    with caplog.at_level("DEBUG", "aiotofupilot"), pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await window.next()
    (line,) = caplog.messages
    assert line == "the wait for cursor 10 ended with CancelledError: its requests are dropped"
    await settle()
    assert server.in_flight == 0
    again = asyncio.ensure_future(window.next())
    await settle()
    server.let_go(10)
    assert (await again).cursor == 10
    await window.aclose()


async def test_closing_waits_until_nothing_is_in_flight():
    """Not even the end of what was cancelled is left to later."""
    server = Server(1000)
    window = window_of(server.fetch, concurrency=8)
    for _ in range(5):
        await window.next()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert others
    await window.aclose()
    assert server.in_flight == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert await window.next() is None


async def test_a_dropped_window_cancels_what_it_has_in_flight():
    """Its tasks do not keep it alive."""
    server = Server(1000, held=True)
    window = await begun(server, concurrency=8)
    waiting = asyncio.ensure_future(window.next())
    await settle()
    server.let_go(10)
    await waiting
    del window, waiting
    gc.collect()
    await settle()
    assert server.in_flight == 0
    assert server.cancelled == [20]


def test_a_window_dropped_after_its_loop_was_closed_does_no_harm():
    """There is nothing left to cancel then."""
    server = Server(1000, held=True)
    loop = asyncio.new_event_loop()

    async def leave_pages_in_flight():
        window = await begun(server, concurrency=4)
        second = asyncio.ensure_future(window.next())
        await settle()
        server.let_go(10)
        await second
        return window, [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    window, tasks = loop.run_until_complete(leave_pages_in_flight())
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()
    del window
    gc.collect()
    assert server.in_flight == 0


async def test_tasks_cancelled_by_others_end_the_wait_by_an_error_of_ours():
    """As a closing session or event loop does; the consumer itself was not cancelled."""
    server = Server(1000, held=True)
    window = await begun(server, concurrency=4)
    waiting = asyncio.ensure_future(window.next())
    await settle()
    for task in asyncio.all_tasks() - {asyncio.current_task(), waiting}:
        task.cancel()
    with pytest.raises(SessionError, match="closed"):
        await waiting
    await window.aclose()


async def test_a_cancelled_page_that_ends_in_an_error_is_nobodys_business():
    """Cancelling a request may break its connection, and asyncio does not complain."""

    async def fetch(cursor, limit, **_):
        try:
            await asyncio.sleep(0 if cursor < 20 else 3600)
        except asyncio.CancelledError:
            raise ConnectionError("broken off") from None
        return Page([cursor], PageMeta(has_more=True, next_cursor=cursor + limit), cursor)

    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    window = window_of(fetch, concurrency=4)
    for _ in range(2):
        await window.next()
    assert window._tasks
    await window.aclose()
    del window
    gc.collect()
    await settle()
    assert complaints == []


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_more_that_is_announced_without_a_cursor_is_an_error_after_the_page_that_announced_it(concurrency):
    """Taken for the end, it would lose the rest."""
    server = Server(100, next_cursor=lambda cursor, limit: cursor + limit if cursor < 30 else None)
    window = window_of(server.fetch, concurrency=concurrency)
    pages = [await window.next() for _ in range(4)]
    for _ in range(2):
        with pytest.raises(PaginationError, match="announces more items") as caught:
            await window.next()
    assert (caught.value.cursor, caught.value.next_cursor) == (pages[-1].cursor, None) == (30, None)
    await window.aclose()
    assert server.in_flight == 0


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_pages_that_overlap_lie_a_page_less_the_overlap_apart(concurrency):
    """Also those that are fetched ahead, so that none of them is thrown away."""
    server = Server(95)
    pages = await drain(window_of(server.fetch, overlap=1, concurrency=concurrency))
    assert [page.cursor for page in pages] == [*range(0, 91, 9)]
    assert server.asked[: len(pages)] == [page.cursor for page in pages]
    assert len(server.asked) - len(pages) < concurrency


async def test_a_page_as_short_as_the_overlap_leads_further_on():
    server = Server(12, limit=2)
    window = window_of(server.fetch, overlap=3)
    assert [page.cursor for page in await drain(window)] == [*range(11)]


async def test_restarting_throws_away_what_is_in_flight_and_goes_on_elsewhere():
    """With one page at first, as at the beginning."""
    server = Server(1000)
    window = window_of(server.fetch, concurrency=8)
    for _ in range(5):
        await window.next()
    window.restart(13)
    asked = len(server.asked)
    assert (await window.next()).cursor == 13
    assert len(server.asked) == asked + 1
    assert (await window.next()).cursor == 23
    await window.aclose()
