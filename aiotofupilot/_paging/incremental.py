"""One pass over what is new in a listing. In a listing of what runs wrote, these are the items of new runs."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from aiotofupilot._arguments import for_parameter
from aiotofupilot._public import internal
from aiotofupilot.errors import TofuPilotError
from aiotofupilot.positions import OpenRun, Watermark, check_query, digest
from aiotofupilot.stats import WalkStats

from .by_creation import OVERLAP, ByCreation, Finder
from .source import Fetch, Identified, Plan, Source
from .walk import ItemIteration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["IncrementalWalk"]

T = TypeVar("T", bound=Identified)

_AT_ONCE = 100
"""The items of this many runs are requested at once. Their IDs make some 4,000 characters in the address."""

_MOST_WAITING = 5000
"""While so many runs wait, no more are looked for. A watermark names all of them."""


class IncrementalWalk(ItemIteration[T]):
    """One pass over what is new in a listing. Pages are requested only while you wait for an item.

    You may leave it at any item. Store `watermark` with the items, and the next pass continues after the item that was
    yielded last. As with a `Walk`, nothing of it stays in flight after it ended, failed, was closed, was cancelled or
    was dropped, and you can ask for the next item after an error. An error of this package that it raises also has the
    ``watermark``.
    """

    @internal
    def __init__(
        self,
        source: Source[T],
        plan: Plan,
        watermark: Watermark,
        *,
        sorts: bool = False,
        stats: WalkStats | None = None,
    ) -> None:
        self._stats = WalkStats() if stats is None else stats
        runs = source.runs()
        self._finder: Finder[Any, T] = (
            ByCreation(source, plan, watermark, self._stats, sorts=sorts)
            if runs is None
            else PerRun(source, runs, plan, watermark, self._stats)
        )
        self._wanted = plan.max_items
        self._has_ended = False

    async def _close(self) -> None:
        self._has_ended = True
        self._items = iter(())
        await self._finder.aclose()

    @property
    def watermark(self) -> Watermark:
        """What has been seen, up to the item that was yielded last. ``since(watermark)`` yields the rest."""
        return self._finder.watermark

    @property
    def stats(self) -> WalkStats:
        """The counts of the walk so far, as one object that is kept up to date.

        ``duplicates`` counts the items that the server listed although this walk or an earlier pass had seen them.
        ``unreadable_positions`` are positions in the listing from the watermark on.
        """
        return self._stats

    async def _load(self) -> None:
        with self._waiting():
            found = [] if self._has_ended or self._wanted == 0 else await self._finder.load()
            if self._wanted is not None:
                found = found[: self._wanted]
                self._wanted -= len(found)
            self._items = _marked(found, self._finder, self._stats)
            if not found or self._wanted == 0:
                self._has_ended = True
                await self._finder.aclose()
        if not found:
            raise StopAsyncIteration

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, TofuPilotError):
            error.watermark = self.watermark


def _marked(found: Sequence[tuple[Any, T]], finder: Finder[Any, T], stats: WalkStats) -> Iterator[T]:
    """Yield the items that a finder has found, and count each as yielded.

    It does not know the walk, because a circle of references would keep what is in flight after the walk was dropped.
    """
    for key, item in found:
        finder.mark(key, item)
        stats.items += 1
        yield item


class PerRun(Finder[str, T]):
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
        super().__init__(plan, stats)
        self._source = source
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
        """The runs whose items are walked. None are, before there are runs and after their walk has ended."""

    @property
    def watermark(self) -> Watermark:
        """What was seen, up to the item yielded last."""
        open_runs = (evolve(run, yielded=tuple(self._yielded[run.id])) for run in self._open.values())
        return evolve(self._runs.watermark, runs=tuple(open_runs))

    def mark(self, run_id: str, item: T) -> None:
        """Count an item that was loaded as yielded."""
        self._yielded[run_id][digest(item.id)] = None

    async def aclose(self) -> None:
        """Wait until nothing is in flight."""
        await self._runs.aclose()
        await super().aclose()

    async def _is_to_go_on(self) -> bool:
        if not self._requested:
            await self._find_runs()
            if self._waiting:
                self._choose()
        return bool(self._requested)

    def _begin(self) -> tuple[Fetch[T], Callable[[Any], object] | None]:
        source = self._source.narrowed(order="asc", run_ids=self._requested, procedure_id=self._procedure_id)
        return source.fetch, source.sort_key

    def _key(self, item: T) -> str:
        return self._source.run_id(item)

    def _fresh(self, found: list[tuple[str, T]]) -> list[tuple[str, T]]:
        # A server that lists other runs too lists their items again when these runs are requested.
        fresh = [
            (run_id, item)
            for run_id, item in found
            if run_id in self._yielded and digest(item.id) not in self._yielded[run_id]
        ]
        self._stats.duplicates += len(found) - len(fresh)
        return fresh

    def _end(self) -> list[tuple[str, T]]:
        for run_id in self._requested:
            if self._runs.began_at >= self._open[run_id].second + OVERLAP:
                del self._open[run_id], self._yielded[run_id]
        self._requested = ()
        return []

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


def check_incremental(method: str, source: Source[Any], plan: Plan) -> None:
    """Raise a `ValueError` if a listing does not leave it to a method where to begin, and in which order."""
    if source.has_own_order:
        message = f"{method} decides on the order itself: sort_by and sort_order must be left out"
        raise for_parameter(ValueError(message), "sort_by")
    if plan.start.place != "0":
        message = f"{method} begins where the watermark is: cursor must be left out, got {plan.start.place}"
        raise for_parameter(ValueError(message), "cursor")


def check_watermark(parameter: str, given: object, plan: Plan) -> Watermark:
    """Return the watermark of a listing to begin at, given an argument; None: nothing of it has been seen."""
    listing, query = plan.start.listing, plan.start.query
    if given is None:
        return Watermark(listing, query)
    if not isinstance(given, Watermark):
        hint = ": use Watermark.parse()" if isinstance(given, str) else ""
        raise for_parameter(TypeError(f"{parameter} must be a Watermark, got {given!r}{hint}"), parameter)
    check_query(parameter, given, listing, query)
    return given
