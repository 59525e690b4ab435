"""What a walk remembers of the items that it passed, in their order, and whether it brings anything new.

Items are remembered by ID. A checkpoint names items by digest, and so a resumed walk remembers those by digest until it
meets them again. The memory is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from aiotofupilot.errors import PaginationError
from aiotofupilot.positions import BEGINNING, digest

from .source import Identified

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiotofupilot.models import Page

    from .unreadable import Gap

T = TypeVar("T", bound=Identified)

_REMEMBERED = 1000
"""At least this many of the items passed last are remembered, and at most twice as many."""

_ANCHORS = 8
"""How many of the items passed last a checkpoint names."""

_FRUITLESS_AT_MOST = 100
"""At most this many pages in a row may bring nothing."""


class Memory:
    """The items passed last, the items of the page at hand, and the items that were passed and may be met again.

    Args:
        anchors: Digests of the items passed last, oldest first. `BEGINNING` stands before the first item of a listing.
        ahead: Digests of items that were passed after those, and that may be met again.
    """

    def __init__(self, anchors: Iterable[bytes] = (), ahead: Iterable[bytes] = ()) -> None:
        self._passed = [_key(anchor) for anchor in anchors]  # oldest first
        self.upcoming = dict.fromkeys(map(_key, ahead))
        """The items that were passed, did not turn up again yet, and may still do so, in the order in which they were
        passed."""
        self._known = {*self._passed, *self.upcoming}  # the same and what the page at hand brought, without an order
        self._has_digests = self._names_digests()
        self._ids: list[str] = []
        self._start = 0
        self.duplicates = 0
        """How many items were dropped because they had been passed."""

    @property
    def is_empty(self) -> bool:
        """Whether no item was passed, and the beginning of the listing is not known either."""
        return not self._passed

    @property
    def is_complete(self) -> bool:
        """Whether every item that was passed is remembered."""
        return self._passed[:1] == [_BEGINNING]

    @property
    def is_at_beginning(self) -> bool:
        """Whether the walk stands at the beginning of the listing."""
        return self._passed == [_BEGINNING]

    @property
    def newest_rank(self) -> int:
        """The rank of the item passed last. The oldest item remembered has rank 0."""
        return len(self._passed) - 1

    def take_up(self, ids: list[str]) -> None:
        """Remember what the page at hand brought as passed, and take up the next page.

        Nothing of the next page counts as passed before `new` says what of it is new.
        """
        brought = self._ids[self._start :]
        if self.upcoming:
            overtaken, ahead = self._split_ahead(brought)
            # Most likely these items are gone. They stay known, because the page that did not show them may be older
            # than a page that is still to come.
            self._passed += overtaken
            self.upcoming = dict.fromkeys(ahead)
        self._remember(brought)
        self._ids, self._start = ids, len(ids)
        self._recognize(ids)

    def new(self, items: Sequence[T], start: int) -> Sequence[T]:
        """Return the items of the page at hand that are new, in the page's order. So many at its top are not."""
        ids = self._ids
        if start:
            items, ids = items[start:], ids[start:]
        self._start = start
        # Every page of every walk comes by here. One pass over the IDs remembers them, and the growth of the set tells
        # that none was known and none is on the page twice.
        known = len(self._known)
        self._known.update(ids)
        if len(self._known) == known + len(ids):
            return items
        self._forget_page()
        new: dict[str, T] = {}
        for item in items:
            if item.id not in self._known:
                new.setdefault(item.id, item)
        self._known.update(ids)
        self.duplicates += len(items) - len(new)
        return list(new.values())

    def skip(self, count: int) -> None:
        """Count the first items of the page at hand as passed."""
        skipped = self._ids[:count]
        self._known.update(skipped)
        self._remember(skipped)

    def reject(self) -> None:
        """Count nothing of the page at hand as passed after all."""
        self._start = len(self._ids)
        self._forget_page()

    def begins_with_newest(self) -> bool:
        """Return whether the page at hand begins with the item passed last."""
        return self._ids[:1] == self._passed[-1:]

    def ranks(self) -> list[int | None]:
        """Return the rank of each item of the page at hand among the items passed; None: it is not among them."""
        ranks = {key: rank for rank, key in enumerate(self._passed)}
        return [ranks.get(item_id) for item_id in self._ids]

    def rank(self, item_id: str | None) -> int | None:
        """Return the rank of an item, or without an ID that of the beginning; None: it is not among those passed."""
        self._recognize(() if item_id is None else (item_id,))
        key = _BEGINNING if item_id is None else item_id
        return next((rank for rank in range(self.newest_rank, -1, -1) if self._passed[rank] == key), None)

    def go_back(self, rank: int) -> None:
        """Stand after the item of a rank again. All items that were passed after it may be met again."""
        self.upcoming = dict.fromkeys([*self._passed[rank + 1 :], *self.upcoming])
        del self._passed[rank + 1 :]

    def anchors(self, passed: int) -> tuple[bytes, ...]:
        """Return the digests of the items passed last, oldest first, after so many items of the page at hand."""
        lately = [*self._passed, *self._ids[self._start : passed]][-_ANCHORS:]
        return tuple(map(_digest, lately))

    def ahead(self, passed: int) -> tuple[bytes, ...]:
        """Return the digests of the items that may be met again, after so many items of the page at hand."""
        return tuple(map(_digest, self._split_ahead(self._ids[self._start : passed])[1])) if self.upcoming else ()

    def _remember(self, ids: Iterable[str]) -> None:
        self._passed += ids
        if len(self._passed) > 2 * _REMEMBERED:
            del self._passed[:-_REMEMBERED]
            self._forget_page()

    def _recognize(self, ids: Iterable[str]) -> None:
        """Remember items by ID that were remembered by digest, now that their IDs are known."""
        if not self._has_digests:
            return
        by_digest = {_key(digest(item_id)): item_id for item_id in ids}
        self._passed = [by_digest.get(key, key) for key in self._passed]
        self.upcoming = dict.fromkeys(by_digest.get(key, key) for key in self.upcoming)
        self._forget_page()
        self._has_digests = self._names_digests()

    def _names_digests(self) -> bool:
        return any(key.startswith(_DIGEST_MARK) for key in self._known if key != _BEGINNING)

    def _forget_page(self) -> None:
        self._known = {*self._passed, *self.upcoming}

    def _split_ahead(self, passed: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return what should have been met by now and was not, and what is still to come, given what was passed."""
        ahead, met = [*self.upcoming], set(passed)
        done = max((count for count, key in enumerate(ahead, 1) if key in met), default=0)
        return [key for key in ahead[:done] if key not in met], ahead[done:]


class Progress:
    """Counts the pages in a row that brought nothing.

    A page without a new item brings something if it shows an item that none of the pages before it in the row showed.
    So a walk that has to pass many known items again is not mistaken for one that stands still.
    """

    def __init__(self) -> None:
        self.fruitless = 0
        """How many pages there are in the row."""
        self._met: set[str] = set()

    def note(self, ids: Sequence[str], *, is_new: bool, cost: int = 1) -> bool:
        """Take note of a page, and return whether the walk may go on. If it brings nothing, it counts as so many."""
        if is_new:
            self.fruitless = 0
            self._met.clear()
            return True
        met = len(self._met)
        self._met.update(ids)
        self.fruitless = 0 if len(self._met) > met else self.fruitless + cost
        return self.fruitless <= _FRUITLESS_AT_MOST


class IgnoreDrift(Generic[T]):
    """Takes pages as they come, and drops items that were passed lately; see `DetectDrift`."""

    overlap = 0
    """How many items of a page the next page is to begin with."""
    next_probe = 0
    """Where to look for the position of the walk. It is never lost, because every page is taken as it comes."""
    resyncs = 0
    """How often the listing was found to have moved. Nothing is checked, so it never is."""

    def __init__(self, anchors: Iterable[bytes] = (), *, skip: int = 0) -> None:
        self.memory = Memory(anchors)
        """What was passed."""
        self.skip = skip
        """How many items of the pages to come are still to be skipped."""
        self._progress = Progress()

    def admit(self, page: Page[T], gap: Gap | None = None) -> Sequence[T]:
        """Return the new items of a page in their order, or raise an error, as `DetectDrift.admit` does."""
        ids = [item.id for item in page.data]
        self.memory.take_up(ids)
        if gap is not None:
            self.skip = max(0, self.skip - (gap.stop - gap.start))
        skipped = min(self.skip, len(ids))
        if skipped:
            self.skip -= skipped
            self.memory.skip(skipped)
        new = self.memory.new(page.data, skipped)
        if not self._progress.note(ids, is_new=bool(new or skipped)):
            raise PaginationError(
                f"{self._progress.fruitless} pages in a row brought nothing new, the last one at cursor {page.cursor}: "
                "the server's cursor advances, but the listing does not",
                cursor=page.cursor,
                next_cursor=page.following,
                fruitless_pages=self._progress.fruitless,
            )
        return new


_DIGEST_MARK = "\0"  # no ID of the API begins with it


def _key(digested: bytes) -> str:
    return _DIGEST_MARK + digested.hex()


def _digest(key: str) -> bytes:
    return bytes.fromhex(key[1:]) if key.startswith(_DIGEST_MARK) else digest(key)


_BEGINNING = _key(BEGINNING)
