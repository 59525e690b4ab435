"""How listings are cut into pages."""

from itertools import product

import pytest

from aiotofupilot.sandbox.paging import (
    Window,
    backward_cursor,
    capped,
    clamped_cursor,
    cycling_cursor,
    endless_empty,
    hidden_rows,
    ignored_cursor,
    null_cursor,
    offsets,
    page_numbers,
    repeating_cursor,
    short_pages,
)


def walk(paging, total, limit):
    """The windows that a client sees which follows the server's cursors."""
    windows, cursor = [], 0
    while cursor is not None:
        windows.append(paging(total, cursor, limit))
        cursor = windows[-1].next_cursor
        assert windows[-1].has_more is (cursor is not None)
    return windows


def shown(windows, total):
    return [index for window in windows for index in range(total)[window.start : window.stop]]


def test_following_the_cursor_shows_everything_once():
    """With any odd pages, the cursors lead through the whole listing to its end."""
    pagings = [offsets, capped(25), short_pages(), short_pages(7), hidden_rows(), hidden_rows(3, 8), page_numbers]
    wrong = [
        (pagings.index(paging), total, limit)
        for paging, total, limit in product(pagings, (0, 1, 99, 100, 101, 350), (1, 7, 50, 100))
        if shown(walk(paging, total, limit), total) != list(range(total))
    ]
    assert wrong == []


def test_a_page_is_full_and_the_next_one_begins_where_it_ends():
    assert offsets(120, 0, 50) == Window(0, 50, has_more=True, next_cursor=50)
    assert offsets(120, 70, 50) == Window(70, 120, has_more=False, next_cursor=None)
    assert offsets(120, 500, 50) == Window(500, 550, has_more=False, next_cursor=None)


def test_a_limit_above_the_cap_counts_as_the_cap():
    assert capped(25)(120, 0, 100) == Window(0, 25, has_more=True, next_cursor=25)
    assert capped(25)(120, 0, 10) == Window(0, 10, has_more=True, next_cursor=10)


def test_short_pages_have_many_lengths_up_to_the_limit():
    """The length depends only on the seed and the cursor."""
    lengths = [window.stop - window.start for window in walk(short_pages(1), 1000, 20)]
    assert set(lengths) == set(range(1, 21))
    assert walk(short_pages(1), 1000, 20) == walk(short_pages(1), 1000, 20)
    assert walk(short_pages(1), 1000, 20) != walk(short_pages(2), 1000, 20)


def test_hidden_rows_leave_pages_empty_while_more_follows():
    """Offsets count the hidden rows."""
    windows = walk(hidden_rows(every=100, hide=250), 150, 100)
    assert [window.stop - window.start for window in windows] == [100, 0, 0, 50]
    assert [window.next_cursor for window in windows] == [100, 200, 300, None]


def test_a_page_number_counts_pages_of_the_limit():
    assert page_numbers(120, 0, 50) == Window(0, 50, has_more=True, next_cursor=1)
    assert page_numbers(120, 2, 50) == Window(100, 150, has_more=False, next_cursor=None)


def test_more_is_announced_without_a_cursor():
    assert null_cursor(120, 0, 50) == Window(0, 50, has_more=True, next_cursor=None)
    assert null_cursor(120, 100, 50) == offsets(120, 100, 50)


@pytest.mark.parametrize(
    ("paging", "next_cursor"), [(repeating_cursor(100), 150), (cycling_cursor(100), 0), (backward_cursor(100), 100)]
)
def test_a_misleading_cursor_never_leads_to_a_later_page(paging, next_cursor):
    """Before the offset, all is well. This is so from it on, also after the end."""
    assert paging(1000, 50, 50) == offsets(1000, 50, 50)
    assert paging(1000, 150, 50) == Window(150, 200, has_more=True, next_cursor=next_cursor)
    assert paging(120, 150, 50) == Window(150, 200, has_more=True, next_cursor=next_cursor)


def test_backward_cursor_stops_at_the_beginning():
    """There is no page before the first."""
    assert backward_cursor()(1000, 20, 50).next_cursor == 0


@pytest.mark.parametrize(
    ("paging", "start", "stop"),
    [(endless_empty(100), 500, 500), (ignored_cursor(100), 100, 150), (clamped_cursor(100), 100, 150)],
)
def test_cursors_can_advance_without_new_items(paging, start, stop):
    """Before the offset, all is well. From it on, nothing new comes, although the next cursor is always a later one."""
    assert paging(1000, 50, 50) == offsets(1000, 50, 50)
    assert paging(1000, 500, 50) == Window(start, stop, has_more=True, next_cursor=550)
    assert paging(1000, 10**9, 50).next_cursor == 10**9 + 50


def test_more_is_announced_to_the_offset():
    """A listing that ends early is led to the offset from which the oddity begins; a clamped one just ends."""
    assert endless_empty(100)(30, 0, 50) == Window(0, 50, has_more=True, next_cursor=50)
    assert ignored_cursor(100)(30, 50, 50) == Window(50, 100, has_more=True, next_cursor=100)
    assert clamped_cursor(100)(30, 0, 50) == offsets(30, 0, 50)
    assert clamped_cursor(100)(120, 500, 50) == Window(100, 150, has_more=False, next_cursor=None)
    assert clamped_cursor(100)(150, 100, 50) == offsets(150, 100, 50)
