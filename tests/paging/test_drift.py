"""The position of a walk is found again: what a page shows of the items passed, where to look, and what ties hide.

Each page is a value. These are states that few histories of `tests/proof` and few walks of `tests/simulation` reach.
"""

from itertools import pairwise

import pytest
from attrs import frozen

from aiotofupilot._paging.drift import DetectDrift, Search
from aiotofupilot._paging.memory import IgnoreDrift
from aiotofupilot._paging.ties import Match, Ties, end_of_row, side_by_side
from aiotofupilot._paging.unreadable import Gap
from aiotofupilot.errors import DriftError, PaginationError
from aiotofupilot.models import Page, PageMeta
from aiotofupilot.positions import BEGINNING, digest


@frozen
class Item:
    id: str


def page(ids, cursor=0, *, total=1000):
    """A page of the items that a string, a list or a range names, one each."""
    data = [Item(str(item_id)) for item_id in ids]
    beyond = cursor + len(data)
    return Page(data, PageMeta(beyond < total, beyond if beyond < total else None), cursor)


def ids(items):
    return [item.id for item in items]


def digests(ids):
    return tuple(map(digest, ids))


def anchored(passed):
    """A drift strategy that has passed some items, on one page."""
    drift = DetectDrift((BEGINNING,), limit=10, resync=True)
    drift.admit(page(passed))
    return drift


def resumed(anchors, ahead=()):
    """A drift strategy that begins at a checkpoint with the digests of these items."""
    return DetectDrift(digests(anchors), digests(ahead), limit=10, resync=True)


def test_a_page_that_shows_no_anchor_counts_as_not_passed():
    """Otherwise its items would be dropped when they come in their turn."""
    drift = anchored("abcde")
    assert drift.admit(page("ghij", 4)) is None
    assert ids(drift.admit(page("defghij", 1))) == ["f", "g", "h", "i", "j"]


def test_an_item_that_was_met_again_late_stands_where_it_was_passed_last():
    """A page behind a gap follows the item before the gap, wherever that item stood before."""
    drift = anchored("abcd")
    assert drift.admit(page("dab", 3)) == []
    assert ids(drift.admit(page("ef", 7), gap=Gap(6, 7, before="b"))) == ["e", "f"]


def test_a_page_behind_a_gap_after_an_item_that_was_not_passed_is_not_taken():
    drift = anchored("abcd")
    assert drift.admit(page("efg", 5), gap=Gap(4, 5, before="x")) is None
    assert ids(drift.admit(page("cdefg", 2))) == ["e", "f", "g"]


def test_a_page_behind_a_gap_at_the_beginning_is_the_first_of_the_listing():
    drift = anchored("abcdefgh")
    assert drift.admit(page("ijklmnop", 7)) is None
    while drift.next_probe:
        assert drift.admit(page("gfedcba", drift.next_probe)) is None
    assert drift.next_probe == 0
    assert ids(drift.admit(page("hgfedcbai", 1), gap=Gap(0, 1))) == ["i"]


def test_a_listing_that_moves_at_each_look_beside_a_gap_is_an_error():
    """It costs a bounded number of looks."""
    drift = anchored("abcd")
    gap = Gap(4, 5, before="d", is_confirmed=False)
    for _ in range(2):  # after the error, the count begins again
        for _ in range(10):
            assert drift.admit(page("efg", 5), gap=gap) is None
            assert drift.admit(page("cd", 2)) == []
        with pytest.raises(DriftError, match="beside the items from position 4 on") as caught:
            drift.admit(page("efg", 5), gap=gap)
        assert caught.value.cursor == 4
    assert ids(drift.admit(page("efg", 5), gap=Gap(4, 5, before="d"))) == ["e", "f", "g"]


def test_a_resumed_walk_looks_both_ways():
    """All of the few items that a checkpoint names may have moved on by more than a page."""
    drift = resumed("abcdefgh")
    looks = []
    for cursor in (100, 95, 105):
        assert drift.admit(page(range(cursor, cursor + 10), cursor)) is None
        looks.append(drift.next_probe)
    assert looks == [95, 105, 90]
    assert ids(drift.admit(page("fghij", 110))) == ["i", "j"]


def test_what_did_not_turn_up_in_its_turn_is_forgotten():
    """The order of what stays does not change: once two later items are met, an earlier one is gone."""
    drift = anchored("abcde")
    drift.admit(page("axyz", 0))
    assert drift.memory.ahead(4) == digests("bcde")
    drift.admit(page("zc", 3))
    drift.admit(page("cfg", 4))
    assert drift.memory.ahead(0) == digests("bde")  # c may have moved there alone
    drift.admit(page("gdeh", 6))
    drift.admit(page("hi", 9))
    assert drift.memory.ahead(0) == ()


def test_what_has_been_met_on_the_page_at_hand_lies_ahead_no_more():
    """A checkpoint taken within the page names only what is still to come."""
    drift = anchored("abcde")
    drift.admit(page("axyz", 0))
    drift.admit(page("zbcx", 3))
    assert drift.memory.ahead(1) == digests("bcde")
    assert drift.memory.ahead(2) == digests("cde")
    assert drift.memory.ahead(3) == digests("de")


@pytest.mark.parametrize("named", [False, True])
def test_what_did_not_turn_up_in_its_turn_is_not_new_when_it_does(named):
    """An answer fetched ahead may be older than the one before it, and lack what is listed by now."""
    drift = resumed("a", "bcde") if named else anchored("abcde")
    drift.admit(page("axyz", 0))
    drift.admit(page("zd", 3))
    assert ids(drift.admit(page("dcfg", 4))) == ["f", "g"]
    assert drift.memory.ahead(0) == digests("bce")


def test_what_did_not_turn_up_is_forgotten_like_all_that_was_passed():
    """Memory does not grow with it."""
    drift = resumed("a", "bcde")
    drift.admit(page("axyz", 0))
    drift.admit(page("zde", 3))
    last = "e"
    for start in range(0, 3000, 10):
        drift.admit(page([last, *range(start, start + 10)], start + 5))
        last = start + 9
    assert len(drift.memory.passed) <= 2000
    assert not drift.memory._has_digests
    assert len(drift.memory._known) <= 2010


def test_a_listing_that_grew_by_more_than_a_page_before_the_items_passed_last_is_read_anew():
    """Items that no page has shown count as created, up to the number of items on a page."""
    assert ids(anchored("abcde").admit(page("def", 13))) == ["f"]
    drift = anchored("abcde")
    assert drift.admit(page("def", 14)) is None
    assert drift.next_probe == 0


def test_a_hundred_pages_in_a_row_may_bring_nothing_and_one_more_is_an_error():
    """A page that brings something begins the count again, and so does one item that the row has not shown."""
    drift = IgnoreDrift()
    for item_id in "abc":
        assert drift.admit(page(item_id, 1))
        for _ in range(1 + 100):
            assert not drift.admit(page(item_id, 1))
    for item_id in "ab":
        for _ in range(1 + 100):
            assert not drift.admit(page(item_id, 1))
    with pytest.raises(PaginationError, match="101 pages in a row") as caught:
        drift.admit(page("b", 1))
    error = caught.value
    assert (error.cursor, error.next_cursor, error.fruitless_pages) == (1, 2, 101)


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ([], None),
        ([None, 7], None),
        ([5, None, 7], None),
        ([7, 5], None),
        ([5, 6, None], Match(1, 6)),
        ([5, 6, 7, None, None], Match(2, 7)),
        ([5, 6, None, 7, 8], Match(1, 6)),
        ([2, None, 5, 6, None], Match(3, 6)),
        ([2, 6, 3, 4], Match(1, 6)),
    ],
)
def test_items_side_by_side_are_relied_on_up_to_the_first_one_that_is_not(ranks, expected):
    """An item that stands alone may have moved."""
    assert side_by_side(ranks) == expected


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ([], None),
        ([None, 9, None], None),
        ([None, 8, 9, None], Match(2, 9)),
        ([None, 7, 9, None], None),
        ([7, 8, 9, None], Match(2, 9)),
        ([6, 8, 9, None], Match(2, 9)),
        ([6, 7, 8, None], Match(2, 8)),
        ([5, 7, 9, None], None),
        ([5, 6, 7, None], None),
        ([2, None, 7, 8, 9], Match(4, 9)),
        ([7, 8, 9, 3], None),
        ([7, 8, 9, None, 3], None),
        ([1, 9, 7, 8], None),
        ([4, 5, 6, 9], None),
        ([3, 4, 5, 6, 9], Match(4, 9)),
    ],
)
def test_ties_show_a_shift_if_those_passed_last_stand_side_by_side_and_none_after_them(ranks, expected):
    """Fewer than half as many may be gone."""
    assert end_of_row(ranks, 9) == expected


def listed(*numbers):
    return [Item(str(number)) for number in range(*numbers)]


def places(origin, *, total, limit=10, shown=None):
    """Every cursor that a search names in a listing that shows nothing of what is sought."""
    search, cursor, named = Search(origin, limit), origin, []
    shown = shown or limit
    while cursor is not None:
        beyond = cursor + shown
        more = beyond < total
        cursor = search.after(
            Page(listed(cursor, min(cursor + shown, total)), PageMeta(more, beyond if more else None), cursor)
        )
        named.append(cursor)
    return named


@pytest.mark.parametrize(
    ("origin", "total", "expected"),
    [
        (12, 35, [7, 17, 2, 22, 0, 27, None]),
        (12, 15, [7, 2, 0, None]),
        (17, 15, [12, 7, 2, 0, None]),
        (0, 25, [5, 10, 15, None]),
        (0, 10, [None]),
    ],
)
def test_the_nearer_probe_comes_first(origin, total, expected):
    """Back, forth, back ... until each end is reached. A page that is the last, or empty, ends the way forth."""
    assert places(origin, total=total) == expected


@pytest.mark.parametrize(("limit", "shown"), [(2, 2), (3, 3), (10, 10), (100, 100), (100, 10), (10, 2)])
def test_no_item_lies_between_two_probes(limit, shown):
    """Two probes overlap by half a page, or touch. A server that gives shorter pages changes nothing about that."""
    probes = sorted({50, *places(50, total=90, limit=limit, shown=shown)[:-1]})
    assert probes[0] == 0
    assert all(right - left <= max(1, shown // 2) for left, right in pairwise(probes))
    assert probes[-1] + shown >= 90


def test_what_a_short_page_on_the_way_back_leaves_out_is_looked_at_next():
    """An item that cannot be read ends a page early. The first page here was the last of the listing."""
    search, probes = Search(25, 100), []
    cursor = search.after(Page(listed(25, 30), PageMeta(has_more=False, next_cursor=None), 25))
    while cursor is not None:
        probes.append(cursor)
        end = min(cursor + 4, 25)
        cursor = search.after(Page(listed(cursor, end), PageMeta(has_more=True, next_cursor=end), cursor))
    assert probes == [0, 4, 8, 12, 16, 20, 24]


def sorted_alike(*passed, anchors=(BEGINNING,), limit=5, resync=True):
    """A drift strategy over items that are sorted by the letter that their ids begin with. It has passed some pages."""
    drift = DetectDrift(anchors, limit=limit, resync=resync, sort_key=lambda item: item.id[0])
    cursor = 0
    for ids in passed:
        drift.admit(page(ids, cursor))
        cursor += len(ids) - 1
    return drift


def test_an_item_that_comes_again_among_others_sorted_alike_lets_the_walk_look_before_them():
    """The page begins as it should. But b2 took the place of an item that was not seen."""
    drift = sorted_alike(["a1", "a2", "b1", "b2", "b3"])
    assert drift.admit(page(["b3", "b2", "b5", "c1"], 4)) is None
    assert drift.next_probe == 1
    assert drift.admit(page(["a2", "b4", "b2", "b3", "b1"], 1)) is None
    assert drift.next_probe == 0
    assert ids(drift.admit(page(["a1", "a2", "b4", "b2", "b3"], 0))) == ["b4"]


def test_what_else_comes_again_may_have_moved():
    assert ids(sorted_alike(["a1", "a2", "b1"]).admit(page(["b1", "a2", "c1"], 2))) == ["c1"]


def test_a_shift_that_only_ties_showed_is_held_to_where_they_begin():
    """Items b2 and b3 changed places with b4. It is found before the walk ends, because b1 stands where it did."""
    drift = sorted_alike(["a1", "a2", "b1", "b2", "b3"])
    assert ids(drift.admit(page(["b2", "b3", "c1"], 4, total=7))) == ["c1"]
    assert drift.is_unproven()
    assert drift.next_probe == 1
    assert drift.admit(page(["a2", "b1", "b4", "b2", "b3"], 1)) is None
    assert not drift.has_ended
    assert drift.next_probe == 0
    assert ids(drift.admit(page(["a1", "a2", "b1", "b4", "b2"], 0))) == ["b4"]
    assert drift.admit(page(["b2", "b3", "c1"], 4, total=7)) == []
    assert not drift.is_unproven()


def test_a_walk_goes_back_to_the_first_ties_that_showed_a_shift():
    """Those of c showed the last one. When the walk is before those of b, it knows nothing of a shift."""
    drift = sorted_alike(["a1", "a2", "b1", "b2", "b3"])
    drift.admit(page(["b2", "b3", "c1", "c2"], 4))
    drift.admit(page(["c1", "c2", "d1"], 7, total=10))
    assert drift.is_unproven()
    assert drift.admit(page(["x1", "c1", "c2", "d1"], 5)) is None
    assert drift.next_probe == 0
    assert ids(drift.admit(page(["a1", "a2", "b1", "b4", "b2", "b3", "c1"], 0))) == ["b4"]
    assert not drift.is_unproven()


@pytest.mark.parametrize("shown", [["a1", "a2", "b1"], ["b1", "b2", "b3"], ["c1", "c2"], []])
def test_a_shift_is_proven_if_ties_begin_elsewhere_now(shown):
    drift = sorted_alike(["a1", "a2", "b1", "b2", "b3"])
    drift.admit(page(["b2", "b3", "c1"], 4, total=7))
    assert drift.is_unproven()
    assert drift.admit(page(shown, 1, total=1000 if shown else 0)) is None
    assert drift.has_ended


def test_a_walk_that_went_back_before_such_ties_meanwhile_begins_again():
    drift = sorted_alike(["a1", "a2", "b1", "b2", "b3"])
    drift.admit(page(["b2", "b3", "c1"], 4))
    assert ids(drift.admit(page(["a1", "a2", "d1"], 6, total=9))) == ["d1"]
    assert drift.is_unproven()
    assert drift.admit(page(["a2", "b1", "b2"], 1)) is None
    assert drift.next_probe == 0
    assert ids(drift.admit(page(["a1", "a2", "b1", "b4", "b2"], 0))) == ["b4"]


def test_ties_that_showed_a_shift_and_are_forgotten_are_an_error():
    drift = sorted_alike(["a1", "a2", "b1", "b2", "b3"])
    drift.admit(page(["b2", "b3", "c0"], 4))
    for start in range(0, 2100, 100):
        drift.admit(page([f"c{nth}" for nth in range(start, start + 101)], start + 6))
    assert drift.is_unproven()
    with pytest.raises(DriftError, match="more than a walk remembers"):
        drift.admit(page(["a2", "b1", "b2"], 1))


def test_with_raise_an_item_that_comes_again_is_an_error():
    drift = sorted_alike(["a1", "b1", "b2"], resync=False)
    with pytest.raises(DriftError, match="the page at cursor 2 shows 'b1' again"):
        drift.admit(page(["b2", "b1", "c1"], 2))


def test_a_walk_looks_before_the_same_items_forty_times():
    """What is new meanwhile does not count. Before other items, it may look as often again."""
    drift = sorted_alike(["a1", "a2", "b1", "b2"])
    for group in ("b", "c"):
        for nth in range(40):
            new = f"{group}1{nth:02}"
            assert drift.admit(page([f"{group}2", f"{group}1", "d1"], 3)) is None
            drift.admit(page(["a1", "a2", f"{group}1", new, f"{group}2"], 0))
        if group == "b":
            drift.admit(page(["b2", "c1", "c2"], 4))
    with pytest.raises(DriftError, match="loses its position again and again"):
        drift.admit(page(["c2", "c1", "d1"], 3))
    assert drift.admit(page(["c2", "c1", "d1"], 3)) is None
    assert drift.next_probe == 0


def test_a_walk_that_is_resumed_among_ties_believes_its_items_side_by_side():
    """They begin the listing now. It never saw what was before them."""
    drift = sorted_alike(anchors=digests(["b1", "b2"]))
    assert ids(drift.admit(page(["b1", "b2", "c1"], total=3))) == ["c1"]
    drift = sorted_alike(anchors=digests(["b1", "b2", "b3"]))
    with pytest.raises(DriftError, match="too few of the items passed lately"):
        for _ in range(10):
            assert drift.admit(page(["b1", "b4", "b2", "c1"], total=4)) is None


def looked_everywhere(*pages):
    """What a walk that is resumed after eight ties yields of a listing that shows these pages, one after the other.

    The last one is shown again at last, wherever one of them was shown.
    """
    drift = sorted_alike(anchors=digests(f"b{nth}" for nth in range(1, 9)), limit=8)
    for cursor, shown in pages:
        assert drift.admit(page(shown, cursor, total=20)) is None
    cursors, (_, shown) = {cursor for cursor, _ in pages}, pages[-1]
    while (new := drift.admit(page(shown if (at := drift.next_probe) in cursors else [], at, total=0))) is None:
        pass
    return ids(new)


def test_ties_that_are_left_show_the_position_after_the_whole_listing_was_searched():
    """The others are gone."""
    assert looked_everywhere((4, ["b0", "b2", "b4", "b9"])) == ["b9"]
    assert looked_everywhere((4, ["b0", "b2", "b3", "b4", "b9"]), (3, ["b0", "b2", "b4", "b9"])) == ["b9"]


@pytest.mark.parametrize("other", [["b5"], ["b5", "b9", "b6"], ["b5", "b6"], ["b4", "b2"], ["b4", "b9", "b2"]])
def test_ties_that_are_left_show_nothing_if_a_page_has_shown_others_elsewhere(other):
    with pytest.raises(DriftError, match="too few of the items passed lately"):
        looked_everywhere((12, ["b0", *other, "c1"]), (4, ["b0", "b2", "b4", "b9"]))


def test_a_walk_that_is_lost_among_ties_does_not_believe_a_single_item_where_it_was():
    """Where they have no order, it can be there by chance, and then others would be missed."""
    drift = sorted_alike(anchors=digests(f"b{nth}" for nth in range(1, 9)), limit=8)
    assert drift.admit(page(["b9", "b8", "c1"], 7, total=10)) is None
    assert drift.admit(page(["b8", "b0", "c1"], 7, total=10)) is None
    assert ids(drift.admit(page(["b0", "b7", "b8", "c1"], 6, total=10))) == ["c1"]


def test_more_of_them_than_are_remembered_are_an_error():
    """Nobody knows what stood before them."""
    drift = DetectDrift(limit=5, resync=True, sort_key=lambda item: item.id[0])
    drift.admit(page(["b1", "b2", "b3"], 50))
    with pytest.raises(DriftError, match="more than a walk remembers"):
        for cursor in (52, 49, 46, 43):
            assert drift.admit(page(["b7", "b8", "b9"], cursor)) is None


def test_without_a_sort_key_nothing_is_sorted_alike():
    ties, items = Ties(None), page(["a1", "a2"]).data
    ties.note_passed(page(["a1", "a2"]))
    assert ties.beginning(items, [0, 1]) is None
    assert not ties.comes_again(items, 1, items)
