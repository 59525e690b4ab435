"""One pass over the details of a listing's items: a walk over the items, with a request for each of them.

Several requests are in flight, and the details come in order. They are kept as bytes until they are yielded.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from functools import partial
from itertools import count, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from attrs import define, evolve

from aiotofupilot._arguments import internal
from aiotofupilot._otel import WalkSpan
from aiotofupilot.clock import Deadline
from aiotofupilot.errors import DecodeError, NotFoundError, TofuPilotError
from aiotofupilot.stats import WalkStats

from .prefetch import begun, cancel, cancel_soon, outcome
from .unreadable import is_unreadable, read_beside
from .walk import LEFT_OUT_KEPT, ItemIteration, note_checkpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

    from aiotofupilot.positions import Checkpoint, Watermark

    from .incremental import IncrementalWalk
    from .source import DetailSource, Fetch, Identified, Plan, Source
    from .walk import Walk

__all__ = ["DetailsWalk", "IncrementalDetailsWalk"]

D = TypeVar("D")
P = TypeVar("P")

_REPEATS = 2
"""Before an item is left out because its details cannot be read, they are requested so many times again."""

_log = logging.getLogger("aiotofupilot")


@define(eq=False)
class _Entry(Generic[P]):
    """An item whose details are to be yielded."""

    item: Identified
    place: P
    """Where the walk of the items is after this one."""
    task: asyncio.Task[bytes | TofuPilotError] | None = None
    """Fetches the details. None: it has not begun."""
    is_checked: bool = False
    """Whether the details are to be decoded as soon as they come, because they could not be decoded before."""

    @property
    def body(self) -> bytes | None:
        """The details; None: they are not there."""
        task = self.task
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        result = task.result()
        return result if isinstance(result, bytes) else None


class DetailIteration(ItemIteration[D], Generic[D, P]):
    """What both walks over details have.

    At most ``concurrency`` requests are in flight, for details and for the next page of the items together. Until the
    details of one item have been read, those of one are in flight.

    No more details are requested if the bytes that wait, and those to be expected of what is in flight, are more than
    ``max_buffer``. What was too long to be expected is dropped, the last item first, and requested again later.
    """

    _place_of: ClassVar[attrgetter[Any]]
    """Returns where the walk of the items is."""

    @internal
    def __init__(
        self,
        walk: Walk[Any] | IncrementalWalk[Any],
        source: Source[Any],
        details: DetailSource[D],
        plan: Plan,
        max_buffer: int,
    ) -> None:
        self._walk = walk  # has one page in flight at most
        self._source = details
        self._plan = plan
        self._max_buffer = max_buffer
        self._place: P = self._place_of(walk)  # after the item whose details were yielded or left out last
        self._own = WalkStats(counts=walk.stats.counts)
        """What concerns details only."""
        control = partial((source.runs() or source).fetch, counts=walk.stats.counts)
        fetch = partial(details.fetch, counts=walk.stats.counts)
        self._get = partial(_get, fetch, control, skips=plan.on_unreadable == "skip")
        self._span = WalkSpan(plan.start.listing, {**plan.described(), "details": True})
        self._wanted = sys.maxsize if plan.max_items is None else plan.max_items
        self._largest = 0
        """The bytes of the longest details so far. As many are expected of each request."""
        self._yielded_bytes = 0
        """The bytes from which the details up to now were decoded."""
        self._has_ended = False
        self._reader: asyncio.Task[list[tuple[Any, P]]] | None = None
        self._stopping: list[asyncio.Task[Any]] = []
        self._missing: tuple[_Entry[P], NotFoundError] | None = None
        """The item that was not found before the details of another were read."""
        self._entries: deque[_Entry[P]] = deque()

    async def __anext__(self) -> D:
        while True:
            for detail in self._at_hand():
                return detail
            await self._load()

    def __del__(self) -> None:
        if hasattr(self, "_entries"):
            cancel_soon(self._in_flight())
            self._span.end(self.stats)

    @property
    def stats(self) -> WalkStats:
        """The counts of the walk up to now.

        ``items`` are those whose details were yielded. ``removed`` counts those that were listed, and were not found
        when their details were requested. ``unreadable`` counts what was left out, in the listing and of the details.
        """
        listed, own = self._walk.stats, self._own
        unreadable = listed.unreadable + own.unreadable
        return evolve(
            listed, items=own.items, removed=own.removed, unreadable=unreadable, unreadable_ids=own.unreadable_ids
        )

    async def _close(self) -> None:
        self._wanted = 0
        self._stop()
        self._entries.clear()
        await self._wait_until_stopped()
        await self._walk.aclose()
        self._span.end(self.stats)

    def _note_failure(self, error: Exception) -> None:
        self._span.end(self.stats, error)

    async def _advance(self) -> bool:
        """Wait until the next details are at hand, and return whether there are any.

        After an error, or when cancelled, nothing is in flight, and the next call goes on with the same item.
        """
        try:
            await self._wait_until_stopped()
            while self._wanted != 0:
                self._fill()
                head = self._entries[0] if self._entries else None
                if head is None and self._reader is None:
                    self._raise_if_missing()
                    break
                if head is None or head.task is None or not head.task.done():
                    await asyncio.wait(self._in_flight(), return_when=asyncio.FIRST_COMPLETED)
                    continue
                await asyncio.sleep(0)  # what was requested just now sets off before these details are consumed
                if self._is_at_hand(head, head.task):
                    return True
        except BaseException:
            self._stop()
            raise
        await self._close()
        return False

    def _at_hand(self) -> Iterator[D]:
        self._check_idle()
        while found := self._decoded():
            yield found.pop()  # so that it is not kept here

    def _in_flight(self) -> list[asyncio.Task[Any]]:
        tasks = [*(entry.task for entry in self._entries), self._reader]
        return [task for task in tasks if task is not None and not task.done()]

    def _stop(self) -> None:
        """Cancel what is in flight. It will be requested again, and so will be what has failed."""
        tasks = self._in_flight()
        self._stopping += tasks
        for entry in self._entries:
            if entry.body is None:
                entry.task = None
        cancel(tasks)

    async def _wait_until_stopped(self) -> None:
        if self._stopping:
            await asyncio.wait(self._stopping)
            if self._reader in self._stopping and self._reader.cancelled():
                self._reader = None
            self._stopping = []

    def _fill(self) -> None:
        """Request what may be in flight."""
        if self._reader is not None and self._reader.done():
            self._take_up(self._reader)
        entries, concurrency = self._entries, self._plan.concurrency
        lengths = [len(entry.body or b"") for entry in entries]
        self._largest, held = max([self._largest, *lengths]), sum(lengths)
        for at in range(len(entries) - 1, 0, -1):
            if held > self._max_buffer and lengths[at]:
                entries[at].task, held = None, held - lengths[at]
        tasks = self._in_flight()
        in_flight = len(tasks)
        expected = held + (in_flight - (self._reader in tasks)) * self._largest
        enough = min(1 if concurrency == 1 else 2 * concurrency, self._wanted)
        width = min(concurrency if self._source.is_known and self._largest else 1, self._wanted)
        if len(entries) < enough and self._reader is None and not self._has_ended and in_flight < concurrency:
            self._reader = self._begun(self._walk._take_placed(2 * concurrency, self._place_of))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no user needs it
            in_flight += 1
        for at, entry in enumerate(islice(entries, width)):
            if entry.task is None:
                expected += self._largest
                if in_flight >= concurrency or (at and expected > self._max_buffer):
                    break
                entry.task = self._begun(self._get(entry.item, is_checked=entry.is_checked))
                in_flight += 1

    def _begun(self, fetching: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        with self._span.fetching():
            return begun(fetching)

    def _take_up(self, reader: asyncio.Task[list[tuple[Any, P]]]) -> None:
        """Take up the items that the walk has found. If no others are left, its error is raised, once."""
        if self._entries and (reader.cancelled() or reader.exception()):
            return
        self._reader = None
        try:
            found = outcome(reader)
        finally:
            del reader  # which knows its error, which knows this frame
        self._entries.extend(_Entry(item, place) for item, place in found)
        self._has_ended = not found

    def _is_at_hand(self, head: _Entry[P], task: asyncio.Task[bytes | TofuPilotError]) -> bool:
        """Return whether the details of the first item are there. If they are nowhere, the item is left out."""
        try:
            result = outcome(task)
        except NotFoundError as error:
            head.task = None
            if error.code is None:  # a proxy's error says nothing of the item
                raise
            self._raise_if_missing()
            self._missing = self._entries.popleft(), error
            if self._source.is_known:
                self._raise_if_missing()
            return False
        except Exception as error:
            head.task = None
            error.add_note(f"this is about the details of the item with the ID {head.item.id!r}")
            if isinstance(error, TofuPilotError) and _is_about_item(error):
                error.item_id = head.item.id
                error.add_note('on_unreadable="skip" leaves out an item that cannot be read while others can')
            raise
        finally:
            del task  # likewise
        if isinstance(result, bytes):
            return True
        self._own.unreadable += 1
        if len(self._own.unreadable_ids) < LEFT_OUT_KEPT:
            self._own.unreadable_ids.append(head.item.id)
        _log.warning("the details of %r cannot be read, and the item is left out: %s", head.item.id, result)
        self._settle(head)
        return False

    def _raise_if_missing(self) -> None:
        """Count an item that was not found as removed, or raise its error if no details have been read."""
        if self._missing is None:
            return
        (entry, error), self._missing = self._missing, None
        if self._source.is_known:
            self._own.removed += 1
            self._place = entry.place
            return
        self._entries.appendleft(entry)
        error.hint = self._source.hint
        raise error

    def _settle(self, head: _Entry[P]) -> None:
        """Count the details of the first item as passed, and an item before it that was not found."""
        if self._source.is_known:
            self._raise_if_missing()
        self._entries.popleft()
        self._place = head.place

    def _decoded(self) -> list[D]:
        """Return the next details if they are at hand, and request what may be in flight.

        There are none before everything that was cancelled has ended, so that no more is in flight than may be.
        """
        if not self._entries or self._wanted == 0 or self._stopping:
            return []
        self._fill()
        head = self._entries[0]
        body = head.body
        if body is None:
            return []
        try:
            detail = self._source.decode(body)
        except DecodeError:  # they are requested again, because such an error belongs to an attempt
            head.task, head.is_checked = None, True
            return []
        self._settle(head)
        self._own.items += 1
        self._yielded_bytes += len(body)
        self._wanted -= 1
        if self._wanted == 0:
            self._stop()
        return [detail]


async def _get(
    fetch: Callable[..., Awaitable[bytes]], control: Fetch[Any], item: Identified, *, skips: bool, is_checked: bool
) -> bytes | TofuPilotError:
    """Return the details of an item; or the error that says that they cannot be read, if such items are left out.

    For that, three requests have to fail, and a page of the listing has to be read in between, so not in an outage.
    """
    deadline = Deadline()
    beside = partial(read_beside, control, 0, 1, deadline, count()) if skips else None
    try:
        return await fetch(item, is_checked=is_checked, deadline=deadline, control=beside)
    except TofuPilotError as error:
        if not skips or not _is_about_item(error):
            raise
        failure = error
    for _ in range(_REPEATS):
        deadline = Deadline()
        if not await read_beside(control, 0, 1, deadline, count()):
            raise failure
        try:
            return await fetch(item, is_checked=True, once=True, deadline=deadline)
        except TofuPilotError as error:
            if not _is_about_item(error):
                raise
    return failure


def _is_about_item(error: TofuPilotError) -> bool:
    return isinstance(error, DecodeError) or is_unreadable(error)


class DetailsWalk(DetailIteration[D, "Checkpoint"]):
    """One pass over the details of a listing's items, in the server's order.

    It is a `Walk` that requests the details of each item too. You may leave it at any item, and nothing of it stays in
    flight then, as with a `Walk`. After an error you can ask for the next item, and the same item is requested again.
    """

    _place_of = attrgetter("checkpoint")

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the walk is, after the last item that it yielded. ``list(cursor=...)`` resumes there."""
        return self._place

    def _note_failure(self, error: Exception) -> None:
        # Otherwise it is one of the walk of the items, which has told it.
        if isinstance(error, TofuPilotError) and error.checkpoint is None:
            note_checkpoint(error, self.checkpoint, self._plan.start)
        super()._note_failure(error)


class IncrementalDetailsWalk(DetailIteration[D, "Watermark"]):
    """One pass over the details of what is new in a listing.

    It is an `IncrementalWalk` that requests the details of each item too. Store `watermark` with the items.
    """

    _place_of = attrgetter("watermark")

    @property
    def watermark(self) -> Watermark:
        """What has been seen, up to the item that was yielded last. ``since(watermark)`` yields the rest."""
        return self._place

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, TofuPilotError):
            error.watermark = self.watermark
        super()._note_failure(error)
