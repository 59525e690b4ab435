"""The made-up factory: the moments, people and names that its items share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import BatchRef, PartRef, ProcedureRef, Revision, StationRef, UnitRef
from aiotofupilot.sandbox.data import NEWEST

from .cycle import MOST_LINES
from .numbers import WAVE, Numbers
from .people import People
from .recipes import BENCHES, PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot.models import Operator, Procedure, UserRef

    from .plan import Entry

__all__ = ["MILLISECOND", "World"]

MILLISECOND = timedelta(milliseconds=1)

_STEP = timedelta(minutes=5)
"""The time from one run to the next. Every run takes less time."""

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Bounds of the first run's moment, so that all parts and runs are within the years that Python knows."""


class World(Numbers):
    """A factory that has made one run every five minutes, since its procedures were created.

    Attributes:
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
            ValueError: `runs` is negative.
        """
        self.procedures = [*procedures[:MOST_LINES]]
        super().__init__(seed=seed, lines=len(self.procedures), runs=runs)
        begin = max((procedure.created_at for procedure in self.procedures), default=NEWEST)
        begin = min(max(begin, _EARLIEST), _LATEST)
        self.begin = begin.replace(microsecond=begin.microsecond // 1000 * 1000) + timedelta(days=1)
        self.people = People(procedures, self._ids("users"), nulls=nulls)
        self.stations = [StationRef(self.id("stations", n), bench.name) for n, bench in enumerate(BENCHES)]
        self.revisions = [
            [Revision(self.id("revisions", part * 100 + n), number) for n, number in enumerate(product.revisions)]
            for part, product in enumerate(PARTS)
        ]
        self.parts = [
            [PartRef(self.id("parts", n), product.number, product.name, revision) for revision in self.revisions[n]]
            for n, product in enumerate(PARTS)
        ]

    def number(self, kind: str, identity: str) -> int | None:
        """Return the number of an item for its id; None: it is an id of another kind or seed."""
        if kind == "users":  # the creators of procedures bring their own ids
            return self.people.numbers.get(identity)
        return super().number(kind, identity)

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

    def deployed_at(self, wave: int) -> datetime:
        """Return the moment when a version of the procedures was first deployed: an hour before its first run."""
        return self.begin + wave * WAVE * _STEP - timedelta(hours=1)

    def deployment_of(self, run: int) -> str | None:
        """Return the id of the deployment that a run used; None: a run in development used none."""
        entry = self.entry(run)
        if entry.environment == "development":
            return None
        number = (self.wave(run) * len(self.procedures) + entry.line) * 2
        return self.id("deployments", number + (entry.environment == "preview"))

    def serial_number(self, unit: int) -> str:
        """Return a unit's serial number."""
        return f"{PARTS[self.planned_unit(unit).part].prefix}-{unit:06}"

    def unit_ref(self, unit: int) -> UnitRef:
        """Return the reference to a unit."""
        return UnitRef(self.id("units", unit), self.serial_number(unit))

    def unit_created_at(self, unit: int) -> datetime:
        """Return the moment when a unit was created: just before its first run."""
        return self.started_at(self.runs_of(unit)[0]) - timedelta(seconds=40)

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
