"""The made-up factory: how many items there are, and the ids, moments and names that they share.

Items are numbered. Number 0 is the oldest of its kind. The modules of `resources` make the items.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from aiotofupilot.models import BatchRef, PartRef, ProcedureRef, Revision, StationRef, UnitRef
from aiotofupilot.sandbox.data import NEWEST

from .cycle import LENGTH, MOST_LINES, Cycle
from .identity import Identities, scramble
from .people import People
from .recipes import BENCHES, PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot.models import Operator, Procedure, UserRef

    from .plan import Entry, PlannedBatch, PlannedUnit

__all__ = ["MILLISECOND", "Place", "World"]

MILLISECOND = timedelta(milliseconds=1)

_STEP = timedelta(minutes=5)
"""The time from one run to the next. Every run takes less time."""

_WAVE = 512
"""The number of runs from one version of the procedures to the next."""

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Bounds of the first run's moment, so that all parts and runs are within the years that Python knows."""

_KINDS = (
    "batches",
    "commits",
    "deployments",
    "executions",
    "logs",
    "measurements",
    "parts",
    "phases",
    "revisions",
    "runs",
    "sequences",
    "stations",
    "teams",
    "units",
    "users",
    "versions",
)


class Place(NamedTuple):
    """The place of an item in the plan."""

    run: int
    """The run's number."""
    entry: Entry
    """The run in the plan."""
    item: int
    """The index of the item, among the run's items of this kind."""


class World:
    """A factory that has made one run every five minutes, since its procedures were created.

    Attributes:
        runs: How many runs there have been. More runs bring more units, batches, phases, measurements, logs and
            deployments.
        procedures: The procedures that have runs.
        people: The people who work there.
        stations: The stations that test units.
        revisions: The revisions of each part.
        parts: The references of units to each part and each of its revisions.
        begin: When the first run was due.
    """

    def __init__(self, procedures: Sequence[Procedure], *, seed: int, runs: int, nulls: bool = True) -> None:
        """Describe a factory.

        Args:
            procedures: The procedures. The first 16 of them have runs.
            seed: Another seed makes another factory.
            runs: How many runs there have been; at least 0. Without a procedure, there are none.
            nulls: Whether names and addresses of people may be missing.

        Raises:
            ValueError: If `runs` is negative.
        """
        if runs < 0:
            raise ValueError(f"runs must be at least 0, not {runs}")
        self.procedures = [*procedures[:MOST_LINES]]
        self.runs = runs if self.procedures else 0
        self.cycle = _plan(seed, len(self.procedures))
        self._seed = scramble(seed)
        self._ids = {kind: Identities(seed, kind) for kind in _KINDS}
        begin = max((procedure.created_at for procedure in self.procedures), default=NEWEST)
        begin = min(max(begin, _EARLIEST), _LATEST)
        self.begin = begin.replace(microsecond=begin.microsecond // 1000 * 1000) + timedelta(days=1)
        self.people = People(procedures, self._ids["users"], nulls=nulls)
        self.stations = [StationRef(self.id("stations", n), bench.name) for n, bench in enumerate(BENCHES)]
        self.revisions = [
            [Revision(self.id("revisions", part * 100 + n), number) for n, number in enumerate(product.revisions)]
            for part, product in enumerate(PARTS)
        ]
        self.parts = [
            [PartRef(self.id("parts", n), product.number, product.name, revision) for revision in self.revisions[n]]
            for n, product in enumerate(PARTS)
        ]

    # How much there is

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
        return (self.runs // _WAVE + 1) * 2 * len(self.procedures)

    def _count(self, before: Sequence[int]) -> int:
        """Return how many items there are, from how many of them come before each run of the plan."""
        cycles, k = divmod(self.runs, LENGTH)
        return cycles * before[-1] + before[k]

    # Numbers, ids and chance

    def id(self, kind: str, number: int) -> str:
        """Return the id of an item."""
        return self._ids[kind].uuid(number)

    def number(self, kind: str, identity: str) -> int | None:
        """Return the number of an item for its id; None: it is an id of another kind or seed."""
        if kind == "users":  # the creators of procedures bring their own ids
            return self.people.numbers.get(identity)
        return self._ids[kind].number(identity)

    def chance(self, number: int, purpose: int) -> int:
        """Return 64 bits that look random."""
        return scramble(self._seed ^ scramble(number) ^ purpose)

    # Runs

    def entry(self, run: int) -> Entry:
        """Return a run as it is planned."""
        return self.cycle.entries[run % LENGTH]

    def place(self, number: int, before: Sequence[int]) -> Place:
        """Return the place of an item, from its number and how many of its kind come before each run."""
        cycle, index = divmod(number, before[-1])
        k = bisect_right(before, index) - 1
        return Place(cycle * LENGTH + k, self.cycle.entries[k], index - before[k])

    def started_at(self, run: int) -> datetime:
        """Return the moment when a run began."""
        return self.begin + run * _STEP + self.chance(run, 1) % 45_000 * MILLISECOND

    def duration(self, run: int) -> timedelta:
        """Return how long a run took."""
        return (self.entry(run).duration + self.chance(run, 2) % 900) * MILLISECOND

    def procedure(self, line: int) -> ProcedureRef:
        """Return the reference to a procedure that has runs."""
        procedure = self.procedures[line]
        return ProcedureRef(procedure.id, procedure.name)

    def creator(self, entry: Entry) -> tuple[UserRef | None, StationRef | None]:
        """Return the user or the station that uploaded a run."""
        if entry.by_user is None:
            return None, self.stations[entry.bench]
        return self.people.refs[entry.by_user % len(self.people.refs)], None

    def operator(self, entry: Entry) -> Operator | None:
        """Return the operator of a run; None: nobody is named."""
        operators = self.people.operators
        return None if entry.operator is None else operators[entry.operator % len(operators)]

    def execution(self, run: int) -> int:
        """Return the number of a run's execution. The station of the run has slots."""
        entry = self.entry(run)
        return (run // LENGTH * LENGTH + (entry.execution or 0)) * len(BENCHES) + entry.bench

    @staticmethod
    def wave(run: int) -> int:
        """Return the version of the procedures that a run used."""
        return run // _WAVE

    def deployed_at(self, wave: int) -> datetime:
        """Return the moment when a version of the procedures was first deployed: an hour before its first run."""
        return self.begin + wave * _WAVE * _STEP - timedelta(hours=1)

    def deployment_of(self, run: int) -> str | None:
        """Return the id of the deployment that a run used; None: a run in development used none."""
        entry = self.entry(run)
        if entry.environment == "development":
            return None
        number = (self.wave(run) * len(self.procedures) + entry.line) * 2
        return self.id("deployments", number + (entry.environment == "preview"))

    # Units and batches

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

    def serial_number(self, unit: int) -> str:
        """Return a unit's serial number."""
        return f"{PARTS[self.planned_unit(unit).part].prefix}-{unit:06}"

    def unit_ref(self, unit: int) -> UnitRef:
        """Return the reference to a unit."""
        return UnitRef(self.id("units", unit), self.serial_number(unit))

    def unit_created_at(self, unit: int) -> datetime:
        """Return the moment when a unit was created: just before its first run."""
        return self.started_at(self.runs_of(unit)[0]) - timedelta(seconds=40)

    def planned_batch(self, batch: int) -> PlannedBatch:
        """Return a batch as it is planned."""
        return self.cycle.batches[batch % len(self.cycle.batches)]

    def units_in(self, batch: int) -> list[int]:
        """Return the numbers of a batch's units, the oldest first."""
        first = batch // len(self.cycle.batches) * len(self.cycle.units)
        return [unit for unit in (first + index for index in self.planned_batch(batch).units) if unit < self.units]

    @staticmethod
    def batch_number(batch: int) -> str:
        """Return the batch number of a batch."""
        return f"LOT-{batch:05}"

    def batch_ref(self, unit: int) -> BatchRef | None:
        """Return the reference to the batch of a unit; None: it belongs to no batch."""
        planned = self.planned_unit(unit).batch
        if planned is None:
            return None
        batch = unit // len(self.cycle.units) * len(self.cycle.batches) + planned
        return BatchRef(self.id("batches", batch), self.batch_number(batch))


@lru_cache(maxsize=8)
def _plan(seed: int, lines: int) -> Cycle:
    """Return the plan. Without procedures, this is a plan for one procedure, and it is never used."""
    return Cycle(seed, max(lines, 1))
