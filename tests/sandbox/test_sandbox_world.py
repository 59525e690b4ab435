"""The made-up factory."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise

import pytest
from attrs import evolve
from fakes.asking import ask, items

from aiotofupilot.sandbox import Factory, Sandbox, make_procedures
from aiotofupilot.sandbox.resources import RESOURCES

PROCEDURES = make_procedures(40)


def factory(runs=1500, **options):
    return Factory(PROCEDURES, runs=runs, **options)


@pytest.fixture(scope="module")
def made():
    return factory()


class TestSeed:
    """The same seed makes the same items in every version, because tests of other programs may name them."""

    def test_each_byte_of_the_items_is_the_same(self):
        """Only the addresses of files are new in each response, and their types are those that the machine knows."""
        made = Sandbox(40, runs=100)
        shown = [items(made, name, {"include_metadata": "true"}) for name in ("runs", "units", "parts", "stations")]
        keys = {"units": "serial_number", "batches": "number", "parts": "number", "users": None}
        details = [
            ask(made, f"{name}/{getattr(item, key)}")
            for name in RESOURCES
            if (key := keys.get(name, "id"))
            for item in made.rows(name)[::9]
        ]
        assert {status for status, _ in details} == {200}
        found = {name: b"".join(map(resource.json, made.rows(name))) for name, resource in RESOURCES.items()}
        for name, documents in (("metadata", shown), ("details", details)):
            text = re.sub(r'https://storage[^"]*|"content_type": "[^"]*"', "", json.dumps(documents, sort_keys=True))
            found[name] = text.encode()
        assert {name: sha256(content).hexdigest()[:16] for name, content in found.items()} == {
            "procedures": "952787d15b811eb3",
            "runs": "6dd43f4d93731745",
            "units": "2bf54b537401bb58",
            "parts": "fa53117811d306d7",
            "batches": "2e3397a56a225746",
            "stations": "80e0107900c57e54",
            "users": "b261ef44771dec00",
            "deployments": "e3f57b68572fa192",
            "logs": "2409db4a6e5e8f4e",
            "measurements": "be43a0afeddeb2ab",
            "phases": "2e770e25e7ac6ec1",
            "metadata": "634a892f6ff0f637",
            "details": "08839bc9fbe2c821",
        }

    def test_another_seed_makes_others(self):
        assert factory(runs=20).runs[0].id != factory(runs=20, seed=1).runs[0].id
        assert not {p.id for p in make_procedures(50, seed=7)} & {p.id for p in make_procedures(50, seed=8)}

    def test_the_first_items_do_not_depend_on_how_many_follow(self, made):
        assert list(reversed(made.runs))[:50] == list(reversed(factory(runs=50).runs))
        assert make_procedures(1000)[:10] == make_procedures(10)
        assert [len(factory(runs=runs).runs) for runs in (0, 1, 30)] == [0, 1, 30]
        assert (make_procedures(0), Factory(runs=100).runs) == ([], [])

    def test_factories_of_the_same_numbers_share_items_and_not_lists(self):
        one, other = Factory(30, runs=20, seed=9), Factory(30, runs=20, seed=9)
        assert one.runs is not other.runs
        assert all(mine is its for mine, its in zip(one.runs, other.runs, strict=True))
        del one.runs[3:]
        one.procedures.clear()
        one.produce(2)
        assert (len(other.runs), len(other.procedures)) == (20, 30)
        assert other.runs == Factory(30, runs=20, seed=9).runs
        one.runs = other.runs[:1]
        assert one.runs == other.runs[:1]

    def test_the_end_moves_the_whole_factory(self):
        """The same seed makes the same factory, relative to its end."""
        fixed = Factory(40, runs=40)
        ends = datetime(2030, 5, 17, 12, 0, 0, 123_456, tzinfo=UTC)
        moved = Factory(40, runs=40, until=ends)
        (by,) = {after.started_at - before.started_at for after, before in zip(moved.runs, fixed.runs, strict=True)}
        assert [run.id for run in moved.runs] == [run.id for run in fixed.runs]
        fields = dict.fromkeys(("procedures", "units", "batches", "parts", "logs", "runs"), "created_at")
        fields |= {"deployments": "deployed_at", "measurements": "started_at", "phases": "started_at"}
        for name, field in fields.items():
            pairs = zip(getattr(moved, name), getattr(fixed, name), strict=True)
            assert {getattr(after, field) - getattr(before, field) for after, before in pairs} == {by}, name
        assert ends - timedelta(minutes=5) < moved.runs[0].created_at <= ends
        assert moved.runs[0].created_at.microsecond % 1000 == 0
        moved.produce(2)
        assert moved.runs[2:] == Factory(40, runs=40, until=ends).runs


@pytest.mark.parametrize(
    ("build", "error", "complaint"),
    [
        (lambda: factory(runs=-1), ValueError, "runs must be at least 0, got -1"),
        (lambda: factory(runs=1).produce(-1), ValueError, "runs must be at least 0, got -1"),
        (lambda: make_procedures(-1), ValueError, "count must be at least 0, got -1"),
        (lambda: Sandbox(-1), ValueError, "procedures must be at least 0, got -1"),
        (lambda: Factory().produce(), ValueError, "without procedures"),
        (
            lambda: Factory(3, until=datetime(2030, 1, 1)),  # noqa: DTZ001 - naive on purpose
            *(ValueError, "until must be timezone-aware, got datetime"),
        ),
        *(
            (lambda year=year: Factory(3, until=datetime(year, 12, 31, tzinfo=UTC)), ValueError, f"to 2100, got {year}")
            for year in (1999, 2101)
        ),
        *(
            (
                lambda name=name: Factory(PROCEDURES, **{name: []}),
                TypeError,
                f"unexpected keyword argument '{name}': it",
            )
            for name in ("nope", "procedure", "rows")
        ),
        (
            lambda: Sandbox([make_procedures(1)[0], {"id": "x"}]),
            *(
                TypeError,
                r"^procedures\[1\] must be of the class Procedure, got dict; from_wire makes items of what JSON",
            ),
        ),
        (lambda: Sandbox(runs=make_procedures(1)), TypeError, r"^runs\[0\] must be of the class Run, got Procedure;"),
        (lambda: Sandbox(batches=[None]), TypeError, r"^batches\[0\] must be of the class Batch, got NoneType; from"),
        (
            lambda: Sandbox("three"),
            TypeError,
            "^procedures must be a number or an iterable of procedures, got 'three'$",
        ),
        (lambda: Sandbox(runs=True), TypeError, "^runs must be a number or an iterable of runs, got True$"),
        (lambda: Sandbox(units=3), TypeError, "^units must be an iterable of units, got 3$"),
        (lambda: Sandbox(pagings={"nope": None}), ValueError, "there is no listing 'nope', only .*procedures"),
    ],
)
def test_what_no_factory_can_have_is_refused(build, error, complaint):
    with pytest.raises(error, match=complaint):
        build()


def test_given_items_are_listed_instead_of_made_up_ones(made):
    """They are in lists of the factory's own, and the line can still continue."""
    given = Factory(iter(PROCEDURES), runs=made.runs[5:8], users=made.users[:1])
    assert given.procedures == PROCEDURES
    given.produce(2)
    assert given.runs == [*factory(runs=2).runs, *made.runs[5:8]]
    assert given.users == made.users[:1]
    assert Sandbox().procedures == make_procedures(250)


@pytest.mark.parametrize("year", [1, 9999])
def test_procedures_may_be_of_any_time(year):
    """A factory with the oldest or the newest possible procedures has runs, parts and deployments."""
    procedures = [evolve(procedure, created_at=procedure.created_at.replace(year=year)) for procedure in PROCEDURES]
    old = Factory(procedures, runs=5)
    assert (len(old.runs), len(old.parts)) == (5, 6)
    assert old.deployments[-1].deployed_at < old.runs[-1].started_at


class TestLine:
    """The line goes on: new runs come first, and what they change follows."""

    def test_new_runs_come_first(self):
        """Changed items stay changed."""
        few = factory(runs=40)
        removed = few.runs.pop(3)
        few.produce(20)
        expected = factory(runs=60).runs
        expected.remove(removed)
        assert few.runs == expected
        snapshot = few.snapshot()
        few.produce(0)
        assert few.snapshot() is snapshot

    def test_what_a_unit_tells_of_its_runs_follows(self):
        """So does every other listing, whether it was read before or not. An item that a test has replaced stays."""
        few = factory(runs=60)
        replaced = few.units[-1] = evolve(few.units[-1], serial_number="OWN")
        assert few.batches
        few.produce(60)
        expected = factory(runs=120)
        assert few.units[:-1] == expected.units[:-1]
        assert few.units[-1] is replaced
        for name in ("batches", "deployments", "phases", "measurements", "logs"):
            assert getattr(few, name) == getattr(expected, name)

    def test_a_unit_that_has_not_changed_is_not_made_again(self):
        """A busy line would otherwise make all units anew with each request. Two at most are built into a new one."""
        few = factory(runs=400)
        before = {id(item): item for item in (*few.units, *few.batches)}
        few.produce(1)
        assert 1 <= len([unit for unit in few.units if id(unit) not in before]) <= 3
        assert len([batch for batch in few.batches if id(batch) not in before]) <= 1


class TestWhatIsMade:
    """The made-up data have the shape of a real factory's, whatever seed they have."""

    def test_runs_follow_each_other(self, made):
        """A run begins about five minutes after the one before, which was uploaded by then."""
        created_at = {procedure.id: procedure.created_at for procedure in made.procedures}
        for newer, older in pairwise(made.runs):
            assert older.started_at < older.ended_at <= older.created_at < newer.started_at
            assert abs(newer.started_at - older.started_at - timedelta(minutes=5)) < timedelta(seconds=45)
        for run in made.runs:
            assert run.ended_at - run.started_at == run.duration
            assert run.started_at > created_at[run.procedure.id]
            assert run.started_at.microsecond % 1000 == 0
        assert all(newer.created_at > older.created_at for newer, older in pairwise(make_procedures(1000)))

    def test_everything_refers_to_what_exists(self, made):
        """An item that another one refers to is listed, and has the same values there."""
        units, runs, parts = ({item.id: item for item in rows} for rows in (made.units, made.runs, made.parts))
        deployments = {deployment.id: deployment for deployment in made.deployments}
        named = {item.id: item.name for item in (*made.procedures, *made.stations)}
        named |= {batch.id: batch.number for batch in made.batches}
        users = {(user.id, user.name, user.email) for user in made.users}
        people = [run.created_by_user or run.operated_by for run in made.runs]
        people += [procedure.created_by_user for procedure in made.procedures]
        assert {(ref.id, ref.name, ref.email) for ref in people if ref and ref.id} <= users
        for run in made.runs:
            unit, ref = units[run.unit.id], run.unit
            assert [getattr(unit, name) for name in ("serial_number", "sample", "part", "batch")] == [
                *(ref.serial_number, ref.sample, ref.part, ref.batch)
            ]
            assert unit.created_at < run.started_at
            assert named[run.procedure.id] == run.procedure.name
            assert run.created_by_station is None or named[run.created_by_station.id] == run.created_by_station.name
            assert (
                run.procedure.version is None or deployments[run.procedure.version.id].procedure.id == run.procedure.id
            )
        for unit in made.units:
            part, last = parts[unit.part.id], runs[unit.last_run.id]
            assert (unit.part.number, unit.part.name) == (part.number, part.name)
            assert unit.part.revision in part.revisions
            assert unit.batch is None or named[unit.batch.id] == unit.batch.number
            assert unit.parent is None or unit.id in {child.id for child in units[unit.parent.id].children}
            assert all(units[child.id].parent.id == unit.id for child in unit.children)
            assert last.unit.id == unit.id
            assert (last.outcome, last.started_at) == (unit.last_run.outcome, unit.last_run.started_at)
        in_batches = Counter(unit.batch.id for unit in made.units if unit.batch)
        assert {batch.id: batch.unit_count for batch in made.batches if batch.unit_count} == in_batches
        phases = {(phase.run_id, phase.name, phase.retry_count): phase for phase in made.phases}
        for phase in made.phases:
            run = runs[phase.run_id]
            known = (run.outcome, run.unit.serial_number, run.unit.sample)
            assert (phase.run_outcome, phase.serial_number, phase.sample) == known
            assert run.started_at <= phase.started_at <= (phase.ended_at or run.ended_at) <= run.ended_at
        for measurement in made.measurements:
            phase = phases[measurement.run_id, measurement.phase_name, measurement.retry_count]
            assert (phase.started_at, phase.is_final_attempt) == (measurement.started_at, measurement.is_final_attempt)
        for log in made.logs:
            run = runs[log.run.id]
            assert (run.outcome, run.started_at, run.unit.id) == (log.run.outcome, log.run.started_at, log.unit.id)
            assert run.started_at <= log.created_at <= run.ended_at
        linked = [*made.stations, *(deployment.procedure for deployment in made.deployments)]
        linked += [ref for station in made.stations for ref in station.procedures]
        linked += [station for deployment in made.deployments for station in deployment.stations]
        assert all(named[ref.id] == ref.name for ref in linked)
        assert all(station.procedures_count == len(station.procedures) for station in made.stations)
