"""A made-up factory that tests units, computed from one seed.

Each run follows from the earlier ones, so the first runs do not depend on how many follow. A run updates what it
changes, such as its unit, at once. `MAKERS` derive the items of other listings.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import attrgetter
from random import Random
from threading import RLock
from typing import Any, cast

import attrs
from attrs import evolve, field, frozen

from aiotofupilot import models
from aiotofupilot.models import Run
from aiotofupilot.models.display import shown
from aiotofupilot.sandbox.rest import extended

from . import recipes
from .recipes import BENCHES, MILLISECOND, PARTS, uuid

_MOST_LINES = 16  # procedures with runs
_WAVE = 512  # runs between versions of the procedures
_STEP = timedelta(minutes=5)  # between runs; every run is shorter
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_BATCH = 24  # units
_MOST_TESTS = 3
_RETEST_FAILS = 0.35
_PAUSE = 100 * MILLISECOND  # between phases
_OVERTIME = 45_000  # milliseconds


@shown(kw_only=True, eq=False)
class DeployedRun(Run):
    """A run that says where it ran.

    The API does not show the environment and the deployment, but clients can filter by them. A run with them equals the
    same run without.
    """

    environment: str | None = field(default=None, metadata={"wire": None})
    """``production``, ``preview``, ``development``, or another one. None if no filter for environments finds it."""
    deployment_id: str | None = field(default=None, metadata={"wire": None})
    """UUID of the deployment. None if no filter for deployments finds it."""

    @classmethod
    def of(cls, run: Run, *, environment: str | None = None, deployment_id: str | None = None) -> DeployedRun:
        """Return a run with the place where it ran.

        Args:
            run: The run.
            environment: The environment, or None for no match with any filter.
            deployment_id: UUID of the deployment, or None for no match with any filter.
        """
        return extended(cls, run, environment=environment, deployment_id=deployment_id)

    def __eq__(self, other: object) -> bool:
        return _as_run(self) == _as_run(other) if isinstance(other, Run) else NotImplemented

    def __hash__(self) -> int:
        return super().__hash__()


_as_run = attrgetter(*(attribute.name for attribute in attrs.fields(Run)))


class World:
    """A factory with one run every five minutes. Runs are made when something is read.

    The first 16 procedures, the `lines`, have runs.
    """

    def __init__(
        self,
        procedures: int | Sequence[models.Procedure],
        *,
        runs: int,
        seed: int,
        nulls: bool,
        until: datetime | None,
    ) -> None:
        """Describe a factory, with the arguments of `Sandbox`."""
        self._lock = RLock()
        self._lists: dict[str, tuple[int, list[object]]] = {}
        """The items of each listing, newest first, with the number of runs that they come from."""
        newest = recipes.NEWEST if until is None else until.replace(microsecond=0) - runs * _STEP - _DAY
        if isinstance(procedures, int):
            procedures = recipes.make_procedures(procedures, seed=seed, nulls=nulls, newest=newest)
        self.lines: Sequence[models.Procedure] = procedures[:_MOST_LINES]
        if until is None and self.lines:
            newest = min(max(_EARLIEST, *(line.created_at for line in self.lines)), _LATEST)
        self.begin: datetime = newest.replace(microsecond=0) + _DAY
        self.wanted: int = runs if self.lines else 0
        """The number of runs to make before a read. It may grow."""
        self._random = random = Random(f"bench {seed}")  # noqa: S311 - a word that makes small factories diverse
        # Each step measures something that can fail.
        self._steps = [
            sorted(random.sample(recipes.TESTS, random.randint(4, 6)), key=recipes.TESTS.index) for _ in self.lines
        ]
        stations = [models.StationRef(uuid(random), name) for name in BENCHES]
        self._benches = [[stations[(line + n) % len(stations)] for n in (0, 1)] for line in range(len(self.lines))]
        """The stations of each procedure."""
        creators = dict.fromkeys(procedure.created_by_user for procedure in procedures if procedure.created_by_user)
        others = [models.UserRef(uuid(random), *told) for told in recipes.OTHERS]
        self._people = [*creators, *(others if nulls else map(recipes.named, others))]
        nameless = (models.Operator(name="Night shift"), models.Operator(name="Temp worker 7"))
        self._operators = [*(extended(models.Operator, user) for user in self._people), None, None, *nameless * nulls]
        self.made: dict[str, dict[str, Any]] = {name: {} for name in ("runs", "units", "batches", "deployments")}
        """The items of listings by ID, oldest first."""
        for name, items in (
            ("procedures", reversed(procedures)),
            ("users", [*(extended(models.User, user) for user in self._people), recipes.FORMER]),
            ("stations", map(self._station, stations)),
            ("parts", [self._part(number, product) for number, product in enumerate(PARTS)]),
        ):
            self.made[name] = {item.id: item for item in cast("Iterable[Any]", items)}
        self.phases: dict[str, Sequence[models.Phase]] = {}
        """The phases of each run, in the order of their start."""
        self._deployed: list[list[tuple[str, models.RunProcedure, str | None]]] = []
        """The environments, versions and deployments of each procedure, in production and elsewhere."""
        self._deploy()
        self._open_batches: dict[int, models.BatchRef] = {}
        """The last batch of each part."""
        self._production = self._produce()

    def _station(self, ref: models.StationRef) -> models.Station:
        lines = [line for line, benches in zip(self.lines, self._benches, strict=True) if ref in benches]
        name = BENCHES[ref.name].team
        team = models.Team(uuid(recipes.made_up("team", name)), name) if name else None
        return extended(models.Station, ref, procedures=lines, procedures_count=len(lines), team=team)

    def _part(self, number: int, product: recipes.Product) -> models.Part:
        revisions = tuple(models.Revision(uuid(self._random), letter) for letter in product.revisions)
        created_at = self.begin - timedelta(days=400 - 20 * number)
        return models.Part(uuid(self._random), product.number, product.name, created_at, revisions)

    def items(self, listing: str) -> Sequence[object]:
        """Return the items of a listing, newest first. Do not change the sequence."""
        with self._lock:  # one thread at a time makes runs
            self._catch_up()
            known, items = self._lists.get(listing) or (None, [])
            runs = self.made["runs"]
            if known != len(runs):
                if make := MAKERS.get(listing):
                    made = [item for run in islice(runs.values(), known, None) for item in make(self, run)]
                    items = [*reversed(made), *items]
                else:
                    items = [*self.made[listing].values()][::-1]
                self._lists[listing] = len(runs), items
            return items

    def included(self, listing: str, identity: str, name: str) -> object:
        """Return a field of `INCLUDED`, empty for an item not made here."""
        with self._lock:
            self._catch_up()
            item = self.made[listing].get(identity)
            return EMPTY[name] if item is None else INCLUDED[listing, name](self, item)

    def _catch_up(self) -> None:
        """Make the runs that are missing."""
        for run in islice(self._production, self.wanted - len(self.made["runs"])):
            self.made["runs"][run.id] = run
            unit = self.made["units"][run.unit.id]
            self.made["units"][unit.id] = evolve(unit, last_run=extended(models.LastRun, run))

    def _produce(self) -> Iterator[DeployedRun]:
        """Make runs without end. A unit that passes goes on to the next procedure of its part."""
        random, kinds = self._random, range(min(len(PARTS), len(self.lines)))
        finished = [deque[models.UnitRef]() for _ in PARTS]  # by part, units that can be built into others
        while True:
            kind = random.choices(kinds, [PARTS[kind].share for kind in kinds])[0]
            unit = self._unit(kind)
            children = [finished[part].popleft() for part in PARTS[kind].built_from if finished[part]]
            run = None
            for line in range(kind, len(self.lines), len(PARTS)):
                for tests in range(_MOST_TESTS):
                    run = self._run(unit, line, tests)
                    if unit.id not in self.made["units"]:
                        self._assemble(run, children)
                    yield run
                    if run.outcome == "PASS":
                        break
                else:
                    break
            else:
                finished[kind].append(models.UnitRef(unit.id, unit.serial_number))

    def _unit(self, kind: int) -> models.RunUnit:
        """Draw the next unit of a part. Most units join the open batch of their part."""
        random, batches = self._random, self.made["batches"]
        part = [*self.made["parts"].values()][kind]
        revision = random.choices(part.revisions, range(1, len(part.revisions) + 1))[0]
        batch = self._open_batches.get(kind)
        if random.random() > 0.9:  # noqa: PLR2004 - few
            batch = None
        elif batch is None or batches[batch.id].unit_count == _BATCH:
            batch = self._open_batches[kind] = models.BatchRef(uuid(random), f"LOT-{len(batches):05}")
        return models.RunUnit(
            id=uuid(random),
            serial_number=f"{PARTS[kind].prefix}-{len(self.made['units']):06}",
            sample=random.choices((None, "golden", "failing", "ignored"), (88, 6, 4, 2))[0],
            part=models.PartRef(part.id, part.number, part.name, revision),
            batch=batch,
        )

    def _assemble(self, run: DeployedRun, children: Sequence[models.UnitRef]) -> None:
        """List the unit of a first run, build finished units into it, and count it in its batch."""
        units, batches, unit = self.made["units"], self.made["batches"], run.unit
        more: dict[str, Any] = {
            "created_at": run.started_at - timedelta(seconds=40),
            # The listings lack the addresses of creators.
            "created_by_user": run.created_by_user and models.UserRef(run.created_by_user.id, run.created_by_user.name),
            "created_by_station": run.created_by_station,
        }
        units[unit.id] = extended(models.Unit, unit, children=children, **more)
        for child in children:
            units[child.id] = evolve(units[child.id], parent=extended(models.UnitRef, unit))
        if ref := unit.batch:
            batch = batches.get(ref.id) or extended(models.Batch, ref, unit_count=0, **more)
            batches[ref.id] = evolve(batch, unit_count=batch.unit_count + 1)

    def _run(self, unit: models.RunUnit, line: int, tests: int) -> DeployedRun:
        """Make a run, given how often its procedure has tested the unit before."""
        random, identity, index = self._random, uuid(self._random), len(self.made["runs"])
        if index and index % _WAVE == 0:
            self._deploy()
        station = random.choice(self._benches[line])
        bench = BENCHES[station.name]
        fails = _RETEST_FAILS if tests else bench.failure_rate
        shares = {"ERROR": 1, "TIMEOUT": 1, "ABORTED": 1, "FAIL": 97 * fails, "PASS": 97 * (1 - fails)}
        outcome = random.choices(list(shares), list(shares.values()))[0]
        environment, procedure, deployment_id = self._deployed[line][random.random() < 0.1]  # noqa: PLR2004 - few
        slot = random.randint(1, bench.slots) if bench.slots > 1 else None
        started_at = self.begin + index * _STEP + random.randrange(45_000) * MILLISECOND
        of_run = {"run_id": identity, "run_outcome": outcome}
        of_unit = {"serial_number": unit.serial_number, "sample": unit.sample}
        phases = self.phases[identity] = tuple(self._phases(line, outcome, started_at, **of_run, **of_unit))
        ended_at = max(phase.ended_at or started_at for phase in phases) + recipes.PREPARATION
        by_user = random.random() < 0.25  # noqa: PLR2004 - some
        return DeployedRun(
            id=identity,
            created_at=ended_at + random.randrange(2000) * MILLISECOND,
            started_at=started_at,
            ended_at=ended_at,
            duration=ended_at - started_at,
            outcome=outcome,
            execution_id=None if slot is None else uuid(random),
            slot_key=None if slot is None else f"slot_{slot}",
            slot_name=None if slot is None else f"{station.name}, slot {slot}",
            procedure=procedure,
            unit=unit,
            docstring=f"Test number {tests + 1} of this unit." if tests else None,
            created_by_user=random.choice(self._people) if by_user else None,
            created_by_station=None if by_user else station,
            operated_by=random.choice(self._operators),
            environment=environment,
            deployment_id=deployment_id,
        )

    def _phases(self, line: int, outcome: str, started_at: datetime, **of_run: Any) -> Iterator[models.Phase]:  # noqa: ANN401 - fields of a phase
        random, steps = self._random, self._steps[line]
        broken = len(steps) if outcome == "PASS" else random.randrange(len(steps))
        last = {"FAIL": "FAIL", "ABORTED": "PASS"}.get(outcome, "ERROR")
        started_at += recipes.PREPARATION
        for index, step in enumerate(steps if outcome in {"PASS", "FAIL"} else steps[: broken + 1]):
            results = ["PASS" if index < broken else last if index == broken else "SKIP"]
            if index <= broken and random.random() < (0.7 if results == ["FAIL"] else 0.06):
                results.insert(0, "FAIL")
            for retry, result in enumerate(results):
                duration = int(step.milliseconds * random.uniform(0.9, 1.1))
                if outcome == "TIMEOUT" and result == "ERROR":
                    duration += _OVERTIME
                ended_at = None if result == "SKIP" else started_at + duration * MILLISECOND
                yield models.Phase(
                    id=uuid(random),
                    name=step.name,
                    outcome=result,
                    started_at=started_at,
                    ended_at=ended_at,
                    duration_ms=None if ended_at is None else duration,
                    retry_count=retry,
                    sequence_path=step.sequence,
                    is_final_attempt=retry + 1 == len(results),
                    **of_run,
                )
                started_at = started_at + MILLISECOND if ended_at is None else ended_at + _PAUSE

    def _deploy(self) -> None:
        """Deploy a version of each procedure for production and the next one elsewhere, an hour before the runs."""
        random, wave = self._random, len(self.made["runs"]) // _WAVE
        at = self.begin + len(self.made["runs"]) * _STEP - timedelta(hours=1)
        self._deployed.clear()
        for procedure, benches in zip(self.lines, self._benches, strict=True):
            candidate = random.choice(("preview", "development"))
            self._deployed.append([])
            for environment, tag in (("production", f"v1.{wave}.0"), (candidate, f"v1.{wave + 1}.0-rc.1")):
                at += timedelta(minutes=1)
                made = self._deployment(procedure, benches, environment, at)
                self.made["deployments"][made.id] = made
                version = models.ProcedureVersion(uuid(random), tag)
                is_told = environment != "development"
                run = extended(models.RunProcedure, procedure, version=version if is_told else None)
                self._deployed[-1].append((environment, run, made.id if is_told else None))

    def _deployment(
        self, procedure: models.Procedure, benches: Sequence[models.StationRef], environment: str, at: datetime
    ) -> models.Deployment:
        """Make a deployment. Those for production are ready, and those by ``cli`` have no commit."""
        random, is_ready = self._random, environment == "production"
        status = "ready" if is_ready else random.choice(("ready", "ready", "failed", "building", "pending"))
        trigger = "auto" if is_ready else random.choice(("manual", "cli", "auto"))
        commit = extended(
            models.Commit,
            None,
            id=uuid(random),
            sha=f"{random.getrandbits(160):040x}",
            message=random.choice(recipes.MESSAGES),
            author_username="ada-park",
            committed_at=at - timedelta(seconds=89),
            branch="main" if is_ready else random.choice(("next", "hotfix", None)),
        )
        return extended(
            models.Deployment,
            None,
            id=uuid(random),
            environment=environment,
            trigger=trigger,
            status=status,
            skipped=status == "failed" and procedure.linked_repository is None,
            started_at=None if status == "pending" else at + timedelta(seconds=4),
            ended_at=None if status in {"pending", "building"} else at + timedelta(seconds=51),
            deployed_at=at,
            procedure=procedure,
            commit=None if trigger == "cli" else commit,
            repository=(repository := procedure.linked_repository)
            and models.DeploymentRepository(repository.provider or "github"),
            stations=benches if status == "ready" else (),
        )


MAKERS: dict[str, Callable[[World, DeployedRun], Iterable[object]]] = {}
"""Functions that make the items that one run wrote, oldest first, by listing. `World.made` has the other listings."""

INCLUDED: dict[tuple[str, str], Callable[[World, Any], object]] = {}
"""Functions that make the fields that items have only if a request includes them, by listing and field."""

EMPTY: Mapping[str, object] = {"metadata": {}, "sequences": ()}
"""The empty values of these fields."""


_Groups = dict[tuple[str, str], tuple[Sequence[object], Mapping[object, Sequence[object]]]]


@frozen(eq=False)
class Snapshot:
    """The items of all listings at one time."""

    _world: World
    """The made-up items."""
    given: Mapping[str, Sequence[object]] = field(factory=dict[str, "Sequence[Any]"])
    """The listings that may differ from them."""
    _groups: _Groups = field(factory=_Groups)
    """By listing and field, the items and their groups by value. Snapshots share it, so unchanged listings are not
    grouped again."""

    def rows(self, listing: str) -> Sequence[Any]:
        """Return the items of a listing."""
        return self.given[listing] if listing in self.given else self._world.items(listing)

    def grouped(self, listing: str, by: str) -> Mapping[object, Sequence[Any]]:
        """Return the items of a listing by the value of a field, such as the runs by ``unit.id``."""
        rows, known = self.rows(listing), self._groups.get((listing, by))
        if known is None or known[0] is not rows:
            read, groups = path(by), defaultdict[object, list[object]](list)
            for item in rows:
                groups[read(item)].append(item)
            known = self._groups[listing, by] = rows, groups
        return known[1]

    def included(self, listing: str, item: Any, name: str) -> object:  # noqa: ANN401 - any item and value
        """Return a field of `INCLUDED`, from the item, from the world, or empty."""
        value = getattr(item, name)
        return self._world.included(listing, item.id, name) if value is None else value


Read = Callable[[Any], Any]
"""Reads a value of an item."""
Path = str | Read
"""A path, such as ``procedure.version.tag``, or a function."""


def path(read: Path) -> Read:
    """Return a function that reads the field at a path. A path through None gives None."""
    if not isinstance(read, str):
        return read
    names = read.split(".")

    def walk(item: object) -> object:
        for name in names:
            item = getattr(item, name, None)
        return item

    return walk
