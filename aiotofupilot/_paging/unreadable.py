"""Reads around an item that the server cannot serve. Each page with such an item fails.

A failed page is halved until the item is alone, and readable parts are handed over at once. The item is left out only
if it fails alone three times, while another item, the control, can be read in between. So an outage is not mistaken for
an unreadable item. Positions are computed, so the server's cursors have to be offsets.

Then the items after the unreadable item are read. The listing may have moved between these requests, so the item and
its predecessor are requested once more. If the item still fails and the predecessor was yielded, nothing readable was
between them, because items only move up in a query bounded by a time. Otherwise the search begins again. If no such
query is possible, the items after the unreadable item are requested once more, too.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Generic

from attrs import define, evolve, field, frozen

from aiotofupilot._request import Deadline
from aiotofupilot.errors import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    DecodeError,
    InvalidJSONError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
    TofuPilotError,
    TransportError,
)
from aiotofupilot.models import Page

from .source import SHORTEST, CountedFetch, Identified, OnUnreadable, T

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .course import Request

_TOO_SLOW = frozenset({408, 504, 524})
_CRASHED = frozenset({500, 502, 520})
"""Statuses that can be due to a single page. Cloudflare says 520 for 502, and 524 for 504."""

_REFUSED = 503
"""With this status, and with 429 and 529, a server refuses work, whatever page is requested."""

_FAILED = (APIError, TransportError, DecodeError)
"""The errors of requests that were sent."""

_FAILURES = 3
"""An item is unreadable after this many failed requests for it alone."""

_IN_A_ROW = 100
"""At most this many adjacent items are left out, because a server may fail at all positions from some point on."""

_CONTROLS = 3
"""At most this many controls are requested before the search."""

_log = logging.getLogger("aiotofupilot")


@frozen
class Gap:
    """The positions before a page at which nothing can be read."""

    start: int
    begin: int
    """The position at which the page was to begin."""
    passed: int
    """The walk has read, or left out, everything before this position, unless items were removed."""
    left_out: Mapping[int, TofuPilotError] = field(factory=dict[int, TofuPilotError])
    """The errors of the unreadable items, by position. Some items may have been yielded while they were readable."""
    before: Identified | None = None
    """The item just before the gap. It is requested once the page after the gap has been read. None if no such item can
    be read."""
    has_moved: bool = False
    """Whether the listing has moved, so that a readable item may be in the gap."""


def is_unreadable(error: TofuPilotError) -> bool:
    """Return whether an error can be due to an item of the requested page."""
    match error:
        case ServerError():
            return error.status in _TOO_SLOW | _CRASHED
        case ConnectionFailedError():  # the server may reset the connection when the item crashes it
            return not isinstance(error, CertificateError)
        case DecodeError():
            return error.item is not None or isinstance(error, InvalidJSONError)
        case _:
            return isinstance(error, RequestTimeoutError | ResponseTooLargeError)


def _is_too_long(error: TofuPilotError) -> bool:
    is_slow = isinstance(error, ServerError) and error.status in _TOO_SLOW
    return is_slow or isinstance(error, RequestTimeoutError | ResponseTooLargeError)


def positions_beside(cursor: int, limit: int) -> tuple[int, ...]:
    """Return the positions of three controls: one right after a page, and two farther away.

    The last position is beyond the end of many listings. There the page is empty, and no item can make it fail.
    """
    return cursor + limit, cursor + 5 * limit, cursor + 21 * limit


async def control_beside(fetch: CountedFetch[T], cursor: int, limit: int, deadline: Deadline, number: int) -> bool:
    """Request one of the controls of a page, by its number, and return whether there was a good response."""
    positions = positions_beside(cursor, limit)
    return await read_beside(fetch, positions[number % len(positions)], cursor, deadline)


async def read_beside(fetch: CountedFetch[T], position: int, cursor: int, deadline: Deadline) -> bool:
    """Request an item once, and return whether there was a good response."""
    _log.debug("requesting 1 item at position %d to see whether only the request at cursor %d fails", position, cursor)
    with suppress(*_FAILED):
        await fetch(position, 1, once=True, deadline=deadline)
        return True
    return False


def may_be_read_in_parts(error: TofuPilotError, on_unreadable: OnUnreadable | None) -> bool:
    """Return whether a page that failed is to be read in parts.

    If items are not skipped and requests are not retried, a page is only read in parts after an error that a retry
    would repeat. Otherwise an outage would cause more requests than the policy has attempts.
    """
    if on_unreadable is None:
        return False
    skips = on_unreadable == "skip"
    if not is_unreadable(error):
        # The server refuses work now, but an earlier attempt may have failed because of an item.
        return skips and error.attempts > 1 and isinstance(error, ServerError) and error.status == _REFUSED
    if skips or error.attempts > 1:
        return True
    return isinstance(error, DecodeError | ResponseTooLargeError) and not isinstance(error, InvalidJSONError)


@define(eq=False, repr=False, slots=False)
class Bisection(Generic[T]):
    """Reads a failed page in parts, each of which is a page without unreadable items."""

    request: Request
    error: TofuPilotError
    deadline: Deadline
    """The time limit of the page, and then of each part. If it has passed, and another item can be read, a new limit
    follows."""
    overlaps: bool
    """Whether pages overlap, so that they have to show that no item was missed around a left-out one."""
    has_offsets: bool
    """Whether the cursors are known to be offsets, or can be treated as offsets."""
    read: tuple[CountedFetch[T], int] | None
    """How to fetch an item that has been read, and its position in the query it was read from. None if no item was
    read."""

    def __attrs_post_init__(self) -> None:
        self.gap: Gap | None = None
        """The gap before the last part. None if the part begins where it should."""
        self.is_too_long = False
        """Whether the page seems to have failed only because it was too long."""
        self.is_cut = False
        """Whether the server returned fewer items in the last part than requested, although it has more."""
        self._asked = 0
        """How many items were requested in the last part."""
        self._has_begun = False
        self._has_waited = False
        """Whether a control failed at first and was read later. An outage may have caused failures of the item, too."""
        self.look_in(self.request)
        if is_unreadable(self.error):
            self._fails_at = self._end

    def look_in(self, request: Request) -> None:
        """Begin the search again, perhaps in another query."""
        self.request, self._fetch = request, request.query.fetch
        self._end = request.cursor + request.limit
        """The position at which reading in parts ends."""
        self._fails_at = 0
        """A part up to this position is known to fail, if the position is after the items already read."""

    def is_under_way(self, passed: int) -> bool:
        """Return whether more of the page is to be read in parts, from a position on."""
        return passed < self._end and not self.is_too_long

    async def next(self, begin: int, passed: int, *, skips: bool) -> Page[T]:
        """Return the next readable part, or raise the error of an item that fails alone, with its position.

        Raise the error of the page if no control can be read, the cursors are not offsets, or the time is up.

        Args:
            begin: The position at which the part is to begin.
            passed: The walk has read, or left out, everything before this position.
            skips: Whether to leave out an item that fails alone.
        """
        if not self._has_begun:
            await self._check_others(passed)
            self._has_begun = True
        self.deadline, self.gap, self.is_too_long = Deadline(), None, False
        due, begin = begin, max(begin, passed + 1 - self.request.limit)  # the server does not allow a longer page
        page = await self._longest(begin, passed)
        at, left_out = passed, dict[int, TofuPilotError]()
        while page is None:
            if isinstance(alone := await self._verified(at), Page):
                page = await self._with_more(begin if at == passed else at, alone)
                break
            alone.position = self.request.query.base + at
            if not skips:
                raise alone
            left_out[at] = alone
            at += 1
            if len(left_out) > _IN_A_ROW:
                raise self.error
            if self.overlaps and self._end - at < SHORTEST:
                self._end = at + self.request.limit  # fewer items would not show where the next page begins
            page = await self._longest(at, at)
        self.is_cut = page.following is not None and len(page.data) < self._asked
        await self._check_offsets(page)
        first = begin if self.overlaps else due  # a walk that follows the cursor counts what it skips from there
        if page.cursor > first:
            gap = Gap(passed, first, passed, left_out)
            self.gap = await self._checked(gap, page) if self.overlaps else gap
        return page

    async def _longest(self, begin: int, passed: int) -> Page[T] | None:
        """Return the longest page that can be read from a position on. None if the item at ``passed`` fails."""
        if self._fails_at <= passed:
            end = self._end if self._end > passed else passed + self.request.limit
            self._end = min(end, begin + self.request.limit)
            if isinstance(page := await self._probe(begin, self._end - begin), Page):
                return page
            self._fails_at = self._end
        while self._fails_at - passed > 1:
            middle = (passed + self._fails_at + 1) // 2
            if isinstance(page := await self._probe(begin, middle - begin), Page):
                return page
            self._fails_at = middle
        return None

    async def _with_more(self, begin: int, alone: Page[T]) -> Page[T]:
        """Return a page with more than one item, after an item that seemed to make a longer page fail was read alone.

        Either the longer page was too long, or an item read before that item fails now.
        """
        cursor, self.is_too_long = alone.cursor, _is_too_long(self.error)
        if begin < cursor and isinstance(page := await self._probe(begin, cursor + 1 - begin), Page):
            return page
        if not self.is_too_long and isinstance(page := await self._probe(cursor, self._end - cursor), Page):
            return page
        return alone

    async def _checked(self, gap: Gap, page: Page[T]) -> Gap:
        """Check that all positions in a gap still fail after ``page`` was read.

        Return the gap with ``before`` filled in, or with ``has_moved`` set if one of the checks shows a move. The
        positions are requested from the last to the first, because an item may move up meanwhile. Some items before the
        gap may fail now, too.
        """
        for position in sorted(gap.left_out, reverse=True):
            if isinstance(await self._probe(position, 1), Page):
                return evolve(gap, has_moved=True)
        start, before, failed = gap.start, None, dict(gap.left_out)
        while start and not isinstance(before := await self._verified(start - 1), Page) and start > gap.begin:
            start -= 1
            failed[start] = before
        if self.request.query.bound is None:
            behind = await self._probe(page.cursor, 1)
            if not isinstance(behind, Page) or _first(behind) != _first(page):
                return evolve(gap, has_moved=True)
        found = before.data[0] if isinstance(before, Page) and before.data else None
        return evolve(gap, start=start, left_out=dict(sorted(failed.items())), before=found)

    async def _check_others(self, passed: int) -> None:
        """Raise the error of the page if nothing else of the listing can be read either."""
        beside = [(self._fetch, position) for position in positions_beside(passed, self.request.limit)]
        for control in [*([self.read] if self.read else []), *beside][:_CONTROLS]:
            # Two items show whether the next cursor is an offset or the number of a page.
            if await self._control(*control, 1 if self.has_offsets else 2) is not None:
                return
        raise self.error

    async def _check_offsets(self, page: Page[T]) -> None:
        """Raise the error of the page unless the cursor of a part is 0, or is shown to be an offset.

        A cursor that is the number of a page leads elsewhere after a change of the limit.
        """
        for position in filter(None, (page.cursor, *_around(page.cursor))) if page.cursor else ():
            if self.has_offsets:
                break
            is_own, one = position == page.cursor, await self._control(self._fetch, position)
            if one is not None and one.data:
                two = page if is_own and len(page.data) > 1 else await self._control(self._fetch, position, 2)
                self.has_offsets = two is not None and _first(one) == _first(two)
            elif is_own and one is not None and not page.data:
                return  # both pages are empty, so no item is at a wrong position
        if page.cursor and not self.has_offsets:
            raise self.error

    async def _verified(self, position: int) -> Page[T] | TofuPilotError:
        """Return the page of a single item, or its error. Raise the error if no control can be read either."""
        failures = 0
        while not isinstance(result := await self._probe(position, 1), Page):
            failures += 1
            if failures == _FAILURES:
                result.attempts = failures
                break
            if failures == _FAILURES - 1:
                self._has_waited = False
                if not await self._is_another_read(position):
                    raise result
                if self._has_waited:
                    failures = 0
        return result

    async def _is_another_read(self, position: int) -> bool:
        known = [self.read] if self.read and self.read != (self._fetch, position) else []
        end: int | None = None
        for fetch, other in [*known, *((self._fetch, other) for other in _around(position))]:
            if end is not None and other >= end:
                continue
            page = await self._control(fetch, other)
            if page is not None and page.data:
                return True
            end = other if page is not None and page.following is None else end
        return False

    async def _probe(self, cursor: int, limit: int, *, once: bool = True) -> Page[T] | TofuPilotError:
        """Return items, or an error that can be due to one of them. Raise any other error.

        With ``once``, one request is sent, unless it fails with an error such as a 503. Otherwise the policy decides.
        """
        result = await self._request(self._fetch, cursor, limit, once=once)
        if isinstance(result, Page):
            self._asked = limit
            return result
        if is_unreadable(result):
            return result
        if not once:
            raise result
        return await self._probe(cursor, limit, once=False)

    async def _control(self, fetch: CountedFetch[T], cursor: int, limit: int = 1) -> Page[T] | None:
        """Request other items once, and again after an outage. Return None if there was no good response."""
        for once in (True, False):
            result = await self._request(fetch, cursor, limit, once=once)
            if isinstance(result, Page):
                self._has_waited |= not once
                return result
            if result.down_since is None:
                break
        return None

    async def _request(
        self, fetch: CountedFetch[T], cursor: int, limit: int, *, once: bool
    ) -> Page[T] | TofuPilotError:
        """Return items, or the error of the request.

        Raise the error of the page if the time is up and the server is down, or if the next cursor cannot be an offset.
        """
        _log.debug("looking for an unreadable item: requesting %d items at position %d", limit, cursor)
        deadline = self.deadline
        try:
            page = await fetch(cursor, limit, once=once, deadline=deadline)
        except TofuPilotError as error:
            if not deadline.is_missed:
                _log.info("looking for an unreadable item: %d items at position %d fail: %s", limit, cursor, error)
                if not isinstance(error, _FAILED):
                    raise
                return error.with_traceback(None)  # its frames refer to the window, which has to be freed with the walk
        else:
            length = limit if page.following is None else page.following - page.cursor
            if length in (limit, len(page.data)):
                self.has_offsets |= page.following is not None and length > 1
                if page.data and self.has_offsets:
                    self.read = fetch, page.cursor
                return page
        if deadline.is_missed and self._has_begun:  # perhaps only because an item hangs, until the timeout each time
            self.deadline = Deadline()
            control, other = self.read or (self._fetch, positions_beside(cursor, limit)[-1])
            if await read_beside(control, other, cursor, self.deadline):
                return await self._request(fetch, cursor, limit, once=once)
        raise self.error  # outside the except clause, because frames of a context would refer to the window, too


def _first(page: Page[T]) -> str:
    """Return the ID of the first item of a page, or an empty text if there is none."""
    return page.data[0].id if page.data else ""


def _around(position: int) -> list[int]:
    """Return the positions of controls around a position, nearest first."""
    others = dict.fromkeys(max(0, position + sign * 2**power) for power in range(11) for sign in (1, -1))
    return [other for other in others if other != position]
