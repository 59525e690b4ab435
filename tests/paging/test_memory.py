"""Pages in a row that bring nothing new are counted."""

import pytest

from aiotofupilot import RawItem
from aiotofupilot._paging.memory import IgnoreDrift
from aiotofupilot.errors import PaginationError
from aiotofupilot.models import Page, PageMeta


def page_of(item_id):
    return Page([RawItem(id=item_id)], PageMeta(has_more=True, next_cursor=2), 1)


def test_a_hundred_pages_in_a_row_may_bring_nothing_and_one_more_is_an_error():
    drift = IgnoreDrift()
    assert drift.admit(page_of("a"))
    for _ in range(1 + 100):  # the first one shows an item that the row has not shown
        assert not drift.admit(page_of("a"))
    with pytest.raises(PaginationError, match="101 pages in a row") as caught:
        drift.admit(page_of("a"))
    error = caught.value
    assert (error.cursor, error.next_cursor, error.fruitless_pages) == (1, 2, 101)


def test_a_page_that_brings_something_begins_the_count_again():
    drift = IgnoreDrift()
    for item_id in "abc":
        assert drift.admit(page_of(item_id))
        for _ in range(1 + 100):
            assert not drift.admit(page_of(item_id))
    for item_id in "ab":  # known, and not shown by the pages before it in the row
        for _ in range(1 + 100):
            assert not drift.admit(page_of(item_id))
    with pytest.raises(PaginationError):
        drift.admit(page_of("b"))
