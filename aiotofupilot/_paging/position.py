"""The position of a walk in a listing, and what a page shows of it. Nothing here waits or does I/O.

A position is a key and a set of IDs. The key is the time of the last item read, by which the server sorts. The set has
the IDs of the items read with this key. Everything before the key was read, or was created since.

A page covers the position if it begins before the position. Since a page is one response, it then shows all that is new
up to its last item.

Items with the same key are ties. They have no order, because the server need not keep one: Postgres may order them
differently at each offset. So a page that begins among ties does not cover the position. A page surely begins before
ties if it begins with an earlier key or with the listing itself. So does the first page of a query bounded by their
time, because a filter cannot divide them.

If the order of a listing has no time, the key of an item is a text. Such a key is before the position if it was read
before the last key, so all keys read are kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from operator import attrgetter, ge, gt, le, lt
from typing import TYPE_CHECKING, Any, Generic, Literal

from aiotofupilot.errors import DriftError, PaginationError
from aiotofupilot.positions import digest

from .source import EARLIEST, LATEST, MILLISECOND, Identified, T, moved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiotofupilot.models import Page
    from aiotofupilot.positions import Checkpoint

    from .source import SortOrder

NULLS = EARLIEST, LATEST
"""The keys of items without a time, which the server lists first or last."""

KEYS_AT_MOST = 10_000
"""The most keys that are kept if the order of a listing has no time."""

FRUITLESS_AT_MOST = 100
"""The most pages in a row that may bring nothing new."""

_REMEMBERED = 1000
"""If the cursor is followed, at least this many of the latest items are remembered."""

Begins = Literal["listing", "query", "guess", "behind", "gap", "moved", "page"]
"""Where a page begins: with the listing ("listing"); with a query bounded by the position ("query"); with
such a query, if the guess is right that the newest items come first ("guess"); with a query that leaves out only items
already read ("behind"); after unreadable items that follow one already read ("gap"); after items that have moved since
("moved"); or elsewhere ("page")."""

Key = Any
"""A key: a `datetime`, or a text; see `SortOrder.keys`."""

_id_of = attrgetter("id")


def begin_of_group(keys: Sequence[Any], at: int) -> int:
    """Return the first index of the run of equal keys that includes ``at``."""
    key = keys[at]
    while at and keys[at - 1] == key:
        at -= 1
    return at


def _unique(items: Iterable[T]) -> list[T]:
    """Drop repeated items, because a page may show an item twice."""
    unique = dict[str, T]()
    for item in items:
        unique.setdefault(item.id, item)
    return [*unique.values()]


class UnsortedError(DriftError):
    """A page is not in the order that the listing should have."""


class OutOfBoundError(Exception):
    """A page has items that its query does not ask for, so the server ignores the filter or applies another filter."""


class Position(Generic[T]):
    """The position after the pages read so far. A subclass knows the order of keys."""

    is_bounded = False
    """Whether a filter bounds the key."""
    is_ascending: bool | None = None
    """Whether the oldest items come first. None if unknown."""

    def __init__(self, order: SortOrder, start: Checkpoint) -> None:
        self._order = order
        self.key: Any = start.value
        """The key of the last item read. None before the first."""
        self._ids: set[str] = set()
        """The IDs of the items read with this key."""
        self._digests: frozenset[bytes] = frozenset(start.seen)
        """Digests of further such IDs, from a checkpoint."""
        self._before: tuple[Any, set[str], frozenset[bytes]] = (self.key, self._ids, self._digests)
        """The key and both sets as they were before the current page."""
        self.items: Sequence[T] = ()
        self.keys: Sequence[Any] = ()
        self.begin = 0
        """The index on the current page at which the next page should begin. It is the page's last item if
        the page ends before the position. Otherwise it is the item before the last group of ties, or 0."""
        self.passed_again = 0
        """How many items of the current page had been read before."""
        self.is_guessed = False
        """Whether the current page has another key than the position, and no page has shown which items come first."""
        self.is_torn = False
        """Whether unreadable items before the current page are among ties. A readable tie may be missed, because the
        order of ties may differ at each request."""
        self.has_one_key = False
        """Whether all items read have the key, and the listing began with them."""
        self.is_group_read = False
        """Whether all items with the key were read in another order, or are unreadable. Then a page may begin among
        them."""
        self.skip = 0 if start.seen else start.skip
        """How many items of the coming pages are still to be skipped."""

    @property
    def is_anywhere(self) -> bool:
        """Whether there is nothing yet to check a page against."""
        return self.key is None and not self._digests

    @property
    def count(self) -> int:
        """How many items with the key the walk has already read."""
        return len(self._named(None, self._ids, self._digests)[1])

    @property
    def count_behind(self) -> int:
        """The number of items already read that come after the current page, if they still exist."""
        return self.count if self.is_early else 0

    @property
    def is_null(self) -> bool:
        """Whether the last item read has no time, so that no query can be bounded by it."""
        return not isinstance(self.key, datetime) or self.key in NULLS

    @property
    def can_bound(self) -> bool:
        """Whether a query can begin at the position. It has to be known which items come first."""
        return self.is_bounded and self.is_ascending is not None and not self.is_null

    @property
    def may_have_nulls(self) -> bool:
        """Whether items without a time may end the listing."""
        return False

    def before(self, distance: timedelta) -> datetime:
        """Return a time before the position, in the order of the listing."""
        return moved(self.key, -distance if self.is_ascending else distance)

    def behind(self, distance: timedelta) -> datetime:
        """Return a time after the position, in the order of the listing."""
        return self.before(-distance)

    def distance(self, key: datetime) -> timedelta:
        own: datetime = self.key
        return abs(key - own)

    @property
    def is_early(self) -> bool:
        """Whether the current page ends before the position."""
        return bool(self.keys) and self._is_before(self.keys[-1])

    def admit(
        self, page: Page[T], begins: Begins, bound: datetime | None = None, *, gap: int | None = None
    ) -> Sequence[T] | None:
        """Return the new items of a page, in its order, and count all of the page as read.

        If the page does not cover the position, return None and count nothing.

        Args:
            page: The page.
            begins: Where the page begins.
            bound: The bound of its query, if any.
            gap: How many items that the page should begin with are unreadable. None if the page begins where it should.

        Raises:
            UnsortedError: The page is not in order.
            OutOfBoundError: The page is not within the bound.
        """
        items = page.data
        keys, is_strict = self._ordered(page)
        if begins == "guess":
            if self.is_ascending is not False:
                return None  # the page does not show that the guess was right
            begins = "query"
        is_elsewhere = begins != "gap" and keys[:1] not in ([], [self.key])
        self.is_guessed = self.is_ascending is None and not self.is_null and is_elsewhere
        if self.is_guessed and page.meta.has_more:
            return None
        self._check_bound(keys, bound)
        if not self._is_covered(keys, begins):
            return None
        self.is_torn = gap is not None and self._is_among_ties(keys)
        new = self._new_of(items, keys)
        if not is_strict:
            new = _unique(new)
        self.passed_again = len(items) - len(new)
        if self.skip:
            self.skip = max(0, self.skip - (gap or 0))
            skipped = min(self.skip, len(new))
            self.skip, new = self.skip - skipped, new[skipped:]
        self._before = self.key, self._ids, self._digests
        self.items, self.keys = items, keys
        if keys:
            first = begin_of_group(keys, len(keys) - 1)
            is_begun = self.has_one_key or (begins == "listing" and self.key is None)
            self.has_one_key = is_begun and not first and self.key in (None, keys[0])
            self.begin = len(keys) - 1 if self.is_early else max(0, first - 1)
            self._pass(items, keys, first)
            self.is_group_read |= self.is_torn and not first  # no page begins before the group
        return new

    def reject(self) -> None:
        """Undo the count of the current page."""
        self.key, self._ids, self._digests = self._before
        self.items = self.keys = ()

    def settle(self) -> None:
        """Forget the current page, because all of it was yielded."""
        self._before = self.key, self._ids, self._digests
        self.items = self.keys = ()

    def place(self, upcoming: T | None, *, has_yielded: bool) -> tuple[datetime | None, tuple[bytes, ...]]:
        """Return the value and digests of a checkpoint before an item of the current page, or after that page."""
        if upcoming is None:
            return self._named(self.key, self._ids, self._digests)
        key, ids, digests = self._before
        if has_yielded:
            passed = next(at for at, item in enumerate(self.items) if item is upcoming)
            if self.keys[passed - 1] != key:
                key, ids, digests = self.keys[passed - 1], set[str](), frozenset[bytes]()
            ties = [item.id for item, its in zip(self.items[:passed], self.keys, strict=False) if its == key]
            ids = ids.union(ties)
        return self._named(key, ids, digests)

    def _named(
        self, key: Key, ids: Iterable[str], digests: frozenset[bytes]
    ) -> tuple[datetime | None, tuple[bytes, ...]]:
        return key, tuple(sorted(digests.union(map(digest, ids))))

    def knows(self, item: Identified) -> bool:
        """Return whether an item was read, as far as its key shows."""
        return self._knows(item.id, *self.keys_of([item]))

    def _knows(self, item_id: str, key: Key) -> bool:
        return self._is_before(key) or (key == self.key and self._has(item_id))

    def know(self, position: Position[T]) -> None:
        """Take over the IDs that another position with the same key has read."""
        self._ids, self._digests = position._ids, position._digests

    def has(self, items: Iterable[Identified]) -> bool:
        """Return whether any of these items has the key and was read."""
        return any(self._has(item.id) for item in items)

    def _has(self, item_id: str) -> bool:
        return item_id in self._ids or (bool(self._digests) and digest(item_id) in self._digests)

    def _is_covered(self, keys: Sequence[Any], begins: Begins) -> bool:
        if begins in ("listing", "behind", "gap") or (self.is_anywhere and begins != "moved"):
            return True
        if not keys:
            return False
        return self._is_before(keys[0]) or (keys[0] == self.key and (begins == "query" or self.is_group_read))

    def _is_among_ties(self, keys: Sequence[Any]) -> bool:
        """Return whether a gap before a page lies among items with the same key, or next to them."""
        if keys and self._is_before(keys[0]):
            return False
        return self.count > 1 or keys[:1] == [self.key] or keys[:1] == keys[1:2] != []

    def _ordered(self, page: Page[T]) -> tuple[Sequence[Any], bool]:
        """Return the keys of a page, and whether they are unique, or raise an `UnsortedError`."""
        raise NotImplementedError

    def keys_of(self, items: Sequence[Identified]) -> Sequence[Any]:
        return self._order.keys(items)

    def _check_bound(self, keys: Sequence[Any], bound: datetime | None) -> None:
        """Raise an `OutOfBoundError` if keys are not within the bound of a query."""

    def _is_before(self, key: Key) -> bool:
        """Return whether a key is before the position, not at it."""
        raise NotImplementedError

    def _new_of(self, items: Sequence[T], keys: Sequence[Any]) -> Sequence[T]:
        """Return the items of a page that were not read before."""
        raise NotImplementedError

    def _pass(self, items: Sequence[T], keys: Sequence[Any], first: int) -> None:
        """Count a page as read. Its last group of items with the same key begins at ``first``."""
        raise NotImplementedError


class ByTime(Position[T]):
    """The position in a listing sorted by a time."""

    def __init__(self, order: SortOrder, start: Checkpoint) -> None:
        super().__init__(order, start)
        self.is_ascending = order.is_ascending
        self.is_bounded = order.is_bounded
        self.has_nulls_first: bool | None = None
        """Whether the server lists items without a time first. None if no page has shown it."""
        if start.value in NULLS:
            self.has_nulls_first = (start.value == LATEST) is not bool(order.is_ascending)

    def _ordered(self, page: Page[T]) -> tuple[Sequence[Any], bool]:
        keys = self.keys_of(page.data, page.cursor)
        if self.is_ascending is None and len(keys) > 1 and keys[0] != keys[-1]:
            self.is_ascending = keys[0] < keys[-1]
        strictly, at_least = (lt, le) if self.is_ascending else (gt, ge)
        following = keys[1:]
        if all(map(strictly, keys, following)):
            return keys, True
        if not all(map(at_least, keys, following)):
            raise UnsortedError("the server does not list by time", cursor=page.cursor)
        return keys, False

    def keys_of(self, items: Sequence[Identified], cursor: int | None = None) -> Sequence[Any]:
        """Return the keys of items, perhaps of the page at a cursor. Postgres sorts missing times first or last."""
        keys = self._order.keys(items)
        if not (self._order.may_lack and None in keys):
            return keys
        if cursor is not None and self.has_nulls_first is None:
            if keys[0] is not None:
                self.has_nulls_first = False
            elif keys[-1] is not None or self.key is None or not cursor:
                self.has_nulls_first = True
        # A page with only items without a time does not show whether they come first. They are assumed to come last.
        null = LATEST if bool(self.has_nulls_first) is not bool(self.is_ascending) else EARLIEST
        return [null if key is None else key for key in keys]

    def _check_bound(self, keys: Sequence[Any], bound: datetime | None) -> None:
        if bound is not None and keys:
            beyond: timedelta = bound - keys[0] if self.is_ascending else keys[0] - bound
            if beyond >= 2 * MILLISECOND:  # a query is a millisecond wider, and its bound is in whole milliseconds
                raise OutOfBoundError

    @property
    def may_have_nulls(self) -> bool:
        return self._order.may_lack and self.has_nulls_first is not True

    def _is_before(self, key: Key) -> bool:
        if self.key is None:
            return False
        is_before: bool = key < self.key if self.is_ascending else key > self.key
        return is_before

    def _new_of(self, items: Sequence[T], keys: Sequence[Any]) -> Sequence[T]:
        if self.key is None:
            return items
        new, is_after = list[T](), gt if self.is_ascending else lt
        for at, key in enumerate(keys):
            if is_after(key, self.key):
                return [*new, *items[at:]]
            if key == self.key and not self._has(items[at].id):
                new.append(items[at])
        return new

    def _pass(self, items: Sequence[T], keys: Sequence[Any], first: int) -> None:
        key = keys[-1]
        if self._is_before(key):
            return  # the whole page is before the position
        if key != self.key:
            self.key, self._ids, self._digests, self.is_group_read = key, set[str](), frozenset[bytes](), False
        self._ids = self._ids.union(map(_id_of, items[first:]))


class ByKey(Position[T]):
    """The position in a listing whose order of keys is unknown. Digests of all keys read are remembered in order."""

    def __init__(self, order: SortOrder, start: Checkpoint) -> None:
        super().__init__(order, start)
        self._ranks: dict[Any, int] = {key: rank for rank, key in enumerate(start.seen)}
        """The keys read, with numbers that give their order. Several keys may share a number."""
        self._new: list[bytes] = []

    def reject(self) -> None:
        super().reject()
        for key in self._new:
            del self._ranks[key]
        self._new = []

    def settle(self) -> None:
        super().settle()
        self._new = []

    def place(self, upcoming: T | None, *, has_yielded: bool) -> tuple[datetime | None, tuple[bytes, ...]]:
        """Name all items read, because each has another key."""
        del has_yielded
        left = set[Any]()
        if upcoming is not None:
            at = next(at for at, item in enumerate(self.items) if item is upcoming)
            left.update(self.keys[at:])
        # Of keys with the same rank, the one noted last comes first.
        passed = [key for key in reversed(self._ranks) if not (key in left and key in self._new)]
        return None, tuple(sorted(passed, key=self._ranks.__getitem__))

    def keys_of(self, items: Sequence[Identified]) -> Sequence[bytes]:
        return [digest(str(key)) for key in super().keys_of(items)]

    def _ordered(self, page: Page[T]) -> tuple[Sequence[Any], bool]:
        keys = self.keys_of(page.data)
        groups = [key for before, key in pairwise([object(), *keys]) if key != before]
        if len({*groups}) < len(groups):
            raise UnsortedError("the server does not list items with the same value together", cursor=page.cursor)
        ranks = [rank for key in groups if (rank := self._ranks.get(key)) is not None]
        if any(before > after for before, after in pairwise(ranks)):
            raise UnsortedError("the server does not keep an order", cursor=page.cursor)
        return keys, len(groups) == len(keys)

    def _is_before(self, key: Key) -> bool:
        return key != self.key and self._was_passed(key)

    def _was_passed(self, key: Key) -> bool:
        return key in self._ranks

    def _new_of(self, items: Sequence[T], keys: Sequence[Any]) -> Sequence[T]:
        return [item for item, key in zip(items, keys, strict=True) if not self._knows(item.id, key)]

    def _pass(self, items: Sequence[T], keys: Sequence[Any], first: int) -> None:
        if len(self._ranks) > KEYS_AT_MOST:
            fault = f"the order of the listing has no time, and the listing has more than {KEYS_AT_MOST} items"
            raise UnsortedError(fault, cursor=0)
        self._new = [key for key in dict.fromkeys(keys) if not self._was_passed(key)]
        self._rank(keys)
        if self._new and keys[-1] == self._new[-1]:
            self.key, self._ids, self.is_group_read = keys[-1], {item.id for item in items[first:]}, False
        elif keys[-1] == self.key:
            self._ids = self._ids.union(item.id for item in items[first:])

    def _rank(self, keys: Sequence[Any]) -> None:
        """Rank a page's new keys. A new key before a known one is of a newer item, and gets the known key's rank."""
        ranks, rank, step = self._ranks, len(self._ranks) + len(self._new), 1
        for key in reversed(dict.fromkeys(keys)):
            if key in ranks:
                rank, step = ranks[key], 0
            else:
                rank -= step
                ranks[key] = rank


class ByCursor(Position[T]):
    """The position of a walk that follows the server's cursor. It drops items that were read lately."""

    def __init__(self, order: SortOrder, start: Checkpoint) -> None:
        super().__init__(order, start)
        self.skip = start.skip
        self._passed, self._passed_before = set[str](), set[str]()
        """The IDs of recently read items, in two sets. When the first is large, it replaces the second."""
        self._fruitless = 0
        """How many pages in a row brought nothing new."""
        self.left_at: tuple[datetime | None, tuple[bytes, ...]] = None, ()
        """The place in a query bounded by time, which the walk left to follow the cursor. The cursor of that place is
        only approximate."""

    def place(self, upcoming: T | None, *, has_yielded: bool) -> tuple[datetime | None, tuple[bytes, ...]]:
        """Return nothing, because the cursor is the position. Before the first page, return `left_at`."""
        del upcoming, has_yielded
        return self.left_at

    def admit(
        self, page: Page[T], begins: Begins, bound: datetime | None = None, *, gap: int | None = None
    ) -> Sequence[T] | None:
        """See `Position.admit`. Raise a `PaginationError` after too many pages in a row without new items."""
        del begins, bound
        items, self.left_at = page.data, (None, ())
        self.skip = max(0, self.skip - (gap or 0))
        skipped = min(self.skip, len(items))
        self.skip -= skipped
        ids, new = {*map(_id_of, items)}, items[skipped:]
        is_known = not (self._passed.isdisjoint(ids) and self._passed_before.isdisjoint(ids))
        if is_known or self._ids or self._digests or len(ids) < len(items):
            known = {*self._passed, *self._passed_before, *map(_id_of, items[:skipped])}
            new = _unique(item for item in new if not (item.id in known or self._has(item.id)))
        self._passed |= ids
        if len(self._passed) >= _REMEMBERED:
            self._passed, self._passed_before = set[str](), self._passed
        self.items, self.begin, self.passed_again = items, len(items), len(items) - skipped - len(new)
        self._fruitless = 0 if new or skipped else self._fruitless + 1
        if self._fruitless > FRUITLESS_AT_MOST:
            raise PaginationError(
                f"{self._fruitless} pages in a row brought nothing new, the last one at cursor {page.cursor}: "
                "the server's cursor advances, but the listing does not",
                cursor=page.cursor,
                next_cursor=page.following,
                fruitless_pages=self._fruitless,
            )
        return new
