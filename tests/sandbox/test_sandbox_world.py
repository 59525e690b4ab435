"""The made-up factory."""

import json
import re
from collections import Counter, defaultdict
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


def test_the_same_seed_makes_the_same_factory():
    assert factory(runs=20).runs == factory(runs=20).runs
    assert factory(runs=20).runs[0].id != factory(runs=20, seed=1).runs[0].id


def test_the_same_seed_makes_the_same_items_in_every_version():
    """Tests of other programs may name made-up items. This covers each byte that is sent of them."""
    same = Factory(40, runs=100)
    assert {
        name: sha256(b"".join(map(resource.json, same.rows(name)))).hexdigest()[:16]
        for name, resource in RESOURCES.items()
    } == {
        "procedures": "952787d15b811eb3",
        "runs": "24872cfe19efab5d",
        "units": "8fcdc1ef2ec2fc13",
        "parts": "a8f95499fc80fe18",
        "batches": "f3e1332bcaff7644",
        "stations": "d53181d88481caa2",
        "users": "0bb3b06a781afd5b",
        "deployments": "64a0ef03e8bb0828",
        "logs": "d5bf65d60f56ef09",
        "measurements": "991955fc22aac821",
        "phases": "c825268c5ba7b5e8",
    }


def test_the_same_seed_makes_the_same_metadata_and_details_in_every_version():
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
    digests = []
    for documents in (shown, details):
        text = re.sub(r'https://storage[^"]*|"content_type": "[^"]*"', "", json.dumps(documents, sort_keys=True))
        digests.append(sha256(text.encode()).hexdigest()[:16])
    assert digests == ["a535b8ae60f7d457", "a9f0ebd542673364"]


def test_the_first_runs_do_not_depend_on_how_many_follow(made):
    """The oldest runs are the same, however many there are."""
    assert list(reversed(made.runs))[:50] == list(reversed(factory(runs=50).runs))


@pytest.mark.parametrize("runs", [0, 1, 30])
def test_there_are_as_many_runs_as_were_asked_for(runs):
    few = factory(runs=runs)
    assert len(few.runs) == len({run.id for run in few.runs}) == runs


def test_without_a_procedure_there_are_no_runs():
    """A negative number is refused."""
    assert Factory(runs=100).runs == []
    with pytest.raises(ValueError, match="runs must be at least 0, got -1"):
        factory(runs=-1)
    with pytest.raises(ValueError, match="runs must be at least 0, got -1"):
        factory().produce(-1)
    with pytest.raises(ValueError, match="without procedures"):
        Factory().produce()


def test_runs_follow_each_other(made):
    """Each run ends before the next one begins, after its procedure was created, and is uploaded after its end."""
    created_at = {procedure.id: procedure.created_at for procedure in made.procedures}
    for newer, older in pairwise(made.runs):
        assert older.started_at < older.ended_at <= older.created_at < newer.started_at
    for run in made.runs:
        assert run.ended_at - run.started_at == run.duration
        assert run.started_at > created_at[run.procedure.id]
        assert run.started_at.microsecond % 1000 == 0


def test_runs_have_every_outcome_environment_sample_and_null_of_the_api(made):
    assert {run.outcome for run in made.runs} == {"PASS", "FAIL", "ERROR", "TIMEOUT", "ABORTED"}
    assert {run.unit.sample for run in made.runs} == {None, "golden", "failing", "ignored"}
    for read in (
        lambda run: run.execution_id,
        lambda run: run.slot_key,
        lambda run: run.procedure.version,
        lambda run: run.unit.batch,
        lambda run: run.docstring,
        lambda run: run.created_by_user,
        lambda run: run.created_by_station,
        lambda run: run.operated_by,
        lambda run: run.operated_by and run.operated_by.id,
    ):
        assert {read(run) is None for run in made.runs} == {True, False}
    assert all((run.created_by_user is None) is not (run.created_by_station is None) for run in made.runs)


def test_first_pass_yield_is_high_except_at_one_station(made):
    """Most units pass in the end."""
    first = [run for run in made.runs if run.docstring is None and run.created_by_station]
    tested = Counter(run.created_by_station.name for run in first)
    passed = Counter(run.created_by_station.name for run in first if run.outcome == "PASS")
    yields = {name: passed[name] / tested[name] for name in tested}
    worst = yields.pop("FVT bench 2")
    assert worst < 0.75
    assert min(yields.values()) > 0.8
    ends = {(run.unit.id, run.procedure.id): run.outcome for run in reversed(made.runs)}
    assert Counter(ends.values())["PASS"] > 0.93 * len(ends)


def test_failed_units_are_tested_again(made):
    """A unit that did not pass is tested again by the same procedure, at most three times in all."""
    tests = defaultdict(list)
    for run in reversed(made.runs):
        tests[run.unit.id, run.procedure.id].append(run.outcome)
    assert {len(outcomes) for outcomes in tests.values()} == {1, 2, 3}
    assert all("PASS" not in outcomes[:-1] for outcomes in tests.values())


def test_a_procedure_gets_a_new_version_while_the_line_runs(made):
    """Every version has its own id."""
    versions = {run.procedure.version for run in made.runs if run.procedure.version}
    assert {version.tag for version in versions} >= {"v1.0.0", "v1.1.0", "v1.2.0", "v1.1.0-rc.1"}
    assert len({version.id for version in versions}) == len(versions)


def test_people_can_be_complete():
    """On request, all people have names and addresses, in every listing."""
    procedures = make_procedures(40, nulls=False)
    assert [procedure.id for procedure in procedures] == [procedure.id for procedure in PROCEDURES]
    complete = Factory(procedures, runs=300, nulls=False)
    people = [
        *(procedure.created_by_user for procedure in complete.procedures),
        *complete.users,
        *(run.created_by_user for run in complete.runs if run.created_by_user),
        *(run.operated_by for run in complete.runs if run.operated_by),
    ]
    assert all(person.name and person.email and person.id for person in people)
    assert {user.id: (user.name, user.email) for user in complete.users}.items() >= {
        (ref.id, (ref.name, ref.email)) for ref in (procedure.created_by_user for procedure in procedures)
    }


def test_the_users_include_all_creators_and_operators_with_an_account(made):
    users = {(user.id, user.name, user.email) for user in made.users}
    refs = [
        *(procedure.created_by_user for procedure in made.procedures),
        *(run.created_by_user for run in made.runs if run.created_by_user),
        *(run.operated_by for run in made.runs if run.operated_by and run.operated_by.id),
    ]
    assert {(ref.id, ref.name, ref.email) for ref in refs} <= users
    assert {user.banned for user in made.users} == {True, False}
    assert {user.image is None for user in made.users} == {True, False}


def test_given_items_are_listed_instead_of_made_up_ones(made):
    """The line can still continue."""
    given = Factory(PROCEDURES, runs=made.runs[5:8], users=made.users[:1])
    assert given.runs == made.runs[5:8]
    assert given.users == made.users[:1]
    given.produce(2)
    assert given.runs == [*factory(runs=2).runs, *made.runs[5:8]]
    assert given.users == made.users[:1]


@pytest.mark.parametrize("name", ["nope", "procedure", "rows"])
def test_items_of_an_unknown_listing_are_refused(name):
    with pytest.raises(
        TypeError, match=f"unexpected keyword argument '{name}': it is not an option or the name of a listing"
    ):
        Factory(PROCEDURES, **{name: []})


def test_when_the_line_continues_new_runs_come_first():
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


def test_runs_go_on_five_minutes_apart(made):
    """The line keeps its pace: a run begins five minutes after the one before, or some seconds more or less."""
    spans = [newer.started_at - older.started_at for newer, older in pairwise(made.runs)]
    assert all(abs(span - timedelta(minutes=5)) < timedelta(seconds=45) for span in spans)


def test_the_end_moves_the_whole_factory():
    """The same seed makes the same factory, relative to its end."""
    fixed = Factory(40, runs=40)
    ends = datetime(2030, 5, 17, 12, 0, 0, 123_456, tzinfo=UTC)
    moved = Factory(40, runs=40, until=ends)
    (by,) = {after.started_at - before.started_at for after, before in zip(moved.runs, fixed.runs, strict=True)}
    assert [run.id for run in moved.runs] == [run.id for run in fixed.runs]
    for name, field in (
        *(("procedures", "created_at"), ("units", "created_at"), ("batches", "created_at"), ("parts", "created_at")),
        *(("deployments", "deployed_at"), ("logs", "created_at"), ("measurements", "started_at")),
        *(("phases", "started_at"), ("runs", "created_at")),
    ):
        pairs = zip(getattr(moved, name), getattr(fixed, name), strict=True)
        assert {getattr(after, field) - getattr(before, field) for after, before in pairs} == {by}, name
    assert ends - timedelta(minutes=5) < moved.runs[0].created_at <= ends
    assert moved.runs[0].created_at.microsecond % 1000 == 0
    moved.produce(2)
    assert moved.runs[2:] == Factory(40, runs=40, until=ends).runs


@pytest.mark.parametrize(
    ("until", "complaint"),
    [
        (datetime(2030, 1, 1), "until must be timezone-aware, got datetime"),  # noqa: DTZ001 - naive on purpose
        (datetime(1999, 12, 31, tzinfo=UTC), "until must be from the year 2000 to 2100, got 1999-12-31"),
    ],
)
def test_an_end_that_no_factory_can_have_is_refused(until, complaint):
    with pytest.raises(ValueError, match=complaint):
        Factory(3, until=until)


def test_factories_of_the_same_numbers_share_items_and_not_lists():
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


def test_what_a_unit_tells_of_its_runs_follows_when_the_line_continues():
    """So do batches. An item that a test has replaced stays."""
    few = factory(runs=60)
    replaced = few.units[-1] = evolve(few.units[-1], serial_number="OWN")
    assert few.batches
    few.produce(60)
    expected = factory(runs=120)
    assert few.units[:-1] == expected.units[:-1]
    assert few.units[-1] is replaced
    assert few.batches == expected.batches
    assert few.phases == expected.phases


def test_a_unit_without_news_is_not_made_again():
    """A busy line would otherwise make all units anew with each request."""
    few = factory(runs=400)
    before = {id(unit): unit for unit in few.units}
    batches = {id(batch): batch for batch in few.batches}
    few.produce(1)
    assert len([unit for unit in few.units if id(unit) not in before]) == 1
    assert len([batch for batch in few.batches if id(batch) not in batches]) <= 1


@pytest.mark.parametrize("year", [1, 9999])
def test_procedures_of_any_time(year):
    """A factory with the oldest or the newest possible procedures has runs, parts and deployments."""
    procedures = [evolve(procedure, created_at=procedure.created_at.replace(year=year)) for procedure in PROCEDURES]
    old = Factory(procedures, runs=5)
    assert (len(old.runs), len(old.parts)) == (5, 8)
    assert old.deployments[-1].deployed_at < old.runs[-1].started_at
