"""How listings are cut into pages."""

from itertools import product

import pytest
from attrs import evolve
from fakes.paging import (
    Window,
    backward_cursor,
    capped,
    clamped_cursor,
    cycling_cursor,
    ending_cursor,
    endless_empty,
    hidden_rows,
    ignored_cursor,
    null_cursor,
    offsets,
    page_numbers,
    repeating_cursor,
    short_pages,
    shuffled_ties,
)

from aiotofupilot.sandbox import Request, Sandbox


def walk(paging, total, limit):
    """The windows that a client sees which follows the server's cursors."""
    windows, cursor = [], 0
    while cursor is not None:
        windows.append(paging(total, cursor, limit))
        cursor = windows[-1].next_cursor
        assert windows[-1].has_more is (cursor is not None)
    return windows


@pytest.mark.parametrize(
    "paging", [offsets, capped(25), short_pages(), short_pages(7), hidden_rows(), hidden_rows(3, 8), page_numbers]
)
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
        (page_numbers, (120, 0, 50), Window(0, 50, **MORE, next_cursor=1)),
        (page_numbers, (120, 2, 50), Window(100, 150, **END)),
        (null_cursor, (120, 0, 50), Window(0, 50, **MORE, next_cursor=None)),
        (null_cursor, (120, 100, 50), Window(100, 150, **END)),
        (backward_cursor(), (1000, 20, 50), Window(20, 70, **MORE, next_cursor=0)),
        # Before the offset, all is well. From it on, also after the end, a cursor misleads.
        *[
            (paging, (total, 150, 50), Window(150, 200, **MORE, next_cursor=following))
            for paging, following in [
                (repeating_cursor(100), 150),
                (cycling_cursor(100), 0),
                (backward_cursor(100), 100),
            ]
            for total in (1000, 120)
        ],
        # At the largest offset, a listing seems to end.
        (ending_cursor(100), (1000, 0, 50), Window(0, 50, **MORE, next_cursor=50)),
        (ending_cursor(100), (1000, 50, 50), Window(50, 100, **END)),
        (ending_cursor(100), (1000, 70, 50), Window(70, 100, **END)),
        (ending_cursor(100), (1000, 500, 50), Window(500, 500, **END)),
        (ending_cursor(100), (80, 50, 50), Window(50, 100, **END)),
        # Nothing new comes, although the next cursor is always a later one.
        (endless_empty(100), (1000, 500, 50), Window(500, 500, **MORE, next_cursor=550)),
        (ignored_cursor(100), (1000, 500, 50), Window(100, 150, **MORE, next_cursor=550)),
        (clamped_cursor(100), (1000, 500, 50), Window(100, 150, **MORE, next_cursor=550)),
        (endless_empty(100), (1000, 10**9, 50), Window(10**9, 10**9, **MORE, next_cursor=10**9 + 50)),
        # A listing that ends early is led to the offset from which the oddity begins; a clamped one just ends.
        (endless_empty(100), (30, 0, 50), Window(0, 50, **MORE, next_cursor=50)),
        (ignored_cursor(100), (30, 50, 50), Window(50, 100, **MORE, next_cursor=100)),
        (clamped_cursor(100), (30, 0, 50), Window(0, 50, **END)),
        (clamped_cursor(100), (120, 500, 50), Window(100, 150, **END)),
        (clamped_cursor(100), (150, 100, 50), Window(100, 150, **END)),
    ],
)
def test_a_page_of_each_paging(paging, asked, window):
    """A paging takes the number of items, the cursor and the limit."""
    assert paging(*asked) == window


@pytest.mark.parametrize(
    "odd", [repeating_cursor, cycling_cursor, backward_cursor, endless_empty, ignored_cursor, clamped_cursor]
)
def test_before_its_offset_an_odd_paging_is_the_usual_one(odd):
    assert odd(100)(1000, 50, 50) == offsets(1000, 50, 50)


def test_short_pages_have_many_lengths_up_to_the_limit():
    """The length depends only on the seed and the cursor. Hidden rows leave pages empty, and offsets count them."""
    lengths = [window.stop - window.start for window in walk(short_pages(1), 1000, 20)]
    assert set(lengths) == set(range(1, 21))
    assert walk(short_pages(1), 1000, 20) == walk(short_pages(1), 1000, 20) != walk(short_pages(2), 1000, 20)
    windows = walk(hidden_rows(every=100, hide=250), 150, 100)
    assert [window.stop - window.start for window in windows] == [100, 0, 0, 50]
    assert [window.next_cursor for window in windows] == [100, 200, 300, None]


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
