"""`testing.builders`: models for tests.

- The builders make any model, with an ID that depends on the arguments, and in the order of a listing; what the model
  cannot have is refused.
"""

import inspect
import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import attrs
import pytest

from aiotofupilot import Procedure, Repository, UserRef, from_wire, models, to_wire
from aiotofupilot.models import (
    Batch,
    Log,
    Measurement,
    Operator,
    Part,
    Phase,
    ProcedureRef,
    Revision,
    Run,
    RunSequence,
    Station,
    Unit,
    UnitRef,
    User,
    Validator,
)
from aiotofupilot.models.fields import fields_of
from aiotofupilot.testing import make, make_measurement, make_phase, make_run

MADE = [
    model
    for name in models.__all__
    if attrs.has(model := getattr(models, name)) and name not in {"Page", "PageMeta", "RawItem"}
]
REFERENCES = (
    "UserRef Operator ProcedureRef StationRef PartRef BatchRef UnitRef RunUnit LastRun LogRun RunProcedure RunRef"
)
REFERENCES += " RunStation PhaseRef CreationRun RecentRun RelatedUnit RelatedPart RevisionPart BatchUnit"
IDENTIFIED = [
    model
    for model in MADE
    if "id" in {field.name for field in fields_of(model)} and model.__name__ not in REFERENCES.split()
]
DERIVING = {Run: make_run, Phase: make_phase, Measurement: make_measurement}
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def undated(item):
    """Return all but the times of an item, because each item of a listing has its own."""
    return re.sub(r'"20\d\d-[^"]*Z"', "", json.dumps(to_wire(item)))


def of(model):
    def build(**changes):
        return make(model, **changes)

    return build


def test_every_model_can_be_made_sent_and_read():
    """Without arguments, it has the types that the API promises. A made-up ID is a UUID, in the usual spelling.

    Its ID depends only on the arguments, in this run and in any other. So does all else but the times of a listing.
    """
    for model in MADE:
        item = make(model)
        assert type(item) is model
        assert undated(make(model)) == undated(item) == undated(DERIVING.get(model, of(model))())
        assert from_wire(json.loads(json.dumps(to_wire(item))), model) == item
    made = {model.__name__: make(model).id for model in IDENTIFIED}
    assert [identity for identity in made.values() if str(UUID(identity)) != identity] == []
    assert sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:16] == "3e908be368cceda1", made
    for build in (*map(of, IDENTIFIED), *DERIVING.values()):
        assert build(id="x").id == "x"


def test_nulls_and_names_of_the_api_can_be_made():
    assert make(Procedure, created_by_user=make(User, name=None, id="u", email=None)).created_by_user == UserRef("u")
    assert make(Repository, id="r", provider=None).provider is None
    bare = make(Procedure, id="p", created_by_user=None, linked_repository=None, created_at=WHEN)
    assert bare == Procedure("p", "Battery Pack Functional Test", WHEN)
    assert make(Repository, name="repo", full_name="org/repo", id="r") == Repository("r", "repo", "org/repo", "github")


REFUSED = [
    # The model, what it is made of, and the error.
    (Run, {"outcom": "FAIL"}, "Run has no field 'outcom': it has id, created_at, "),
    (models.Team, {"zzz": 1}, "Team has no field 'zzz': it has id, name"),
    (Run, {"outcome": 5}, "Run cannot have this value: $.outcome: expected a string, got a number"),
    (Run, {"duration": 3}, "Run cannot have this value: $.duration: expected a duration string, got a number"),
    (Run, {"unit": make(Station)}, "Run cannot have this value: $.unit.serial_number: it is missing"),
    (Run, {"sequences": [make(Unit)]}, "Run cannot have this value: $.sequences[0].path: it is missing"),
    (Run, {"sequences": 5}, "Run cannot have this value: $.sequences: expected an array, got a number"),
    (Run, {"unit": Unit.__init__}, "JSON has no function, got <function "),
    (Part, {"revisions": "AB"}, "Part cannot have this value: $.revisions: expected an array, got a string"),
    (Run, {"started_at": None}, "Run cannot have this value: $.started_at: expected a date-time string, got null"),
    (Run, {"metadata": 1}, "Run cannot have this value: $.metadata: expected an object, got a number"),
    (Phase, {"retry_count": True}, "Phase cannot have this value: $.retry_count: expected an integer, got a boolean"),
    (Measurement, {"value": [1]}, "Measurement cannot have this value: $.value: expected a number, got an array"),
    (Run, {"procedure": make(Station)}, "Run cannot have this value: $.procedure.version: it is missing"),
    (Unit, {"part": make(Station)}, "Unit cannot have this value: $.part.number: it is missing"),
    (Unit, {"part": make(Part, revisions=[])}, "Unit cannot have this value: $.part.revision: it is missing"),
    (Run, {"version": 3}, "ProcedureVersion cannot have this value: $.tag: expected a string, got a number"),
    (Phase, {"run": make(Unit)}, "run must be Run or None, got Unit("),
    (Measurement, {"phase": make_run()}, "phase must be Phase or None, got Run("),
]


@pytest.mark.parametrize(("model", "changes", "complaint"), REFUSED, ids=[complaint for *_, complaint in REFUSED])
def test_what_no_model_can_have_is_refused_at_once(model, changes, complaint):
    for build in (of(model), DERIVING.get(model, of(model))):
        with pytest.raises(TypeError, match=f"^{re.escape(complaint)}"):
            build(**changes)


OTHER = {
    "unit": make(Unit, serial_number="SN-2"),
    "procedure": make(Procedure, name="Burn-In"),
    "procedures": [],
    "part": make(Part, number="INV-2000"),
    "batch": None,
    "run": make_run("FAIL"),
    "phase": make_phase("Self Test"),
    "created_by_user": make(User, name="Mina Okafor"),
    "created_by_station": None,
    "linked_repository": None,
    "team": None,
    "operated_by": None,
    "metadata": {"shift": "B"},
    "sequences": [make(RunSequence)],
    "revisions": [make(Revision), make(Revision, number="B")],
    "validators": [make(Validator)],
    "parent": make(Unit, serial_number="SN-2"),
    "children": [make(Unit, serial_number="SN-2")],
    "last_run": make_run(),
    "commit": None,
    "repository": make(Repository),
    "stations": [],
    "duration": timedelta(seconds=1),
    "value": 5,
    "bool_value": True,
    "status": "building",
    "line_number": 5,
    "environment": "preview",
}
"""Arguments that no builder has by default."""
APART = {Unit: {"parent", "children", "last_run"}, User: {"image", "banned"}}
"""Arguments that make the same item at another time."""


def other(name, default):
    if name in OTHER:
        return OTHER[name]
    if name.endswith("_at"):
        return WHEN
    if isinstance(default, bool):
        return not default
    return 7 if isinstance(default, int) else "another"


def test_an_id_depends_on_every_argument():
    """But for what another item or a later time adds to the same item."""
    wrong = []
    apart = {"aiotofupilot.models.details"}
    of_details = {model for model in IDENTIFIED if model.__module__ in apart}
    for model in set(IDENTIFIED) - of_details:
        arguments = set(inspect.signature(DERIVING[model]).parameters) if model in DERIVING else set()
        for name in arguments.union(field.name for field in fields_of(model)) - {"id", "fields"}:
            made = make(model, **{name: other(name, getattr(make(model), name, None))})
            wrong += [(model, name)] * ((made.id == make(model).id) is not (name in APART.get(model, ())))
    assert wrong == []


def test_details_have_what_the_example_of_their_item_has():
    """A field of details that the item lacks is empty, null, or an example by its name or kind."""
    run, details = make_run(), make(models.RunDetails, outcome="FAIL", logs=[make(models.RunLog)])
    assert (details.unit, details.procedure, details.duration) == (run.unit, run.procedure, run.duration)
    assert (details.outcome, details.phases, details.metadata) == ("FAIL", (), None)
    assert details.created_by_station == models.RunStation(run.created_by_station.id, run.created_by_station.name)
    assert [(log.level, log.message) for log in details.logs] == [("INFO", "message")]
    assert details.id != make(models.RunDetails).id
    assert make(models.Identity).user == make(UserRef)


def test_details_take_series_json_and_other_items():
    series = make(models.DataSeries, data=[1, 2.5], units="V")
    assert (series.data, series.units) == ((1, 2.5), "V")
    swept = make(models.MeasurementDetails, measured_value=None, data_series=[series], run=make_run("FAIL"))
    assert (swept.data_series, swept.run.outcome) == ((series,), "FAIL")
    assert make(models.RunMeasurement, measured_value=[1, {"a": [None]}]).measured_value == (1, {"a": (None,)})
    unit = make(Unit, serial_number="SN-2")
    parent = make(models.UnitDetails, children=[unit]).children[0]
    assert (parent.id, parent.part.number, parent.part.revision) == (unit.id, unit.part.number, unit.part.revision)
    one, other = (make(models.Attachment, download_url=url) for url in ("https://a.example", None))
    assert one.id == other.id


def test_the_order_of_metadata_does_not_matter():
    assert make_run(metadata={"a": 1, "b": 2}).id == make_run(metadata={"b": 2, "a": 1}).id
    assert make(Unit, metadata={"a": 1, "b": 2}).id == make(Unit, metadata={"b": 2, "a": 1}).id


TIMES = dict.fromkeys((Procedure, Part, Batch, Unit, Log), "created_at")
TIMES |= {**dict.fromkeys((Run, Phase, Measurement), "started_at"), models.Deployment: "deployed_at"}
"""The time by which the listing of a model is sorted."""


@pytest.mark.parametrize(("model", "time"), TIMES.items())
def test_items_made_one_after_the_other_have_the_times_of_a_listing(model, time):
    """The newest comes first, and they are so close that a follower looks for each of them, wherever it is inserted."""
    times = [getattr(make(model, id=f"{number % 9}"), time) for number in range(120)]
    assert times == sorted(set(times), reverse=True)
    assert times[0] - times[-1] < timedelta(seconds=10)
    assert getattr(make(model, **{time: WHEN}), time) == WHEN


def test_what_began_with_a_run_that_has_no_time_has_none():
    phase = make_phase(started_at=None)
    assert (phase.ended_at, make_measurement(phase=phase).started_at) == (None, None)


def test_an_id_does_not_depend_on_what_was_made_before():
    """Not even that of an item which refers to another one by its time, as a log does to its run."""
    run = make_run("FAIL")
    later = attrs.evolve(run, started_at=run.started_at + timedelta(milliseconds=1))
    for build in (make_phase, of(Log)):
        assert build(run=run).id == build(run=later).id != build(run=make_run()).id


@pytest.mark.parametrize(
    ("build", "name"),
    [
        *((of(model), "created_at") for model in (Procedure, Part, Batch, Unit, Log)),
        (make_run, "started_at"),
        (make_run, "created_at"),
        (of(RunSequence), "started_at"),
        (make_phase, "started_at"),
        (of(models.Commit), "committed_at"),
        (of(models.Deployment), "deployed_at"),
    ],
)
def test_a_time_is_aware_and_has_milliseconds_as_those_that_the_api_sends(build, name):
    """So what a test gets from a server is equal to what it made. No server can have sent a naive one."""
    with pytest.raises(ValueError, match=r"^date-times must be timezone-aware, got datetime\.datetime\(2026, 1, 1"):
        build(**{name: datetime(2026, 1, 1)})  # noqa: DTZ001 - naive on purpose
    made = build(**{name: datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)})
    assert getattr(made, name).microsecond == 123_000


class TestLinks:
    def test_a_run_is_of_the_unit_that_is_made_of_the_same_arguments(self):
        unit = make(Unit, serial_number="SN-1", sample="golden", part=make(Part, number="INV-2000"), batch=None)
        for run, made in [(make_run(), make(Unit)), (make_run("FAIL", unit=unit), unit)]:
            assert (run.unit.id, run.unit.serial_number) == (made.id, made.serial_number)
            assert (run.unit.part, run.unit.batch, run.unit.sample) == (made.part, made.batch, made.sample)

    def test_a_unit_stays_itself_when_it_is_run_and_assembled(self):
        unit = make(Unit, serial_number="SN-1")
        run = make_run(unit=unit)
        board = make(Unit, serial_number="SN-1-1", parent=unit)
        later = make(Unit, serial_number="SN-1", last_run=run, children=[board, UnitRef("u", "SN-1-2")])
        assert later.id == unit.id == run.unit.id
        assert later.last_run.id == run.id
        assert (later.last_run.outcome, later.last_run.ended_at) == (run.outcome, run.ended_at)
        assert later.last_run.procedure == ProcedureRef(run.procedure.id, run.procedure.name)
        assert [child.serial_number for child in later.children] == ["SN-1-1", "SN-1-2"]
        assert board.parent == UnitRef(unit.id, "SN-1")

    def test_a_unit_is_of_a_part_a_revision_and_a_batch(self):
        part = make(Part, number="INV-2000", revisions=[make(Revision), make(Revision, number="B")])
        batch = make(Batch, number="W6")
        assert make(Unit, part=part).part == models.PartRef(part.id, part.number, part.name, make(Revision, number="B"))
        first = make(models.PartRef, revision=make(Revision))
        assert make(Unit, part=first).part.revision == make(Revision)
        assert make(Unit, batch=batch).batch == models.BatchRef(batch.id, "W6")

    def test_a_run_is_of_a_procedure_and_its_version(self):
        procedure = make(Procedure, name="Burn-In")
        run = make_run(procedure=procedure, version="v2")
        assert (run.procedure.id, run.procedure.name, run.procedure.version.tag) == (procedure.id, "Burn-In", "v2")
        assert run.procedure.version != make_run(procedure=procedure).procedure.version
        assert type(run.procedure.version) is models.ProcedureVersion
        assert make_run(version=None).procedure.version is None
        assert make(Run, procedure=run.procedure).procedure == run.procedure
        assert make(models.RunProcedure) == make_run().procedure
        assert make_run().procedure.id == make(Procedure).id

    def test_people_and_stations_create_items(self):
        user, station = make(User, name="Mina Okafor"), make(Station, name="Bench 2")
        for build in (make_run, of(Unit), of(Batch)):
            item = build(created_by_user=user, created_by_station=station)
            assert item.created_by_user == UserRef(user.id, user.name, user.email)
            assert item.created_by_station == models.StationRef(station.id, station.name)
            again = build(created_by_user=item.created_by_user, created_by_station=item.created_by_station)
            assert undated(again) == undated(item)
        assert make_run(operated_by=user).operated_by == Operator(user.id, user.name, user.email)

    def test_what_a_run_wrote_is_of_the_run(self):
        run = make_run("FAIL", unit=make(Unit, serial_number="SN-1", sample="failing"), created_by_user=make(User))
        log = make(Log, run=run)
        assert log.run == models.LogRun(run.id, run.outcome, run.started_at)
        assert log.unit == UnitRef(run.unit.id, run.unit.serial_number)
        assert log.procedure.id == run.procedure.id
        assert run.started_at < log.created_at < run.ended_at
        assert (log.created_by_user, log.created_by_station) == (run.created_by_user, run.created_by_station)
        assert make(Log, run=log.run).run == log.run
        phase = make_phase(run=run, retry_count=1, is_final_attempt=False)
        measurement = make_measurement(phase=phase)
        for item in (phase, measurement):
            assert (item.run_id, item.serial_number, item.sample) == (run.id, "SN-1", "failing")
            assert (item.retry_count, item.is_final_attempt) == (1, False)
            assert run.started_at < item.started_at < run.ended_at
        assert phase.run_outcome == "FAIL"
        assert measurement.phase_name == phase.name

    def test_a_deployment_is_of_a_procedure_and_went_to_stations(self):
        procedure = make(Procedure, name="Burn-In")
        deployment = make(models.Deployment, procedure=procedure, stations=[make(Station)])
        assert deployment.procedure == ProcedureRef(procedure.id, "Burn-In")
        assert deployment.stations == (make(models.StationRef),)
        assert make(models.Deployment, repository=make(Repository, provider="gitlab")).repository.provider == "gitlab"
        assert make(models.Deployment, procedure=None).procedure is None
        commit = make(models.Commit, committed_at=None, branch=None)
        assert make(models.Deployment, commit=commit).commit == commit
        assert (commit.committed_at, commit.branch) == (None, None)

    def test_a_station_counts_its_procedures(self):
        procedures = [make(Procedure, name="A"), make(Procedure, name="B")]
        station = make(Station, procedures=iter(procedures))
        assert station.procedures_count == 2
        assert station.procedures[1] == ProcedureRef(procedures[1].id, "B")


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("made", "begun", "ended"),
    [
        (make_run(started_at=WHEN, duration=5 * SECOND), WHEN, WHEN + 5 * SECOND),
        (make_run(started_at=WHEN, duration=SECOND + timedelta(microseconds=1)), WHEN, WHEN + SECOND),
        (make_phase(started_at=WHEN, duration_ms=1500), WHEN, WHEN + 1.5 * SECOND),
        (make_phase(started_at=WHEN, duration_ms=None), WHEN, None),
        (make_phase(started_at=None), None, None),
        (make_run(ended_at=WHEN, started_at=WHEN), WHEN, WHEN),
    ],
)
def test_an_item_ends_after_its_duration_unless_its_end_is_given(made, begun, ended):
    """An end has milliseconds, whatever the duration has."""
    assert (made.started_at, made.ended_at) == (begun, ended)


def test_a_run_is_uploaded_after_its_end():
    run = make_run(started_at=WHEN, duration=5 * SECOND)
    assert run.created_at > run.ended_at
    assert run.duration == 5 * SECOND
    assert make_run(duration=SECOND + timedelta(microseconds=1)).duration == SECOND + timedelta(microseconds=1)
    assert make_run(created_at=WHEN).created_at == WHEN
    assert make_run(sequences=[make(RunSequence)]).sequences == (make(RunSequence),)


@pytest.mark.parametrize(
    ("value", "fields", "kind"),
    [
        (12.5, (12.5, None, None), "numeric"),
        (3, (3, None, None), "numeric"),
        (True, (None, True, None), "boolean"),
        ("2.4.1", (None, None, "2.4.1"), "string"),
        (None, (None, None, None), "empty"),
    ],
)
def test_a_measured_value_stands_in_the_field_of_its_type(value, fields, kind):
    measurement = make_measurement("x", value)
    assert (measurement.value, measurement.bool_value, measurement.string_value) == fields
    assert measurement.measurement_type == kind
    assert make_measurement("x", value, measurement_type="json").measurement_type == "json"


def test_what_is_not_the_model_of_an_item_is_refused():
    """A page has items, which are made one by one."""
    for model in (models.Page, models.RawItem, int, "Run", make(Run), None, [Run]):
        with pytest.raises(TypeError, match=r"^model must be the class of an item or of a part of one, such as Run"):
            make(model)
