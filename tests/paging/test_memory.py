"""Pages in a row that bring nothing are counted."""

import pytest

from aiotofupilot._paging.memory import Progress
from aiotofupilot.errors import PaginationError
from aiotofupilot.models import Page, PageMeta

PAGE = Page([], PageMeta(has_more=True, next_cursor=2), 1)


def test_a_hundred_pages_in_a_row_may_bring_nothing_and_one_more_is_an_error():
    progress = Progress()
    progress.check(PAGE, ["a"], is_new=True)
    for ids in ["b"], *[["b"]] * 100:  # the first one shows an item that the row has not shown
        progress.check(PAGE, ids, is_new=False)
    with pytest.raises(PaginationError, match="101 pages in a row") as caught:
        progress.check(PAGE, ["b"], is_new=False)
    assert caught.value.fruitless_pages == 101


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
