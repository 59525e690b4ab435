"""Retrieves the details of one item, or finds out why there are none.

The listing and the details may come from two replicas, one of which lags. So after a 404 for an item that was just
listed, the item counts as removed only if the listing no longer has it either.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from attrs import evolve, frozen

from aiotofupilot._request import Deadline
from aiotofupilot.errors import DecodeError, DriftError, NotFoundError, TofuPilotError
from aiotofupilot.stats import RequestCounts, WalkStats

from .position import ByTime
from .source import Identified, counted
from .unreadable import control_beside, is_unreadable, read_beside
from .walk import Walk, forget_checkpoint

if TYPE_CHECKING:
    from aiotofupilot.positions import Checkpoint

    from .source import DetailSource, Plan, Source

_WAITS = (1.0, 2.0, 4.0)
"""Seconds to wait before the details of an item that is still listed are requested again."""

_REPEATS = 2
"""Unreadable details are requested again this often before their item is left out."""

_LOOKED_THROUGH = 50
"""To find an item, at least this many items are read from its place on, because new items may have been created
there."""

_log = logging.getLogger("aiotofupilot")


@frozen
class LeftOut:
    """Why there are no details of an item."""

    reason: Literal["removed", "missing", "unreadable"]
    """``removed``: not found, and no longer listed. ``missing``: not found, but perhaps still listed.
    ``unreadable``: its details cannot be read, and such items are left out."""
    error: TofuPilotError
    """The error of the last request for the details."""


@frozen(eq=False)
class Retrieval:
    """Retrieves the details of single items. It must not refer to a walk, because tasks in flight refer to it."""

    source: Source[Any]
    details: DetailSource[object]
    plan: Plan
    counts: RequestCounts

    async def get(self, item: Identified, before: Checkpoint | None, *, is_checked: bool) -> bytes | LeftOut:
        """Return the undecoded details of an item, or why there are none.

        Args:
            item: An item that was just listed.
            before: Where the walk was before the item. None in a pass, which has no position.
            is_checked: As in `DetailSource.fetch`.
        """
        waits = iter(_WAITS)
        while True:
            try:
                return await self._read(item, is_checked=is_checked)
            except NotFoundError as error:
                if error.code is None:  # an error of a proxy says nothing about the item
                    raise
                failure = error.with_traceback(None)
            is_listed = await self._is_listed(item, before)
            if is_listed is False:
                return LeftOut("removed", failure)
            wait = next(waits, None)
            if is_listed is None or wait is None:
                return LeftOut("missing", failure)
            _log.debug("the details of %r are not found, although it is listed: next attempt in %g s", item.id, wait)
            self.counts.add(waited=wait)
            await self.source.connection.pause(wait)

    async def _is_listed(self, item: Identified, before: Checkpoint | None) -> bool | None:
        """Return whether an item is still listed. None if the listing cannot show it.

        The listing is filtered by the ID. If the API has no such filter, a walk resumes before the item.
        """
        alone = self.source.alone(item.id)
        if alone is not None:
            page = await alone.fetch(0, 1, self.counts, deadline=Deadline())
            if all(found.id == item.id for found in page.data):  # a server that does not know the filter lists others
                return bool(page.data)
        if before is None:
            return None
        plan = evolve(self.plan, start=before, max_items=None, concurrency=1)
        async with _Search(self.source, plan, WalkStats(counts=self.counts)) as walk:
            try:
                while walk.is_before(item) and (found := await walk.take(plan.limit)):
                    if any(each.id == item.id for each in found):
                        return True
            except DriftError:  # too many of the items before it were removed
                return None
            except TofuPilotError as error:
                forget_checkpoint(error)  # the walk over the details has not come this far
                raise
        return False

    async def _read(self, item: Identified, *, is_checked: bool) -> bytes | LeftOut:
        """Return the details of an item. If the details are unreadable and may be left out, return their error.

        Details are unreadable if three requests for them fail while a page of the listing can be read in between. So an
        outage does not make them unreadable.
        """
        fetch = partial(self.details.fetch, item, self.counts)
        source = self.source
        control = counted((source.runs() if source.is_of_runs else source).fetch, self.counts)
        skips, deadline = self.plan.on_unreadable == "skip", Deadline()
        beside = partial(control_beside, control, 0, 1, deadline) if skips else None
        try:
            return await fetch(is_checked=is_checked, deadline=deadline, control=beside)
        except TofuPilotError as error:
            if not skips or not is_about_item(error):
                raise
            failure = error
        for _ in range(_REPEATS):
            deadline = Deadline()
            if not await read_beside(control, 1, 0, deadline):
                raise failure
            try:
                return await fetch(is_checked=True, once=True, deadline=deadline)
            except TofuPilotError as error:
                if not is_about_item(error):
                    raise
        return LeftOut("unreadable", failure)


class _Search(Walk[Identified]):
    """A walk that looks for an item."""

    def is_before(self, item: Identified) -> bool:
        """Return whether the walk may still come to an item. An item without a time is one of the first."""
        has_time = isinstance(self._position, ByTime) and self._source.order.keys([item])[0] is not None
        return self.stats.items < _LOOKED_THROUGH or (has_time and not self._position.knows(item))


def is_about_item(error: TofuPilotError) -> bool:
    """Return whether an error may be due to an item whose details cannot be read."""
    return isinstance(error, DecodeError) or is_unreadable(error)
