"""Continuity of pages while the listing moves: pure, from what was passed lately and a page to what is new on it.

Procedures come and go while a walk runs, and the offsets of all that follow shift with them. Yet a page is a snapshot
of one stretch of the listing, and the order of what stays listed does not change. So wherever a page shows an item that
was passed, all that follows the newest such item on it is new, however the listing has moved: that item is the anchor.
A page that is asked for from one place earlier begins with its anchor for as long as nothing moves, and so proves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ._protocol import following
from ._search import Search
from .checkpoint import BEGINNING, digest
from .errors import DriftError, PaginationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .models import Page

__all__ = ["Anchored", "Deduplicated", "Identified", "last_item"]

_REMEMBERED = 1000
"""So many items passed last are remembered at the least, and twice as many at the most."""

_AHEAD_AT_MOST = 10_000
"""At most so many items that were passed may still be met again."""

_FRUITLESS_AT_MOST = 100
"""At most so many pages in a row may show the anchor and no new item behind it."""

_ANCHORS = 8
"""So many items passed last are named by a checkpoint."""


class Identified(Protocol):
    """An item of a listing."""

    @property
    def id(self) -> str:
        """Its own for as long as it is listed."""
        ...


T = TypeVar("T", bound=Identified)


class Deduplicated(Generic[T]):
    """Takes pages as they come, and drops what was passed lately.

    Args:
        anchors: Digests of the items passed last, oldest first, from a checkpoint.
        skip: How many items of the pages to come have been passed already.
    """

    def __init__(self, anchors: Iterable[bytes] = (), *, skip: int = 0) -> None:
        # Oldest first; by ID, or by digest as far as a checkpoint named them.
        self._passed: list[str | bytes] = list(anchors)
        self._named = not {BEGINNING}.issuperset(self._passed)
        # The same without an order, and what is new on the page at hand.
        self._known: set[str | bytes] = set(self._passed)
        self._ids: list[str] = []
        self._start = 0
        self.skip = skip
        """How many items of the pages to come are still to be skipped."""
        self.duplicates = 0
        """Items dropped because they had been passed."""
        self.sought = 0
        """Where to look for the place at which the listing goes on, after a page that did not show it."""
        self.resyncs = 0
        """How often the listing was seen to have moved."""

    def admit(self, page: Page[T]) -> Sequence[T] | None:
        """Return what is new on a page, in its order; None: it does not show where the listing goes on."""
        self._turn(page)
        skipped = min(self.skip, len(self._ids))
        self.skip -= skipped
        if skipped:
            self._known.update(self._ids[:skipped])
            self._remember(self._ids[:skipped])
        self._start = skipped
        return self._new(page)

    def anchors(self, passed: int) -> tuple[bytes, ...]:
        """Return the digests of the items passed last, oldest first.

        Args:
            passed: How many items of the page at hand have been passed.
        """
        lately = [*self._passed, *self._ids[self._start : passed]][-_ANCHORS:]
        return tuple(_digest(key) for key in lately)

    def ahead(self, passed: int) -> tuple[bytes, ...]:  # noqa: ARG002 - it counts where there is something ahead
        """Return the digests of items that had been passed, and may be met again.

        Args:
            passed: How many items of the page at hand have been passed.
        """
        return ()

    def _turn(self, page: Page[T]) -> None:
        """Remember what the page before brought as passed, and take up the next."""
        self._remember(self._ids[self._start :])
        self._ids = [item.id for item in page.data]
        self._start = 0

    def _remember(self, ids: list[str]) -> None:
        self._passed += ids
        if len(self._passed) > 2 * _REMEMBERED:
            del self._passed[:-_REMEMBERED]
            self._known = set(self._passed)
            self._named = self._named and any(isinstance(key, bytes) for key in self._passed)

    def _new(self, page: Page[T]) -> Sequence[T]:
        """Return the items of the page from its start on, without those that are known."""
        items, ids = page.data, self._ids
        if self._start:
            items, ids = items[self._start :], ids[self._start :]
        # Every page of every walk comes by here: one pass over its ids both remembers them and tells, by how much the
        # set grew, that none was known and none is there twice.
        known = len(self._known)
        self._known.update(ids)
        if len(self._known) == known + len(ids) and self._goes_by_id():
            return items
        self._known = set(self._passed)
        new: dict[str, T] = {}
        for item in items:
            if not self._knows(item.id):
                new.setdefault(item.id, item)
        self._known.update(ids)
        self.duplicates += len(items) - len(new)
        return list(new.values())

    def _goes_by_id(self) -> bool:
        """Return whether an item that is known is known by its id, and not only by a digest of it."""
        return not self._named

    def _knows(self, item_id: str) -> bool:
        return item_id in self._known or (self._named and digest(item_id) in self._known)


class Anchored(Deduplicated[T]):
    """Takes pages that were asked for from one place earlier, and holds them to beginning with their anchor.

    Where one does not, the listing has moved. Some page shows an item passed lately; until it is found, `sought` says
    where to look. Items passed after the one found may lie ahead again, and are not new then.

    Args:
        anchors: Digests of the items passed last, oldest first; `BEGINNING` where there is none before.
        ahead: Digests of items that had been passed after those.
        limit: Items asked for at a time; at least 2, for one of them is the anchor.
        resync: Whether to look for the place where the listing goes on; an error is raised otherwise.
    """

    def __init__(self, anchors: Iterable[bytes] = (), ahead: Iterable[bytes] = (), *, limit: int, resync: bool) -> None:
        super().__init__(anchors)
        self._limit = limit
        self._resync = resync
        self._search: Search | None = None
        self._fruitless = 0
        self._ahead: dict[str | bytes, None] = dict.fromkeys(ahead)
        self._named = self._named or bool(self._ahead)

    def admit(self, page: Page[T]) -> Sequence[T] | None:
        """Return what is new on a page, in its order; None: look at `sought`.

        Raises:
            DriftError: The server's cursors are no offsets; or the listing has moved, and is not to be searched, or
                shows nothing that was passed lately, or goes on moving so that nothing new is to be had.
            PaginationError: The server's cursor does not advance.
        """
        _check_offsets(page)
        self._turn(page)
        start = self._proven_start(page)
        if start is None:
            self._start = len(self._ids)  # nothing of it counts as passed, unless an anchor is found
            start = self._found_start(page)
        if start is None:
            self._look_around(page)
            return None
        self._search = None
        self._start = start
        new = self._new(page)
        self._fruitless = 0 if new else self._fruitless + 1
        if self._fruitless > _FRUITLESS_AT_MOST or len(self._ahead) > _AHEAD_AT_MOST:
            self._start = len(self._ids)  # what is not yielded has not been passed
            self._known = set(self._passed)
            raise DriftError("the listing moves too much to be followed, or its pages disagree", cursor=page.cursor)
        return new

    def ahead(self, passed: int) -> tuple[bytes, ...]:
        """Return the digests of items that had been passed, and may be met again.

        Args:
            passed: How many items of the page at hand have been passed.
        """
        return tuple(_digest(key) for key in self._split_ahead(self._ids[self._start : passed])[1])

    def _turn(self, page: Page[T]) -> None:
        if self._ahead:
            overtaken, ahead = self._split_ahead(self._ids[self._start :])
            # Most likely it is gone. It stays known, for the answer that did not show it may be older than one to come.
            self._passed += overtaken
            self._known.update(overtaken)
            self._named = self._named or any(isinstance(key, bytes) for key in overtaken)
            self._ahead = dict.fromkeys(ahead)
        super()._turn(page)

    def _split_ahead(self, passed: list[str]) -> tuple[list[str | bytes], list[str | bytes]]:
        """Return what lay ahead, and before items passed now, but did not turn up; and what is still ahead."""
        met = {*passed, *map(digest, passed)}
        ahead = [*self._ahead]
        done = max((place for place, key in enumerate(ahead, 1) if key in met), default=0)
        return [key for key in ahead[:done] if key not in met], ahead[done:]

    def _proven_start(self, page: Page[T]) -> int | None:
        """Return where the new items begin, if the page begins as it must where nothing has moved."""
        if not self._passed:
            return 0  # begun at a bare cursor: there is nothing yet to hold the page to
        anchor = self._passed[-1]
        if anchor == BEGINNING:
            return 0 if page.cursor == 0 else None
        return 1 if anchor in self._keys()[:1] else None

    def _found_start(self, page: Page[T]) -> int | None:
        """Return where the new items begin, behind the one on the page that was passed last; None: it has none."""
        if not self._resync:
            raise DriftError(
                f"the listing moved: the page at cursor {page.cursor} does not begin with the item passed last",
                cursor=page.cursor,
            )
        self.resyncs += self._search is None
        known, passed = [*self._passed, *self._ahead], len(self._passed)
        ranks = {key: rank for rank, key in enumerate(known)}
        found = [(ranks[key], at) for at, key in enumerate(self._keys(), 1) if key in ranks]
        if page.cursor == 0 and BEGINNING in ranks:
            found.append((ranks[BEGINNING], 0))
        # What lies ahead is held on to only where the page shows nothing before it.
        rank, start = max([place for place in found if place[0] < passed] or found, default=(None, None))
        if rank is not None:
            self._passed = known[: rank + 1]
            self._known = set(self._passed)
            self._ahead = dict.fromkeys(known[rank + 1 :])
        return start

    def _keys(self) -> list[str] | list[str | bytes]:
        """Return what the items of the page are remembered by, if they are."""
        if not self._named and not self._ahead:
            return self._ids
        return [key if key in self._known or key in self._ahead else digest(key) for key in self._ids]

    def _look_around(self, page: Page[T]) -> None:
        if self._search is None:
            self._search = Search(page.cursor, self._limit)
        sought = self._search.after(page)
        if sought is None:
            raise DriftError(
                "the listing moved: none of the items passed lately is to be found in it", cursor=page.cursor
            )
        self.sought = sought

    def _goes_by_id(self) -> bool:
        return not self._ahead and super()._goes_by_id()

    def _knows(self, item_id: str) -> bool:
        return super()._knows(item_id) or item_id in self._ahead or digest(item_id) in self._ahead


def _digest(key: str | bytes) -> bytes:
    return key if isinstance(key, bytes) else digest(key)


def _check_offsets(page: Page[Any]) -> None:
    cursor, count = following(page), len(page.data)
    if cursor is None:
        return
    if cursor <= page.cursor:
        raise PaginationError(
            f"the page at cursor {page.cursor} leads to {cursor}, which is not beyond it",
            cursor=page.cursor,
            next_cursor=cursor,
        )
    fault = ""
    if cursor != page.cursor + count:
        fault = f"the server's cursors are no offsets: {count} items at {page.cursor} lead to {cursor}"
    elif count == 1:
        fault = "the server's pages are too short to begin each with the last item of the one before"
    if fault:
        raise DriftError(f'{fault}; on_drift="ignore" follows them as they are', cursor=page.cursor)


def last_item(page: Page[Any]) -> int | None:
    """Return the cursor of a page's last item, where the next page is to begin; None: the listing ends with this one.

    It is what a `Window` of pages that are to be `Anchored` follows.
    """
    return None if following(page) is None else page.cursor + len(page.data) - 1
