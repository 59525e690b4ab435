"""Reads around an item that the server cannot serve, and that fails every page it is on.

The page is read in parts. Bisection finds the item: half of what fails is requested, and each part that can be read is
handed over at once. Then the item is alone. Before it is classified as unreadable, it is requested alone three times,
and another item has to be read in between, as a control. So an outage is not mistaken for an unreadable item. Positions
are computed, so the server's cursors have to be offsets.

The search begins only if a control has a good response within the time that the policy has for the page. It then takes
no longer than that time once more for each part.
"""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import field, frozen

from aiotofupilot.clock import Deadline
from aiotofupilot.errors import DecodeError, InvalidJSONError, ResponseTooLargeError, ServerError, TofuPilotError
from aiotofupilot.models import Page

from .probes import Probes, TimeUpError, is_due_to_length, is_unreadable, positions_beside
from .source import Fetch, Identified, OnUnreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiotofupilot._otel import WalkSpan
    from aiotofupilot.stats import WalkStats

T = TypeVar("T", bound=Identified)

_REFUSED = 503

_FAILURES = 3
"""An item is unreadable after this many requests for it alone have failed."""

_IN_A_ROW = 100
"""At most this many items in a row are left out. A server that fails from some position on has no end."""

_CONTROLS = 3
"""How often an item that was read before is requested as a control."""

_BEFORE = 7
"""At most this many items before a gap may be unreadable too, because a checkpoint names 8 of those passed last."""

LEFT_OUT_KEPT = 1000
"""At most this many positions or IDs of items that were left out are kept."""

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


def note_left_out(gap: Gap, stats: WalkStats, span: WalkSpan) -> None:
    """Count what is left out before a page, and tell it."""
    stats.unreadable += len(gap.left_out)
    stats.unreadable_positions += islice(gap.left_out, LEFT_OUT_KEPT - len(stats.unreadable_positions))
    for position, reason in gap.left_out.items():
        _log.warning("the item at position %d cannot be read and is left out: %s", position, reason)
        span.event("skip", {"position": position})


def may_be_read_in_parts(error: TofuPilotError, on_unreadable: OnUnreadable) -> bool:
    """Return whether a page that failed is to be read in parts.

    Where the user wants no retries, and items are not to be skipped, a page is only read in parts after an error that
    no retry could have mended. Otherwise a test or a service would see more requests during an outage than the policy
    has attempts.
    """
    skips = on_unreadable == "skip"
    if not is_unreadable(error):
        # The attempts before the last one may have told more than a server that refuses work.
        return skips and error.attempts > 1 and isinstance(error, ServerError) and error.status == _REFUSED
    if skips or error.attempts > 1:
        return True
    return isinstance(error, DecodeError | ResponseTooLargeError) and not isinstance(error, InvalidJSONError)


class Bisection(Generic[T]):
    """Hands over what can be read of a page that failed, part by part, each part a page of its own.

    Args:
        fetch: Fetches a page.
        error: Why the page failed.
        cursor: Where it begins.
        limit: How many items it was to have.
        deadline: Its time limit.
        skips: Whether an item that cannot be read is left out, and not an error.
        overlap: How many items of a page the next page is to begin with, 0 or 1.
        passed: The position before which all items have been passed.
        read_at: The position of an item that was read before; None: there is none.
        has_offsets: Whether the server's cursors were seen to be offsets.
    """

    def __init__(
        self,
        fetch: Fetch[T],
        error: TofuPilotError,
        *,
        cursor: int,
        limit: int,
        deadline: Deadline,
        skips: bool,
        overlap: int,
        passed: int,
        read_at: int | None,
        has_offsets: bool,
    ) -> None:
        self.gap: Gap | None = None
        """What lies before the part that was handed over last."""
        self.is_under_way = False
        """Whether more of the page is to be read in parts."""
        self.is_too_long = False
        """Whether the page failed only because it was too long, as far as the part shows that was handed over last."""
        self._error, self._limit, self._passed = error, limit, passed
        self._skips, self._overlap = skips, overlap
        self._probes = Probes(fetch, deadline)
        self._is_anchored = cursor < passed
        self._next = cursor + overlap if self._is_anchored else cursor
        self._end = cursor + limit
        self._failing = self._end if is_unreadable(error) else self._next  # or else the whole page is requested again
        self._has_offsets = has_offsets or limit == 1  # then no other limit is requested
        self._read_at = read_at if self._has_offsets else None
        self._controls = positions_beside(cursor, limit) if self._read_at is None else (self._read_at,) * _CONTROLS
        self._gap_start: int | None = None
        self._left_out: dict[int, str] = {}

    async def next(self) -> Page[T]:
        """Return the next part that can be read.

        Raises:
            TofuPilotError: The error of the page, because no control has a good response, or the server's cursors are
                not offsets, or the time is up. Or the error of an item that fails alone; its ``position`` says where.
        """
        try:
            if self.gap is None:
                await self._check_others()
            self._probes.deadline = Deadline()
            return await self._part()
        except TimeUpError:
            raise self._error from None

    async def _check_others(self) -> None:
        """Raise the error of the page if nothing else of the listing can be read either."""
        for position in self._controls:
            # Two items show whether the cursor behind them is an offset, and not the number of the next page.
            requested = 1 if self._has_offsets else 2
            page = await self._probes.control(position, requested)
            if page is not None:
                self._note(page, requested)
                return
        raise self._error

    async def _part(self) -> Page[T]:
        """Return the next part that can be read.

        All items before `_next` were handed over or left out. Those from there to `_failing` fail as a page.
        """
        self.is_too_long = False
        while True:
            if self._failing == self._next + 1 and (page := await self._suspect()) is not None:
                return await self._handed_over(page)
            if self._failing > self._next:
                middle = (self._next + self._failing + 1) // 2
            else:  # what is behind an item is requested at once
                if self._end <= self._next + self._overlap:  # no page may begin with an item that was left out
                    self._end = self._next + self._limit
                middle = self._end
            cursor = self._cursor
            result = await self._probes.probe(cursor, middle - cursor)
            if isinstance(result, Page):
                self._note(result, middle - cursor)
                if not self._has_offsets and result.following is not None:
                    if isinstance(await self._probes.probe(self._next + 1, 2), Page):
                        raise self._error  # the number of a page leads elsewhere, now that two items are requested
                    self._has_offsets = True
                return await self._handed_over(result)
            self._failing = middle

    @property
    def _cursor(self) -> int:
        """Where the next part begins: if pages overlap, with the item before, unless that was left out."""
        return self._next - self._overlap if self._is_anchored and self._gap_start is None else self._next

    async def _suspect(self) -> Page[T] | None:
        """Return a page with the item at `_next`, which is left to fail a longer one. None: it is left out.

        If nothing is to be left out, or a page with two items fails, and each of them alone does not, that is an error.
        """
        page, cursor = await self._verified(self._next), self._cursor
        if not isinstance(page, Page):
            self._leave_out(page)
            return None
        self.is_too_long = is_due_to_length(self._error)
        if cursor == self._next:
            return page
        pair = await self._probes.probe(cursor, 2, once=False)
        if isinstance(pair, Page):
            return pair
        if isinstance(await self._verified(cursor), Page):
            raise pair
        self._gap_start = cursor  # the item was passed before, and became unreadable
        return page

    def _leave_out(self, error: TofuPilotError) -> None:
        """Leave out the item at `_next`, or raise its error if none is to be left out, or too many are in a row."""
        position = self._next
        if position >= self._passed:
            if not self._skips:
                error.position = position
                raise error
            self._left_out[position] = str(error)
        if self._gap_start is None:
            self._gap_start = position
        elif position - self._gap_start >= _IN_A_ROW:
            raise error
        self._next = self._failing = position + 1

    async def _handed_over(self, page: Page[T]) -> Page[T]:
        """Note what lies before a part and what is still to be read, and return the part."""
        self.gap = await self._gap_before(page)
        self._gap_start, self._is_anchored = None, True
        following = page.following
        self.is_under_way = False
        if following is not None:
            is_short = following == page.cursor + self._overlap  # the next page would begin with the same item
            self.is_under_way = is_short or (following < self._end and not self.is_too_long)
            self._next, self._passed = following, max(self._passed, following)
            self._failing = max(self._failing, following)
        return page

    async def _verified(self, position: int) -> Page[T] | TofuPilotError:
        """Return the page of a single item, or the error because of which it is unreadable.

        That error is raised if no control can be read either.
        """
        probes = self._probes
        result = await probes.probe(position, 1)
        failures = 1
        while not isinstance(result, Page) and failures < _FAILURES:
            if failures == _FAILURES - 1:
                probes.has_waited = False
                if not await self._is_another_read(position):
                    raise result
                if probes.has_waited:
                    failures = 0
            result = await probes.probe(position, 1)
            failures += 1
        if not isinstance(result, Page):
            result.attempts = failures
        return result

    def _note(self, page: Page[T], requested: int) -> None:
        """Take note of items that were read, or raise the error of the page if the server's cursors are not offsets."""
        if page.following is not None:
            length = page.following - page.cursor
            if length not in (requested, len(page.data)):
                raise self._error
            self._has_offsets = self._has_offsets or length > 1
        if page.data and self._has_offsets:
            self._read_at = page.cursor

    async def _is_another_read(self, position: int) -> bool:
        """Return whether another item than the one at a position can be read right now."""
        others = _around(position) if self._read_at in (None, position) else (self._read_at,) * _CONTROLS
        for other in others:
            page = await self._probes.control(other)
            if page is None or not page.data:
                continue
            if not self._has_offsets:
                # The pages of one item and of two begin with the same item only where cursors are offsets.
                longer = await self._probes.control(other, 2)
                self._has_offsets = longer is not None and _first(longer) == _first(page)
            if self._has_offsets:
                self._read_at = other
                return True
        return False

    async def _gap_before(self, behind: Page[T]) -> Gap:
        """Return what lies before a part. Where pages overlap, make sure that nothing else was missed there.

        No page can show both sides of a gap, because every page with the unreadable item fails. So both sides are
        requested three times, and what lies between them once more. Only a listing that moves at least four times
        during the search can hide an item.
        """
        stop, start = behind.cursor, self._gap_start
        left_out, self._left_out = self._left_out, {}
        if start is None:
            return Gap(stop, stop)
        if not self._overlap:
            return Gap(start, stop, left_out)
        lowest = max(0, start - _BEFORE) if start <= self._passed else start
        page = await self._side(start - 1)
        while page is None and start > lowest:  # the item was passed before, and became unreadable
            start -= 1
            page = await self._side(start - 1)
        before = None if page is None else _first(page)
        is_confirmed = (before is not None or not start) and await self._is_confirmed(start, before, behind)
        return Gap(start, stop, left_out, before=before, is_confirmed=is_confirmed)

    async def _is_confirmed(self, start: int, before: str | None, behind: Page[T]) -> bool:
        """Return whether a gap, and the items before and behind it, are found where they were."""
        for position in range(start, behind.cursor):
            if isinstance(await self._probes.probe(position, 1), Page):
                return False
        sides = ((start - 1, before), (behind.cursor, _first(behind)))
        for position, first in (sides[1], sides[0], sides[0], sides[1]):
            if position < 0:  # nothing lies before the gap, so its first item has to fail
                is_as_before = not isinstance(await self._probes.probe(0, 1), Page)
            else:
                page = await self._side(position)
                is_as_before = page is not None and _first(page) == first
            if not is_as_before:
                return False
        return True

    async def _side(self, position: int) -> Page[T] | None:
        """Return the page of an item beside a gap. None: it cannot be read, or the listing begins with the gap."""
        if position < 0:
            return None
        result = await self._probes.probe(position, 1, once=False)
        if not isinstance(result, Page):
            result = await self._verified(position)
        return result if isinstance(result, Page) else None


def _first(page: Page[Any]) -> str | None:
    """Return the ID of the first item of a page; None: the page is empty."""
    return page.data[0].id if page.data else None


def _around(position: int) -> list[int]:
    """Return the positions of controls around a position: beside it, and then further and further away."""
    steps = (2**power for power in range(11))
    others = dict.fromkeys(other for step in steps for other in (position + step, max(0, position - step)))
    return [other for other in others if other != position]
