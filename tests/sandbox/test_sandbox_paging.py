"""How listings are cut into pages."""

from itertools import product

import pytest
from attrs import evolve
from fakes.paging import Window, capped, clamped_cursor, ending_cursor, hidden_rows, offsets, short_pages, shuffled_ties

from aiotofupilot.sandbox import Request, Sandbox


def walk(paging, total, limit):
    """The windows that a client sees which follows the server's cursors."""
    windows, cursor = [], 0
    while cursor is not None:
        windows.append(paging(total, cursor, limit))
        cursor = windows[-1].next_cursor
        assert windows[-1].has_more is (cursor is not None)
    return windows


@pytest.mark.parametrize("paging", [offsets, capped(25), short_pages(7), hidden_rows(3, 8)])
def test_following_the_cursor_shows_everything_once(paging):
    """With any odd pages, the cursors lead through the whole listing to its end."""
    for total, limit in product((0, 1, 99, 100, 101, 350), (1, 7, 50, 100)):
        windows = walk(paging, total, limit)
        shown = [index for window in windows for index in range(total)[window.start : window.stop]]
        assert shown == list(range(total)), (total, limit)


END, MORE = {"has_more": False, "next_cursor": None}, {"has_more": True}


@pytest.mark.parametrize(
    ("paging", "asked", "window"),
    [
        (offsets, (120, 0, 50), Window(0, 50, **MORE, next_cursor=50)),
        (offsets, (120, 70, 50), Window(70, 120, **END)),
        (offsets, (120, 500, 50), Window(500, 550, **END)),
        (capped(25), (120, 0, 100), Window(0, 25, **MORE, next_cursor=25)),
        (capped(25), (120, 0, 10), Window(0, 10, **MORE, next_cursor=10)),
        # At the largest offset, a listing seems to end.
        (ending_cursor(100), (1000, 0, 50), Window(0, 50, **MORE, next_cursor=50)),
        (ending_cursor(100), (1000, 50, 50), Window(50, 100, **END)),
        (ending_cursor(100), (1000, 70, 50), Window(70, 100, **END)),
        (ending_cursor(100), (1000, 500, 50), Window(500, 500, **END)),
        (ending_cursor(100), (80, 50, 50), Window(50, 100, **END)),
        (clamped_cursor(100), (1000, 50, 50), offsets(1000, 50, 50)),
        (clamped_cursor(100), (1000, 500, 50), Window(100, 150, **MORE, next_cursor=550)),
        (clamped_cursor(100), (30, 0, 50), Window(0, 50, **END)),
        (clamped_cursor(100), (120, 500, 50), Window(100, 150, **END)),
        (clamped_cursor(100), (150, 100, 50), Window(100, 150, **END)),
    ],
)
def test_a_page_of_each_paging(paging, asked, window):
    """A paging takes the number of items, the cursor and the limit."""
    assert paging(*asked) == window


def test_ties_come_in_another_order_with_each_response_and_the_times_in_the_same():
    sandbox = Sandbox(procedures=40, runs=60)
    runs = sandbox.runs
    runs[:] = [evolve(run, started_at=runs[at - at % 3].started_at) for at, run in enumerate(runs)]
    ids, times = [run.id for run in runs], [run.started_at for run in runs]
    sandbox.before_response.append(shuffled_ties("runs", seed=1))
    orders = []
    for _ in range(3):
        query = {"limit": "100"}
        request = Request(path="/api/v2/runs", query=query, authorization=f"Bearer {sandbox.api_key}")
        with sandbox.handle(request):
            orders.append([run.id for run in request.page.data])
        assert [run.started_at for run in request.page.data] == times
    assert all(sorted(order) == sorted(ids) for order in orders)
    assert orders[0] != orders[1] != orders[2] != orders[0]


@pytest.mark.parametrize("listing", ["procedures", "deployments", "stations"])
def test_items_without_ties_or_without_a_time_are_listed_all(listing):
    sandbox = Sandbox(procedures=40, runs=60)
    before = list(sandbox.rows(listing))
    shuffled_ties(listing)(sandbox, Request())
    assert sorted(item.id for item in sandbox.rows(listing)) == sorted(item.id for item in before)
    assert listing == "stations" or sandbox.rows(listing) == before
