"""What is new in a listing of what runs wrote: the items of new runs."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import evolve

from aiotofupilot.positions import OpenRun, Watermark, digest

from .by_creation import ByCreation
from .passes import OVERLAP, SegmentWalk
from .source import Fetch, Identified, Plan, Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot.stats import WalkStats

T = TypeVar("T", bound=Identified)

_AT_ONCE = 100
"""The items of this many runs are requested at once. Their IDs make some 4,000 characters in the address."""

_MOST_WAITING = 5000
"""While so many runs wait, no more are looked for. A watermark names all of them."""


class PerRun(Generic[T]):
    """Finds the items that runs wrote and that were not seen before. Their own times may lie long before the upload.

    The items of new runs are requested a hundred runs at a time. If each request has to name a procedure, a run waits
    for others of its procedure until there are a hundred, or no more come. A run is open as soon as it was found: its
    items are requested, and each is noted when it is yielded. It is closed once its items were listed to their end,
    `OVERLAP` seconds or more after its creation. Before that, more may become visible. So the next pass requests them
    again, together with those of new runs. A run that claims to have been created in the future stays open until
    then.
    """

    def __init__(
        self, source: Source[T], runs: Source[Any], plan: Plan, watermark: Watermark, stats: WalkStats
    ) -> None:
        self._source = source
        self._plan = plan
        self._stats = stats
        # Runs are a small part of what is requested, so one page of them in flight is enough. What is kept of the items
        # says nothing about their runs.
        of_runs = evolve(plan, concurrency=1, keep=None)
        self._runs: ByCreation[Any] = ByCreation(runs, of_runs, evolve(watermark, runs=()), stats)
        self._open = {run.id: run for run in watermark.runs}
        self._yielded = {run.id: dict.fromkeys(run.yielded) for run in watermark.runs}
        self._waiting: dict[str | None, deque[str]] = {}
        for run in watermark.runs:
            self._let_wait(run)
        self._procedure_id: str | None = None
        self._requested: tuple[str, ...] = ()
        self._walk: SegmentWalk[T] | None = None

    @property
    def watermark(self) -> Watermark:
        """What was seen, up to the item yielded last."""
        open_runs = (evolve(run, yielded=tuple(self._yielded[run.id])) for run in self._open.values())
        return evolve(self._runs.watermark, runs=tuple(open_runs))

    async def load(self) -> list[tuple[str, T]]:
        """Return the next new items, with the IDs of their runs. All are to be marked before the next call.

        The list is empty once everything was seen.
        """
        while (walk := await self._walk_of_runs()) is not None:
            found = await walk.page(self._begin, self._source.run_id)
            if not found:
                self._close_runs()
            # A server that lists other runs too lists their items again when these runs are requested.
            fresh = [
                (run_id, item)
                for run_id, item in found
                if run_id in self._yielded and digest(item.id) not in self._yielded[run_id]
            ]
            self._stats.duplicates += len(found) - len(fresh)
            if fresh:
                walk.note_progress()
                return fresh
        return []

    def mark(self, run_id: str, item: T) -> None:
        """Count an item that was loaded as yielded."""
        self._yielded[run_id][digest(item.id)] = None

    async def aclose(self) -> None:
        """Wait until nothing is in flight."""
        await self._runs.aclose()
        if self._walk is not None:
            await self._walk.restart()

    async def _walk_of_runs(self) -> SegmentWalk[T] | None:
        """Return a walk over the items of some runs; None: all runs were requested."""
        if self._walk is None:
            await self._find_runs()
            if self._waiting:
                self._choose()
                self._walk = SegmentWalk(self._plan, self._stats)
        return self._walk

    async def _find_runs(self) -> None:
        """Find new runs, until there are enough of a procedure, or of all, or no more."""
        while True:
            # Also if enough are waiting that were open before, because the response tells the time.
            has_begun = self._runs.began_at > -math.inf
            numbers = [len(waiting) for waiting in self._waiting.values()]
            if has_begun and (max(numbers, default=0) >= _AT_ONCE or sum(numbers) >= _MOST_WAITING):
                return
            new_runs = await self._runs.load()
            if not new_runs:
                return
            for created, run in new_runs:
                self._runs.mark(created, run)
                opened = OpenRun(run.id, math.ceil(created), procedure_id=self._source.procedure_id(run))
                self._open[run.id], self._yielded[run.id] = opened, {}
                self._let_wait(opened)

    def _let_wait(self, run: OpenRun) -> None:
        self._waiting.setdefault(run.procedure_id, deque()).append(run.id)

    def _choose(self) -> None:
        """Choose the runs whose items are requested next, of the procedure with the most of them."""
        self._procedure_id = max(self._waiting, key=lambda procedure_id: len(self._waiting[procedure_id]))
        waiting = self._waiting[self._procedure_id]
        self._requested = tuple(waiting.popleft() for _ in range(min(len(waiting), _AT_ONCE)))
        if not waiting:
            del self._waiting[self._procedure_id]

    def _close_runs(self) -> None:
        for run_id in self._requested:
            if self._runs.began_at >= self._open[run_id].second + OVERLAP:
                del self._open[run_id], self._yielded[run_id]
        self._walk = None

    def _begin(self) -> tuple[Fetch[T], Callable[[Any], object] | None]:
        source = self._source.narrowed(order="asc", run_ids=self._requested, procedure_id=self._procedure_id)
        return source.fetch, source.sort_key
