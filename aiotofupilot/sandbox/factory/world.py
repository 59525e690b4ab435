"""A made-up factory that tests units, computed from one seed.

Each run is computed from the earlier runs, so the first runs do not depend on how many are made. Making a run updates
what the run changes, such as its unit. `MAKERS` make the items of other listings from the runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from threading import RLock
from typing import Any, cast

from attrs import evolve, field, frozen

from aiotofupilot import models
from aiotofupilot.sandbox.rest import extended

from . import recipes
from .recipes import MILLISECOND, PARTS, STATIONS, made_up, uuid

_MOST_LINES = 16  # procedures with runs
_WAVE = 64  # runs between versions of the procedures
_STEP = timedelta(minutes=5)  # between runs; every run is shorter
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_BATCH = 8  # units
_MOST_TESTS = 2
_ENVIRONMENTS = ("production", "preview", "development")
_STATUSES = ("ready", "failed", "building", "pending")
_FAILS, _RETEST_FAILS = 0.1, 0.35


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
        until: datetime | None,
    ) -> None:
        """Describe a factory, with the arguments of `Sandbox`."""
        self._lock = RLock()
        self._lists: dict[str, tuple[int, list[object]]] = {}
        """The items of each listing, newest first, with the number of runs that had been made."""
        newest = recipes.NEWEST if until is None else until.replace(microsecond=0) - runs * _STEP - _DAY
        if isinstance(procedures, int):
            procedures = recipes.make_procedures(procedures, seed=seed, newest=newest)
        self.lines: Sequence[models.Procedure] = procedures[:_MOST_LINES]
        if until is None and self.lines:
            newest = min(max(_EARLIEST, *(line.created_at for line in self.lines)), _LATEST)
        self.begin: datetime = newest.replace(microsecond=0) + _DAY
        self.wanted: int = runs if self.lines else 0
        """The number of runs to make before a read. It may grow."""
        self._random = random = Random(f"factory {seed}")  # noqa: S311 - test data
        stations = [models.StationRef(uuid(random), name) for name in STATIONS]
        self._stations = [[stations[(line + n) % len(stations)] for n in (0, 1)] for line in range(len(self.lines))]
        """The stations of each procedure."""
        creators = dict.fromkeys(procedure.created_by_user for procedure in procedures if procedure.created_by_user)
        self._people = [*creators, *(models.UserRef(uuid(random), *known) for known in recipes.OTHERS)]
        named = (extended(models.Operator, user) for user in self._people)
        self._operators = [*named, None, models.Operator(name="Night shift")]
        self.made: dict[str, dict[str, Any]] = {name: {} for name in ("runs", "units", "batches", "deployments")}
        """The items of listings by ID, oldest first."""
        for name, items in (
            ("procedures", reversed(procedures)),
            ("users", [*(extended(models.User, user) for user in self._people), recipes.FORMER]),
            ("stations", map(self._station, stations)),
            ("parts", map(self._part, range(len(PARTS)))),
        ):
            self.made[name] = {item.id: item for item in cast("Iterable[Any]", items)}
        self._deployed: Sequence[Sequence[models.RunProcedure]]
        """Each procedure as runs refer to it: with the deployed version, and without a version."""
        self._deploy()
        self._production = self._produce()

    def _station(self, ref: models.StationRef) -> models.Station:
        lines = [line for line, stations in zip(self.lines, self._stations, strict=True) if ref in stations]
        team = None if ref.name == STATIONS[-1] else models.Team(uuid(made_up("team", "Lyon")), "Lyon")
        return extended(models.Station, ref, procedures=lines, procedures_count=len(lines), team=team)

    def _part(self, kind: int) -> models.Part:
        revisions = tuple(models.Revision(uuid(self._random), letter) for letter in recipes.REVISIONS)
        return models.Part(uuid(self._random), *PARTS[kind], self.begin - timedelta(days=400 - 20 * kind), revisions)

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
        """Return a field of `EMPTY`. Only an item that this world made has metadata."""
        with self._lock:
            self._catch_up()
            if name != "metadata" or identity not in self.made[listing]:
                return EMPTY[name]
        random = made_up(name, identity)
        humidity, rework = random.randrange(305, 505) / 10, random.random() < 0.1  # noqa: PLR2004 - few
        return {"shift": random.choice("ABC"), "humidity": humidity, "rework": rework}

    def _catch_up(self) -> None:
        """Make the runs that are missing."""
        for run in islice(self._production, self.wanted - len(self.made["runs"])):
            self.made["runs"][run.id] = run
            unit = self.made["units"][run.unit.id]
            self.made["units"][unit.id] = evolve(unit, last_run=extended(models.LastRun, run))

    def _produce(self) -> Iterator[models.Run]:
        """Make runs without end. A unit that passes is tested next by the next procedure of its part."""
        finished: dict[int, models.UnitRef] = {}  # by part, the last unit that can be built into another
        while True:
            kind = len(self.made["units"]) % min(len(PARTS), len(self.lines))
            unit = self._unit(kind)
            child = None if kind % 2 else finished.pop(kind + 1, None)
            for line in range(kind, len(self.lines), len(PARTS)):
                for tests in range(_MOST_TESTS):
                    run = self._run(unit, line, tests)
                    if unit.id not in self.made["units"]:
                        self._assemble(run, child)
                    yield run
                    if run.outcome == "PASS":
                        break
                else:
                    break
            else:
                finished[kind] = models.UnitRef(unit.id, unit.serial_number)

    def _unit(self, kind: int) -> models.RunUnit:
        """Make the next unit of a part. Of eight units in a row, most belong to one batch."""
        random, number, part = self._random, len(self.made["units"]), [*self.made["parts"].values()][kind]
        if number % _BATCH == 0:
            self._batch = models.BatchRef(uuid(random), f"LOT-{number // _BATCH:05}")
        return models.RunUnit(
            id=uuid(random),
            serial_number=f"{part.number[:3]}-{number:06}",
            sample=random.choices((None, "golden", "failing", "ignored"), (80, 10, 6, 4))[0],
            part=models.PartRef(part.id, part.number, part.name, random.choice(part.revisions)),
            batch=None if random.random() < 0.1 else self._batch,  # noqa: PLR2004 - few
        )

    def _assemble(self, run: models.Run, child: models.UnitRef | None) -> None:
        """List the unit of a first run, build a finished unit into it, and count it in its batch."""
        units, batches, unit = self.made["units"], self.made["batches"], run.unit
        more: dict[str, Any] = {
            "created_at": run.started_at - timedelta(seconds=40),
            # The listings lack the addresses of creators.
            "created_by_user": run.created_by_user and models.UserRef(run.created_by_user.id, run.created_by_user.name),
            "created_by_station": run.created_by_station,
        }
        units[unit.id] = extended(models.Unit, unit, children=(child,) if child else (), **more)
        if child:
            units[child.id] = evolve(units[child.id], parent=extended(models.UnitRef, unit))
        if ref := unit.batch:
            batch = batches.get(ref.id) or extended(models.Batch, ref, unit_count=0, **more)
            batches[ref.id] = evolve(batch, unit_count=batch.unit_count + 1)

    def _run(self, unit: models.RunUnit, line: int, tests: int) -> models.Run:
        """Make a run, given how often its procedure has tested the unit before."""
        random, identity, index = self._random, uuid(self._random), len(self.made["runs"])
        if index and index % _WAVE == 0:
            self._deploy()
        fails = _RETEST_FAILS if tests else _FAILS
        shares = {"ERROR": 2, "TIMEOUT": 1, "ABORTED": 1, "FAIL": 96 * fails, "PASS": 96 * (1 - fails)}
        started_at = self.begin + index * _STEP + random.randrange(45_000) * MILLISECOND
        duration = random.randint(30_000, 120_000) * MILLISECOND
        slot = random.choice((None, None, 1, 2))
        station = None if random.random() < 0.25 else random.choice(self._stations[line])  # noqa: PLR2004 - some
        return models.Run(
            id=identity,
            created_at=started_at + duration + random.randrange(2000) * MILLISECOND,
            started_at=started_at,
            ended_at=started_at + duration,
            duration=duration,
            outcome=random.choices(list(shares), list(shares.values()))[0],
            execution_id=None if slot is None else uuid(random),
            slot_key=None if slot is None else f"slot_{slot}",
            slot_name=None if slot is None else f"Slot {slot}",
            procedure=random.choices(self._deployed[line], (9, 1))[0],
            unit=unit,
            docstring=f"Test number {tests + 1} of this unit." if tests else None,
            created_by_user=None if station else random.choice(self._people),
            created_by_station=station,
            operated_by=random.choice(self._operators),
        )

    def _deploy(self) -> None:
        """Deploy a version of each procedure an hour before the runs."""
        self._deployed = []
        for number, (procedure, stations) in enumerate(zip(self.lines, self._stations, strict=True)):
            made = self._deployment(number, procedure, stations)
            self.made["deployments"][made.id] = made
            version = models.ProcedureVersion(made.id, f"v1.{len(self.made['runs']) // _WAVE}.0")
            self._deployed.append([extended(models.RunProcedure, procedure, version=one) for one in (version, None)])

    def _deployment(
        self, number: int, procedure: models.Procedure, stations: Sequence[models.StationRef]
    ) -> models.Deployment:
        """Make a deployment. A deployment for production is ready, and a deployment by ``cli`` has no commit."""
        random, repository, wave = self._random, procedure.linked_repository, len(self.made["runs"]) // _WAVE
        at = self.begin + len(self.made["runs"]) * _STEP - timedelta(minutes=60 - number)
        environment = _ENVIRONMENTS[(number + wave) % 3]
        is_ready = environment == "production"
        status = "ready" if is_ready else random.choice(_STATUSES)
        trigger = "auto" if is_ready else random.choice(("manual", "cli"))
        commit = models.Commit(
            id=uuid(random),
            sha=f"{random.getrandbits(160):040x}",
            message=random.choice(recipes.MESSAGES),
            author_username="ada-park",
            author_avatar_url=None,
            committed_at=at - timedelta(seconds=89),
            branch=random.choice(("main", "next", None)),
        )
        return models.Deployment(
            id=uuid(random),
            environment=environment,
            trigger=trigger,
            status=status,
            skipped=False,
            started_at=None if status == "pending" else at + timedelta(seconds=4),
            ended_at=None if status in {"pending", "building"} else at + timedelta(seconds=51),
            deployed_at=at,
            procedure=models.ProcedureRef(procedure.id, procedure.name),
            commit=None if trigger == "cli" else commit,
            repository=None if repository is None else models.DeploymentRepository(repository.provider or "github"),
            stations=tuple(stations) if status == "ready" else (),
        )


MAKERS: dict[str, Callable[[World, models.Run], Iterable[object]]] = {}
"""Functions that make the items that one run wrote, oldest first, by listing. `World.made` has the other listings."""

EMPTY: Mapping[str, object] = {"metadata": {}, "sequences": ()}
"""The fields that items have only if a request includes them, with their empty values."""


_Groups = dict[tuple[str, str], tuple[Sequence[object], Mapping[object, Sequence[object]]]]


@frozen(eq=False)
class Snapshot:
    """The items of all listings at one time."""

    _world: World
    """The made-up items."""
    given: Mapping[str, Sequence[object]] = field(factory=dict[str, "Sequence[Any]"])
    """The listings that may differ from the made-up items."""
    _groups: _Groups = field(factory=_Groups)
    """By listing and field: the items, and their groups by value. Snapshots share it, so unchanged listings are not
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
        """Return a field of `EMPTY`: from the item, else from the world, else empty."""
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
