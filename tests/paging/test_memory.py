"""Pages in a row that bring nothing are counted."""

import pytest

from aiotofupilot import RawItem
from aiotofupilot._paging.memory import IgnoreDrift, Progress
from aiotofupilot.errors import PaginationError
from aiotofupilot.models import Page, PageMeta


def test_a_hundred_pages_in_a_row_may_bring_nothing_and_one_more_is_an_error():
    drift, page = IgnoreDrift(), Page([RawItem(id="a")], PageMeta(has_more=True, next_cursor=2), 1)
    assert drift.admit(page)
    for _ in range(1 + 100):  # the first one shows an item that the row has not shown
        assert not drift.admit(page)
    with pytest.raises(PaginationError, match="101 pages in a row") as caught:
        drift.admit(page)
    error = caught.value
    assert (error.cursor, error.next_cursor, error.fruitless_pages) == (1, 2, 101)


def test_a_page_can_count_for_several():
    progress = Progress()
    assert all(progress.note([], is_new=False, cost=10) for _ in range(10))
    assert not progress.note([], is_new=False, cost=1)


def test_a_page_that_brings_something_begins_the_count_again():
    progress = Progress()
    assert all(progress.note([], is_new=False) for _ in range(100))
    assert progress.note(["a"], is_new=True)
    assert all(progress.note([], is_new=False) for _ in range(100))
    assert progress.note(["b"], is_new=False)
    assert all(progress.note([], is_new=False) for _ in range(100))
    assert not progress.note([], is_new=False)
