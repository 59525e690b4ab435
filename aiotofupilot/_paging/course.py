"""Which page a walk requests next, so that each page covers the walk's position. Nothing here waits or does I/O.

A page begins at the server's cursor, or earlier: one item before the last group of items with the same key.

- No request is deep. Before cursors pass a thousand, the walk moves to a query bounded by the time of a recent item.
  Pages already in flight stay valid, because pages are checked against the position, not a cursor. Each query knows
  where in the listing it begins, because its cursors count from there.
- A page that misses the position has to wait. A query bounded by the position is requested from its beginning, and
  shows what is new before that page. If no filter can bound a query, a smaller cursor is requested.
- If the listing ends at a deep cursor, a bounded query confirms the end, because the server may have cut the listing.
"""

from __future__ import annotations

import logging
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from attrs import Factory, define, evolve, field

from aiotofupilot._checks import LARGEST
from aiotofupilot._request import Deadline

from .position import NULLS, Begins, Position, begin_of_group
from .source import MILLISECOND, CountedFetch, PageSource, T, counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aiotofupilot.models import Page
    from aiotofupilot.stats import RequestCounts

_log = logging.getLogger("aiotofupilot")

DEEP = 900
"""From this cursor on, another query is used, and an end is confirmed. No known API allows less than 1,000."""

_LESS_DEEP = 300
"""From this cursor on, a bounded query is replaced by the next one."""

LONGEST = 100
"""The most items of a page in the API."""

_WIDER = 64
"""The factor by which the bound of a query moves back if the query did not show the position."""

_BACK = 8
"""The factor by which each request goes farther back, if a query cannot be bounded."""

_TRIES = 4
"""The most bounds that are tried before the position is looked for by cursor."""

_NARROWED_AT_MOST = 20
"""The most bounds that are tried between an early and a late bound. Then pages are read from the early bound on."""

_NARROW = timedelta(milliseconds=64)
"""The least distance of the second bound from the position."""

_WIDENS, _SHRINKS = 0.5, 0.05
"""How fast the overlap of pages adapts. It grows by the first fraction of the items that were missing in it, and
shrinks by the second fraction of the items that were needless."""


@define(eq=False)
class Query(Generic[T]):
    """The listing itself, or the part of it after a bound."""

    fetch: CountedFetch[T]
    base: int = 0
    """The position in the listing of the query's first item, as far as known. 0 for the listing itself."""
    bound: datetime | None = None
    """The time at which the query begins. None for the listing itself."""
    begins: Begins = "query"
    """Where the first page of a bounded query begins."""


class Request(NamedTuple):
    query: Query[Any]
    cursor: int
    limit: int
    deadline: Deadline
    is_detour: bool = False
    """Whether the page is requested because the expected one missed the position."""

    @property
    def position(self) -> int:
        """The position in the listing at which the page begins, as far as known."""
        return self.query.base + self.cursor


class Place(NamedTuple):
    query: Query[Any]
    begin: int
    passed: int
    """The cursor before which all items have been read."""


@define(eq=False)
class Course(Generic[T]):
    """Where a walk is in its queries, and which page it requests next."""

    source: PageSource[T]
    counts: RequestCounts
    """Counts the requests of queries other than the listing itself."""
    listing: Query[T]
    position: Position[T] | None
    """The position that each page is checked against. None if the cursor is followed."""
    place: Place
    limit: int

    query: Query[T] = field(default=Factory(lambda self: self.listing, takes_self=True), init=False)
    passed_at: int = field(default=Factory(lambda self: self.place.passed, takes_self=True), init=False)
    """Where in the listing the walk continues after the position, unless items already read have moved."""
    detour: Request | None = field(default=None, init=False)
    """A request that comes next, alone, before the pages in flight are used."""
    level: int | None = field(default=None, init=False)
    """How many requests failed to show the position. None while the walk does not look for it."""
    behind: int = field(default=0, init=False)
    """How many items already read come after the last page read, if they still exist."""
    is_end_doubtful: bool = field(default=False, init=False)
    """Whether the listing may continue after its apparent end, and no filter can show it."""
    _is_odd: bool = field(default=False, init=False)
    """Whether the server was seen to apply a bound wrongly."""
    _depth: int = field(default=LARGEST, init=False)
    """The deepest cursor that the server allows."""
    _end: int | None = field(default=None, init=False)
    """Where the listing seems to end, until another query has confirmed it."""
    _query_end: Place | None = field(default=None, init=False)
    """Where a query ended, while the listing itself is read behind that place to find items without a time."""
    _early_items: Sequence[T] = field(default=(), init=False)
    """The items of the last page read behind `_query_end`, if that page ended before the position."""
    _is_cut: bool = field(default=False, init=False)
    """Whether the listing itself ended before the position."""
    _reach: timedelta = field(default=timedelta(), init=False)
    """How far before the position the last bound was, in a query that should show the position."""
    _late: timedelta = field(default=timedelta(), init=False)
    """The distance between the position and the last bound that was too late."""
    _early_item: timedelta | None = field(default=None, init=False)
    """The distance from the last item of a page to the position, if the page ended too early in this search."""
    _shown: tuple[str, Any] | None = field(default=None, init=False)
    """The first ID and key of the last page that was not empty."""
    _is_slow: bool = field(default=False, init=False)
    """Whether no bound tried so far gave a page that shows the position."""
    _early: float = field(default=0.0, init=False)
    """Pages begin this many items earlier, because items before them are being removed."""
    _ties: float = field(default=0.0, init=False)
    """A guess of how many items, beyond one, share the last key of a page that is still in flight."""

    def __attrs_post_init__(self) -> None:
        position = self.position
        if position is None or position.is_anywhere:
            return
        if position.is_bounded and not position.is_null:
            self.level, self.detour = 0, self._by_value(position)

    @property
    def can_bound(self) -> bool:
        position = self.position
        if position is None or self._is_odd or self._query_end is not None:
            return False
        return position.can_bound

    @property
    def may_be_refused(self) -> bool:
        """Whether the server may refuse a cursor only because it is too large."""
        return self.can_bound or self._query_end is not None

    @property
    def overlap(self) -> int:
        """How many items of a page the next one repeats, if no two items share a key."""
        return 0 if self.position is None else 2

    @property
    def at(self) -> int:
        """The position in the listing at which the next page begins, as far as known."""
        return self.place.query.base + self.place.begin

    def request(self, query: Query[T], cursor: int, *, is_detour: bool = False) -> Request:
        return Request(query, max(0, cursor), self.limit, Deadline(), is_detour)

    def due(self) -> Request:
        place = self.place
        if self.position is None:
            return self.request(place.query, place.begin)
        overlap = place.passed - place.begin
        begin = self.at - min(int(self._early), max(0, self.limit - overlap - 1) // 2)
        if begin < self.query.base:
            self.query = place.query  # the other one begins at a page that was requested ahead
        return self.request(self.query, begin - self.query.base)

    def beyond(self, last: Request) -> Request | None:
        """Return the request for the page after ``last``, or None if the server does not go that deep."""
        overlap = self.overlap
        if overlap:
            overlap = min(overlap + round(self._ties + self._early), max(overlap, last.limit // 2))
        cursor = last.position + last.limit - overlap - self.query.base
        return None if cursor + self.limit > self._depth else self.request(self.query, cursor)

    def begins_late(self, front: Request) -> bool:
        """Return whether the coming page begins among items of the same key, because more have it than guessed.

        If so, request an earlier page first.
        """
        is_late = front.query is self.place.query and front.cursor > self.place.begin
        if is_late and self.detour is None:
            self.detour = self.request(self.place.query, self.place.begin, is_detour=True)
        return is_late

    def passed(
        self, request: Request, begin: int, end: int, *, new: int, left_out: int, is_alone: bool, is_part: bool
    ) -> None:
        """Count a page as read. The next page is to begin at ``begin``.

        The page has ``new`` new items after ``left_out`` unreadable ones. ``is_alone`` says that nothing is in flight
        after the page. ``is_part`` says that the page is a part of a failed page.
        """
        self.behind = 0 if self.position is None else self.position.count_behind
        query = request.query
        if self.position is None or not self.position.is_early:
            self.passed_at = end if query.bound is None else self.passed_at + new + left_out
            query.base = max(0, self.passed_at - end)
        self.place = Place(query, begin, end)
        if self.level is not None:
            self.query = query
        if new:
            self._depth = self._depth if self._end is None else self._end
            self._end, self._query_end, self._is_slow = None, None, False
            self._is_cut = self.is_end_doubtful = False
        level = self.level
        self.detour = self.level = None
        position = self.position
        if position is not None:
            self._note_first(position, request, level)
            if self.can_bound and not (new or self._is_slow or position.is_group_read):
                if level is not None:
                    self._look_nearer(level, is_part=is_part)
                elif not is_part and (request.is_detour or is_alone):
                    self.look_for_position(0)
            if self._query_end is not None and position.is_early:
                self._go_nearer(self._query_end, position)
            self.is_end_doubtful |= self._is_cut and not position.is_early
            more = end - begin - self.overlap - self._ties
            self._ties += more * (_WIDENS if more > 0 else _SHRINKS)
            self._early *= 1 - _SHRINKS

    def _note_first(self, position: Position[T], request: Request, level: int | None) -> None:
        """Note the first item of a page. If it shows that the last bound was right, trust the filter again."""
        first = (position.items[0].id, position.keys[0]) if position.keys else None
        if level and first and request.query is self.listing and not request.cursor:
            self._is_odd &= first != self._shown  # a bounded query began with the same item, so its bound was right
        self._shown = first or self._shown

    def lost(self, request: Request, first: T | None, *, is_part: bool) -> bool:
        """Look for the position, which a page misses. Return whether the listing moved.

        If not, the page begins after the position only because more items than guessed share a key.
        """
        place = self.place
        is_behind = request.query is not place.query or request.cursor > place.begin
        if self.level is None and is_behind and not is_part:
            self.detour = self.request(place.query, place.begin, is_detour=True)
            return False
        if not request.is_detour:
            self._early = min(2 * self._early + 1, self.limit / 4)
        self._late, level, position = self._reach, self.level, self.position
        if first is not None and position is not None:
            self._shown = first.id, *position.keys_of([first])
        is_by_value = request.query.bound is not None and request.query.begins != "guess"
        if level is None or (self.can_bound and not is_by_value):
            self.look_for_position(0)
        elif self._early_item is not None:
            self._look_from(self._early_item, level + 1, is_part=is_part)
        else:
            wider = max(_NARROW, self._reach)
            if level and level + 1 < _TRIES:
                wider = min(wider, timedelta.max // _WIDER) * _WIDER
            if self._shown is not None and self.can_bound and position is not None:
                wider = max(wider, position.distance(self._shown[1]))
            self.look_for_position(level + 1, wider)
        return level is None

    def look_for_position(self, level: int, reach: timedelta = timedelta()) -> None:
        """Request next a page that shows the position. ``level`` requests have failed to do so.

        The bound of the request is ``reach`` before the position.
        """
        if not level:
            self._late, self._early_item = timedelta(), None
        self.level, position = level, self.position
        if level == _TRIES and self.can_bound and self._early_item is None:
            self._leave_bounds()
            self.level = level = 1
        if position is None or not self.can_bound:
            self.detour = self.request(self.listing, self.at - _BACK ** (1 + level), is_detour=True)
        else:
            self._reach = reach
            self.detour = self._by_value(position)

    def _by_value(self, position: Position[T]) -> Request:
        base = self.place.query.base + self.place.passed - position.count
        return self.request(self._bounded(position.before(self._reach), base), 0, is_detour=True)

    def _look_nearer(self, level: int, *, is_part: bool) -> None:
        """Request a page that begins nearer to the position, because the last one ended before it."""
        position = self.position
        if position is None or not position.is_early:
            return
        late = max(self._late, MILLISECOND)
        self._early_item = early = position.distance(position.keys[-1])
        self._look_from(late * math.sqrt(early / late), level + 1, is_part=is_part)

    def _look_from(self, reach: timedelta, level: int, *, is_part: bool) -> None:
        """Request a page from ``reach`` before the position, or read on from the last page.

        Read on after too many tries, or if the bound would be the same again. A part may still show more there.
        """
        if level > _NARROWED_AT_MOST or (abs(reach - self._reach) < MILLISECOND and not is_part):
            self._is_slow, self.level = True, None
            self.detour = self.request(self.place.query, self.place.begin, is_detour=True)
        else:
            self.look_for_position(level, reach)

    def distrust(self) -> None:
        """Look for positions by cursor from now on, because the server does not filter by time as it should."""
        _log.info("the server does not filter the listing by time: its cursors are followed instead")
        self._leave_bounds()
        self.look_for_position(0)

    def refused(self, request: Request) -> None:
        """Continue after the server refused the cursor of a request, perhaps because it was too deep."""
        self._depth = request.cursor + request.limit - 1
        if self._query_end is None or self.position is None:
            self.look_for_position(0)
        else:
            self._return(self._query_end, self.position, is_end_doubtful=True)

    def is_deep(self, end: int, query: Query[T]) -> bool:
        """Return whether to continue in another query after a page that ends at a cursor."""
        deep = DEEP if self.query is self.listing else _LESS_DEEP
        return self.can_bound and query.base + end - self.query.base >= deep

    def go_up(self, request: Request, *, is_alone: bool) -> None:
        """Continue in a query bounded by the item at which the next page is to begin. See `passed` for ``is_alone``."""
        position = self.position
        if position is None or position.keys[position.begin] in NULLS:
            return
        keys, begin = position.keys, begin_of_group(position.keys, position.begin)
        self.query = self._bounded(keys[begin], request.position + begin)
        if is_alone:
            self.place = Place(self.query, position.begin - begin, len(keys) - begin)

    def go_up_ahead(self, request: Request, page: Page[T]) -> None:
        """Request the pages after those in flight in a query that begins on a page that has arrived ahead."""
        position = self.position
        if position is None or not page.data or not self.is_deep(request.cursor + len(page.data), request.query):
            return
        keys = position.keys_of(page.data)
        begin = begin_of_group(keys, max(0, begin_of_group(keys, len(keys) - 1) - 1))
        if begin and keys[begin] not in NULLS:
            self.query = self._bounded(keys[begin], request.position + begin)

    def go_through(self) -> None:
        """Continue after a page whose items all have the same key, and were all read or are unreadable.

        Pages overlap by three quarters there, because the server may order such items differently at each cursor.
        """
        place = self.place
        self.place = place._replace(begin=place.begin + max(1, (place.passed - place.begin) // 4))

    def go_behind(self, bound: datetime) -> None:
        """Continue in a query whose bound leaves out only items already read."""
        self.detour = self.request(evolve(self._bounded(bound, self.passed_at), begins="behind"), 0, is_detour=True)

    def follow(self, cursor: int) -> None:
        self.position = self.detour = self.level = self._query_end = None
        self.query = self.listing
        self.place = Place(self.listing, cursor, cursor)

    def goes_on(self) -> bool:
        """Return whether the end of the listing has to be checked again, because more may follow."""
        place, position = self.place, self.position
        if position is None:
            return False
        is_deep = place.passed >= DEEP
        if self._query_end is not None and position.is_early and is_deep:
            self._return(self._query_end, position, is_end_doubtful=False)
            return True
        if self.can_bound and is_deep and self._end is None:
            self._end = place.passed
            self.look_for_position(0)
            return True
        # A query that should confirm an end, and itself goes deep, may be cut as well.
        self.is_end_doubtful |= is_deep and self._end is not None and place.query.bound is not None
        if position.may_have_nulls and place.query.bound and not self._is_cut:
            self._query_end, self._early_items = place, ()
            self._go_by_cursor()
            self.look_for_position(0)
            return True
        is_odd = self._is_odd or position.is_anywhere  # the walk began at a bare cursor
        is_unknown = position.is_early and position.keys[-1] in NULLS  # these come last, so they were not read
        self.is_end_doubtful |= (is_odd and is_deep) or is_unknown or position.is_guessed
        return False

    def _go_nearer(self, end: Place, position: Position[T]) -> None:
        """Read on after a page that ends before the position, unless all later cursors show that page."""
        if [item.id for item in position.items] == [item.id for item in self._early_items]:
            self._return(end, position, is_end_doubtful=True)
        self._early_items = position.items

    def _return(self, end: Place, position: Position[T], *, is_end_doubtful: bool) -> None:
        """Request the items at the position by time, because the listing itself ended before the position."""
        self._query_end, self._is_cut, self.level, self.is_end_doubtful = None, True, None, is_end_doubtful
        self.place, self.query, self.passed_at = end, end.query, end.query.base + end.passed
        if position.is_early and position.keys[-1] not in NULLS:
            # The last item that the listing showed appears again, unless it was removed or the filter is too coarse.
            self.detour = self.request(self._bounded(position.keys[-1], self.passed_at), 0, is_detour=True)
        else:
            self.go_behind(position.before(self._reach))

    def _leave_bounds(self) -> None:
        """Stop bounding queries, because a filter does not work as it should."""
        self._is_odd = True
        self._go_by_cursor()

    def _go_by_cursor(self) -> None:
        """Go on in the listing itself, at the walk's probable place."""
        base = self.place.query.base
        self.query = self.listing
        self.place = Place(self.listing, *(max(0, base + cursor) for cursor in self.place[1:]))

    def _bounded(self, bound: datetime, base: int) -> Query[T]:
        is_ascending = None if self.position is None else self.position.is_ascending
        source = self.source.between(after=bound) if is_ascending else self.source.between(before=bound)
        begins: Begins = "guess" if is_ascending is None else "query"
        return Query(counted(source.fetch, self.counts), max(0, base), bound=bound, begins=begins)
