"""A made-up factory that tests units, computed from one seed.

A world plans the production: which unit is tested when, where and by whom, and with which outcome. Each run follows
from the runs before it, so the first runs do not depend on how many follow. `Maker` says how the items of a listing are
made of the plan. They are made when the listing is first read.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import field, frozen

from aiotofupilot import models

from .plan import PREPARATION, DeployedRun, Entry, PlannedBatch, PlannedUnit, plan_attempts
from .recipes import BENCHES, NEWEST, PARTS, TESTS, Step, make_procedures, named, uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

T = TypeVar("T")

MILLISECOND = timedelta(milliseconds=1)

_MOST_LINES = 16  # procedures that have runs
_WAVE = 512  # runs from one version of the procedures to the next
_STEP = timedelta(minutes=5)  # from one run to the next; every run takes less time
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_BATCH = 24  # units
_MOST_TESTS = 3
_RETEST_FAILS = 0.35

_NOTHING: Mapping[str, Any] = {"metadata": {}, "sequences": ()}
"""What an item has that was not made up, if a request includes the field."""


@frozen(kw_only=True, eq=False)
class Maker(Generic[T]):
    """How the items of one listing are made up."""

    name: str
    """The last segment of the listing's path."""
    source: Callable[[World], Sequence[Any]] = lambda _world: ()
    """Returns the parts of the plan that the items are made of, the oldest first."""
    make: Callable[[World, Any], Iterable[T]] = lambda _world, _planned: ()
    """Makes the items of one part of the plan, the oldest first."""
    included: Mapping[str, Callable[[World, Any], Any]] = field(factory=dict[str, "Callable[[World, Any], Any]"])
    """The fields that an item has only if a request includes them, by name: their values for a part of the plan."""


class World:
    """A factory that has made one run every five minutes since its procedures were created.

    The first 16 procedures have runs: they are the `lines`. Runs, units and batches are planned when something is read,
    and stand in the order of their (first) run.
    """

    def __init__(
        self,
        makers: Mapping[str, Maker[Any]],
        procedures: int | Sequence[models.Procedure],
        *,
        runs: int,
        seed: int,
        nulls: bool,
        until: datetime | None,
    ) -> None:
        """Describe a factory, with the arguments of `Sandbox` and how the items of each listing are made."""
        self._makers = makers
        self._seed = seed
        self._lock = RLock()
        self._lists: dict[str, list[Any]] = {}
        self._planned: dict[str, dict[str, Any]] = {}
        self._made: dict[tuple[str, object], list[Any]] = {}
        """The items of each listing that were made of a part of the plan."""
        self._due: list[tuple[int, int, int, int]] = []  # run, unit, which of its part's procedures, retest
        self._open_batches: dict[int, PlannedBatch] = {}
        self._finished = [deque[PlannedUnit]() for _ in PARTS]
        self._executions = [0] * len(BENCHES)
        self.entries: list[Entry] = []
        self.units: list[PlannedUnit] = []
        self.batches: list[PlannedBatch] = []
        begin = None if until is None else _cut(until) - runs * _STEP
        if isinstance(procedures, int):
            newest = NEWEST if begin is None else begin - _DAY
            procedures = make_procedures(procedures, seed=seed, nulls=nulls, newest=newest)
        self.procedures: Sequence[models.Procedure] = procedures
        self.lines: Sequence[models.ProcedureRef] = [
            models.ProcedureRef(line.id, line.name) for line in procedures[:_MOST_LINES]
        ]
        if begin is None:
            newest = max((line.created_at for line in procedures[:_MOST_LINES]), default=NEWEST)
            begin = _cut(min(max(newest, _EARLIEST), _LATEST)) + _DAY
        self.begin: datetime = begin
        self._runs = runs if self.lines else 0
        self._random = Random(f"cycle {seed} {len(self.lines)}")  # noqa: S311 - test data
        self._steps = [self._choose_steps() for _ in self.lines]
        self.refs: list[models.UserRef] = self._people(nulls=nulls)
        """The people who create items: the creators of procedures, and two more."""
        self._operators = [models.Operator(ref.id, ref.name, ref.email) for ref in self.refs]
        if nulls:
            self._operators += [models.Operator(name="Night shift"), models.Operator(name="Temp worker 7")]
        self.stations: list[models.StationRef] = [
            models.StationRef(self.id("stations", n), bench.name) for n, bench in enumerate(BENCHES)
        ]
        self.revisions: list[list[models.Revision]] = [
            [models.Revision(self.id("revisions", part, n), number) for n, number in enumerate(product.revisions)]
            for part, product in enumerate(PARTS)
        ]

    def _people(self, *, nulls: bool) -> list[models.UserRef]:
        creators = {user.id: user for procedure in self.procedures if (user := procedure.created_by_user)}
        refs = [
            *creators.values(),
            models.UserRef(self.id("users", 0), "Sam Lee", "sam.lee@example.com"),
            models.UserRef(self.id("users", 1), None, "line-1@example.com"),
        ]
        return refs if nulls else [named(ref) for ref in refs]

    def _choose_steps(self) -> tuple[Step, ...]:
        """Choose the phases of a procedure. Each phase measures something that can fail."""
        chosen = self._random.sample(TESTS, self._random.randint(4, 6))
        return tuple(step for step in TESTS if step in chosen)

    @property
    def deployments(self) -> range:
        """The numbers of deployments. Each version of a procedure has two. The first of the two is for production."""
        return range((self._runs // _WAVE + 1) * 2 * len(self.lines))

    @staticmethod
    def benches_of(line: int) -> tuple[int, int]:
        """Return the indexes of the stations that run a procedure."""
        return line % len(BENCHES), (line + 1) % len(BENCHES)

    def deployed_at(self, wave: int) -> datetime:
        """Return when a version of the procedures was first deployed: an hour before its first run."""
        return self.begin + wave * _WAVE * _STEP - timedelta(hours=1)

    def id(self, kind: str, *numbers: int) -> str:
        """Return the id of a single item."""
        return uuid(self.random(kind, *numbers))

    def random(self, kind: str, *numbers: int) -> Random:
        """Return a source of chance for one item, or for the items of one run."""
        return Random(f"{self._seed} {kind} {numbers}")  # noqa: S311 - test data

    def listed(self, name: str) -> Sequence[Any]:
        """Return the made-up items of a listing, the newest first. Do not change the sequence."""
        with self._lock:
            if name == "procedures":
                return self.procedures
            if name not in self._lists:
                groups = [self._items(name, planned) for planned in self._source(name)]
                self._lists[name] = [item for group in reversed(groups) for item in reversed(group)]
            return self._lists[name]

    def included(self, name: str, identity: str, field: str) -> Any:  # noqa: ANN401 - each field has its type
        """Return a field of an item that it has only if a request includes it. It is empty if it was not made up."""
        with self._lock:
            if name not in self._planned:
                parts = self._source(name)
                self._planned[name] = {item.id: planned for planned in parts for item in self._items(name, planned)}
            planned = self._planned[name].get(identity)
        return _NOTHING[field] if planned is None else self._makers[name].included[field](self, planned)

    def produce(self, runs: int) -> None:
        """Make up newer runs."""
        with self._lock:
            self._runs += runs
            self._lists.clear()
            self._planned.clear()

    def _source(self, name: str) -> Sequence[Any]:
        """Return the parts of the plan for a listing. The plan is made up to the newest run before."""
        for index in range(len(self.entries), self._runs):
            self._plan(index)
        return self._makers[name].source(self)

    def _items(self, name: str, planned: object) -> list[Any]:
        """Return the items of a listing that are made of a part of the plan."""
        made = self._made.get((name, planned))
        if made is None:
            made = self._made[name, planned] = list(self._makers[name].make(self, planned))
        return made

    def _forget(self, name: str, planned: object) -> None:
        """Make the items of a part of the plan again, because it has changed."""
        self._made.pop((name, planned), None)

    def _plan(self, index: int) -> None:
        """Plan a run. Each unit goes from one procedure of its part to the next."""
        if self._due and self._due[0][0] <= index:
            number, stage, retest = heappop(self._due)[1:]
            unit = self.units[number]
        else:
            unit, stage, retest = self._begin(), 0, 0
        lines = range(unit.part, len(self.lines), len(PARTS))
        entry = self._test(index, unit, lines[stage], retest)
        self.entries.append(entry)
        unit.entries.append(entry)
        self._forget("units", unit)
        soon = index + self._random.randint(2, 12)
        if entry.run.outcome != "PASS":
            if retest + 1 < _MOST_TESTS:
                heappush(self._due, (soon, unit.index, stage, retest + 1))
        elif stage + 1 < len(lines):
            heappush(self._due, (soon, unit.index, stage + 1, 0))
        else:
            self._finished[unit.part].append(unit)

    def _begin(self) -> PlannedUnit:
        random, index = self._random, len(self.units)
        parts = range(min(len(PARTS), len(self.lines)))
        part = random.choices(parts, [PARTS[number].share for number in parts])[0]
        product = PARTS[part]
        children = [self._finished[kind].popleft() for kind in product.built_from if self._finished[kind]]
        revisions = range(len(product.revisions))
        revision = random.choices(revisions, range(1, len(revisions) + 1))[0]
        batch = self._batch(part) if random.random() < 0.9 else None  # noqa: PLR2004 - most
        unit = PlannedUnit(
            index=index,
            part=part,
            ref=models.RunUnit(
                id=self.id("units", index),
                serial_number=f"{product.prefix}-{index:06}",
                sample=random.choices((None, "golden", "failing", "ignored"), (94, 3, 2, 1))[0],
                part=models.PartRef(
                    self.id("parts", part), product.number, product.name, self.revisions[part][revision]
                ),
                batch=None if batch is None else batch.ref,
            ),
            children=children,
        )
        self.units.append(unit)
        for child in children:
            child.parent = unit
            self._forget("units", child)
        if batch is not None:
            batch.units.append(unit)
            self._forget("batches", batch)
        return unit

    def _batch(self, part: int) -> PlannedBatch:
        """Return the open batch of a part."""
        batch = self._open_batches.get(part)
        if batch is None or len(batch.units) == _BATCH:
            number = len(self.batches)
            batch = PlannedBatch(models.BatchRef(self.id("batches", number), f"LOT-{number:05}"))
            self._open_batches[part] = batch
            self.batches.append(batch)
        return batch

    def _test(self, index: int, unit: PlannedUnit, line: int, retest: int) -> Entry:
        random, details = self._random, self.random("runs", index)
        bench = self.benches_of(line)[random.random() < 0.5]  # noqa: PLR2004 - half of them
        fails = _RETEST_FAILS if retest else BENCHES[bench].failure_rate
        shares = {"ERROR": 1, "TIMEOUT": 1, "ABORTED": 1, "FAIL": 97 * fails, "PASS": 97 * (1 - fails)}
        outcome = random.choices(list(shares), list(shares.values()))[0]
        attempts = tuple(plan_attempts(random, self._steps[line], outcome))
        end = max(attempt.end for attempt in attempts)
        environment = random.choices(("production", "preview", "development"), (94, 3, 3))[0]
        user = self._one_of(self.refs) if random.random() < 0.15 else None  # noqa: PLR2004 - some
        operator = self._one_of(self._operators) if random.random() < 0.75 else None  # noqa: PLR2004 - most
        is_verbose = random.random() < 0.3  # noqa: PLR2004 - some
        execution, slot = self._slot(bench)
        version, deployment = self._version(index // _WAVE, line, environment)
        started_at = self.begin + index * _STEP + details.randrange(45_000) * MILLISECOND
        duration = (end + PREPARATION + details.randrange(900)) * MILLISECOND
        run = DeployedRun(
            id=uuid(details),
            created_at=started_at + duration + details.randrange(2000) * MILLISECOND,
            started_at=started_at,
            ended_at=started_at + duration,
            duration=duration,
            outcome=outcome,
            execution_id=execution,
            slot_key=None if slot is None else f"slot_{slot}",
            slot_name=None if slot is None else f"{BENCHES[bench].name}, slot {slot}",
            procedure=models.RunProcedure(self.lines[line].id, self.lines[line].name, version),
            unit=unit.ref,
            docstring=None if retest == 0 else f"Test number {retest + 1} of this unit.",
            created_by_user=user,
            created_by_station=self.stations[bench] if user is None else None,
            operated_by=operator,
            environment=environment,
            deployment_id=deployment,
        )
        return Entry(
            index=index,
            unit=unit,
            retest=retest,
            attempts=attempts,
            bench=BENCHES[bench].name,
            is_verbose=is_verbose,
            run=run,
        )

    def _one_of(self, people: Sequence[T]) -> T:
        return people[self._random.getrandbits(16) % len(people)]

    def _slot(self, bench: int) -> tuple[str | None, int | None]:
        """Return the execution and the slot of a station's next run; None: the station has no slots."""
        slots = BENCHES[bench].slots
        turn, self._executions[bench] = self._executions[bench], self._executions[bench] + 1
        return (self.id("executions", bench, turn // slots), turn % slots + 1) if slots > 1 else (None, None)

    def _version(self, wave: int, line: int, environment: str) -> tuple[models.ProcedureVersion | None, str | None]:
        """Return the version of a procedure and its deployment; None: a run in development has neither."""
        if environment == "development":
            return None, None
        preview = environment == "preview"
        number = (wave * len(self.lines) + line) * 2 + preview
        tag = f"v1.{wave + 1}.0-rc.1" if preview else f"v1.{wave}.0"
        return models.ProcedureVersion(self.id("versions", number), tag), self.id("deployments", number)


def _cut(timestamp: datetime) -> datetime:
    """Drop the fraction of a millisecond."""
    return timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)
