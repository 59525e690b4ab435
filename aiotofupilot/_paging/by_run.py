"""Finds what new runs wrote in a listing."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Generic, Protocol, cast

from attrs import evolve

from aiotofupilot.positions import OpenRun, Watermark, digest

from .by_creation import PassClock, Segment
from .source import Plan, Source, T

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from aiotofupilot.stats import WalkStats

    from .source import Identified

RUNS_AT_ONCE = 100
"""A request names at most this many runs. Their IDs take some 4,000 characters of the address."""

_MOST_WAITING = 5000
"""While this many runs wait, the pass looks for no others, because a watermark names all waiting runs."""


class NewRuns(Protocol):
    """A pass over the runs."""

    @property
    def watermark(self) -> Watermark: ...

    @property
    def stats(self) -> WalkStats:
        """The counts of the requests for runs and for items."""
        ...

    async def take(self, at_most: int) -> list[Identified]:
        """Return the next runs, or none if everything was seen."""
        ...

    async def aclose(self) -> None: ...


class NewByRun(Generic[T]):
    """Tells which items of runs were not seen before.

    An item's own time may be long before the upload of its run, so new runs are found first. The items of new runs are
    requested a hundred runs at a time. If each request has to name a procedure, a run waits until there are a hundred
    runs of its procedure, or the pass has found all runs.

    A run is open once it is found. Its items are requested, and each is noted when it is yielded. The run is closed
    when a listing of all its items, made at least ``overlap`` after its creation, was yielded. Until then, more items
    may become visible. So the next pass requests them again, unless it is ``brief``. A run dated in the future
    stays open until that time.
    """

    has_ended = False
    """Always false, because the walk over the runs shows the end."""

    def __init__(
        self,
        source: Source[T],
        plan: Plan,
        watermark: Watermark,
        stats: WalkStats,
        *,
        overlap: float,
        brief: bool,
        pass_over: Callable[..., NewRuns],
    ) -> None:
        self._source = source
        self._plan = plan
        self._stats = stats
        self._overlap = overlap
        self._clock = PassClock()
        # Runs are a small part of the requests, so one page in flight is enough. ``keep`` takes items, not runs.
        of_runs = evolve(plan, concurrency=1, keep=None)
        self._runs = runs = source.runs()
        self._new_runs = pass_over(runs, of_runs, evolve(watermark, runs=()), stats=stats, clock=self._clock)
        self._open = {run.id: run for run in watermark.runs}
        self._yielded = {run.id: dict.fromkeys(run.yielded) for run in watermark.runs}
        self._found: dict[bytes, str] = {}
        """The runs of the items found but not yet yielded, by digest."""
        self._listed: set[str] = set()
        """The open runs whose items this pass has listed to their end."""
        self._left = frozenset(self._open) if brief else frozenset[str]()
        """The open runs whose items this pass does not request."""
        self._procedure_id: str | None = None
        self._requested: Sequence[str] = ()
        """The runs whose items are being walked. Empty between walks."""

    @property
    def watermark(self) -> Watermark:
        open_runs = (evolve(run, yielded=tuple(self._yielded[run.id])) for run in self._open.values())
        return evolve(self._new_runs.watermark, runs=tuple(open_runs))

    async def begin(self, *, is_sorted: bool) -> Segment[T] | None:
        """Return a walk over the items of the next runs, or None at the end. See `NewByCreation.begin`."""
        while not self._requested:
            waiting: dict[str | None, list[str]] = {}
            for run in self._open.values():
                if run.id not in self._listed and run.id not in self._left:
                    waiting.setdefault(run.procedure_id, []).append(run.id)
            numbers = [len(runs) for runs in waiting.values()]
            are_enough = max(numbers, default=0) >= RUNS_AT_ONCE or sum(numbers) >= _MOST_WAITING
            # The first response shows the server's time, so it is requested even if enough open runs wait.
            if (are_enough and self._clock.at_latest > -math.inf) or not await self._find_runs():
                if not waiting:
                    return None
                self._procedure_id, runs = max(waiting.items(), key=lambda of_procedure: len(of_procedure[1]))
                self._requested = runs[:RUNS_AT_ONCE]
        source = self._source.narrowed(order="asc", run_ids=self._requested, procedure_id=self._procedure_id)
        return Segment(source, self._plan, self._stats, is_sorted=is_sorted)

    def fresh(self, items: list[T]) -> list[T]:
        run_ids = [self._source.run_id(item) for item in items]
        fresh: list[T] = []
        for run_id, item in zip(run_ids, items, strict=True):
            digested = digest(item.id)
            # A server that ignores the filter lists items of other runs. Such items come again when their runs are
            # requested.
            if run_id in self._yielded and not (digested in self._yielded[run_id] or digested in self._found):
                self._found[digested] = run_id
                fresh.append(item)
        self._stats.duplicates += len(items) - len(fresh)
        return fresh

    def end(self) -> list[T]:
        self._listed.update(self._requested)
        for run_id in self._requested:
            self._close_if_done(run_id)
        self._requested = ()
        return []

    def mark(self, item: T) -> None:
        """Count a found item as yielded. After an interrupt, this may be called again."""
        digested = digest(item.id)
        run_id = self._found.get(digested)
        if run_id is None:
            return
        self._yielded[run_id][digested] = None
        self._found.pop(digested, None)
        if run_id in self._listed:
            self._close_if_done(run_id)

    def _close_if_done(self, run_id: str) -> None:
        """Close a run if its items were listed to their end, late enough, and all of them were yielded."""
        is_late = self._clock.at_latest >= self._open[run_id].second + self._overlap
        if is_late and run_id not in self._found.values():
            del self._open[run_id], self._yielded[run_id]
            self._listed.remove(run_id)

    async def aclose(self) -> None:
        await self._new_runs.aclose()

    async def _find_runs(self) -> bool:
        """Open the next new runs, and return whether there are any."""
        new_runs = await self._new_runs.take(sys.maxsize)
        self._new_runs.stats.items -= len(new_runs)  # these stats are the pass's own, and must count only its items
        for run in new_runs:
            created = cast("datetime", self._runs.created_at(run))
            opened = OpenRun(run.id, math.ceil(created.timestamp()), procedure_id=self._source.procedure_id(run))
            self._open[run.id], self._yielded[run.id] = opened, {}
        return bool(new_runs)
