"""The details of the next items of a walk, in order, several of them in flight.

Each takes a request of its own, and is kept as bytes until it is yielded.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import define

from aiotofupilot._otel import WalkSpan
from aiotofupilot.clock import Deadline
from aiotofupilot.errors import DecodeError, NotFoundError, TofuPilotError
from aiotofupilot.stats import RequestCounts, WalkStats

from .prefetch import begun, cancel, cancel_soon, outcome
from .probes import ControlBeside, is_unreadable
from .unreadable import LEFT_OUT_KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .incremental import IncrementalWalk
    from .source import DetailSource, Fetch, Identified, Plan
    from .walk import Walk

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


class DetailWindow(Generic[D, P]):
    """Has the details of the next items in flight or at hand, in order.

    At most ``concurrency`` of them are in flight or at hand. One request less is in flight for details while the walk
    of the items waits for a page. Until the details of one item have been read, one is in flight.

    The details are kept as bytes until they are yielded. No more are requested if these bytes, and those to be expected
    of what is in flight, are more than ``max_buffer``. What was too long to be expected is dropped, the last item
    first, and requested again later.

    Args:
        walk: Walks the items. It has one page in flight at most.
        place: Returns where this walk is.
        source: Fetches the details of an item.
        fetch: Fetches a page of the items, as a control.
        plan: How the items are walked.
        max_buffer: The most bytes that wait.
    """

    def __init__(
        self,
        walk: Walk[Any] | IncrementalWalk[Any],
        place: Callable[[Any], P],
        source: DetailSource[D],
        fetch: Fetch[Any],
        *,
        plan: Plan,
        max_buffer: int,
    ) -> None:
        self.walk = walk
        self.stats = WalkStats(counts=walk.stats.counts)
        """What concerns details only."""
        self.place = place(walk)
        """Where the walk of the items was after the item whose details were yielded or left out last."""
        self.yielded_bytes = 0
        """The bytes of the details that were yielded."""
        self.start = plan.start
        self.span = WalkSpan(plan.start.listing, {**plan.described(), "details": True})
        self._place = place
        self._source = source
        self._get = partial(
            _get,
            source,
            partial(fetch, counts=self.stats.counts),
            self.stats.counts,
            skips=plan.on_unreadable == "skip",
        )
        self._concurrency = plan.concurrency
        self._wanted = plan.max_items
        self._max_buffer = max_buffer
        self._largest = 0
        self._entries: deque[_Entry[P]] = deque()
        self._reader: asyncio.Task[list[tuple[Any, P]]] | None = None
        self._is_stopped = self._has_ended = False
        self._stopping: list[asyncio.Task[Any]] = []
        self._missing: tuple[_Entry[P], NotFoundError] | None = None
        """The item that was not found before the details of another were read."""

    async def advance(self) -> bool:
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
                    return False
                if head is None or head.task is None or not head.task.done():
                    await self._wait(head)
                    continue
                await asyncio.sleep(0)  # what was requested just now sets off before these details are consumed
                if self._is_at_hand(head, head.task):
                    return True
        except BaseException:
            self._stop()
            raise
        return False

    def ready(self) -> Iterator[D]:
        """Yield the details that are at hand, and count each as yielded."""
        while found := self._decoded():
            yield found.pop()

    async def aclose(self) -> None:
        """End, and wait until nothing is in flight."""
        self._has_ended, self._wanted = True, 0
        self._stop()
        self._entries.clear()
        await self._wait_until_stopped()
        await self.walk.aclose()

    def __del__(self) -> None:
        cancel_soon(self._in_flight())

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
        self._is_stopped = True
        cancel(tasks)

    async def _wait_until_stopped(self) -> None:
        if self._stopping:
            await asyncio.wait(self._stopping)
            self._stopping = []
        if self._is_stopped and self._reader is not None and self._reader.cancelled():
            self._reader = None
        self._is_stopped = False

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

    def _fill(self) -> None:
        """Request what may be in flight."""
        if self._reader is not None and self._reader.done():
            self._take_up(self._reader)
        entries, concurrency = self._entries, self._concurrency
        lengths = [0 if (body := entry.body) is None else len(body) for entry in entries]
        self._largest, held = max([self._largest, *lengths]), sum(lengths)
        for at in range(len(entries) - 1, 0, -1):
            if held > self._max_buffer and lengths[at]:
                entries[at].task, held = None, held - lengths[at]
        tasks = self._in_flight()
        in_flight, is_reading = len(tasks), self._reader in tasks
        expected = held + (in_flight - is_reading) * self._largest
        if self._is_short() and self._reader is None and not self._has_ended and in_flight < concurrency:
            taking = self.walk._take_placed(2 * concurrency, self._place)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no user needs it
            with self.span.fetching():
                self._reader = begun(taking)
            in_flight += 1
        width = concurrency if self._source.is_known and self._largest else 1
        for at, entry in enumerate(islice(entries, width if self._wanted is None else min(width, self._wanted))):
            if entry.task is None:
                expected += self._largest
                if in_flight >= concurrency or (at and expected > self._max_buffer):
                    break
                with self.span.fetching():
                    entry.task = begun(self._get(entry.item, is_checked=entry.is_checked))
                in_flight += 1

    def _is_short(self) -> bool:
        """Return whether more items are needed, now or by the time at which a page has come."""
        length = len(self._entries)
        if self._wanted is not None and length >= self._wanted:
            return False
        return not length if self._concurrency == 1 else length < 2 * self._concurrency

    async def _wait(self, head: _Entry[P] | None) -> None:
        """Wait for the first item, or for something that lets it be requested."""
        awaited = self._in_flight()
        if head is not None and head.task is not None:
            awaited = [task for task in (head.task, self._reader) if task is not None and not task.done()]
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)

    def _is_at_hand(self, head: _Entry[P], task: asyncio.Task[bytes | TofuPilotError]) -> bool:
        """Return whether the details of the first item are there. If they are nowhere, the item is left out."""
        try:
            result = outcome(task)
        except NotFoundError as error:
            if error.code is None:  # a proxy's error says nothing of the item
                head.task = None
                raise
            self._note_missing(head, error)
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
        self.stats.unreadable += 1
        if len(self.stats.unreadable_ids) < LEFT_OUT_KEPT:
            self.stats.unreadable_ids.append(head.item.id)
        _log.warning("the details of %r cannot be read, and the item is left out: %s", head.item.id, result)
        self._settle(head)
        return False

    def _note_missing(self, head: _Entry[P], error: NotFoundError) -> None:
        head.task = None
        self._raise_if_missing()
        self._missing = self._entries.popleft(), error
        if self._source.is_known:
            self._raise_if_missing()

    def _raise_if_missing(self) -> None:
        """Count an item that was not found as removed, or raise its error if no details have been read."""
        if self._missing is None:
            return
        (entry, error), self._missing = self._missing, None
        if self._source.is_known:
            self.stats.removed += 1
            self.place = entry.place
            return
        self._entries.appendleft(entry)
        error.hint = self._source.hint
        raise error

    def _settle(self, head: _Entry[P]) -> None:
        """Count the details of the first item as passed, and an item before it that was not found."""
        if self._source.is_known:
            self._raise_if_missing()
        self._entries.popleft()
        self.place = head.place

    def _decoded(self) -> list[D]:
        """Return the next details if they are at hand."""
        if not self._entries or self._wanted == 0:
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
        self.stats.items += 1
        self.yielded_bytes += len(body)
        if self._wanted is not None:
            self._wanted -= 1
            if self._wanted == 0:
                self._stop()
        return [detail]


async def _get(
    source: DetailSource[Any],
    fetch: Fetch[Any],
    counts: RequestCounts,
    item: Identified,
    *,
    skips: bool,
    is_checked: bool,
) -> bytes | TofuPilotError:
    """Return the details of an item; or the error that says that they cannot be read, if such items are left out.

    Before that, they are requested by themselves three times, and a page of the listing has to be read in between. So
    an outage is not mistaken for such an item.
    """
    deadline = Deadline()
    control = ControlBeside(fetch, 0, 1, deadline) if skips else None
    try:
        return await source.fetch(item, counts, is_checked=is_checked, deadline=deadline, control=control)
    except TofuPilotError as error:
        if not skips or not _is_about_item(error):
            raise
        failure = error
    for _ in range(_REPEATS):
        again = Deadline()
        if not await ControlBeside(fetch, 0, 1, again)():
            raise failure
        try:
            return await source.fetch(item, counts, is_checked=True, once=True, deadline=again)
        except TofuPilotError as error:
            if not _is_about_item(error):
                raise
    return failure


def _is_about_item(error: TofuPilotError) -> bool:
    return isinstance(error, DecodeError) or is_unreadable(error)
