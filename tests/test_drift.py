"""Continuity says what is new on a page, from what was passed lately: a function of values."""

import pytest
from attrs import frozen

from aiotofupilot._drift import Anchored, Deduplicated, last_item
from aiotofupilot.checkpoint import BEGINNING, digest
from aiotofupilot.errors import DriftError, PaginationError
from aiotofupilot.models import Page, PageMeta


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
    """Continuity that has passed some items, on one page."""
    continuity = Anchored((BEGINNING,), **{"limit": 10, "resync": True, **options})
    if passed:
        continuity.admit(page(passed))
    return continuity


class TestDeduplicated:
    def test_pages_that_do_not_overlap_are_taken_as_they_are(self):
        """The usual case costs no copy."""
        continuity = Deduplicated()
        for number in range(50):
            this = page(range(number * 10, number * 10 + 10), number * 10)
            assert continuity.admit(this) is this.data
        assert continuity.duplicates == 0

    def test_what_was_on_the_pages_just_before_is_dropped(self):
        """Insertions push items onto the next page, where they come again."""
        continuity = Deduplicated()
        continuity.admit(page("abcde"))
        continuity.admit(page("fghij", 5))
        assert ids(continuity.admit(page("eijkl", 10))) == ["k", "l"]
        assert continuity.duplicates == 3

    def test_what_a_page_has_twice_is_taken_once(self):
        """An id is an item's own."""
        assert ids(Deduplicated().admit(page("abab"))) == ["a", "b"]

    def test_items_of_long_ago_are_forgotten(self):
        """Memory does not grow with the walk: at least the last 1,000 are remembered, and at most 2,000."""
        continuity = Deduplicated()
        for number in range(300):
            continuity.admit(page(range(number * 10, number * 10 + 10), number * 10))
            assert len(continuity._passed) <= 2000
        assert ids(continuity.admit(page([0, 2000, 2999], 3000))) == ["0"]

    def test_what_a_checkpoint_says_was_passed_is_dropped_too(self):
        """Its digests stand for the items."""
        continuity = Deduplicated([digest("a"), digest("b")])
        assert ids(continuity.admit(page("abc"))) == ["c"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 10])
    def test_a_checkpoint_skips_items_however_the_pages_are_cut(self, limit):
        """They were passed before it was taken."""
        continuity, new = Deduplicated(skip=4), []
        for start in range(0, 10, limit):
            new += ids(continuity.admit(page("abcdefghij"[start : start + limit], start)))
        assert new == list("efghij")

    def test_what_was_skipped_counts_as_passed(self):
        """It is dropped when an insertion brings it again."""
        continuity = Deduplicated(skip=2)
        continuity.admit(page("ab"))
        assert ids(continuity.admit(page("bc", 2))) == ["c"]

    def test_the_anchors_are_the_eight_items_passed_last(self):
        """Of the page at hand only as many as have been passed count."""
        continuity = Deduplicated()
        continuity.admit(page("abcdefghij"))
        continuity.admit(page("klmno", 10))
        assert continuity.anchors(2) == tuple(digest(item_id) for item_id in "efghijkl")
        assert continuity.ahead(2) == ()

    def test_anchors_of_a_checkpoint_are_handed_on(self):
        """A walk that is resumed and left at once loses none of them."""
        anchors = tuple(digest(item_id) for item_id in "abcdefgh")
        continuity = Deduplicated(anchors)
        continuity.admit(page("ij"))
        assert continuity.anchors(0) == anchors
        assert continuity.anchors(1) == (*anchors[1:], digest("i"))


class TestAnchoredWhereNothingMoves:
    def test_the_first_page_is_new_altogether(self):
        """There is no item before it."""
        assert ids(anchored().admit(page("abc"))) == ["a", "b", "c"]

    def test_each_page_begins_with_the_last_item_of_the_page_before(self):
        """That one is the anchor, and not new."""
        continuity = anchored("abcde")
        assert ids(continuity.admit(page("efghi", 4))) == ["f", "g", "h", "i"]
        assert ids(continuity.admit(page("ijk", 8))) == ["j", "k"]
        assert (continuity.resyncs, continuity.duplicates) == (0, 0)

    def test_a_page_of_the_anchor_alone_has_nothing_new(self):
        """As at the end of a listing."""
        assert ids(anchored("abc").admit(page("c", 2, total=3))) == []

    def test_begun_at_a_bare_cursor_any_page_will_do(self):
        """There is nothing yet to hold it to."""
        continuity = Anchored(limit=10, resync=False)
        assert ids(continuity.admit(page("xyz", 50))) == ["x", "y", "z"]
        assert ids(continuity.admit(page("zab", 52))) == ["a", "b"]

    def test_begun_at_a_checkpoint_the_page_begins_with_its_last_anchor(self):
        """By digest, for it has no more."""
        continuity = Anchored([digest("a"), digest("b")], limit=10, resync=False)
        assert ids(continuity.admit(page("bcd", 7))) == ["c", "d"]
        assert ids(continuity.admit(page("def", 9))) == ["e", "f"]

    def test_the_next_page_is_to_begin_at_this_ones_last_item(self):
        """One place earlier than the server's cursor."""
        assert last_item(page("abc", 7)) == 9
        assert last_item(page("abc", 7, total=10)) is None


class TestAnchoredWhereThingsMove:
    @pytest.mark.parametrize("inserted", [1, 2, 5, 9])
    def test_insertions_before_the_anchor_show_it_further_down_the_page(self, inserted):
        """What stands before it was passed, or turned up behind the walk's back."""
        continuity = anchored("abcde")
        new_items = [f"new{number}" for number in range(inserted)]
        assert ids(continuity.admit(page([*new_items, *"efgh"], 4))) == ["f", "g", "h"]
        assert continuity.resyncs == 1

    def test_insertions_behind_the_anchor_are_new(self):
        """They are listed behind all that was passed."""
        assert ids(anchored("abcde").admit(page(["e", "new", "f"], 4))) == ["new", "f"]

    def test_removals_hide_the_anchor_and_it_is_looked_for(self):
        """Half a page further each time, so that little slips through."""
        continuity = anchored(range(100), limit=10)
        assert continuity.admit(page(range(202, 212), 99)) is None
        assert continuity.sought == 94
        assert continuity.admit(page(range(220, 230), 94)) is None
        assert continuity.sought == 104
        assert continuity.admit(page(range(230, 240), 104)) is None
        assert continuity.sought == 89
        assert ids(continuity.admit(page(range(95, 105), 89))) == ["100", "101", "102", "103", "104"]
        assert continuity.resyncs == 1

    def test_the_newest_item_on_the_page_is_the_anchor(self):
        """Whatever lies behind it is new, however many of those passed last are gone."""
        continuity = anchored("abcde")
        assert continuity.admit(page("xyz", 4)) is None
        assert ids(continuity.admit(page("abxyz", 0))) == ["x", "y", "z"]

    def test_items_passed_that_lie_ahead_again_are_not_new(self):
        """Someone inserted a page full of items between them and the anchor found."""
        continuity = anchored("abcde")
        assert ids(continuity.admit(page(["b", 1, 2, 3], 1))) == ["1", "2", "3"]
        assert ids(continuity.admit(page([3, 4, "c", "e", "f"], 4))) == ["4", "f"]
        assert continuity.duplicates == 2
        assert ids(continuity.admit(page("fg", 8))) == ["g"]
        assert continuity.ahead(0) == ()

    def test_when_all_that_was_passed_is_gone_the_beginning_is_the_anchor(self):
        """Nothing stands before it, so everything listed now is new."""
        continuity = anchored("abc")
        assert continuity.admit(page("xyz", 2)) is None
        assert ids(continuity.admit(page("vwxyz", 0))) == ["v", "w", "x", "y", "z"]

    def test_an_empty_listing_is_an_end_only_at_the_beginning(self):
        """A page beyond the end of a listing that shrank shows nothing of where it goes on."""
        continuity = anchored("abcde")
        assert continuity.admit(page("", 4, next_cursor=None)) is None
        assert ids(continuity.admit(page("", 0, next_cursor=None))) == []

    def test_with_nothing_to_hold_on_to_it_raises_rather_than_guess(self):
        """A walk begun at a bare cursor does not know what stood before it."""
        continuity = Anchored(limit=10, resync=True)
        continuity.admit(page("abc", 50))
        assert continuity.admit(page("xyz", 3, total=6)) is None
        assert continuity.sought == 0
        for _ in range(2):  # asking again changes nothing
            with pytest.raises(DriftError, match="none of the items passed lately"):
                continuity.admit(page("xyz", 0, total=3))

    def test_a_page_that_shows_no_anchor_counts_as_not_passed(self):
        """Otherwise its items would be dropped when they come in their turn."""
        continuity = anchored("abcde")
        assert continuity.admit(page("ghij", 4)) is None
        assert ids(continuity.admit(page("defghij", 1))) == ["f", "g", "h", "i", "j"]

    def test_an_item_that_moved_is_taken_once(self):
        """Even though such a listing keeps no order."""
        assert ids(anchored("abcde").admit(page("efbg", 4))) == ["f", "g"]

    def test_digests_of_a_checkpoint_are_looked_for_like_items(self):
        """A resumed walk finds its place though the listing moved in between."""
        anchors = [digest(item_id) for item_id in "abcdefgh"]
        continuity = Anchored(anchors, limit=10, resync=True)
        assert ids(continuity.admit(page(["new", *"fhij"], 7))) == ["i", "j"]
        continuity = Anchored(anchors, limit=10, resync=True)
        assert ids(continuity.admit(page("xcfij", 7))) == ["i", "j"]
        assert continuity.ahead(0) == (digest("g"), digest("h"))

    def test_a_resumed_walk_looks_both_ways(self):
        """All of the few items that a checkpoint names may have moved on by more than a page."""
        continuity = Anchored([digest(item_id) for item_id in "abcdefgh"], limit=10, resync=True)
        looks = []
        for cursor in (100, 95, 105):
            assert continuity.admit(page(range(cursor, cursor + 10), cursor)) is None
            looks.append(continuity.sought)
        assert looks == [95, 105, 90]
        assert ids(continuity.admit(page("fghij", 110))) == ["i", "j"]

    def test_what_lies_ahead_is_held_on_to_where_nothing_before_it_is_left(self):
        """All that was listed before it had been yielded."""
        continuity = anchored("abcde")
        assert ids(continuity.admit(page(["a", 1, 2], 0))) == ["1", "2"]
        assert continuity.admit(page([3, 4, 5], 3)) is None
        assert ids(continuity.admit(page([3, "c", 4, "e", 5], 3))) == ["5"]
        assert continuity.ahead(0) == ()
        assert continuity.anchors(5) == tuple(digest(key) for key in "a12bcde5")

    def test_a_checkpoint_hands_on_what_lies_ahead(self):
        """It had been yielded before the walk had to go back."""
        continuity = Anchored([digest("b")], [digest("d")], limit=10, resync=True)
        assert ids(continuity.admit(page("bcde", 3))) == ["c", "e"]

    def test_what_did_not_turn_up_in_its_turn_is_forgotten(self):
        """The order of what stays does not change: once a later item is met, an earlier one is gone."""
        continuity = anchored("abcde")
        continuity.admit(page("axyz", 0))
        assert continuity.ahead(0) == tuple(map(digest, "bcde"))
        continuity.admit(page("zd", 3))
        continuity.admit(page("dfg", 4))
        assert continuity.ahead(0) == (digest("e"),)

    def test_what_has_been_met_on_the_page_at_hand_lies_ahead_no_more(self):
        """A checkpoint taken within the page names only what is still to come."""
        continuity = anchored("abcde")
        continuity.admit(page("axyz", 0))
        continuity.admit(page("zbcx", 3))
        assert continuity.ahead(1) == tuple(map(digest, "bcde"))
        assert continuity.ahead(2) == tuple(map(digest, "cde"))
        assert continuity.ahead(3) == tuple(map(digest, "de"))

    @pytest.mark.parametrize("named", [False, True])
    def test_what_did_not_turn_up_in_its_turn_is_not_new_when_it_does(self, named):
        """An answer fetched ahead may be older than the one before it, and lack what is listed by now."""
        continuity = anchored("abcde")
        if named:
            continuity = Anchored([digest("a")], map(digest, "bcde"), limit=10, resync=True)
        continuity.admit(page("axyz", 0))
        continuity.admit(page("zd", 3))
        assert ids(continuity.admit(page("dcfg", 4))) == ["f", "g"]
        assert continuity.ahead(0) == (digest("e"),)

    def test_what_did_not_turn_up_is_forgotten_like_all_that_was_passed(self):
        """Memory does not grow with it."""
        continuity = Anchored([digest("a")], map(digest, "bcde"), limit=10, resync=True)
        continuity.admit(page("axyz", 0))
        continuity.admit(page("zd", 3))
        continuity.admit(page("de", 4))
        last = "e"
        for start in range(0, 3000, 10):
            continuity.admit(page([last, *range(start, start + 10)], start + 5))
            last = start + 9
        assert len(continuity._passed) <= 2000
        assert not any(isinstance(key, bytes) for key in continuity._known)
        assert not continuity._named

    def test_what_lies_ahead_is_remembered_however_much_comes_before_it(self):
        """It was yielded, and will be listed when the walk gets there."""
        continuity = anchored("abcde")
        continuity.admit(page(["a", 0], 0))
        for start in range(0, 5000, 10):
            continuity.admit(page(range(start, start + 11), start + 1))
        assert ids(continuity.admit(page([5000, *"bcde", "f"], 5001))) == ["f"]

    def test_more_than_can_be_remembered_is_an_error(self):
        """Rather than items that come twice."""
        continuity = Anchored((BEGINNING,), map(digest, map(str, range(10_001))), limit=10, resync=True)
        for _ in range(2):  # the page that was refused does not count as passed
            with pytest.raises(DriftError, match="too much"):
                continuity.admit(page("abc"))
        assert continuity.anchors(0) == (BEGINNING,)

    def test_pages_that_disagree_for_ever_are_an_error(self):
        """As of two servers asked by turns, of which one lags behind: each shows the place, and nothing new."""
        continuity = anchored("ab", limit=2)
        with pytest.raises(DriftError, match="disagree"):
            for _ in range(300):
                continuity.admit(page("xy", 1))
                continuity.admit(page("ab", 0))

    @pytest.mark.parametrize("next_cursor", [7, 5])
    def test_a_cursor_that_does_not_advance_is_an_error_at_once(self, next_cursor):
        """Not one more thing to look around for."""
        with pytest.raises(PaginationError) as caught:
            anchored("abc").admit(page("", 7, next_cursor=next_cursor))
        assert (caught.value.cursor, caught.value.next_cursor) == (7, next_cursor)

    def test_pages_of_one_item_are_an_error(self):
        """There is no room on them for an anchor."""
        with pytest.raises(DriftError, match="too short"):
            anchored().admit(page("a"))


class TestAnchoredThatRaises:
    def test_a_page_that_does_not_begin_with_its_anchor_is_an_error(self):
        """Even where the anchor is on it."""
        continuity = anchored("abcde", resync=False)
        with pytest.raises(DriftError, match="listing moved") as caught:
            continuity.admit(page("xefg", 4))
        assert caught.value.cursor == 4
        assert ids(continuity.admit(page("efg", 4))) == ["f", "g"]  # should it heal, the walk can go on

    @pytest.mark.parametrize("resync", [True, False])
    @pytest.mark.parametrize("next_cursor", [1, 3, 5, 10])
    def test_cursors_that_are_no_offsets_are_an_error(self, resync, next_cursor):
        """One place earlier means nothing to such a server."""
        continuity = Anchored((BEGINNING,), limit=10, resync=resync)
        with pytest.raises(DriftError, match="no offsets") as caught:
            continuity.admit(page("abcd", 0, next_cursor=next_cursor))
        assert caught.value.cursor == 0
