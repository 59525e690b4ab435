"""A drift strategy says what is new on a page, from what was passed lately: a function of values."""

import pytest
from attrs import frozen

from aiotofupilot._paging.drift import DetectDrift
from aiotofupilot._paging.memory import IgnoreDrift
from aiotofupilot._paging.unreadable import Gap
from aiotofupilot.errors import DriftError, PaginationError
from aiotofupilot.models import Page, PageMeta
from aiotofupilot.positions import BEGINNING, digest


@frozen
class Item:
    id: str


def page(ids, cursor=0, *, total=1000, next_cursor="offset"):
    """A page of the items that a string or a range names, one each."""
    data = [Item(str(item_id)) for item_id in ids]
    beyond = cursor + len(data) if next_cursor == "offset" else next_cursor
    return Page(data, PageMeta(beyond is not None and beyond < total, beyond), cursor)


def ids(items):
    return [item.id for item in items]


def anchored(passed="", **options):
    """A drift strategy that has passed some items, on one page."""
    drift = DetectDrift((BEGINNING,), **{"limit": 10, "resync": True, **options})
    if passed:
        drift.admit(page(passed))
    return drift


class TestIgnoreDrift:
    def test_pages_that_do_not_overlap_are_taken_as_they_are(self):
        """The usual case costs no copy."""
        drift = IgnoreDrift()
        for number in range(50):
            this = page(range(number * 10, number * 10 + 10), number * 10)
            assert drift.admit(this) is this.data
        assert drift.memory.duplicates == 0

    def test_what_was_on_the_pages_just_before_is_dropped(self):
        """Insertions push items onto the next page, where they come again."""
        drift = IgnoreDrift()
        drift.admit(page("abcde"))
        drift.admit(page("fghij", 5))
        assert ids(drift.admit(page("eijkl", 10))) == ["k", "l"]
        assert drift.memory.duplicates == 3

    def test_what_a_page_has_twice_is_taken_once(self):
        """An id is an item's own."""
        assert ids(IgnoreDrift().admit(page("abab"))) == ["a", "b"]

    def test_items_of_long_ago_are_forgotten(self):
        """Memory does not grow with the walk: at least the last 1,000 are remembered, and at most 2,000."""
        drift = IgnoreDrift()
        for number in range(300):
            drift.admit(page(range(number * 10, number * 10 + 10), number * 10))
            assert len(drift.memory.passed) <= 2000
            assert not drift._met
        assert ids(drift.admit(page([0, 2000, 2999], 3000))) == ["0"]

    def test_what_a_checkpoint_says_was_passed_is_dropped_too(self):
        """Its digests stand for the items."""
        drift = IgnoreDrift([digest("a"), digest("b")])
        assert ids(drift.admit(page("abc"))) == ["c"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 10])
    def test_a_checkpoint_skips_items_however_the_pages_are_cut(self, limit):
        """They were passed before it was taken."""
        drift, new = IgnoreDrift(skip=4), []
        for start in range(0, 10, limit):
            new += ids(drift.admit(page("abcdefghij"[start : start + limit], start)))
        assert new == list("efghij")

    def test_what_was_skipped_counts_as_passed(self):
        """It is dropped when an insertion brings it again."""
        drift = IgnoreDrift(skip=2)
        drift.admit(page("ab"))
        assert ids(drift.admit(page("bc", 2))) == ["c"]

    def test_the_anchors_are_the_eight_items_passed_last(self):
        """Of the page at hand only as many as have been passed count."""
        drift = IgnoreDrift()
        drift.admit(page("abcdefghij"))
        drift.admit(page("klmno", 10))
        assert drift.memory.anchors(2) == tuple(digest(item_id) for item_id in "efghijkl")
        assert drift.memory.ahead(2) == ()

    def test_anchors_of_a_checkpoint_are_handed_on(self):
        """A walk that is resumed and left at once loses none of them."""
        anchors = tuple(digest(item_id) for item_id in "abcdefgh")
        drift = IgnoreDrift(anchors)
        drift.admit(page("ij"))
        assert drift.memory.anchors(0) == anchors
        assert drift.memory.anchors(1) == (*anchors[1:], digest("i"))


class TestDetectDriftWhereNothingMoves:
    def test_the_first_page_is_new_altogether(self):
        """There is no item before it."""
        assert ids(anchored().admit(page("abc"))) == ["a", "b", "c"]

    def test_each_page_begins_with_the_last_item_of_the_page_before(self):
        """That one is the anchor, and not new."""
        drift = anchored("abcde")
        assert ids(drift.admit(page("efghi", 4))) == ["f", "g", "h", "i"]
        assert ids(drift.admit(page("ijk", 8))) == ["j", "k"]
        assert (drift.resyncs, drift.memory.duplicates) == (0, 0)

    def test_a_page_of_the_anchor_alone_has_nothing_new(self):
        """As at the end of a listing."""
        assert ids(anchored("abc").admit(page("c", 2, total=3))) == []

    def test_begun_at_a_bare_cursor_any_page_will_do(self):
        """There is nothing yet to hold it to."""
        drift = DetectDrift(limit=10, resync=False)
        assert ids(drift.admit(page("xyz", 50))) == ["x", "y", "z"]
        assert ids(drift.admit(page("zab", 52))) == ["a", "b"]

    def test_begun_at_a_checkpoint_the_page_begins_with_its_last_anchor(self):
        """By digest, for it has no more."""
        drift = DetectDrift([digest("a"), digest("b")], limit=10, resync=False)
        assert ids(drift.admit(page("bcd", 7))) == ["c", "d"]
        assert ids(drift.admit(page("def", 9))) == ["e", "f"]


class TestDetectDriftWhereThingsMove:
    @pytest.mark.parametrize("inserted", [1, 2, 5, 9])
    def test_insertions_before_the_anchor_show_it_further_down_the_page(self, inserted):
        """The items before it were passed too."""
        drift = anchored("abcdefghij")
        passed = "abcdefghij"[-1 - inserted :]
        assert ids(drift.admit(page([*passed, *"klm"], 9))) == ["k", "l", "m"]
        assert drift.resyncs == 1

    def test_a_stranger_between_items_that_were_passed_is_new(self):
        """Someone created it there, or it stands there because what stands behind it moved."""
        assert ids(anchored("abcde").admit(page(["c", "d", "new", "e", "f"], 4))) == ["new", "f"]

    def test_an_item_that_was_passed_and_stands_between_strangers_proves_nothing(self):
        """It may have moved there."""
        drift = anchored("abcde")
        assert drift.admit(page("xyez", 4)) is None
        assert ids(drift.admit(page("cdxye", 2))) == ["x", "y"]

    def test_insertions_behind_the_anchor_are_new(self):
        """They are listed behind all that was passed."""
        assert ids(anchored("abcde").admit(page(["e", "new", "f"], 4))) == ["new", "f"]

    def test_removals_hide_the_anchor_and_it_is_looked_for(self):
        """Half a page further each time, so that little slips through."""
        drift = anchored(range(100), limit=10)
        assert drift.admit(page(range(202, 212), 99)) is None
        assert drift.next_probe == 94
        assert drift.admit(page(range(220, 230), 94)) is None
        assert drift.next_probe == 104
        assert drift.admit(page(range(230, 240), 104)) is None
        assert drift.next_probe == 89
        assert ids(drift.admit(page(range(95, 105), 89))) == ["100", "101", "102", "103", "104"]
        assert drift.resyncs == 1

    def test_the_newest_item_on_the_page_is_the_anchor(self):
        """Whatever lies behind it is new, however many of those passed last are gone."""
        drift = anchored("abcde")
        assert drift.admit(page("xyz", 4)) is None
        assert ids(drift.admit(page("abxyz", 0))) == ["x", "y", "z"]

    def test_items_passed_that_lie_ahead_again_are_not_new(self):
        """Someone inserted a page full of items between them and the anchor found."""
        drift = DetectDrift(limit=10, resync=True)
        drift.admit(page("abcde", 50))
        assert ids(drift.admit(page(["a", "b", 1, 2, 3], 54))) == ["1", "2", "3"]
        assert ids(drift.admit(page([3, 4, "c", "e", "f"], 58))) == ["4", "f"]
        assert drift.memory.duplicates == 2
        assert ids(drift.admit(page("fg", 62))) == ["g"]
        assert drift.memory.ahead(0) == (digest("d"),)

    def test_an_item_that_was_met_again_late_stands_where_it_was_passed_last(self):
        """A page behind a gap follows the item before the gap, wherever that item stood before."""
        drift = anchored("abcd")
        assert drift.admit(page("dab", 3)) == []
        assert ids(drift.admit(page("ef", 7), gap=Gap(6, 7, before="b"))) == ["e", "f"]

    def test_a_page_behind_a_gap_at_the_beginning_is_the_first_of_the_listing(self):
        drift = anchored("abcdefgh")
        assert drift.admit(page("ijklmnop", 7)) is None
        while drift.next_probe:
            assert drift.admit(page("gfedcba", drift.next_probe)) is None
        assert drift.next_probe == 0
        assert ids(drift.admit(page("hgfedcbai", 1), gap=Gap(0, 1))) == ["i"]

    def test_a_listing_that_moves_at_each_look_beside_a_gap_is_an_error(self):
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

    def test_when_all_that_was_passed_is_gone_the_beginning_is_the_anchor(self):
        """Nothing stands before it, so everything listed now is new."""
        drift = anchored("abc")
        assert drift.admit(page("xyz", 2)) is None
        assert ids(drift.admit(page("vwxyz", 0))) == ["v", "w", "x", "y", "z"]

    def test_an_empty_listing_is_an_end_only_at_the_beginning(self):
        """A page beyond the end of a listing that shrank shows nothing of where it goes on."""
        drift = anchored("abcde")
        assert drift.admit(page("", 4, next_cursor=None)) is None
        assert ids(drift.admit(page("", 0, next_cursor=None))) == []

    def test_with_nothing_to_hold_on_to_it_raises_rather_than_guess(self):
        """A walk begun at a bare cursor does not know what stood before it."""
        drift = DetectDrift(limit=10, resync=True)
        drift.admit(page("abc", 50))
        assert drift.admit(page("xyz", 3, total=6)) is None
        assert drift.next_probe == 0
        for _ in range(2):  # asking again changes nothing
            with pytest.raises(DriftError, match="too few of the items passed lately"):
                drift.admit(page("xyz", 0, total=3))

    def test_a_page_that_shows_no_anchor_counts_as_not_passed(self):
        """Otherwise its items would be dropped when they come in their turn."""
        drift = anchored("abcde")
        assert drift.admit(page("ghij", 4)) is None
        assert ids(drift.admit(page("defghij", 1))) == ["f", "g", "h", "i", "j"]

    def test_an_item_that_moved_is_taken_once(self):
        """Even though such a listing keeps no order."""
        assert ids(anchored("abcde").admit(page("efbg", 4))) == ["f", "g"]

    def test_digests_of_a_checkpoint_are_looked_for_like_items(self):
        """A resumed walk finds its position though the listing moved in between."""
        anchors = [digest(item_id) for item_id in "abcdefgh"]
        drift = DetectDrift(anchors, limit=10, resync=True)
        assert ids(drift.admit(page(["new", *"fhij"], 7))) == ["i", "j"]
        drift = DetectDrift(anchors, limit=10, resync=True)
        assert ids(drift.admit(page("xcfij", 7))) == ["i", "j"]
        assert drift.memory.ahead(0) == (digest("g"), digest("h"))

    def test_a_resumed_walk_looks_both_ways(self):
        """All of the few items that a checkpoint names may have moved on by more than a page."""
        drift = DetectDrift([digest(item_id) for item_id in "abcdefgh"], limit=10, resync=True)
        looks = []
        for cursor in (100, 95, 105):
            assert drift.admit(page(range(cursor, cursor + 10), cursor)) is None
            looks.append(drift.next_probe)
        assert looks == [95, 105, 90]
        assert ids(drift.admit(page("fghij", 110))) == ["i", "j"]

    def test_a_checkpoint_hands_on_what_lies_ahead(self):
        """It had been yielded before the walk had to go back."""
        drift = DetectDrift([digest("b")], [digest("d")], limit=10, resync=True)
        assert ids(drift.admit(page("bcde", 3))) == ["c", "e"]

    def test_what_did_not_turn_up_in_its_turn_is_forgotten(self):
        """The order of what stays does not change: once two later items are met, an earlier one is gone."""
        drift = anchored("abcde")
        drift.admit(page("axyz", 0))
        assert drift.memory.ahead(4) == tuple(map(digest, "bcde"))
        drift.admit(page("zc", 3))
        drift.admit(page("cfg", 4))
        assert drift.memory.ahead(0) == tuple(map(digest, "bde"))  # c may have moved there alone
        drift.admit(page("gdeh", 6))
        drift.admit(page("hi", 9))
        assert drift.memory.ahead(0) == ()

    def test_what_has_been_met_on_the_page_at_hand_lies_ahead_no_more(self):
        """A checkpoint taken within the page names only what is still to come."""
        drift = anchored("abcde")
        drift.admit(page("axyz", 0))
        drift.admit(page("zbcx", 3))
        assert drift.memory.ahead(1) == tuple(map(digest, "bcde"))
        assert drift.memory.ahead(2) == tuple(map(digest, "cde"))
        assert drift.memory.ahead(3) == tuple(map(digest, "de"))

    @pytest.mark.parametrize("named", [False, True])
    def test_what_did_not_turn_up_in_its_turn_is_not_new_when_it_does(self, named):
        """An answer fetched ahead may be older than the one before it, and lack what is listed by now."""
        drift = anchored("abcde")
        if named:
            drift = DetectDrift([digest("a")], map(digest, "bcde"), limit=10, resync=True)
        drift.admit(page("axyz", 0))
        drift.admit(page("zd", 3))
        assert ids(drift.admit(page("dcfg", 4))) == ["f", "g"]
        assert drift.memory.ahead(0) == tuple(map(digest, "bce"))

    @pytest.mark.parametrize("named", [False, True])
    def test_what_did_not_turn_up_stays_known_however_late_it_is_met(self, named):
        """Without that, it would be yielded twice."""
        drift = anchored("abcde")
        if named:
            drift = DetectDrift([digest("a")], map(digest, "bcde"), limit=10, resync=True)
        assert ids(drift.admit(page("axyz", 0))) == ["x", "y", "z"]
        assert ids(drift.admit(page("ze", 3))) == []
        assert ids(drift.admit(page("ecfg", 4))) == ["f", "g"]

    def test_what_did_not_turn_up_is_forgotten_like_all_that_was_passed(self):
        """Memory does not grow with it."""
        drift = DetectDrift([digest("a")], map(digest, "bcde"), limit=10, resync=True)
        drift.admit(page("axyz", 0))
        drift.admit(page("zde", 3))
        last = "e"
        for start in range(0, 3000, 10):
            drift.admit(page([last, *range(start, start + 10)], start + 5))
            last = start + 9
        assert len(drift.memory.passed) <= 2000
        assert not drift.memory._has_digests
        assert len(drift.memory._known) <= 2010

    def test_a_walk_that_passed_nothing_goes_on_at_the_beginning(self):
        """Whatever cursor a checkpoint names."""
        drift = DetectDrift((BEGINNING,), limit=10, resync=True)
        assert drift.admit(page("fgh", 5)) is None
        assert ids(drift.admit(page("abc", 0))) == ["a", "b", "c"]

    def test_an_item_that_stands_alone_is_believed_only_if_no_page_shows_two_side_by_side(self):
        """It may have moved alone."""
        drift = DetectDrift(limit=10, resync=True)
        drift.admit(page("abcde", 50))
        assert drift.admit(page(["d", *range(9)], 54)) is None
        assert drift.next_probe == 49
        assert ids(drift.admit(page([20, 21, "a", "b", "c", "e", "f"], 49))) == ["f"]

    def test_the_only_item_that_is_remembered_is_enough(self):
        """There is no other to look for."""
        drift = DetectDrift([digest("a")], limit=10, resync=True)
        assert ids(drift.admit(page("xab", 7))) == ["b"]

    def test_a_listing_that_grew_by_more_than_a_page_before_the_items_passed_last_is_read_anew(self):
        """Up to a page, the items that are out of sight count as created."""
        assert ids(anchored("abcde").admit(page("def", 13))) == ["f"]
        drift = anchored("abcde")
        assert drift.admit(page("def", 14)) is None
        assert drift.next_probe == 0

    def test_what_lies_ahead_is_remembered_however_much_comes_before_it(self):
        """It was yielded, and will be listed when the walk gets there."""
        drift = anchored("abcde")
        drift.admit(page(["a", 0], 0))
        for start in range(0, 5000, 10):
            drift.admit(page(range(start, start + 11), start + 1))
        assert ids(drift.admit(page([5000, *"bcde", "f"], 5001))) == ["f"]

    def test_more_than_can_be_remembered_is_an_error(self):
        """Rather than items that come twice."""
        drift = DetectDrift((BEGINNING,), map(digest, map(str, range(10_001))), limit=10, resync=True)
        for _ in range(2):  # the page that was refused does not count as passed
            with pytest.raises(DriftError, match="too much"):
                drift.admit(page("abc"))
        assert drift.memory.anchors(0) == (BEGINNING,)

    def test_pages_that_disagree_for_ever_are_an_error(self):
        """As of two servers asked by turns, of which one lags behind: each shows the position, and nothing new."""
        drift = anchored("ab", limit=2)
        with pytest.raises(DriftError, match="disagree"):
            for _ in range(300):
                drift.admit(page("xy", 1))
                drift.admit(page("ab", 0))

    @pytest.mark.parametrize("next_cursor", [7, 5])
    def test_a_cursor_that_does_not_advance_is_an_error_at_once(self, next_cursor):
        """Not one more thing to look around for."""
        with pytest.raises(PaginationError) as caught:
            anchored("abc").admit(page("", 7, next_cursor=next_cursor))
        assert (caught.value.cursor, caught.value.next_cursor) == (7, next_cursor)

    def test_pages_of_one_item_are_an_error(self):
        """There is nothing on them but the anchor."""
        with pytest.raises(DriftError, match="too short"):
            anchored().admit(page("a"))


class TestDetectDriftThatRaises:
    def test_a_page_that_does_not_begin_with_its_anchor_is_an_error(self):
        """Even where the anchor is on it."""
        drift = anchored("abcde", resync=False)
        with pytest.raises(DriftError, match="listing moved") as caught:
            drift.admit(page("xefg", 4))
        assert caught.value.cursor == 4
        assert ids(drift.admit(page("efg", 4))) == ["f", "g"]  # should it heal, the walk can go on

    @pytest.mark.parametrize("resync", [True, False])
    @pytest.mark.parametrize("next_cursor", [1, 3, 5, 10])
    def test_cursors_that_are_no_offsets_are_an_error(self, resync, next_cursor):
        """One item earlier means nothing to such a server."""
        drift = DetectDrift((BEGINNING,), limit=10, resync=resync)
        with pytest.raises(DriftError, match="not offsets") as caught:
            drift.admit(page("abcd", 0, next_cursor=next_cursor))
        assert caught.value.cursor == 0
