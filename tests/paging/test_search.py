"""A search names where to look, nearest first, until there is nowhere left."""

from itertools import pairwise

import pytest

from aiotofupilot._paging.resync import Search
from aiotofupilot.models import Page, PageMeta


def places(origin, *, total, limit=10, shown=None):
    """Every cursor that a search names in a listing that shows nothing of what is sought."""
    search, cursor, named = Search(origin, limit), origin, []
    shown = shown or limit
    while cursor is not None:
        beyond = cursor + shown
        more = beyond < total
        cursor = search.after(
            Page([*range(cursor, min(cursor + shown, total))], PageMeta(more, beyond if more else None), cursor)
        )
        named.append(cursor)
    return named


def test_the_nearer_place_comes_first():
    """Back, forth, back ... until each end is reached."""
    assert places(12, total=35) == [7, 17, 2, 22, 0, 27, None]


def test_beyond_the_end_there_is_nothing_to_look_for():
    """A page that is the last, or empty, ends the way forth."""
    assert places(12, total=15) == [7, 2, 0, None]
    assert places(17, total=15) == [12, 7, 2, 0, None]


def test_from_the_beginning_there_is_only_forth():
    """Or nowhere at all."""
    assert places(0, total=25) == [5, 10, 15, None]
    assert places(0, total=10) == [None]


@pytest.mark.parametrize(("limit", "shown"), [(2, 2), (3, 3), (10, 10), (100, 100), (100, 10), (10, 2)])
def test_no_item_lies_between_two_places(limit, shown):
    """Neighbouring probes overlap by half a page, or touch, also where the server gives fewer items than asked for."""
    probes = sorted({50, *places(50, total=90, limit=limit, shown=shown)[:-1]})
    assert probes[0] == 0
    assert all(right - left <= max(1, shown // 2) for left, right in pairwise(probes))
    assert probes[-1] + shown >= 90


def test_what_a_short_page_on_the_way_back_leaves_out_is_looked_at_next():
    """An item that cannot be read ends a page early. The first page here was the last of the listing."""
    search, probes = Search(25, 100), []
    cursor = search.after(Page([*range(25, 30)], PageMeta(has_more=False, next_cursor=None), 25))
    while cursor is not None:
        probes.append(cursor)
        end = min(cursor + 4, 25)
        cursor = search.after(Page([*range(cursor, end)], PageMeta(has_more=True, next_cursor=end), cursor))
    assert probes == [0, 4, 8, 12, 16, 20, 24]


def test_a_server_that_shows_its_last_page_for_ever_ends_the_way_forth():
    """As one that clamps or ignores the cursor does, whatever it announces."""
    search, cursor, probes = Search(50, 10), 50, []
    while cursor is not None:
        at = min(cursor, 57)
        cursor = search.after(Page([*range(at, at + 10)], PageMeta(has_more=True, next_cursor=cursor + 10), cursor))
        probes.append(cursor)
    assert max(look for look in probes if look is not None) == 65
    assert probes[-2:] == [0, None]
