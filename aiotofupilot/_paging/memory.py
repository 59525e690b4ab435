"""What a walk remembers of the items that it passed, and what of each page is new by that.

The memory is bounded. It names an item by its ID. A checkpoint names items by digest, and those of a resumed walk keep
that name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from aiotofupilot.errors import PaginationError
from aiotofupilot.positions import BEGINNING, digest

from .source import T

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiotofupilot.models import Page

    from .unreadable import Gap

_REMEMBERED = 1000
"""At least this many of the items passed last are remembered, and at most twice as many."""

_ANCHORS = 8
"""How many of the items passed last a checkpoint names."""

_FRUITLESS_AT_MOST = 100
"""At most this many pages in a row may bring nothing."""

_DIGEST_MARK = "\0"  # no ID of the API begins with it


def _named_by(digested: bytes) -> str:
    return _DIGEST_MARK + digested.hex()


def _digest(name: str) -> bytes:
    return bytes.fromhex(name[1:]) if name.startswith(_DIGEST_MARK) else digest(name)


_BEGINNING = _named_by(BEGINNING)


class Memory:
    """The items passed last, the items of the page at hand, and the items that were passed and may be met again.

    Args:
        anchors: Digests of the items passed last, oldest first. `BEGINNING` stands before the first item of a listing.
        ahead: Digests of items that were passed after those, and that may be met again.
    """

    def __init__(self, anchors: Iterable[bytes] = (), ahead: Iterable[bytes] = ()) -> None:
        self.passed = [*map(_named_by, anchors)]
        """The items passed last, oldest first. The index of an item is its rank."""
        self.upcoming = dict.fromkeys(map(_named_by, ahead))
        """The items that were passed, did not turn up again yet, and may still do so, in the order in which they were
        passed."""
        self.page: Sequence[str] = ()
        """The items of the page at hand."""
        self._start = 0
        self.duplicates = 0
        """How many items were dropped because they had been passed."""
        self._has_digests = True
        self._forget_page()

    @property
    def is_complete(self) -> bool:
        """Whether every item that was passed is remembered."""
        return self.passed[:1] == [_BEGINNING]

    @property
    def newest_rank(self) -> int:
        """The rank of the item passed last."""
        return len(self.passed) - 1

    def take_up(self, ids: Sequence[str]) -> None:
        """Remember what the page at hand brought as passed, and take up the next page.

        Nothing of the next page counts as passed before `new` says what of it is new.
        """
        brought = self.page[self._start :]
        if self.upcoming:
            overtaken, ahead = self._split_ahead(brought)
            # Most likely these items are gone. They stay known, because the page that did not show them may be older
            # than a page that is still to come.
            self.passed += overtaken
            self.upcoming = dict.fromkeys(ahead)
        self._remember(brought)
        self.page, self._start = self._named(ids), len(ids)

    def new(self, items: Sequence[T], start: int) -> Sequence[T]:
        """Return the items of the page at hand that are new, in the page's order. So many at its top are not."""
        names = self.page
        if start:
            items, names = items[start:], names[start:]
        self._start = start
        # Every page of every walk comes by here. One pass over the names remembers them, and the growth of the set
        # tells that none was known and none is on the page twice.
        known = len(self._known)
        self._known.update(names)
        if len(self._known) == known + len(names):
            return items
        self._forget_page()
        new: dict[str, T] = {}
        for name, item in zip(names, items, strict=True):
            if name not in self._known:
                new.setdefault(name, item)
        self._known.update(names)
        self.duplicates += len(items) - len(new)
        return list(new.values())

    def skip(self, count: int) -> None:
        """Count the first items of the page at hand as passed."""
        skipped = self.page[:count]
        self._known.update(skipped)
        self._remember(skipped)

    def reject(self) -> None:
        """Count nothing of the page at hand as passed after all."""
        self._start = len(self.page)
        self._forget_page()

    def ranks(self) -> list[int | None]:
        """Return the rank of each item of the page at hand among the items passed; None: it is not among them."""
        ranks = {name: rank for rank, name in enumerate(self.passed)}
        return [ranks.get(name) for name in self.page]

    def rank(self, item_id: str | None) -> int | None:
        """Return the rank of an item, or without an ID that of the beginning; None: it is not among those passed."""
        (name,) = (_BEGINNING,) if item_id is None else self._named([item_id])
        return max((rank for rank, passed in enumerate(self.passed) if passed == name), default=None)

    def go_back(self, rank: int) -> None:
        """Stand after the item of a rank again. All items that were passed after it may be met again."""
        self.upcoming = dict.fromkeys([*self.passed[rank + 1 :], *self.upcoming])
        del self.passed[rank + 1 :]

    def anchors(self, passed: int) -> tuple[bytes, ...]:
        """Return the digests of the items passed last, oldest first, after so many items of the page at hand."""
        return tuple(map(_digest, [*self.passed, *self.page[self._start : passed]][-_ANCHORS:]))

    def ahead(self, passed: int) -> tuple[bytes, ...]:
        """Return the digests of the items that may be met again, after so many items of the page at hand."""
        return tuple(map(_digest, self._split_ahead(self.page[self._start : passed])[1])) if self.upcoming else ()

    def ends_with(self, digests: tuple[bytes, ...], passed: int) -> bool:
        """Return whether these are the last digests of `anchors` and `ahead`, after so many items of the page."""
        brought = self.page[self._start : passed]
        overtaken, ahead = self._split_ahead(brought)
        named = [name for name in overtaken if _digest(name) in digests]  # all of them, from the next page on
        return tuple(map(_digest, [*self.passed, *named, *brought, *ahead][-len(digests) :])) == digests

    def _remember(self, names: Iterable[str]) -> None:
        self.passed += names
        if len(self.passed) > 2 * _REMEMBERED:
            del self.passed[:-_REMEMBERED]
            self._forget_page()

    def _named(self, ids: Sequence[str]) -> Sequence[str]:
        """Return the names of items. Those that are known by digest have that name."""
        if not self._has_digests:
            return ids
        digests = [(item_id, _named_by(digest(item_id))) for item_id in ids]
        return [name if name in self._known else item_id for item_id, name in digests]

    def _forget_page(self) -> None:
        self._known = {*self.passed, *self.upcoming}
        if self._has_digests:
            self._has_digests = any(name.startswith(_DIGEST_MARK) for name in self._known if name != _BEGINNING)

    def _split_ahead(self, passed: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return what should have been met by now and was not, and what is still to come, given what was passed.

        An item should have been met before the last two that were. The last one may have moved to where it was met.
        """
        ahead, met = [*self.upcoming], set(passed)
        found = [at for at, name in enumerate(ahead) if name in met]
        done = found[-2] if len(found) > 1 else 0
        return [name for name in ahead[:done] if name not in met], [name for name in ahead[done:] if name not in met]


class IgnoreDrift(Generic[T]):
    """Takes pages as they come, and drops items that were passed lately."""

    overlap = 0
    """How many items of a page the next page is to begin with."""
    can_check = True
    """Whether the server's pages are such that each can be held to the one before, where that is done."""

    def __init__(self, anchors: Iterable[bytes] = (), ahead: Iterable[bytes] = (), *, skip: int = 0) -> None:
        self.memory = Memory(anchors, ahead)
        """What was passed."""
        self.skip = skip
        """How many items of the pages to come are still to be skipped."""
        self.resyncs = 0
        """How often the listing was found to have moved."""
        self.next_probe = 0
        """The cursor of the page to look at, after a page that did not show the position of the walk."""
        self.anchor: str | None = None
        """An item that was passed, after which the page shows all that is new; empty: the listing begins with it."""
        self._fruitless = 0
        """How many pages in a row brought nothing."""
        self._met: set[str] = set()
        """The items on the pages in a row that brought no new one."""

    has_ended = False
    """Whether the page admitted last has shown that the walk may end."""

    def is_unproven(self) -> bool:
        """Return whether the page at `next_probe` has to be looked at before the walk may end."""
        return False

    def admit(self, page: Page[T], gap: Gap | None = None) -> Sequence[T] | None:
        """Return the new items of a page, in its order. None: it does not show them, so request one at `next_probe`.

        A page that is a part of one that failed has a gap before it. Too many pages that bring nothing are an error.
        """
        ids = [item.id for item in page.data]
        self.memory.take_up(ids)
        if gap is not None:
            self.skip = max(0, self.skip - (gap.stop - gap.start))
        skipped = min(self.skip, len(ids))
        if skipped:
            self.skip -= skipped
            self.memory.skip(skipped)
        self.anchor = None if page.cursor or skipped else ""
        new = self.memory.new(page.data, skipped)
        if not self._goes_on(ids, is_new=bool(new or skipped)):
            raise PaginationError(
                f"{self._fruitless} pages in a row brought nothing new, the last one at cursor {page.cursor}: "
                "the server's cursor advances, but the listing does not",
                cursor=page.cursor,
                next_cursor=page.following,
                fruitless_pages=self._fruitless,
            )
        return new

    def _goes_on(self, ids: Iterable[str], *, is_new: bool, cost: int = 1) -> bool:
        """Take note of a page, and return whether the walk may go on. One that brings nothing counts as ``cost`` pages.

        A page without a new item brings something if it shows an item that none of the pages before it in the row
        showed. So a walk that has to pass many known items again is not mistaken for one that stands still.
        """
        met: set[str] = set() if is_new else self._met.union(ids)
        self._fruitless = 0 if is_new or len(met) > len(self._met) else self._fruitless + cost
        self._met = met
        return self._fruitless <= _FRUITLESS_AT_MOST
