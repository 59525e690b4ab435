"""A made-up factory that tests units, computed from one seed.

A world plans the production: which unit is tested when, where and by whom, and with which outcome. Each run follows
from the runs before it, so the first runs do not depend on how many follow. `Maker` says how the items of a listing are
made of the plan. They are made when the listing is first read. A `Snapshot` has the items of all listings at one time.

A field of an item is named by its path, such as ``procedure.version.tag``. A path that leads through None ends in None.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from operator import attrgetter
from random import Random
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import field, frozen

from aiotofupilot import models

from . import recipes
from .recipes import MILLISECOND, DeployedRun, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

Path = str | Callable[[Any], Any]
"""The path of a field, or a function that reads a value of an item."""

_MOST_LINES = 16  # procedures that have runs
_WAVE = 512  # runs from one version of the procedures to the next
_STEP = timedelta(minutes=5)  # from one run to the next; every run takes less time
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_BATCH = 24  # units
_MOST_TESTS = 3
_RETEST_FAILS = 0.35

NOTHING: Mapping[str, Any] = {"metadata": {}, "sequences": ()}
"""What an item has that was not made up, if a request includes the field."""


@frozen(kw_only=True, eq=False)
class Maker(Generic[T]):
    """How the items of one listing are made up."""

    name: str
    """The last segment of the listing's path."""
    source: Callable[[World], Sequence[Any]]
    """Returns the parts of the plan that the items are made of, the oldest first."""
    make: Callable[[World, Any], Iterable[T]] | None = None
    """Makes the items of one part of the plan, the oldest first. None: each part is an item."""
    included: Mapping[str, Callable[[World, Any], Any]] = field(factory=dict[str, "Callable[[World, Any], Any]"])
    """The fields that an item has only if a request includes them, by name: their values for a part of the plan."""


class World:
    """A factory that has made one run every five minutes since its procedures were created.

    The first 16 procedures have runs: they are the `lines`. Runs are planned when something is read.
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
        self._made: dict[str, list[list[Any]]] = defaultdict(list)
        """The items of each listing that were made of each part of the plan."""
        self._parts: dict[str, dict[str, Any]] = {}
        """The part of the plan that an item was made of, for each listing and id."""
        self._due: list[tuple[int, int, int, int]] = []  # run, unit, procedure, retest
        self._refs: list[models.RunUnit] = []
        """How runs refer to each unit."""
        self._batch_numbers = count()
        self._open_batches: dict[int, tuple[models.BatchRef, int]] = {}
        """The last batch of each part, and how many more units belong to it."""
        self._finished = [deque[models.UnitRef]() for _ in recipes.PARTS]
        """The units of each part that can be built into others."""
        self._executions = [0] * len(recipes.BENCHES)
        self.entries: list[Entry] = []
        """All runs, the oldest first."""
        self.children: dict[str, Sequence[models.UnitRef]] = {}
        """The units that are built into a unit, by its id."""
        self.parents: dict[str, models.UnitRef] = {}
        """The unit that a unit is built into, by its id."""
        self.units: dict[str, models.Unit] = {}
        """The units as they were last made, by id. A unit without news is not made again."""
        begin = None if until is None else _cut(until) - runs * _STEP
        if isinstance(procedures, int):
            newest = recipes.NEWEST if begin is None else begin - _DAY
            procedures = recipes.make_procedures(procedures, seed=seed, nulls=nulls, newest=newest)
        self.procedures: Sequence[models.Procedure] = procedures
        self.lines: Sequence[models.ProcedureRef] = [
            models.ProcedureRef(line.id, line.name) for line in procedures[:_MOST_LINES]
        ]
        if begin is None:
            newest = max((line.created_at for line in procedures[:_MOST_LINES]), default=recipes.NEWEST)
            begin = _cut(min(max(newest, _EARLIEST), _LATEST)) + _DAY
        self.begin: datetime = begin
        self._runs = runs if self.lines else 0
        self._random = Random(f"cycle {seed} {len(self.lines)}")  # noqa: S311 - test data
        # Each phase of a procedure measures something that can fail.
        chosen = [self._random.sample(recipes.TESTS, self._random.randint(4, 6)) for _ in self.lines]
        self._steps = [tuple(step for step in recipes.TESTS if step in steps) for steps in chosen]
        creators = {user.id: user for procedure in procedures if (user := procedure.created_by_user)}
        refs = [
            *creators.values(),
            models.UserRef(self.id("users", 0), "Sam Lee", "sam.lee@example.com"),
            models.UserRef(self.id("users", 1), None, "line-1@example.com"),
        ]
        self.refs: list[models.UserRef] = refs if nulls else [recipes.named(ref) for ref in refs]
        """The people who create items: the creators of procedures, and two more."""
        self._operators = [models.Operator(ref.id, ref.name, ref.email) for ref in self.refs]
        if nulls:
            self._operators += [models.Operator(name="Night shift"), models.Operator(name="Temp worker 7")]
        self.stations: list[models.StationRef] = [
            models.StationRef(self.id("stations", n), bench.name) for n, bench in enumerate(recipes.BENCHES)
        ]
        self.revisions: list[list[models.Revision]] = [
            [models.Revision(self.id("revisions", part, n), number) for n, number in enumerate(product.revisions)]
            for part, product in enumerate(recipes.PARTS)
        ]

    @property
    def deployments(self) -> range:
        """The numbers of deployments. Each version of a procedure has two. The first of the two is for production."""
        return range((self._runs // _WAVE + 1) * 2 * len(self.lines))

    @staticmethod
    def benches_of(line: int) -> tuple[int, int]:
        """Return the indexes of the stations that run a procedure."""
        return line % len(recipes.BENCHES), (line + 1) % len(recipes.BENCHES)

    def deployed_at(self, wave: int) -> datetime:
        """Return when a version of the procedures was first deployed: an hour before its first run."""
        return self.begin + wave * _WAVE * _STEP - timedelta(hours=1)

    def id(self, kind: str, *numbers: int) -> str:
        """Return the id of a single item."""
        return recipes.uuid(self.random(kind, *numbers))

    def random(self, kind: str, *numbers: int) -> Random:
        """Return a source of chance for one item, or for the items of one run."""
        return Random(f"{self._seed} {kind} {numbers}")  # noqa: S311 - test data

    def listed(self, name: str) -> Sequence[Any]:
        """Return the made-up items of a listing, the newest first. Do not change the sequence."""
        with self._lock:
            if name not in self._lists:
                for index in range(len(self.entries), self._runs):
                    self._plan(index)
                maker = self._makers[name]
                parts = maker.source(self)
                if maker.make is None:
                    self._lists[name] = [*reversed(parts)]
                else:
                    groups = self._made[name]
                    groups += (list(maker.make(self, part)) for part in parts[len(groups) :])
                    self._lists[name] = [item for group in reversed(groups) for item in reversed(group)]
            return self._lists[name]

    def included(self, name: str, identity: str, field: str) -> Any:  # noqa: ANN401 - each field has its type
        """Return a field of an item that it has only if a request includes it. It is empty if it was not made up."""
        with self._lock:
            if name not in self._parts:
                items, maker = self.listed(name), self._makers[name]
                parts = items if maker.make is None else reversed(maker.source(self))
                self._parts[name] = {item.id: part for item, part in zip(items, parts, strict=True)}
            part = self._parts[name].get(identity)
        return NOTHING[field] if part is None else self._makers[name].included[field](self, part)

    def produce(self, runs: int) -> None:
        """Make up newer runs."""
        with self._lock:
            self._runs += runs
            self._lists.clear()
            self._parts.clear()

    def _plan(self, index: int) -> None:
        """Plan a run. Each unit goes from one procedure of its part to the next."""
        if self._due and self._due[0][0] <= index:
            number, line, retest = heappop(self._due)[1:]
        else:
            number, line, retest = len(self._refs), self._begin(), 0
        unit = self._refs[number]
        self.entries.append(self._test(index, unit, line, retest))
        soon, following = index + self._random.randint(2, 12), line + len(recipes.PARTS)
        if self.entries[-1].run.outcome != "PASS":
            if retest + 1 < _MOST_TESTS:
                heappush(self._due, (soon, number, line, retest + 1))
        elif following < len(self.lines):
            heappush(self._due, (soon, number, following, 0))
        else:
            self._finished[line % len(recipes.PARTS)].append(models.UnitRef(unit.id, unit.serial_number))

    def _begin(self) -> int:
        """Draw what the next unit is, and what is built into it. Return the first procedure of its part."""
        random, index = self._random, len(self._refs)
        parts = range(min(len(recipes.PARTS), len(self.lines)))
        part = random.choices(parts, [recipes.PARTS[number].share for number in parts])[0]
        product = recipes.PARTS[part]
        children = [self._finished[kind].popleft() for kind in product.built_from if self._finished[kind]]
        revisions = range(len(product.revisions))
        revision = self.revisions[part][random.choices(revisions, range(1, len(revisions) + 1))[0]]
        batch = self._batch(part) if random.random() < 0.9 else None  # noqa: PLR2004 - most
        unit = models.RunUnit(
            id=self.id("units", index),
            serial_number=f"{product.prefix}-{index:06}",
            sample=random.choices((None, "golden", "failing", "ignored"), (94, 3, 2, 1))[0],
            part=models.PartRef(self.id("parts", part), product.number, product.name, revision),
            batch=batch,
        )
        self._refs.append(unit)
        self.children[unit.id] = children
        self.parents |= dict.fromkeys((child.id for child in children), models.UnitRef(unit.id, unit.serial_number))
        return part

    def _batch(self, part: int) -> models.BatchRef:
        """Return the batch of the next unit of a part."""
        batch, more = self._open_batches.get(part, (None, 0))
        if batch is None or more == 0:
            number, more = next(self._batch_numbers), _BATCH
            batch = models.BatchRef(self.id("batches", number), f"LOT-{number:05}")
        self._open_batches[part] = batch, more - 1
        return batch

    def _test(self, index: int, unit: models.RunUnit, line: int, retest: int) -> Entry:
        random, details = self._random, self.random("runs", index)
        bench = self.benches_of(line)[random.random() < 0.5]  # noqa: PLR2004 - half of them
        fails = _RETEST_FAILS if retest else recipes.BENCHES[bench].failure_rate
        shares = {"ERROR": 1, "TIMEOUT": 1, "ABORTED": 1, "FAIL": 97 * fails, "PASS": 97 * (1 - fails)}
        outcome = random.choices(list(shares), list(shares.values()))[0]
        attempts = tuple(recipes.plan_attempts(random, self._steps[line], outcome))
        end = max(attempt.end for attempt in attempts)
        environment = random.choices(("production", "preview", "development"), (94, 3, 3))[0]
        user = self._one_of(self.refs) if random.random() < 0.15 else None  # noqa: PLR2004 - some
        operator = self._one_of(self._operators) if random.random() < 0.75 else None  # noqa: PLR2004 - most
        is_verbose = random.random() < 0.3  # noqa: PLR2004 - some
        execution, slot = self._slot(bench)
        version, deployment = self._version(index // _WAVE, line, environment)
        started_at = self.begin + index * _STEP + details.randrange(45_000) * MILLISECOND
        duration = (end + recipes.PREPARATION + details.randrange(900)) * MILLISECOND
        run = DeployedRun(
            id=recipes.uuid(details),
            created_at=started_at + duration + details.randrange(2000) * MILLISECOND,
            started_at=started_at,
            ended_at=started_at + duration,
            duration=duration,
            outcome=outcome,
            execution_id=execution,
            slot_key=None if slot is None else f"slot_{slot}",
            slot_name=None if slot is None else f"{recipes.BENCHES[bench].name}, slot {slot}",
            procedure=models.RunProcedure(self.lines[line].id, self.lines[line].name, version),
            unit=unit,
            docstring=None if retest == 0 else f"Test number {retest + 1} of this unit.",
            created_by_user=user,
            created_by_station=self.stations[bench] if user is None else None,
            operated_by=operator,
            environment=environment,
            deployment_id=deployment,
        )
        return Entry(index, run, retest, attempts, recipes.BENCHES[bench].name, is_verbose)

    def _one_of(self, people: Sequence[T]) -> T:
        return people[self._random.getrandbits(16) % len(people)]

    def _slot(self, bench: int) -> tuple[str | None, int | None]:
        """Return the execution and the slot of a station's next run; None: the station has no slots."""
        slots = recipes.BENCHES[bench].slots
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


@frozen(eq=False)
class Snapshot:
    """The items of all listings at one time."""

    _world: World
    """The made-up items."""
    given: Mapping[str, Sequence[Any]] = field(factory=dict[str, "Sequence[Any]"])
    """The items of the listings that may differ from them."""
    _groups: dict[tuple[str, str], tuple[Sequence[Any], Mapping[Any, Sequence[Any]]]] = field(factory=dict[Any, Any])
    """The items of a listing, and the same by the value of a field, for the names of the listing and the field.
    Snapshots of a factory share it, so what has not changed is not grouped again."""

    def rows(self, listing: str) -> Sequence[Any]:
        """Return the items of a listing, in its order."""
        return self.given[listing] if listing in self.given else self._world.listed(listing)

    def grouped(self, listing: str, by: str) -> Mapping[Any, Sequence[Any]]:
        """Return the items of a listing by the value of a field, such as the runs by ``unit.id``."""
        rows, known = self.rows(listing), self._groups.get((listing, by))
        if known is None or known[0] is not rows:
            known = self._groups[listing, by] = rows, grouped(rows, by)
        return known[1]

    def included(self, listing: str, item: Any, name: str) -> Any:  # noqa: ANN401 - any item and value
        """Return a field that an item has only if a request includes it. An item that was given without it has none."""
        value = getattr(item, name)
        return self._world.included(listing, item.id, name) if value is None else value


def grouped(items: Iterable[Any], by: Path) -> Mapping[Any, Sequence[Any]]:
    """Return items by the value of a field."""
    read, groups = path(by), defaultdict[Any, list[Any]](list)
    for item in items:
        groups[read(item)].append(item)
    return groups


def path(read: Path) -> Callable[[Any], Any]:
    """Return a function that reads the field at a path."""
    if not isinstance(read, str):
        return read
    names = read.split(".")
    if len(names) == 1:
        return attrgetter(read)

    def walk(item: Any) -> Any:  # noqa: ANN401 - any model and any value of a field
        for name in names:
            if item is None:
                return None
            item = getattr(item, name)
        return item

    return walk
