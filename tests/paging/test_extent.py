"""What pages tell of the length of a listing, and what happens when they contradict one another."""

import pytest

from aiotofupilot import DriftError, Page, PageMeta
from aiotofupilot._paging.count import Extent, Probe
from aiotofupilot.models import RawItem


def page(cursor, count, *, more=False):
    items = [RawItem(id=f"{place}") for place in range(cursor, cursor + count)]
    return Page(items, PageMeta(more, cursor + count if more else None), cursor)


@pytest.fixture
def extent():
    """An extent that knows two whole pages, and that more follows."""
    extent = Extent(limit=10)
    assert extent.probes(4) == [Probe(0, 10)]
    extent.note(page(0, 10, more=True), Probe(0, 10))
    assert extent.probes(4) == [Probe(10, 10)]
    extent.note(page(10, 10, more=True), Probe(10, 10))
    return extent


def test_probes_beyond_what_is_known_go_further_by_a_factor(extent):
    assert extent.probes(3) == [Probe(80, 1), Probe(320, 1), Probe(1280, 1)]


def test_probes_divide_what_lies_between(extent):
    extent.note(page(80, 0), Probe(80, 1))
    assert extent.probes(3) == [Probe(35, 1), Probe(50, 1), Probe(65, 1)]
    assert extent.probes(1) == [Probe(50, 1)]


def test_whole_pages_cover_what_is_left_and_a_little_more_at_both_ends(extent):
    extent.note(page(38, 0), Probe(38, 1))
    assert extent.probes(1) == [Probe(29, 1)]
    assert extent.probes(2) == [Probe(19, 10), Probe(29, 10)]
    assert extent.length is None
    extent.note(page(29, 4), Probe(29, 10))
    assert extent.length == 33


def test_an_end_that_no_page_leads_to_is_believed_once_a_page_beyond_it_is_empty(extent):
    """A server that shows its last page again has no empty page."""
    extent.note(page(80, 1), Probe(80, 1))
    assert extent.length is None
    assert extent.probes(1) == [Probe(324, 1)]
    extent.note(page(324, 0), Probe(324, 1))
    assert extent.length == 81


def test_an_end_that_another_page_led_to_is_believed_at_once(extent):
    extent.note(page(20, 10, more=True), Probe(20, 10))
    extent.note(page(30, 5), Probe(30, 10))
    assert extent.length == 35


def test_a_page_beyond_an_end_takes_it_back(extent):
    """The listing has grown meanwhile."""
    extent.note(page(80, 1), Probe(80, 1))
    extent.note(page(320, 1, more=True), Probe(320, 1))
    assert extent.length is None
    assert extent.probes(1) == [Probe(1284, 1)]


def test_an_empty_page_before_an_end_takes_it_back(extent):
    """The listing has shrunk meanwhile."""
    extent.note(page(320, 1), Probe(320, 1))
    extent.note(page(80, 0), Probe(80, 1))
    assert extent.length is None
    assert extent.probes(1) == [Probe(50, 1)]


def test_an_end_beyond_an_empty_page_has_to_be_shown_anew(extent):
    extent.note(page(38, 0), Probe(38, 1))
    extent.note(page(29, 10), Probe(29, 10))
    assert extent.length is None
    assert extent.probes(1) == [Probe(156, 1)]


def test_an_item_that_moved_a_little_is_no_trouble_and_one_that_is_everywhere_is(extent):
    moved = Page([RawItem(id="19")], PageMeta(has_more=True, next_cursor=22), 21)
    extent.note(moved, Probe(moved.cursor, 1))
    with pytest.raises(DriftError) as caught:
        extent.note(Page(moved.data, PageMeta(has_more=True, next_cursor=121), 120), Probe(120, 1))
    assert caught.value.cursor == 120
