"""Reads around an item that the server cannot serve, and that fails every page it is on.

Half of what fails is requested, and each part that can be read is handed over at once, until the item is alone. Before
it is left out, it is requested alone three times, and another item has to be read in between, as a control. So an
outage is not mistaken for it. Positions are computed, so the server's cursors have to be offsets.

The search begins only if a control has a good response within the time that the policy has for the page. It then takes
no longer than that time once more for each part.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import define, field, frozen

from aiotofupilot._checks import LARGEST
from aiotofupilot._request import Deadline, Suspicion
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

from .source import CountedFetch, OnUnreadable, T

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

R = TypeVar("R")

_TOO_SLOW = frozenset({408, 504, 524})
_CRASHED = frozenset({500, 502, 520})
"""Statuses that one page alone can have. 520 and 524 are what Cloudflare says for 502 and 504."""

_REFUSED = 503
"""With this status, as with 429 and 529, a server refuses work, whatever page is requested."""

_FAILED = (APIError, TransportError, DecodeError)
"""How a request fails that was sent."""

_FAILURES = 3
"""An item is unreadable after this many requests for it alone have failed."""

_IN_A_ROW = 100
"""At most this many items in a row are left out. A server that fails from some position on has no end."""

_CONTROLS = 3
"""How often an item that was read before is requested as a control."""

_BEFORE = 7
"""At most this many items before a gap may be unreadable too, because a checkpoint names 8 of those passed last."""

_log = logging.getLogger("aiotofupilot")


@frozen
class Gap:
    """The positions before a page at which nothing could be read; none as a rule."""

    start: int
    """The first position."""
    stop: int
    """The position after the last one, where the page begins."""
    left_out: Mapping[int, str] = field(factory=dict[int, str])
    """Those of the positions that the walk has not passed before, and why the items there cannot be read."""
    before: str | None = None
    """The ID of the item before the gap, read after the page behind it; None: there is none, or it is not needed."""
    is_confirmed: bool = True
    """Whether both sides of the gap were found where they were, three times, after the page behind it was read."""


def is_unreadable(error: TofuPilotError) -> bool:
    """Return whether an error can be due to an item of the page that was requested."""
    match error:
        case ServerError():
            return error.status in _TOO_SLOW | _CRASHED
        case ConnectionFailedError():  # the server may reset the connection when the item crashes it
            return not isinstance(error, CertificateError)
        case ResponseTooLargeError():
            return error.limit is not None
        case DecodeError():
            return error.item is not None or isinstance(error, InvalidJSONError)
        case _:
            return isinstance(error, RequestTimeoutError)


def positions_beside(cursor: int, limit: int) -> tuple[int, ...]:
    """Return the positions of three controls. One is right after a page, and the others are farther away.

    The last position is beyond the end of most listings. An empty page cannot fail because of an item.
    """
    return cursor + limit, cursor + 11 * limit, cursor + 1001 * limit


async def suspected(
    request: Callable[..., Awaitable[R]],
    fetch: CountedFetch[T],
    deadline: Deadline,
    *,
    cursor: int,
    limit: int,
    suspicion: Suspicion | None = None,
) -> R:
    """Request a page or an item, and an item beside it before it is requested again because perhaps only it fails.

    It is another item each time. Nothing here knows the walk, because the pages in flight wait here.
    """
    positions = cycle(positions_beside(cursor, limit))
    while True:
        if suspicion is not None:
            suspicion.is_confirmed = await read_beside(fetch, next(positions), cursor, deadline)
        try:
            return await request(suspicion=suspicion)
        except Suspicion as another:
            suspicion = another.with_traceback(None)


async def read_beside(fetch: CountedFetch[T], position: int, cursor: int, deadline: Deadline) -> bool:
    """Request an item beside the page at a cursor once, and return whether there was a good response."""
    _log.debug("requesting 1 item at position %d to see whether only the request at cursor %d fails", position, cursor)
    with suppress(*_FAILED):
        await fetch(position, 1, once=True, deadline=deadline)
        return True
    return False


def may_be_read_in_parts(error: TofuPilotError, on_unreadable: OnUnreadable | None) -> bool:
    """Return whether a page that failed is to be read in parts.

    Without retries and without skipping, only after an error that no retry could have mended. Otherwise there would be
    more requests during an outage than the policy has attempts.
    """
    if on_unreadable is None:
        return False
    skips = on_unreadable == "skip"
    if not is_unreadable(error):
        # The attempts before the last one may say more than a server that refuses work does.
        return skips and error.attempts > 1 and isinstance(error, ServerError) and error.status == _REFUSED
    if skips or error.attempts > 1:
        return True
    return isinstance(error, DecodeError | ResponseTooLargeError) and not isinstance(error, InvalidJSONError)


@define(eq=False, repr=False, slots=False)
class Bisection(Generic[T]):
    """Reads a page that failed, part by part. Each part is a page of its own, without what cannot be read."""

    fetch: CountedFetch[T]
    error: TofuPilotError
    """Why the page failed."""
    cursor: int
    limit: int
    """How many items the page was to have."""
    deadline: Deadline
    """The time limit of the page, and then of each part."""
    skips: bool
    """Whether an item that cannot be read is left out, and not an error."""
    overlap: int
    """How many items of a page the next one is to begin with, 0 or 1."""
    passed: int
    """The position before which all items have been passed."""
    has_offsets: bool
    """Whether the cursors were seen to be offsets, or can be taken for such."""
    read_at: int | None
    """The position of an item that was read; None: there is none, or the cursors were not seen to be offsets."""

    def __attrs_post_init__(self) -> None:
        self.gap: Gap | None = None
        """What lies before the part that was handed over last."""
        self.is_under_way = False
        """Whether more of the page is to be read in parts."""
        self.is_too_long = False
        """Whether the page failed only because it was too long, as far as that part shows."""
        self.is_stuck = False
        """Whether that part has only the item that it was to begin with, although more were requested and follow."""
        self._has_waited = False
        """Whether a control had to wait for the server. What failed before it may have failed for the same reason."""
        self._back = self.overlap if self.cursor < self.passed else 0
        """How many items before `_next` the next part begins: `overlap`, unless the item there was not passed."""
        self._next, self._end = self.cursor + self._back, self.cursor + self.limit
        # All items before `_next` were handed over or left out. Those from there to `_failing` fail as a page. After an
        # error that tells nothing of the items, the whole page is requested again.
        self._failing = self._end if is_unreadable(self.error) else self._next
        self._empty_from = LARGEST
        """The first position that was seen to be beyond the end of the listing."""
        self._gap_start: int | None = None
        self._left_out: dict[int, str] = {}

    async def next(self) -> Page[T]:
        """Return the next part that can be read, or raise the error of an item that fails alone, with its position.

        The error of the page is raised if no control can be read, the cursors are not offsets, or the time is up.
        """
        if self.gap is None:
            await self._check_others()
        self.deadline = Deadline()
        page = await self._readable()
        if page.following is not None and not self.has_offsets:
            await self._check_offsets(page.following)
        self.gap = await self._gap_before(page)
        self._gap_start, self._back = None, self.overlap
        following = page.following
        self.is_under_way = False
        self.is_stuck = following is not None and following <= self._next
        if following is not None:
            is_short = following == page.cursor + self.overlap  # the next page would begin with the same item
            self.is_under_way = is_short or (following < self._end and not self.is_too_long)
            self._next, self.passed = following, max(self.passed, following)
            self._failing = max(self._failing, following)
        return page

    async def _check_others(self) -> None:
        """Raise the error of the page if nothing else of the listing can be read either."""
        read_at = self.read_at
        for position in positions_beside(self.cursor, self.limit) if read_at is None else (read_at,) * _CONTROLS:
            # Two items show whether the cursor behind them is an offset, and not the number of the next page.
            requested = 1 if self.has_offsets else 2
            page = await self._control(position, requested)
            if page is not None:
                self._note_read(page)
                return
        raise self.error

    async def _readable(self) -> Page[T]:
        """Return the longest page of those tried that can be read, after leaving out what cannot be read before it."""
        self.is_too_long = False
        while True:
            if self._failing == self._next + 1 and (page := await self._suspect()) is not None:
                return page
            if self._failing == self._next:  # what is behind an item is requested at once
                if self._end <= self._next + self.overlap:  # no page may begin with an item that was left out
                    self._end = self._next + self.limit
                middle = self._end
            else:
                middle = (self._next + self._failing + 1) // 2
            cursor = self._next - self._back
            result = await self._probe(cursor, middle - cursor)
            if isinstance(result, Page):
                self._note_read(result)
                return result
            self._failing = middle

    async def _suspect(self) -> Page[T] | None:
        """Return a page with the item at `_next`, which is left to fail a longer one. None: it is left out.

        If two items fail together and not alone, their error is raised.
        """
        page, cursor = await self._verified(self._next), self._next - self._back
        if not isinstance(page, Page):
            self._leave_out(page)
            return None
        error = self.error
        is_slow = isinstance(error, ServerError) and error.status in _TOO_SLOW
        self.is_too_long = is_slow or isinstance(error, RequestTimeoutError | ResponseTooLargeError)
        if cursor == self._next:
            return page
        failure = await self._probe(cursor, 2, once=False)
        if isinstance(failure, Page):
            return failure
        if isinstance(await self._verified(cursor), Page):
            raise failure
        self._gap_start = cursor  # the item was passed before, and became unreadable
        return page

    def _leave_out(self, error: TofuPilotError) -> None:
        """Leave out the item at `_next`, or raise its error if none is to be left out, or too many are in a row."""
        position = self._next
        if position >= self.passed:
            if not self.skips:
                error.position = position
                raise error
            self._left_out[position] = str(error)
        if self._gap_start is None:
            self._gap_start = position
        elif position - self._gap_start >= _IN_A_ROW:
            raise error
        self._next = self._failing = position + 1
        self._back = 0

    async def _verified(self, position: int) -> Page[T] | TofuPilotError:
        """Return the page of a single item, or its error, which is raised if no control can be read either."""
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

    def _note_read(self, page: Page[T]) -> None:
        """Take note of items that were read."""
        if page.data and self.has_offsets:
            self.read_at = page.cursor

    async def _check_offsets(self, following: int) -> None:
        """Raise the error of the page unless an item shows that cursors are offsets, or there are at most two items.

        A single item leads one further also where cursors count pages. There, it leads elsewhere with another limit.
        That the item behind it fails shows nothing, because any request can fail.
        """
        if not await self._is_another_read(following) and (following > 1 or self._empty_from > following + 1):
            raise self.error
        self.has_offsets = True

    async def _is_another_read(self, position: int) -> bool:
        """Return whether another item than the one at a position can be read right now, and cursors are offsets."""
        read_at = self.read_at
        for other in _around(position) if read_at in (None, position) else (read_at,) * _CONTROLS:
            holds_both = other + 1 == position and not self.has_offsets  # two items from there are not read either
            if other >= self._empty_from or holds_both:
                continue
            page = await self._control(other, 1 if self.has_offsets else 2)
            if page is not None and not self.has_offsets:  # two items that lead two further would have shown it
                # The pages of one item and of two begin with the same item only where cursors are offsets, or at 0.
                first, page = _first(page), await self._control(other)
                self.has_offsets = page is not None and other > 0 and _first(page) == first != ""
            if page is not None and page.data and self.has_offsets:
                self.read_at = other
                return True
            if page is not None and not page.data and page.following is None:
                self._empty_from = other
        return False

    async def _gap_before(self, behind: Page[T]) -> Gap:
        """Return what lies before a part. Where pages overlap, make sure that nothing else was missed there.

        No page can show both sides of a gap. So both sides are requested three times, and what lies between them once
        more. Only a listing that moves at least four times during the search can hide an item.
        """
        stop, start = behind.cursor, self._gap_start
        left_out, self._left_out = self._left_out, {}
        if start is None:
            return Gap(stop, stop)
        if not self.overlap:
            return Gap(start, stop, left_out)
        lowest = max(0, start - _BEFORE) if start <= self.passed else start
        while not (before := await self._id_at(start - 1)) and start > lowest:
            start -= 1  # the item was passed before, and became unreadable
        is_confirmed = bool(before or not start) and await self._is_confirmed(start, before, behind)
        return Gap(start, stop, left_out, before=before or None, is_confirmed=is_confirmed)

    async def _is_confirmed(self, start: int, before: str | None, behind: Page[T]) -> bool:
        """Return whether a gap, and the items before and behind it, are found where they were."""
        for position in range(start, behind.cursor):
            if isinstance(await self._probe(position, 1), Page):
                return False
        sides = ((start - 1, before), (behind.cursor, _first(behind)))
        for position, expected in (sides[1], sides[0], sides[0], sides[1]):
            if position < 0:  # nothing lies before the gap, so its first item has to fail
                is_as_before = not isinstance(await self._probe(0, 1), Page)
            else:
                is_as_before = await self._id_at(position) == expected
            if not is_as_before:
                return False
        return True

    async def _id_at(self, position: int) -> str | None:
        """Return the ID of an item beside a gap, empty if the listing ends before. None: it cannot be read."""
        if position < 0:
            return None
        result = await self._probe(position, 1, once=False)
        if not isinstance(result, Page):
            result = await self._verified(position)
        return _first(result) if isinstance(result, Page) else None

    async def _probe(self, cursor: int, limit: int, *, once: bool = True) -> Page[T] | TofuPilotError:
        """Return items, or an error that can be due to one of them. Any other error is raised.

        The policy decides about further attempts if not ``once``, or after an error such as a 503.
        """
        result = await self._request(cursor, limit, once=once)
        if isinstance(result, Page) or is_unreadable(result):
            return result
        if not once:
            raise result
        return await self._probe(cursor, limit, once=False)

    async def _control(self, cursor: int, limit: int = 1) -> Page[T] | None:
        """Request items elsewhere, once if the session is up, and return them; None: there was no good response."""
        for once in (True, False):
            result = await self._request(cursor, limit, once=once)
            if isinstance(result, Page):
                return result
            if result.down_since is None:
                break
            self._has_waited = True
        return None

    async def _request(self, cursor: int, limit: int, *, once: bool) -> Page[T] | TofuPilotError:
        """Return items, or how the request failed.

        The error of the page is raised if the time is up, or if the items lead where no offset would.
        """
        _log.debug("looking for an unreadable item: requesting %d items at position %d", limit, cursor)
        try:
            page = await self.fetch(cursor, limit, once=once, deadline=self.deadline)
        except TofuPilotError as error:
            if not self.deadline.is_missed:
                _log.info("looking for an unreadable item: %d items at position %d fail: %s", limit, cursor, error)
                if not isinstance(error, _FAILED):
                    raise
                return error.with_traceback(None)  # its frames lead to the window, which a dropped walk must not keep
        else:
            length = limit if page.following is None else page.following - page.cursor
            if length in (limit, len(page.data)):
                self.has_offsets = self.has_offsets or (length > 1 and page.following is not None)
                return page
        raise self.error  # here, so that the other one is not its context, because its frames lead to the window too


def _first(page: Page[T]) -> str:
    """Return the ID of the first item of a page, empty if there is none."""
    return page.data[0].id if page.data else ""


def _around(position: int) -> list[int]:
    """Return the positions of controls around a position: beside it, and then further and further away."""
    others = dict.fromkeys(max(0, position + sign * 2**power) for power in range(11) for sign in (1, -1))
    return [other for other in others if other != position]
