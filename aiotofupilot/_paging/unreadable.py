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
from typing import TYPE_CHECKING, Generic

from attrs import define, field, frozen

from aiotofupilot._checks import LARGEST
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

from .source import CountedFetch, Identified, OnUnreadable, T

if TYPE_CHECKING:
    from collections.abc import Mapping

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
"""At most this many items before a gap may be unreadable too."""

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
    before: Identified | None = None
    """The item before the gap, read after the page behind it; None: there is none."""


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

    The last position is beyond the end of many listings. An empty page cannot fail because of an item.
    """
    return cursor + limit, cursor + 5 * limit, cursor + 21 * limit


async def control_beside(fetch: CountedFetch[T], cursor: int, limit: int, deadline: Deadline, number: int) -> bool:
    """Request a control beside a page, another one for each number, and return whether there was a good response."""
    positions = positions_beside(cursor, limit)
    return await read_beside(fetch, positions[number % len(positions)], cursor, deadline)


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
    limit: int
    """How many items the page was to have."""
    end: int
    """The position where it was to end. What lies from the first item that was not passed to there fails as a page."""
    deadline: Deadline
    """The time limit of the page, and then of each part."""
    skips: bool
    """Whether an item that cannot be read is left out, and not an error."""
    overlaps: bool
    """Whether a part is to begin with items that were passed. Then something has to show that nothing was missed at
    an item that is left out."""
    has_offsets: bool
    """Whether the cursors were seen to be offsets, or can be taken for such."""
    read_at: int | None
    """The position of an item that was read; None: there is none, or the cursors were not seen to be offsets."""

    def __attrs_post_init__(self) -> None:
        self.gap: Gap | None = None
        """What lies before the part that was handed over last."""
        self.is_too_long = False
        """Whether the page failed only because it was too long, as far as that part shows."""
        self._has_begun = False
        self._has_waited = False
        """Whether a control had to wait for the server. What failed before it may have failed for the same reason."""
        self._empty_from = LARGEST
        """The first position that was seen to be beyond the end of the listing."""

    def is_under_way(self, passed: int) -> bool:
        """Return whether more of the page is to be read in parts, after all before a position was passed."""
        return passed < self.end and not self.is_too_long

    async def next(self, begin: int, passed: int) -> Page[T]:
        """Return the next part that can be read, or raise the error of an item that fails alone, with its position.

        The error of the page is raised if no control can be read, the cursors are not offsets, or the time is up.

        Args:
            begin: The position at which the part is to begin.
            passed: The position before which all items were passed.
        """
        if not self._has_begun:
            await self._check_others(passed)
            self._has_begun = True
        self.deadline = Deadline()
        self.is_too_long = False
        if not is_unreadable(self.error) and (page := await self._whole(begin)) is not None:
            self.gap = Gap(page.cursor, page.cursor)
            return page
        start, left_out = begin, dict[int, str]()
        while True:
            page = await self._readable(begin, passed, left_out)
            if page is not None:
                break
            begin = passed = max(passed, self.end)  # behind what is left out
            self.end = begin + self.limit
            if begin - start > _IN_A_ROW:
                raise self.error
        await self._check_offsets(page)
        before = None
        if page.cursor > start and self.overlaps:
            start, before = await self._item_before(min(left_out, default=page.cursor))
        self.gap = Gap(min(page.cursor, start), page.cursor, left_out, before)
        return page

    async def _whole(self, begin: int) -> Page[T] | None:
        """Return the page itself, requested again after an error that tells nothing of its items; None: it fails."""
        page = await self._probe(begin, self.end - begin)
        if isinstance(page, Page):
            return page
        self.error = page
        return None

    async def _readable(self, begin: int, passed: int, left_out: dict[int, str]) -> Page[T] | None:
        """Return the longest of some pages from a position on that can be read. None: `end` is behind what cannot."""
        if begin > 0 and begin == passed and left_out:  # what is behind an item is requested at once
            page = await self._probe(begin, self.end - begin)
            if isinstance(page, Page):
                return page
        while self.end - passed > 1:
            middle = (passed + self.end + 1) // 2
            page = await self._probe(begin, middle - begin)
            if isinstance(page, Page):
                return page
            self.end = middle
        if self.end <= passed:  # an item fails that was passed before
            return None
        return await self._suspect(begin, passed, left_out)

    async def _suspect(self, begin: int, passed: int, left_out: dict[int, str]) -> Page[T] | None:
        """Return a page with the item that is left to fail a longer one. None: it is left out."""
        page = await self._verified(passed)
        if not isinstance(page, Page):
            if not self.skips:
                page.position = passed
                raise page
            left_out[passed] = str(page)
            return None
        # It was left to fail a longer page: both fail together, or one that was passed fails.
        error = self.error
        is_slow = isinstance(error, ServerError) and error.status in _TOO_SLOW
        self.is_too_long = is_slow or isinstance(error, RequestTimeoutError | ResponseTooLargeError)
        if begin == passed or not self.overlaps:
            return page
        together = await self._probe(begin, passed + 1 - begin, once=False)
        while not isinstance(together, Page) and passed - begin > 1:  # so that some that was passed comes with it
            begin = (begin + passed + 1) // 2
            part = await self._probe(begin, passed + 1 - begin)
            together = part if isinstance(part, Page) else together
        if isinstance(together, Page):
            return together
        if isinstance(await self._verified(passed - 1), Page):
            raise together
        return page

    async def _check_others(self, passed: int) -> None:
        """Raise the error of the page if nothing else of the listing can be read either."""
        read_at = self.read_at
        for position in positions_beside(passed, self.limit) if read_at is None else (read_at,) * _CONTROLS:
            # Two items show whether the cursor behind them is an offset, and not the number of the next page.
            page = await self._control(position, 1 if self.has_offsets else 2)
            if page is not None:
                self._note_read(page)
                return
        raise self.error

    def _note_read(self, page: Page[T]) -> None:
        """Take note of items that were read."""
        if page.data and self.has_offsets:
            self.read_at = page.cursor

    async def _check_offsets(self, page: Page[T]) -> None:
        """Raise the error of the page unless something shows that the cursor of a part is an offset; 0 always is.

        Where a cursor is the number of a page, it leads elsewhere with another limit.
        """
        self.has_offsets |= page.following is not None and page.following - page.cursor > 1
        positions = iter((page.cursor, *_around(page.cursor)) if page.cursor else ())
        while not self.has_offsets and (position := next(positions, 0)):
            one = await self._control(position, 1)
            if position == page.cursor and one is not None and not (one.data or page.data):
                return  # nothing is there: pages of one item have their offset for a number
            two = page if position == page.cursor and len(page.data) > 1 else await self._control(position, 2)
            self.has_offsets = one is not None and two is not None and _first(one) == _first(two) != ""
        if page.cursor and not self.has_offsets:
            raise self.error
        self._note_read(page)

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

    async def _is_another_read(self, position: int) -> bool:
        """Return whether another item than the one at a position can be read right now."""
        read_at = self.read_at
        for other in _around(position) if read_at in (None, position) else (read_at,) * _CONTROLS:
            if other >= self._empty_from:
                continue
            page = await self._control(other)
            if page is not None and page.data:
                self._note_read(page)
                return True
            if page is not None and page.following is None:
                self._empty_from = other
        return False

    async def _item_before(self, start: int) -> tuple[int, Identified | None]:
        """Return where a gap begins, and the item before it; None: it begins where the listing does.

        The items before it were passed. A few of them may have become unreadable since.
        """
        for position in range(start - 1, max(-1, start - 2 - _BEFORE), -1):
            page = await self._verified(position)
            if isinstance(page, Page):
                return position + 1, page.data[0] if page.data else None
        return 0, None

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
                return page
        raise self.error  # here, so that the other one is not its context, because its frames lead to the window too


def _first(page: Page[T]) -> str:
    """Return the ID of the first item of a page, empty if there is none."""
    return page.data[0].id if page.data else ""


def _around(position: int) -> list[int]:
    """Return the positions of controls around a position: beside it, and then further and further away."""
    others = dict.fromkeys(max(0, position + sign * 2**power) for power in range(11) for sign in (1, -1))
    return [other for other in others if other != position]
