"""The numbers of the made-up factory: how many items there are, and how they belong together.

Items are numbered. Number 0 is the oldest of its kind. Everything here follows from the plan, without making an item.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from .cycle import LENGTH, Cycle
from .identity import Identities, scramble
from .recipes import BENCHES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .plan import Entry, PlannedBatch, PlannedUnit

__all__ = ["WAVE", "Numbers", "Place"]

WAVE = 512
"""The number of runs from one version of the procedures to the next."""


class Place(NamedTuple):
    """The place of an item in the plan."""

    run: int
    """The run's number."""
    entry: Entry
    """The run in the plan."""
    item: int
    """The index of the item, among the run's items of this kind."""


class Numbers:
    """The items of a factory by their numbers.

    Attributes:
        runs: How many runs there have been. More runs bring more units, batches, phases, measurements, logs and
            deployments.
        lines: How many procedures have runs.
        cycle: The plan, which repeats.
    """

    def __init__(self, *, seed: int, lines: int, runs: int) -> None:
        """Plan the production.

        Args:
            seed: Another seed makes another factory.
            lines: How many procedures have runs.
            runs: How many runs there have been; at least 0. Without a procedure, there are none.

        Raises:
            ValueError: `runs` is negative.
        """
        if runs < 0:
            raise ValueError(f"runs must be at least 0, got {runs}")
        self.lines = lines
        self.runs = runs if lines else 0
        self.cycle = _plan(seed, lines)
        self._seed = scramble(seed)
        self._ids = cache(partial(Identities, seed))  # by kind

    @property
    def units(self) -> int:
        """How many units there are."""
        return self._count(self.cycle.units_before)

    @property
    def batches(self) -> int:
        """How many batches there are."""
        return self._count(self.cycle.batches_before)

    @property
    def phases(self) -> int:
        """How many attempts at phases there are."""
        return self._count(self.cycle.phases_before)

    @property
    def measurements(self) -> int:
        """How many measurements there are."""
        return self._count(self.cycle.measurements_before)

    @property
    def logs(self) -> int:
        """How many lines of logs there are."""
        return self._count(self.cycle.logs_before)

    @property
    def deployments(self) -> int:
        """How many deployments there are. Each wave has two for each procedure, and one of them is for production."""
        return (self.runs // WAVE + 1) * 2 * self.lines

    def _count(self, before: Sequence[int]) -> int:
        """Return how many items there are, from how many of them come before each run of the plan."""
        cycles, k = divmod(self.runs, LENGTH)
        return cycles * before[-1] + before[k]

    def id(self, kind: str, number: int) -> str:
        """Return the id of an item."""
        return self._ids(kind).uuid(number)

    def number(self, kind: str, identity: str) -> int | None:
        """Return the number of an item for its id; None: it is an id of another kind or seed."""
        return self._ids(kind).number(identity)

    def chance(self, number: int, purpose: int) -> int:
        """Return 64 bits that look random."""
        return scramble(self._seed ^ scramble(number) ^ purpose)

    def entry(self, run: int) -> Entry:
        """Return a run as it is planned."""
        return self.cycle.entries[run % LENGTH]

    def place(self, number: int, before: Sequence[int]) -> Place:
        """Return the place of an item, from its number and how many of its kind come before each run."""
        cycle, index = divmod(number, before[-1])
        k = bisect_right(before, index) - 1
        return Place(cycle * LENGTH + k, self.cycle.entries[k], index - before[k])

    def execution(self, run: int) -> int:
        """Return the number of a run's execution. The station of the run has slots."""
        entry = self.entry(run)
        return (run // LENGTH * LENGTH + (entry.execution or 0)) * len(BENCHES) + entry.bench

    @staticmethod
    def wave(run: int) -> int:
        """Return the version of the procedures that a run used."""
        return run // WAVE

    def unit_of(self, run: int) -> int:
        """Return the number of the unit that a run tested."""
        return run // LENGTH * len(self.cycle.units) + self.entry(run).unit

    def planned_unit(self, unit: int) -> PlannedUnit:
        """Return a unit as it is planned."""
        return self.cycle.units[unit % len(self.cycle.units)]

    def neighbour(self, unit: int, planned: int) -> int:
        """Return the number of a planned unit in the same cycle as another unit."""
        return unit // len(self.cycle.units) * len(self.cycle.units) + planned

    def runs_of(self, unit: int) -> list[int]:
        """Return the numbers of a unit's runs, the oldest first."""
        first = unit // len(self.cycle.units) * LENGTH
        return [run for run in (first + k for k in self.planned_unit(unit).runs) if run < self.runs]

    def planned_batch(self, batch: int) -> PlannedBatch:
        """Return a batch as it is planned."""
        return self.cycle.batches[batch % len(self.cycle.batches)]

    def units_in(self, batch: int) -> list[int]:
        """Return the numbers of a batch's units, the oldest first."""
        first = batch // len(self.cycle.batches) * len(self.cycle.units)
        return [unit for unit in (first + index for index in self.planned_batch(batch).units) if unit < self.units]


@lru_cache(maxsize=8)
def _plan(seed: int, lines: int) -> Cycle:
    """Return the plan. Without procedures, this is a plan for one procedure, and it is never used."""
    return Cycle(seed, max(lines, 1))
