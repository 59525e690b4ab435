"""A made-up factory that tests units, computed from one seed.

A world makes one run after the other: of which unit, when, where and by whom, and with which outcome. Each run follows
from the runs before it, so the first runs do not depend on how many follow. What a run changes is up to date at once,
such as its unit. `MAKERS` say how the items of each listing are made of that.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import islice
from operator import attrgetter
from random import Random
from threading import RLock
from typing import Any

import attrs
from attrs import evolve, field, frozen

from aiotofupilot import models
from aiotofupilot.models import Run
from aiotofupilot.models.display import shown
from aiotofupilot.sandbox.rest import extended

from . import recipes
from .recipes import BENCHES, MILLISECOND, PARTS, uuid

_MOST_LINES = 16  # procedures that have runs
_WAVE = 512  # runs from one version of the procedures to the next
_STEP = timedelta(minutes=5)  # from one run to the next; every run takes less time
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

    The API does not show the environment and the deployment of a run, but clients can filter by them. Such a run equals
    the run that a client reads.
    """

    environment: str | None = field(default=None, metadata={"wire": None})
    """``production``, ``preview``, ``development``, or another one. None: no filter for environments finds it."""
    deployment_id: str | None = field(default=None, metadata={"wire": None})
    """UUID of the deployment. None: no filter for deployments finds it."""

    @classmethod
    def of(cls, run: Run, *, environment: str | None = None, deployment_id: str | None = None) -> DeployedRun:
        """Say of a run where it ran.

        Args:
            run: The run.
            environment: The environment. None: no filter for environments finds the run.
            deployment_id: UUID of the deployment. None: no filter for deployments finds the run.
        """
        return extended(cls, run, environment=environment, deployment_id=deployment_id)

    def __eq__(self, other: object) -> bool:
        return _as_run(self) == _as_run(other) if isinstance(other, Run) else NotImplemented

    def __hash__(self) -> int:
        return super().__hash__()


_as_run = attrgetter(*(attribute.name for attribute in attrs.fields(Run)))


class World:
    """A factory that has made one run every five minutes since its procedures were created.

    The first 16 procedures have runs: they are the `lines`. Runs are made when something is read.
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
        """What was made for each listing: of how many runs, and the items, the newest first."""
        newest = recipes.NEWEST if until is None else until.replace(microsecond=0) - runs * _STEP - _DAY
        if isinstance(procedures, int):
            procedures = recipes.make_procedures(procedures, seed=seed, nulls=nulls, newest=newest)
        self.procedures: Sequence[models.Procedure] = procedures
        self.lines: Sequence[models.Procedure] = procedures[:_MOST_LINES]
        if until is None and self.lines:
            newest = min(max(_EARLIEST, *(line.created_at for line in self.lines)), _LATEST)
        self.begin: datetime = newest.replace(microsecond=0) + _DAY
        self.wanted: int = runs if self.lines else 0
        """How many runs there are when something is read. It may grow."""
        self._random = random = Random(f"bench {seed}")  # noqa: S311 - a word that makes small factories diverse
        # Each phase of a procedure measures something that can fail.
        self._steps = [
            sorted(random.sample(recipes.TESTS, random.randint(4, 6)), key=recipes.TESTS.index) for _ in self.lines
        ]
        self._hire(nulls=nulls)
        self._build()
        self.runs: dict[str, DeployedRun] = {}
        self.phases: dict[str, Sequence[models.Phase]] = {}
        """The phases of each run, in the order of their beginning."""
        self.units: dict[str, models.Unit] = {}
        self.batches: dict[str, models.Batch] = {}
        self._due: list[tuple[int, str, models.RunUnit, int, int]] = []
        """The tests to come: the run, the serial number, its unit, the procedure, and how often it has tested it."""
        self._open_batches: dict[int, models.BatchRef] = {}
        """The last batch of each part."""
        self._finished = [deque[models.UnitRef]() for _ in PARTS]
        """The units of each part that can be built into others."""
        self.deployments: dict[str, models.Deployment] = {}
        self._deployed: list[list[tuple[str, models.RunProcedure, str | None]]] = []
        """What each procedure can be run as, in production and elsewhere: an environment, a version, a deployment."""
        self._deploy()

    def _hire(self, *, nulls: bool) -> None:
        """Make the people: the creators of procedures, two more, and one who is banned."""
        random = self._random
        creators = {user.id: user for procedure in self.procedures if (user := procedure.created_by_user)}
        people = [
            *creators.values(),
            models.UserRef(uuid(random), "Sam Lee", "sam.lee@example.com"),
            models.UserRef(uuid(random), None, "line-1@example.com"),
        ]
        self._people = people if nulls else [recipes.named(user) for user in people]
        image = "https://example.com/robin.png"
        former = models.User(uuid(random), "Robin Former", "robin.former@example.com", image, banned=True)
        users = [*(models.User(user.id, user.name, user.email) for user in self._people), former]
        self.users: Mapping[str, models.User] = {user.id: user for user in users}
        self._operators = [models.Operator(user.id, user.name, user.email) for user in self._people]
        nameless = [models.Operator(name="Night shift"), models.Operator(name="Temp worker 7")]
        self._operators += nameless if nulls else self._operators[:2]  # as many, so that the rest is drawn alike

    def _build(self) -> None:
        """Make the stations and the parts."""
        random = self._random
        refs = [models.StationRef(uuid(random), name) for name in BENCHES]
        self._benches = [[refs[(line + n) % len(refs)] for n in (0, 1)] for line in range(len(self.lines))]
        """The stations that run each procedure."""
        self.stations: dict[str, models.Station] = {}
        for ref, bench in zip(refs, BENCHES.values(), strict=True):
            lines = [line for line, benches in zip(self.lines, self._benches, strict=True) if ref in benches]
            procedures = tuple(models.ProcedureRef(line.id, line.name) for line in lines)
            team = models.Team(uuid(recipes.made_up("team", bench.team)), bench.team) if bench.team else None
            self.stations[ref.id] = models.Station(ref.id, ref.name, procedures, len(lines), team)
        self.parts: dict[str, models.Part] = {}
        for number, product in enumerate(PARTS):
            created_at = self.begin - timedelta(days=400 - 20 * number)
            revisions = tuple(models.Revision(uuid(random), letter) for letter in product.revisions)
            part = models.Part(uuid(random), product.number, product.name, created_at, revisions)
            self.parts[part.id] = part

    def items(self, listing: str) -> Sequence[object]:
        """Return the items of a listing, the newest first. Do not change the sequence."""
        maker = MAKERS[listing]
        with self._lock:  # no other thread makes runs meanwhile
            self._catch_up()
            known, items = self._lists.get(listing) or (None, [])
            if known != len(self.runs):
                parts = maker.source(self).values()
                if maker.make is None:
                    items = [*parts][::-1]
                else:
                    made = [item for run in islice(parts, known, None) for item in maker.make(self, run)]
                    items = [*reversed(made), *items]
                self._lists[listing] = len(self.runs), items
            return items

    def included(self, listing: str, identity: str, name: str) -> object:
        """Return a field that an item has only if a request includes it. It is empty for an item that was not made."""
        maker = MAKERS[listing]
        with self._lock:
            self._catch_up()
            made_of = maker.source(self).get(identity)
            return EMPTY[name] if made_of is None else maker.included[name](self, made_of)

    def _catch_up(self) -> None:
        """Make the runs that are missing. Each unit goes from one procedure of its part to the next."""
        for index in range(len(self.runs), self.wanted):
            if index and index % _WAVE == 0:
                self._deploy()
            if self._due and self._due[0][0] <= index:
                _, _, unit, line, tests = heappop(self._due)
            else:
                (unit, line), tests = self._begin(), 0
            run = self._run(index, unit, line, tests)
            self.runs[run.id] = run
            known = self.units.get(unit.id) or self._assembled(run, PARTS[line])
            self.units[unit.id] = evolve(known, last_run=extended(models.LastRun, run))
            soon, following = index + self._random.randint(2, 12), line + len(PARTS)
            if run.outcome != "PASS":
                if tests + 1 < _MOST_TESTS:
                    heappush(self._due, (soon, unit.serial_number, unit, line, tests + 1))
            elif following < len(self.lines):
                heappush(self._due, (soon, unit.serial_number, unit, following, 0))
            else:
                self._finished[line % len(PARTS)].append(models.UnitRef(unit.id, unit.serial_number))

    def _begin(self) -> tuple[models.RunUnit, int]:
        """Draw what the next unit is. Return it, and the first procedure of its part."""
        random, kinds = self._random, range(min(len(PARTS), len(self.lines)))
        kind = random.choices(kinds, [PARTS[kind].share for kind in kinds])[0]
        part = [*self.parts.values()][kind]
        revision = random.choices(part.revisions, range(1, len(part.revisions) + 1))[0]
        batch = self._open_batches.get(kind)
        if random.random() > 0.9:  # noqa: PLR2004 - few
            batch = None
        elif batch is None or self.batches[batch.id].unit_count == _BATCH:
            batch = self._open_batches[kind] = models.BatchRef(uuid(random), f"LOT-{len(self.batches):05}")
        unit = models.RunUnit(
            id=uuid(random),
            serial_number=f"{PARTS[kind].prefix}-{len(self.units):06}",
            sample=random.choices((None, "golden", "failing", "ignored"), (88, 6, 4, 2))[0],
            part=models.PartRef(part.id, part.number, part.name, revision),
            batch=batch,
        )
        return unit, kind

    def _assembled(self, run: DeployedRun, product: recipes.Product) -> models.Unit:
        """Make the unit of a first run, of finished units. It is new in its batch."""
        unit, user, at = run.unit, run.created_by_user, run.started_at - timedelta(seconds=40)
        by: dict[str, object] = {  # the listings do not have the addresses of creators
            "created_by_user": user and models.UserRef(user.id, user.name),
            "created_by_station": run.created_by_station,
        }
        children = tuple(self._finished[kind].popleft() for kind in product.built_from if self._finished[kind])
        for child in children:
            parent = models.UnitRef(unit.id, unit.serial_number)
            self.units[child.id] = evolve(self.units[child.id], parent=parent)
        if ref := unit.batch:
            new = extended(models.Batch, ref, created_at=at - timedelta(minutes=1), unit_count=0, **by)
            batch = self.batches.get(ref.id, new)
            self.batches[ref.id] = evolve(batch, unit_count=batch.unit_count + 1)
        return extended(models.Unit, unit, created_at=at, children=children, **by)

    def _run(self, index: int, unit: models.RunUnit, line: int, tests: int) -> DeployedRun:
        """Make a run of a procedure that has tested the unit before, 0 times or more."""
        random, identity = self._random, uuid(self._random)
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
        last = max(phase.ended_at or started_at for phase in phases)
        ended_at = last + recipes.PREPARATION + random.randrange(900) * MILLISECOND
        user = random.choice(self._people) if random.random() < 0.25 else None  # noqa: PLR2004 - some
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
            created_by_user=user,
            created_by_station=None if user else station,
            operated_by=random.choice(self._operators) if random.random() < 0.75 else None,  # noqa: PLR2004 - most
            environment=environment,
            deployment_id=deployment_id,
        )

    def _phases(self, line: int, outcome: str, started_at: datetime, **of_run: Any) -> Iterator[models.Phase]:  # noqa: ANN401 - fields of a phase
        """Yield the phases of a run with an outcome, in the order of their beginning."""
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
        """Deploy a version of each procedure for production, and the next one elsewhere, an hour before their runs."""
        random, wave = self._random, len(self.runs) // _WAVE
        at = self.begin + len(self.runs) * _STEP - timedelta(hours=1)
        self._deployed.clear()
        for index, line in enumerate(self.lines):
            candidate = random.choice(("preview", "development"))
            self._deployed.append([])
            for environment, tag in (("production", f"v1.{wave}.0"), (candidate, f"v1.{wave + 1}.0-rc.1")):
                at += timedelta(minutes=1)
                made = self._deployment(index, environment, at)
                self.deployments[made.id] = made
                version = models.ProcedureVersion(uuid(random), tag)
                is_told = environment != "development"
                procedure = models.RunProcedure(line.id, line.name, version if is_told else None)
                self._deployed[-1].append((environment, procedure, made.id if is_told else None))

    def _deployment(self, line: int, environment: str, deployed_at: datetime) -> models.Deployment:
        """Make a deployment of a procedure. One for production is ready."""
        random, procedure, is_ready = self._random, self.lines[line], environment == "production"
        status = "ready" if is_ready else random.choice(("ready", "ready", "failed", "building", "pending"))
        trigger = "auto" if is_ready else random.choice(("manual", "cli", "auto"))
        author, repository = random.choice(self._people), procedure.linked_repository
        commit = models.Commit(
            id=uuid(random),
            sha=f"{random.getrandbits(160):040x}",
            message=random.choice(recipes.MESSAGES),
            author_username=(author.email or "line@example.com").partition("@")[0].replace(".", "-"),
            author_avatar_url=random.choice((None, f"https://example.com/people/{author.id}.png")),
            committed_at=None if random.random() < 0.2 else deployed_at - timedelta(seconds=89),  # noqa: PLR2004 - some
            branch="main" if is_ready else random.choice(("next", "hotfix", None)),
        )
        return models.Deployment(
            id=uuid(random),
            environment=environment,
            trigger=trigger,
            status=status,
            skipped=status == "failed" and random.random() < 0.5,  # noqa: PLR2004 - half of them
            started_at=None if status == "pending" else deployed_at + timedelta(seconds=4),
            ended_at=None if status in {"pending", "building"} else deployed_at + timedelta(seconds=51),
            deployed_at=deployed_at,
            procedure=models.ProcedureRef(procedure.id, procedure.name),
            commit=None if trigger == "cli" else commit,
            repository=None if repository is None else models.DeploymentRepository(repository.provider or "github"),
            stations=tuple(self._benches[line]) if status == "ready" else (),
        )


@frozen(kw_only=True, eq=False)
class Maker:
    """How the items of a listing are made up."""

    source: Callable[[World], Mapping[str, Any]] = lambda world: world.runs
    """Returns the items by id, or the runs that they are made of, the oldest first."""
    make: Callable[[World, DeployedRun], Iterable[object]] | None = None
    """Makes the items of one run, the oldest first. None: `source` returns the items."""
    included: Mapping[str, Callable[[World, Any], object]] = field(factory=dict[str, "Callable[[World, Any], Any]"])
    """The fields that an item has only if a request includes them, by name: their values for what `source` returns."""


MAKERS: dict[str, Maker] = {}
"""How the items of each listing are made up, by its name. The modules that make them up add to it."""

EMPTY: Mapping[str, object] = {"metadata": {}, "sequences": ()}
"""The fields that a request includes, each without a value."""


_Groups = dict[tuple[str, str], tuple[Sequence[object], Mapping[object, Sequence[object]]]]


@frozen(eq=False)
class Snapshot:
    """The items of all listings at one time."""

    _world: World
    """What items are made up of."""
    given: Mapping[str, Sequence[object]] = field(factory=dict[str, "Sequence[Any]"])
    """The items of the listings that may differ from them."""
    _groups: _Groups = field(factory=_Groups)
    """By the names of a listing and of a field: the items of the listing, and the same items by the value of the field.
    Snapshots of a factory share it, so what has not changed is not grouped again."""

    def rows(self, listing: str) -> Sequence[Any]:
        """Return the items of a listing, in its order."""
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
        """Return a field that an item has only if a request includes it. If nothing knows it, it is empty."""
        value = getattr(item, name)
        return self._world.included(listing, item.id, name) if value is None else value


Read = Callable[[Any], Any]
"""A function that reads a value of an item."""
Path = str | Read
"""The path of a field, such as ``procedure.version.tag``, or a function."""


def path(read: Path) -> Read:
    """Return a function that reads the field at a path. A path that leads through None ends in None."""
    if not isinstance(read, str):
        return read
    names = read.split(".")

    def walk(item: object) -> object:
        for name in names:
            item = getattr(item, name, None)
        return item

    return walk
