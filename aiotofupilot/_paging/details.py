"""One pass over the details of a listing's items: a walk over the items, with a request for each.

Several requests are in flight, and the details come in order. They are not decoded before they are yielded.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from abc import abstractmethod
from collections import deque
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, evolve

from aiotofupilot._otel import WalkSpan
from aiotofupilot._public import internal
from aiotofupilot.errors import DecodeError, TofuPilotError
from aiotofupilot.stats import WalkStats

from .iteration import MarkedIteration
from .retrieval import LeftOut, Retrieval, is_about_item
from .tasks import Tasks, outcome
from .walk import LEFT_OUT_KEPT, Walk, note_checkpoint

if TYPE_CHECKING:
    from aiotofupilot.positions import Checkpoint, Watermark

    from .incremental import IncrementalWalk
    from .source import DetailSource, Identified, Plan, Source

__all__ = ["DetailsWalk", "IncrementalDetailsWalk"]

D = TypeVar("D")

_log = logging.getLogger("aiotofupilot")


@define(eq=False)
class _Entry:
    """An item whose details are to be yielded."""

    item: Identified
    before: Checkpoint | None
    """Where the walk over the items was before this item. None in a pass, which has no position."""
    after: Checkpoint | None
    task: asyncio.Task[bytes | LeftOut] | None = None
    """The task that fetches the details. None before it has begun."""
    is_checked: bool = False
    """Whether to decode the details as soon as they arrive, because an earlier attempt could not be decoded."""

    @property
    def body(self) -> bytes | None:
        """The details if they have arrived, or None."""
        task = self.task
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        result = task.result()
        return result if isinstance(result, bytes) else None


class _ItemReader:
    """Reads the items whose details are requested, from a walk."""

    def __init__(self, walk: Walk[Identified] | IncrementalWalk[Identified]) -> None:
        self._walk = walk
        self._read_to = self._place
        """Where the walk is after the item read last."""
        self.has_ended = False

    @property
    def _place(self) -> Checkpoint | None:
        """Where the walk is. None for a pass, which has no position."""
        return self._walk.checkpoint if isinstance(self._walk, Walk) else None

    async def read(self, at_most: int) -> list[_Entry]:
        """Return the next items, or none at the end."""
        entries: list[_Entry] = []
        walk = self._walk
        if (first := await anext(walk, None)) is not None:
            for item in chain((first,), islice(walk._items, at_most - 1)):  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - one by one, because each has its own place
                before, self._read_to = self._read_to, self._place
                entries.append(_Entry(item, before, self._read_to))
        self.has_ended = not entries
        return entries


class DetailIteration(MarkedIteration[D, _Entry]):
    """The base of both walks over details.

    At most ``concurrency`` details are in flight or waiting, beside the next page of items. Until the session has read
    the details of one item, only one request for details is in flight.
    """

    @internal
    def __init__(
        self,
        walk: Walk[Identified] | IncrementalWalk[Identified],
        source: Source[Any],
        details: DetailSource[D],
        plan: Plan,
    ) -> None:
        self._walk = walk  # it has at most one page in flight
        self._source = details
        self._listed = _ItemReader(walk)
        self._stats = WalkStats(counts=walk.stats.counts)
        """The counts of the details, without those of the walk over the items."""
        self._retrieval = Retrieval(source, details, plan, walk.stats.counts)
        self._span = WalkSpan(plan.start.listing, {**plan.described(), "details": True})
        self._wanted = sys.maxsize if plan.max_items is None else plan.max_items
        self._yielded_bytes = 0
        """The total bytes of all details offered so far."""
        self._aside: tuple[_Entry, TofuPilotError] | None = None
        """An item whose details were not found, and the error, until the next item shows whether any details exist."""
        self._entries: deque[_Entry] = deque()
        self._tasks: Tasks[_Entry, bytes | LeftOut] = Tasks(self._span.fetching)
        """The tasks that fetch details, and beside them the task that reads the next items."""

    @property
    def _plan(self) -> Plan:
        return self._retrieval.plan

    @abstractmethod
    def _wait_for(self, entry: _Entry, error: TofuPilotError) -> None:
        """Postpone an item that is not found but may still be listed, or raise its error."""

    def __del__(self) -> None:
        if hasattr(self, "_tasks"):
            self._span.end(self.stats)

    @property
    def stats(self) -> WalkStats:
        """The counts of the walk up to now.

        ``items`` counts the details yielded. ``unreadable`` counts items that were left out because they, or their
        details, cannot be read. ``removed`` and ``missing`` count items that were listed but not found.
        """
        self._note_yielded()
        listed, own = self._walk.stats, self._stats
        return evolve(
            listed,
            items=own.items,
            removed=own.removed,
            missing=own.missing,
            unreadable=listed.unreadable + own.unreadable,
            unreadable_ids=own.unreadable_ids,
        )

    async def _close(self) -> None:
        self._drop()
        self._tasks.clear()
        self._entries.clear()
        await self._tasks.settle()
        await self._walk.aclose()
        self._span.end(self.stats)

    def _note_failure(self, error: Exception) -> None:
        self._span.end(self.stats, error)

    async def _advance(self) -> bool:
        """Wait until the next details have arrived, and return whether there are any.

        After an error or a cancellation, nothing is in flight, and the next call continues with the same item.
        """
        self._offer_from((), ())
        if self._decode():
            return True
        try:
            await self._tasks.settle()
            while self._wanted != 0:
                self._fill()
                head = self._entries[0] if self._entries else None
                if head is None and self._tasks.beside is None:
                    if self._aside is None:
                        break
                    self._call_back(*self._aside)
                    continue
                if head is None or head.task is None or not head.task.done():
                    await self._tasks.any_ended()
                    continue
                await asyncio.sleep(0)  # so that new requests are sent before these details are consumed
                if self._aside is not None and self._source.is_known:
                    self._call_back(*self._aside)
                elif self._is_at_hand(head, head.task) and self._decode():
                    return True
        except BaseException:
            self._stop()
            raise
        await self._close()
        return False

    def _decode(self) -> bool:
        """Decode the details that have arrived, at most as many as were asked for. Return whether there are any."""
        details, entries = list[D](), list[_Entry]()
        while len(details) < self._at_most and (found := self._decoded()):
            details.append(found[0])
            entries.append(found[1])
        self._offer_from(details, entries)
        return bool(details)

    def _stop(self) -> None:
        """Cancel the requests in flight. They are sent again later, and so are the failed requests."""
        for entry in self._tasks.stop():
            entry.task = None
        for entry in self._entries:
            if entry.body is None:
                self._forget(entry)

    def _forget(self, entry: _Entry) -> None:
        """Forget the request for an item's details, so that they can be requested again."""
        if entry.task is not None:
            self._tasks.take(entry.task)
            entry.task = None

    def _fill(self) -> None:
        """Take up items that have arrived, and start as many requests as may be in flight."""
        tasks, entries, concurrency = self._tasks, self._entries, self._plan.concurrency
        if tasks.beside is not None and tasks.beside.done():
            self._take_up(tasks.beside)
        in_flight = len(tasks.in_flight)
        enough = min(1 if concurrency == 1 else 2 * concurrency, self._wanted)
        if len(entries) < enough and tasks.beside is None and not self._listed.has_ended and in_flight < concurrency:
            tasks.start_beside(self._listed.read(2 * concurrency))
            in_flight += 1
        width = concurrency if self._source.is_known else 1
        for entry in islice(entries, min(width, self._wanted)):
            if entry.task is None:
                if in_flight >= concurrency:
                    break
                getting = self._retrieval.get(entry.item, entry.before, is_checked=entry.is_checked)
                entry.task = tasks.start(getting, entry)
                in_flight += 1

    def _take_up(self, reading: asyncio.Task[list[_Entry]]) -> None:
        """Take up the items that the walk has found. Raise its error once, after the details of all earlier items."""
        if self._entries and (reading.cancelled() or reading.exception()):
            return
        self._tasks.beside = None
        try:
            self._entries += outcome(reading)
        finally:
            del reading  # it refers to its error, which refers to this frame

    def _is_at_hand(self, head: _Entry, task: asyncio.Task[bytes | LeftOut]) -> bool:
        """Return whether the details of the first item have arrived. If it has none, leave it out."""
        try:
            result = outcome(task)
        except Exception as error:
            self._forget(head)
            error.add_note(f"the request was for the details of the item with the ID {head.item.id!r}")
            if isinstance(error, TofuPilotError) and is_about_item(error):
                _note_item(error, head)
            raise
        finally:
            del task  # it refers to its error, which refers to this frame
        if isinstance(result, bytes):
            return True
        self._forget(head)
        if result.reason == "unreadable":
            self._leave_out(head, result.error)
        elif result.reason == "removed":
            self._stats.removed += 1
            self._settle(head)
        elif not self._source.is_known:
            if self._aside is not None:
                self._call_back(*self._aside)
            self._aside = self._entries.popleft(), result.error
        else:
            self._wait_for(head, result.error)
        return False

    def _call_back(self, entry: _Entry, error: TofuPilotError) -> None:
        """Request again the details of an item that was not found. Raise its error if no details have been read yet."""
        self._aside = None
        self._entries.appendleft(entry)
        if not self._source.is_known:
            error.hint = self._source.hint
            raise error

    def _leave_out(self, head: _Entry, error: TofuPilotError) -> None:
        self._stats.unreadable += 1
        if len(self._stats.unreadable_ids) < LEFT_OUT_KEPT:
            self._stats.unreadable_ids.append(head.item.id)
        _log.warning("the details of %r cannot be read, so the item is left out: %s", head.item.id, error)
        self._settle(head)

    def _settle(self, head: _Entry) -> None:
        self._entries.popleft()
        self._pass(head)

    def _decoded(self) -> tuple[D, _Entry] | None:
        """Return the next details with their item, if they have arrived, and start what may be in flight.

        Nothing is returned before all cancelled tasks have ended, so that the limit of requests in flight is kept. The
        details of an item that is requested again come before those of later items.
        """
        if not self._entries or self._wanted == 0 or self._aside is not None or not self._tasks.is_settled:
            return None
        self._fill()
        head = self._entries[0]
        body = head.body
        if body is None:
            return None
        try:
            detail = self._source.decode(body)
        except DecodeError:  # requested again, because another attempt may return other bytes
            self._forget(head)
            head.is_checked = True
            return None
        self._entries.popleft()
        self._forget(head)  # so that its bytes are freed
        self._yielded_bytes += len(body)
        self._wanted -= 1
        if self._wanted == 0:
            self._stop()
        return detail, head


def _note_item(error: TofuPilotError, entry: _Entry) -> None:
    """Add to an error which item caused it, and how to leave out the item."""
    error.item_id = entry.item.id
    error.add_note('use on_unreadable="skip" to leave out an item that cannot be read while others can')


class DetailsWalk(DetailIteration[D]):
    """One pass over the details of a listing's items, in the server's order.

    As with a `Walk`, you may leave it at any item, and nothing stays in flight. If you go on after an error, the same
    item is requested again.
    """

    _place: Checkpoint | None = None
    """The place after the last item whose details were yielded or left out. None before the first."""

    @property
    def checkpoint(self) -> Checkpoint:
        """The place after the last item that was yielded. ``list(cursor=...)`` resumes there."""
        self._note_yielded()
        return self._place or self._plan.start

    def _pass(self, origin: _Entry) -> None:
        self._place = origin.after

    def _wait_for(self, entry: _Entry, error: TofuPilotError) -> None:
        """Leave the item out as unreadable, or raise its error, because no later pass requests it again."""
        error.hint = "the item may still be listed: the server's single items may lag behind its listings"
        if self._plan.on_unreadable == "skip":
            self._leave_out(entry, error)
            return
        error.add_note(f"the request was for the details of the item with the ID {entry.item.id!r}")
        _note_item(error, entry)
        raise error

    def _note_failure(self, error: Exception) -> None:
        # An error of the walk over the items already has that walk's checkpoint.
        if isinstance(error, TofuPilotError) and error.checkpoint is None:
            note_checkpoint(error, self.checkpoint, self._plan.start)
        super()._note_failure(error)


class IncrementalDetailsWalk(DetailIteration[D]):
    """One pass over the details of what is new in a listing; see `IncrementalWalk`."""

    _walk: IncrementalWalk[Identified]

    @property
    def watermark(self) -> Watermark:
        """What has been seen, up to the item yielded last. ``since(watermark)`` yields the rest."""
        self._note_yielded()
        return self._walk.watermark

    def _pass(self, origin: _Entry) -> None:
        self._walk._mark(origin.item)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no user needs it

    def _wait_for(self, entry: _Entry, error: TofuPilotError) -> None:
        """Let the next pass request the item again. The watermark stays before it."""
        self._stats.missing += 1
        _log.warning("the details of %r are not found, so the next pass requests them again: %s", entry.item.id, error)
        self._entries.popleft()

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, TofuPilotError):
            error.watermark = self.watermark
        super()._note_failure(error)
