"""What is new in a listing of what runs wrote: the items of new runs."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import evolve

from aiotofupilot._paging.source import Identified
from aiotofupilot.checkpoint import digest
from aiotofupilot.errors import DecodeError
from aiotofupilot.watermark import OpenRun

from .created import Created
from .restarting import RestartingWalk, Stretch
from .seen import OVERLAP

if TYPE_CHECKING:
    from aiotofupilot._paging.plan import OnDrift, Plan
    from aiotofupilot._paging.source import Source
    from aiotofupilot.stats import WalkStats
    from aiotofupilot.watermark import Watermark

__all__ = ["OfRuns"]

T = TypeVar("T", bound=Identified)

_AT_ONCE = 100
"""The items of this many runs are asked for at once. Their IDs make some 4,000 characters in the address."""


class OfRuns(Generic[T]):
    """Finds the items that runs wrote and that were not seen before. Their own moments may lie long before the upload.

    New runs are taken a hundred at a time. A run is open from then on: its items are asked for, and each is noted when
    it is yielded. It is closed once its items were listed to their end, `OVERLAP` seconds or more after its creation.
    Before that more of them may become visible, so that the next pass asks for them again.

    Args:
        source: The listing.
        runs: The runs whose items it lists.
        plan: How both are walked.
        watermark: What was seen before.
        stats: Where requests, pages and duplicates are counted.
    """

    def __init__(
        self, source: Source[T], runs: Source[Any], plan: Plan, watermark: Watermark, stats: WalkStats
    ) -> None:
        self._source = source
        self._plan = plan
        self._stats = stats
        # Runs are a small part of what is asked for, so one page of them in flight is enough. What is kept of the items
        # says nothing about their runs.
        of_runs = evolve(plan, concurrency=1, keep=None)
        self._runs: Created[Any] = Created(runs, of_runs, evolve(watermark, runs=()), stats)
        self._seconds = {run.id: run.second for run in watermark.runs}
        self._yielded = {run.id: dict.fromkeys(run.yielded) for run in watermark.runs}
        self._reopened = deque(self._seconds)
        self._new_runs: deque[Any] = deque()
        self._asked: tuple[str, ...] = ()
        self._walk: RestartingWalk[T] | None = None
        self._coming: deque[tuple[str, T]] = deque()

    @property
    def watermark(self) -> Watermark:
        """What was seen, up to the item yielded last."""
        open_runs = (OpenRun(run_id, second, tuple(self._yielded[run_id])) for run_id, second in self._seconds.items())
        return evolve(self._runs.watermark, runs=tuple(open_runs))

    async def load(self) -> list[T]:
        """Return the next new items, all of which are to be marked before the next call.

        The list is empty once everything was seen.
        """
        while (walk := await self._walk_of_runs()) is not None:
            items = await walk.page(self._begin)
            if not items:
                self._close_runs()
                continue
            fresh = await self._fresh(walk, items)
            if fresh:
                walk.note_progress()
                self._coming = deque(fresh)
                return [item for _, item in fresh]
        return []

    def mark(self) -> None:
        """Count the next of the items that were loaded as yielded."""
        run_id, item = self._coming.popleft()
        self._yielded[run_id][digest(item.id)] = None

    async def aclose(self) -> None:
        """Wait until nothing is in flight."""
        await self._runs.aclose()
        if self._walk is not None:
            await self._walk.restart()

    async def _walk_of_runs(self) -> RestartingWalk[T] | None:
        """Return a walk over the items of some runs; None: all runs were asked for."""
        if self._walk is not None:
            return self._walk
        if not self._new_runs:  # also if some are open, because the answer tells the time
            self._new_runs.extend(await self._runs.load())
        self._asked = tuple(self._reopened.popleft() for _ in range(min(len(self._reopened), _AT_ONCE)))
        if not self._asked:
            self._asked = tuple(self._open_run() for _ in range(min(len(self._new_runs), _AT_ONCE)))
        if self._asked:
            self._walk = RestartingWalk(self._plan.on_drift, self._stats)
        return self._walk

    def _open_run(self) -> str:
        run, created_at = self._new_runs.popleft(), self._runs.mark()
        run_id: str = run.id
        self._seconds[run_id] = math.ceil(min(created_at, self._runs.began_at))
        self._yielded[run_id] = {}
        return run_id

    def _close_runs(self) -> None:
        for run_id in self._asked:
            if self._runs.began_at >= self._seconds[run_id] + OVERLAP:
                del self._seconds[run_id], self._yielded[run_id]
        self._walk = None

    def _begin(self, on_drift: OnDrift) -> Stretch[T]:
        source = self._source.narrowed(order="asc", run_ids=self._asked)
        return Stretch(source.fetch, evolve(self._plan, max_items=None, on_drift=on_drift), self._stats)

    async def _fresh(self, walk: RestartingWalk[T], items: list[T]) -> list[tuple[str, T]]:
        """Return the items of a page that were not yielded before, with the IDs of their runs."""
        try:
            run_ids = [self._source.run_id(item) for item in items]
        except DecodeError:
            await walk.restart()  # which has passed these items
            raise
        fresh = [
            (run_id, item)
            for run_id, item in zip(run_ids, items, strict=True)
            # A server that lists other runs too lists these items again when their own runs are asked for.
            if run_id in self._yielded and digest(item.id) not in self._yielded[run_id]
        ]
        self._stats.duplicates += len(items) - len(fresh)
        return fresh
