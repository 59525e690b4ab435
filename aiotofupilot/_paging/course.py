"""Which page a walk requests next, so that each covers its position. Nothing here waits or does I/O.

The cursor to follow is the one that the server gave, a little early: each page begins an item before the last items
that have one key.

- No request is deep. Before cursors pass a thousand, the walk goes on in a query that is bounded by the time of an item
  passed lately. What is in flight by then is used as well, because pages are held to the position, and not to a cursor.
  A cursor of one query is another one in the next, so each query knows where in the listing it begins.
- A page that does not cover the position waits for its turn. One request, at the beginning of a query that is bounded
  by the position, shows what is new before it. Without such a filter, that is a request at a smaller cursor.
- An end that lies as deep as a server may go is confirmed by such a request. The server may end a listing there.
"""

from __future__ import annotations

import logging
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from attrs import Factory, define, evolve, field, frozen

from aiotofupilot._checks import LARGEST
from aiotofupilot._request import Deadline

from .position import NULLS, Begins, Position, begin_of_group
from .source import MILLISECOND, CountedFetch, PageSource, T, counted

if TYPE_CHECKING:
    from datetime import datetime

    from aiotofupilot.stats import RequestCounts

_log = logging.getLogger("aiotofupilot")

DEEP = 900
"""From this cursor on, the walk goes on in another query, and an end is confirmed. No API is known that allows less
than 1,000."""

_LESS_DEEP = 300
"""From this cursor on, the walk goes on in yet another query. The first pages are left to the listing itself."""

LONGEST = 100
"""The most items of a page that the API has."""

_WIDER = 64
"""By this factor the bound of a query is moved back that did not show the position."""

_BACK = 8
"""By this factor a smaller cursor lies farther back than the one before, where a query cannot be bounded."""

_TRIES = 4
"""So many bounds are tried before the position is looked for by cursor."""

_NARROWED_AT_MOST = 20
"""So many bounds are tried between one that is too early and one that is too late. Then pages are read from the first
one on."""

_NARROW = timedelta(milliseconds=64)
"""The bound that is tried second is at least so far back."""

_WIDENS, _SHRINKS = 0.5, 0.05
"""By these parts of what lacks, or is too much, pages begin earlier, or later, than the one before."""


@frozen(eq=False)
class Query(Generic[T]):
    """The listing, or what of it a bound leaves."""

    fetch: CountedFetch[T]
    base: int = 0
    """The position in the listing of its first item, as far as it is known. 0 too for the listing itself."""
    bound: datetime | None = None
    """The time from which on it has items. None: it is the listing itself."""
    begins: Begins = "query"
    """What its first page begins with, if it is bounded."""


class Request(NamedTuple):
    """A page that is requested."""

    query: Query[Any]
    cursor: int
    limit: int
    deadline: Deadline
    is_detour: bool = False
    """Whether it is requested because the page that was to come does not cover the position."""

    @property
    def position(self) -> int:
        """Where in the listing it begins, as far as it is known."""
        return self.query.base + self.cursor


class Place(NamedTuple):
    """Where the walk is, in the cursors of a query."""

    query: Query[Any]
    begin: int
    """Where the next page has to begin."""
    passed: int
    """The cursor before which all items have been passed."""


@define(eq=False)
class Course(Generic[T]):
    """Where a walk is in the cursors of its queries, and where its next page begins."""

    source: PageSource[T]
    """What is listed."""
    counts: RequestCounts
    """Where the requests of other queries than the listing itself are counted."""
    listing: Query[T]
    """The listing itself."""
    position: Position[T] | None
    """The position of the walk, to which each page is held. None: the cursor is followed."""
    place: Place
    """Where the walk is."""
    limit: int
    """How many items are requested per page."""

    query: Query[T] = field(default=Factory(lambda self: self.listing, takes_self=True), init=False)
    """Where new pages are requested."""
    detour: Request | None = field(default=None, init=False)
    """What is requested next, alone, before what is in flight has its turn."""
    level: int | None = field(default=None, init=False)
    """How many requests were to show the position, and did not. None: the position is not looked for."""
    behind: int = field(default=0, init=False)
    """How many items were passed that stand behind the page passed last, if they still exist."""
    is_end_doubtful: bool = field(default=False, init=False)
    """Whether the listing ended as deep as the server may go, and no filter shows whether there is more."""
    _bounds: bool = field(default=True, init=False)
    """Whether the server bounds queries as it should, as far as it is known."""
    _is_odd: bool = field(default=False, init=False)
    """Whether it was seen to bound them in another way."""
    _depth: int = field(default=LARGEST, init=False)
    """The server goes no deeper than to this cursor."""
    _end: int | None = field(default=None, init=False)
    """Where the listing seems to end, while another query is to show it."""
    _has_looked_beyond: bool = field(default=False, init=False)
    """Whether that was looked at in the listing itself since the last new item, for items without a time."""
    _reach: timedelta = field(default=timedelta(), init=False)
    """How far before the position the bound is that was requested last to show it."""
    _late: timedelta = field(default=timedelta(), init=False)
    """How far before it a bound was that left out all items before it."""
    _early_item: timedelta | None = field(default=None, init=False)
    """How far before it the last item of a page was that ended before it. None: no page did in this search."""
    _is_slow: bool = field(default=False, init=False)
    """Whether no bound was found from which a page reaches the position, so that pages lead there."""
    _early: float = field(default=0.0, init=False)
    """How many items earlier pages begin than they have to, because items were removed before them."""
    _alike: float = field(default=0.0, init=False)
    """How many more items with one key a page ends with than a single one, as a guess for pages in flight."""

    def __attrs_post_init__(self) -> None:
        if self.position is not None and not self.position.is_anywhere and self.can_bound:
            self.look_for_position(0)

    @property
    def can_bound(self) -> bool:
        """Whether a query can be bounded by the position."""
        position = self.position
        return self._bounds and position is not None and position.can_bound and not position.is_null

    @property
    def overlap(self) -> int:
        """How many items of a page the next one begins with, if all have keys of their own."""
        return 0 if self.position is None else 2

    @property
    def at(self) -> int:
        """Where in the listing the next page begins, as far as it is known."""
        return self.place.query.base + self.place.begin

    def request(self, query: Query[T], cursor: int, *, is_detour: bool = False) -> Request:
        """Return the request of a page."""
        return Request(query, max(0, cursor), self.limit, Deadline(), is_detour)

    def due(self) -> Request:
        """Return the request of the page that is due, if nothing is in flight."""
        place = self.place
        if self.position is None:
            return self.request(place.query, place.begin)
        overlap = place.passed - place.begin
        early = min(int(self._early), max(0, self.limit - overlap - 1) // 2)
        return self.request(self.query, self.at - self.query.base - early)

    def beyond(self, last: Request) -> Request | None:
        """Return the request of the page after another one. None: the server does not go that deep."""
        overlap = self.overlap
        if overlap:
            overlap = min(overlap + round(self._alike + self._early), max(overlap, last.limit // 2))
        cursor = last.position + last.limit - overlap - self.query.base
        return None if cursor + self.limit > self._depth else self.request(self.query, cursor)

    def begins_late(self, front: Request) -> bool:
        """Return whether the page that is to come begins among items of one key, because these are more than guessed.

        If so, another page is requested first.
        """
        is_late = front.query is self.place.query and front.cursor > self.place.begin
        if is_late and self.detour is None:
            self.detour = self.request(self.place.query, self.place.begin, is_detour=True)
        return is_late

    def passed(self, request: Request, begin: int, end: int, *, is_new: bool, is_alone: bool) -> None:
        """Take note that a page was passed, which brought something new or not.

        Args:
            request: Its request.
            begin: The cursor at which the next page has to begin.
            end: The cursor after its last item.
            is_new: Whether it brought anything new.
            is_alone: Whether nothing is in flight behind it.
        """
        self.behind = 0 if self.position is None else self.position.count_behind
        self.place = Place(request.query, begin, end)
        if self.level is not None:
            self.query = request.query
        if is_new:
            self._depth = self._depth if self._end is None else self._end
            self._end, self._has_looked_beyond, self._is_slow = None, False, False
        level = self.level
        self.detour = self.level = None
        position = self.position
        if position is not None:
            if not (is_new or self._is_slow or position.is_group_read):
                if level is None and (request.is_detour or (is_alone and self.can_bound)):
                    self.look_for_position(0)
                elif level is not None and self.can_bound:
                    self._look_nearer(level)
            more = end - begin - self.overlap - self._alike
            self._alike += more * (_WIDENS if more > 0 else _SHRINKS)
            self._early *= 1 - _SHRINKS

    def lost(self, request: Request, first: T | None, *, is_part: bool) -> bool:
        """Take note that a page does not cover the position, and return whether the listing moved.

        If not, the page only begins behind the position.

        Args:
            request: The request of the page.
            first: Its first item. None: it has none.
            is_part: Whether it is a part of one that failed.
        """
        place = self.place
        is_behind = request.query is not place.query or request.cursor > place.begin
        if self.level is None and is_behind and not is_part:
            self.detour = self.request(place.query, place.begin, is_detour=True)
            return False
        if not request.is_detour:
            self._early = min(2 * self._early + 1, self.limit / 4)
        self._late = self._reach
        if self.level is None:
            self.look_for_position(0)
        elif self._early_item is not None:
            self._look_from(self._early_item, self.level + 1)
        else:
            wider = max(_NARROW, self._reach)
            if self.level and self.level + 1 < _TRIES:
                wider *= _WIDER
            if first is not None and self.can_bound and self.position is not None:
                wider = max(wider, self.position.distance(first))
            self.look_for_position(self.level + 1, wider)
        return self.level == 0

    def look_for_position(self, level: int, reach: timedelta = timedelta()) -> None:
        """Request next what shows the position, or shows more than the request of the level before.

        Args:
            level: The number of requests before it that were to show it.
            reach: How far before the position the bound of the request is.
        """
        if not level:
            self._late, self._early_item = timedelta(), None
        self.level, position = level, self.position
        if level == _TRIES and self.can_bound and self._early_item is None:
            self._leave_bounds(is_odd=True)
        if position is None or not self.can_bound:
            self.detour = self.request(self.listing, self.at - _BACK ** (1 + level % _TRIES), is_detour=True)
        else:
            self._reach = reach
            base = self.place.query.base + self.place.passed - position.count
            self.detour = self.request(self._bounded(position.before(reach), base), 0, is_detour=True)

    def _look_nearer(self, level: int) -> None:
        """Request next what begins nearer to the position, if the page that was to show it ends before it."""
        position = self.position
        if position is None or not position.is_early:
            return
        late = max(self._late, MILLISECOND)
        self._early_item = early = position.distance(position.items[-1])
        self._look_from(late * math.sqrt(early / late), level + 1)

    def _look_from(self, reach: timedelta, level: int) -> None:
        """Request next what a bound between two others shows, or read on from the one that is too early."""
        if level > _NARROWED_AT_MOST:
            self._is_slow, self.level = True, None
            self.detour = self.request(self.place.query, self.place.begin, is_detour=True)
        else:
            self.look_for_position(level, reach)

    def distrust(self) -> None:
        """Take note that no filter bounds the listing as it should, so that positions are looked for by cursor."""
        _log.info("the server does not bound the listing by time: its cursors are followed instead")
        self._leave_bounds(is_odd=True)
        self.look_for_position(0)

    def refused(self, request: Request) -> None:
        """Take note that the server refuses a cursor, perhaps because it goes no deeper."""
        self._depth = request.cursor + request.limit - 1
        self.look_for_position(0)

    def is_deep(self, end: int, query: Query[T]) -> bool:
        """Return whether to go on in another query after the page that ends at a cursor of a query."""
        deep = DEEP if self.query is self.listing else _LESS_DEEP
        return self.can_bound and query.base + end - self.query.base >= deep

    def go_up(self, request: Request, *, is_alone: bool) -> None:
        """Go on in a query that is bounded by the item at which the next page is to begin.

        Args:
            request: The request of the page that was passed.
            is_alone: Whether nothing is in flight behind it.
        """
        position = self.position
        if position is None or position.keys[position.begin] in NULLS:
            return
        keys, begin = position.keys, begin_of_group(position.keys, position.begin)
        self.query = self._bounded(keys[begin], request.position + begin)
        if is_alone:
            self.place = Place(self.query, position.begin - begin, len(keys) - begin)

    def go_through(self) -> None:
        """Go on behind a page of items of one key, all of which were read or cannot be.

        Pages overlap by three quarters there, because the server lists such items in another order at each cursor.
        """
        place = self.place
        self.place = place._replace(begin=place.begin + max(1, (place.passed - place.begin) // 4))

    def go_behind(self, bound: datetime) -> None:
        """Go on at the beginning of a query whose bound leaves only what was passed out."""
        self.detour = self.request(evolve(self._bounded(bound, self.at), begins="behind"), 0, is_detour=True)

    def follow(self, cursor: int) -> None:
        """Follow the server's cursors from one on."""
        self.position, self.detour, self.level, self.query = None, None, None, self.listing
        self.place = Place(self.listing, cursor, cursor)

    def goes_on(self) -> bool:
        """Return whether the end of the listing is to be looked at in another way, because it may be no end."""
        place, position = self.place, self.position
        if position is not None and self.can_bound and place.passed >= DEEP and self._end is None:
            self._end = place.passed
            self.look_for_position(0)
            return True
        if position is not None and position.may_have_nulls and place.query.bound and not self._has_looked_beyond:
            self._has_looked_beyond = True
            self._leave_bounds(is_odd=False)
            self.look_for_position(0)
            return True
        self.is_end_doubtful = (self._is_odd or self._end is not None) and place.passed >= DEEP
        return False

    def _leave_bounds(self, *, is_odd: bool) -> None:
        """Go on where the walk is in the listing itself, as far as that is known, perhaps because a filter is odd."""
        base = self.place.query.base
        self._bounds, self._is_odd, self.query = False, self._is_odd or is_odd, self.listing
        self.place = Place(self.listing, *(max(0, base + cursor) for cursor in self.place[1:]))

    def _bounded(self, bound: datetime, base: int) -> Query[T]:
        """Return the query for what is at a time, and behind it in the order of the listing."""
        is_ascending = self.position is not None and self.position.is_ascending
        source = self.source.between(after=bound) if is_ascending else self.source.between(before=bound)
        return Query(counted(source.fetch, self.counts), max(0, base), bound)  # it is an estimate
