"""Among items that are sorted alike, the place of a walk is before all of them."""

import pytest
from attrs import frozen

from aiotofupilot._paging.drift import DetectDrift
from aiotofupilot._paging.resync import Ties
from aiotofupilot.checkpoint import BEGINNING, digest
from aiotofupilot.errors import DriftError
from aiotofupilot.models import Page, PageMeta


@frozen
class Item:
    id: str


def page(ids, cursor=0, *, total=1000):
    """A page of items that are sorted by the letter that their ids begin with."""
    beyond = cursor + len(ids)
    return Page(
        [Item(item_id) for item_id in ids], PageMeta(beyond < total, beyond if beyond < total else None), cursor
    )


def anchored(*passed, anchors=(BEGINNING,), limit=5, resync=True):
    drift = DetectDrift(anchors, limit=limit, resync=resync, sort_key=lambda item: item.id[0])
    cursor = 0
    for ids in passed:
        drift.admit(page(ids, cursor))
        cursor += len(ids) - 1
    return drift


def ids(items):
    return [item.id for item in items]


def test_an_item_that_comes_again_among_others_sorted_alike_lets_the_walk_look_before_them():
    """The page begins as it should. But b2 took the place of an item that was not seen."""
    drift = anchored(["a1", "a2", "b1", "b2", "b3"])
    assert drift.admit(page(["b3", "b2", "b5", "c1"], 4)) is None
    assert drift.next_probe == 1
    assert drift.admit(page(["a2", "b4", "b2", "b3", "b1"], 1)) is None
    assert drift.next_probe == 0
    assert ids(drift.admit(page(["a1", "a2", "b4", "b2", "b3"], 0))) == ["b4"]


def test_what_else_comes_again_may_have_moved():
    assert ids(anchored(["a1", "a2", "b1"]).admit(page(["b1", "a2", "c1"], 2))) == ["c1"]


def test_a_page_that_begins_with_another_of_them_is_no_sign_that_an_item_was_created():
    """Taken for one that was created, b4 would be left out."""
    drift = anchored(["a1", "a2", "b1", "b2", "b3"])
    assert drift.admit(page(["b2", "b3", "c1"], 4)) is None
    assert drift.next_probe == 1
    assert drift.admit(page(["a2", "b1", "b2", "b4", "b3"], 1)) is None
    assert ids(drift.admit(page(["a1", "a2", "b1", "b2", "b4"], 0))) == ["b4"]
    assert ids(drift.admit(page(["b4", "b3", "c1"], 4))) == ["c1"]


def test_two_items_before_them_show_where_they_begin():
    drift = anchored(["a1", "a2", "a3", "b1", "b2"])
    assert drift.admit(page(["b3", "b2", "c1"], 4)) is None
    assert ids(drift.admit(page(["a2", "a3", "b1", "b3", "b2"], 1))) == ["b3"]


def test_with_raise_an_item_that_comes_again_is_an_error():
    drift = anchored(["a1", "b1", "b2"], resync=False)
    with pytest.raises(DriftError, match="the page at cursor 2 shows 'b1' again"):
        drift.admit(page(["b2", "b1", "c1"], 2))


def test_a_server_that_orders_them_anew_again_and_again_is_an_error():
    drift = anchored(["a1", "a2", "b1", "b2"])
    with pytest.raises(DriftError, match="in another order with each page"):
        for _ in range(50):
            drift.admit(page(["b2", "b1", "b2"], 3))
            drift.admit(page(["a1", "a2", "b1", "b2"], 0))


def test_more_of_them_than_are_remembered_are_an_error():
    """Nobody knows what stood before them."""
    drift = DetectDrift(limit=5, resync=True, sort_key=lambda item: item.id[0])
    drift.admit(page(["b1", "b2", "b3"], 50))
    with pytest.raises(DriftError, match="more than a walk remembers"):
        for cursor in (52, 49, 46, 43):
            assert drift.admit(page(["b7", "b8", "b9"], cursor)) is None


def test_a_walk_that_is_resumed_looks_before_them_too():
    drift = anchored(anchors=[digest(item_id) for item_id in ("a1", "a2", "b1", "b2")])
    assert drift.admit(page(["b1", "b2", "c1"], 3)) is None
    assert ids(drift.admit(page(["a1", "a2", "b1", "b3", "b2"], 0))) == ["b3"]


def test_without_a_sort_key_nothing_is_sorted_alike():
    ties, items = Ties(None), page(["a1", "a2"]).data
    ties.note_passed(items)
    assert ties.beginning(items, [0, 1]) is None
    assert not ties.comes_again(items, 1, items)
