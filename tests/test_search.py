"""A search names where to look, nearest first, until there is nowhere left."""

from itertools import pairwise

import pytest

from aiotofupilot._search import Search
from aiotofupilot.models import Page, PageMeta


def places(origin, *, total, limit=10, both_ways):
    """Every cursor that a search names in a listing that shows nothing of what is sought."""
    search, cursor, named = Search(origin, limit, both_ways=both_ways), origin, []
    while cursor is not None:
        beyond = cursor + limit
        more = beyond < total
        cursor = search.after(Page([], PageMeta(more, beyond if more else None), cursor))
        named.append(cursor)
    return named


def test_back_it_goes_by_half_pages_down_to_the_beginning():
    """And no further."""
    assert places(17, total=1000, both_ways=False) == [12, 7, 2, 0, None]


def test_both_ways_the_nearer_place_comes_first():
    """Back, forth, back ... until each end is reached."""
    assert places(12, total=35, both_ways=True) == [7, 17, 2, 22, 0, 27, None]


def test_beyond_the_end_there_is_nothing_to_look_for():
    """A page that is the last, or empty, ends the way forth."""
    assert places(12, total=15, both_ways=True) == [7, 2, 0, None]


def test_from_the_beginning_there_is_only_forth():
    """Or nowhere at all."""
    assert places(0, total=25, both_ways=True) == [5, 10, 15, None]
    assert places(0, total=25, both_ways=False) == [None]


@pytest.mark.parametrize("limit", [2, 3, 10, 100])
@pytest.mark.parametrize("both_ways", [True, False])
def test_no_item_lies_between_two_places(limit, both_ways):
    """Neighbouring looks overlap by half a page, or touch."""
    looks = sorted({50, *places(50, total=90, limit=limit, both_ways=both_ways)[:-1]})
    assert looks[0] == 0
    assert all(right - left <= limit // 2 for left, right in pairwise(looks))
    assert not both_ways or looks[-1] + limit >= 90
