"""`testing.builders`: models for tests."""

import inspect
from datetime import UTC, datetime, timedelta
from uuid import UUID

import attrs
import orjson
import pytest
from fakes.wire_listings import MODELS, body, is_bare

from aiotofupilot import Page, PageMeta, Procedure, Repository, UserRef, models
from aiotofupilot._wire.codec import PageDecoder, to_wire
from aiotofupilot.testing import (
    builders,
    make_batch,
    make_commit,
    make_deployment,
    make_deployment_repository,
    make_last_run,
    make_log,
    make_log_run,
    make_measurement,
    make_operator,
    make_page,
    make_part,
    make_part_ref,
    make_phase,
    make_procedure,
    make_procedure_ref,
    make_procedure_version,
    make_repository,
    make_revision,
    make_run,
    make_run_procedure,
    make_run_sequence,
    make_run_unit,
    make_station,
    make_station_ref,
    make_team,
    make_unit,
    make_unit_ref,
    make_user,
    make_user_ref,
    make_validator,
)

ITEMS = {
    "procedures": make_procedure,
    "runs": make_run,
    "units": make_unit,
    "parts": make_part,
    "batches": make_batch,
    "stations": make_station,
    "users": make_user,
    "deployments": make_deployment,
    "logs": make_log,
    "measurements": make_measurement,
    "phases": make_phase,
}
IDENTIFIED = [*ITEMS.values(), make_repository, make_procedure_version, make_team, make_revision]
IDENTIFIED += [make_commit, make_run_sequence]
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_procedure_is_complete():
    """Without arguments, every field has a value."""
    procedure = make_procedure()
    assert procedure == Procedure(
        id=procedure.id,
        name="Battery Pack Functional Test",
        created_at=datetime(2026, 1, 30, 16, 45, tzinfo=UTC),
        created_by_user=make_user_ref(),
        linked_repository=make_repository(),
    )


@pytest.mark.parametrize("make", IDENTIFIED)
def test_an_id_is_a_uuid(make):
    """A made-up id is a UUID, in the usual spelling."""
    assert str(UUID(make().id)) == make().id


def test_the_same_arguments_make_the_same():
    """The item depends only on the arguments, in this run and in any other."""
    assert make_procedure(name="Burn-In") == make_procedure(name="Burn-In")
    assert make_user().id == "ff1408b8-ed5d-5d87-bae4-9e3171e431a3"
    assert make_procedure().id == "7e8b01b6-bf3c-58ed-ab69-069244c03c0b"


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Burn-In"},
        {"created_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"created_by_user": None},
        {"created_by_user": make_user("Mina Okafor")},
        {"linked_repository": None},
        {"linked_repository": make_repository("org/rf-bench", provider="gitlab")},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_arguments_make_another_id(other):
    """Procedures that differ are different ones, so that a listing may hold both."""
    assert make_procedure(**other).id != make_procedure().id


def test_an_id_can_be_chosen():
    """A given id is kept."""
    assert make_procedure(id="p").id == "p"
    assert make_repository(id="r").id == "r"
    assert make_user(id="u").id == "u"


def test_nulls_of_the_api_can_be_made():
    """None is a value, where the API has nulls."""
    assert make_user_ref(make_user(None, id="u", email=None)) == UserRef("u", None, None)
    assert make_repository(id="r", provider=None).provider is None
    assert make_procedure(id="p", created_by_user=None, linked_repository=None) == Procedure(
        "p", "Battery Pack Functional Test", datetime(2026, 1, 30, 16, 45, tzinfo=UTC)
    )


@pytest.mark.parametrize(("full_name", "name"), [("org/repo", "repo"), ("org/group/repo", "repo"), ("repo", "repo")])
def test_a_repository_is_named_after_its_full_name(full_name, name):
    """The short name is the part behind the last slash."""
    assert make_repository(full_name, id="r") == Repository("r", name, full_name, "github")


def test_a_naive_date_is_refused():
    """No server can have sent one."""
    with pytest.raises(ValueError, match=r"created_at must be timezone-aware, got datetime\.datetime\(2026, 1, 1"):
        make_procedure(created_at=datetime(2026, 1, 1))  # noqa: DTZ001 - naive on purpose


def test_a_page_says_what_follows():
    """A page has more where it has a next cursor, and is the only one otherwise."""
    assert make_page() == Page([], PageMeta(has_more=False, next_cursor=None), 0)
    items = (make_procedure(),)
    assert make_page(items, cursor=50, next_cursor=51) == Page([*items], PageMeta(has_more=True, next_cursor=51), 50)


@pytest.mark.parametrize(
    "name", [name for name in models.__all__ if attrs.has(getattr(models, name)) and name != "PageMeta"]
)
def test_every_model_has_its_builder(name):
    """Without arguments, it makes an item."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    assert type(getattr(builders, f"make{words}")()) is getattr(models, name)


@pytest.mark.parametrize("make", [getattr(builders, name) for name in builders.__all__])
def test_what_is_made_of_the_same_arguments_is_equal(make):
    assert make() == make()


@pytest.mark.parametrize("name", ITEMS)
def test_what_is_made_can_be_sent_and_read(name):
    """It has the types that the API promises."""
    item = ITEMS[name]()
    sent = orjson.dumps(body(name, to_wire(item)))
    assert PageDecoder(MODELS[name], bare=is_bare(name))(sent, 0).data == [item]


OTHER = {
    "unit": make_unit("SN-2"),
    "procedure": make_procedure("Burn-In"),
    "procedures": [],
    "part": make_part("INV-2000"),
    "revision": make_revision("B"),
    "batch": None,
    "run": make_run("FAIL"),
    "phase": make_phase("Self Test"),
    "created_by_user": make_user("Mina Okafor"),
    "created_by_station": None,
    "linked_repository": None,
    "team": None,
    "operated_by": None,
    "metadata": {"shift": "B"},
    "sequences": [make_run_sequence()],
    "revisions": [make_revision("A"), make_revision("B")],
    "validators": [make_validator()],
    "parent": make_unit("SN-2"),
    "children": [make_unit("SN-2")],
    "last_run": make_last_run(),
    "commit": None,
    "repository": None,
    "stations": [],
    "duration": timedelta(seconds=1),
    "value": 5,
    "status": "building",
}
"""Arguments that no builder has by default."""
APART = {"unit": {"parent", "children", "last_run"}, "user": {"image", "banned"}}
"""Arguments that make the same item at another time, by the kind of item."""


def other(parameter):
    if parameter.name in OTHER:
        return OTHER[parameter.name]
    if parameter.name.endswith("_at"):
        return WHEN
    if isinstance(parameter.default, bool):
        return not parameter.default
    return 7 if isinstance(parameter.default, int) else "another"


@pytest.mark.parametrize(
    ("make", "parameter"),
    [
        pytest.param(make, parameter, id=f"{make.__name__}-{parameter.name}")
        for make in IDENTIFIED
        for parameter in inspect.signature(make).parameters.values()
        if parameter.name != "id"
    ],
)
def test_an_id_depends_on_every_argument(make, parameter):
    """But for what another item or a later time adds to the same item."""
    made = make(**{parameter.name: other(parameter)})
    apart = APART.get(make.__name__.removeprefix("make_"), set())
    assert (made.id == make().id) is (parameter.name in apart)


@pytest.mark.parametrize("make", IDENTIFIED)
def test_an_id_is_kept(make):
    assert make(id="x").id == "x"


def test_the_order_of_metadata_does_not_matter():
    assert make_run(metadata={"a": 1, "b": 2}) == make_run(metadata={"b": 2, "a": 1})
    assert make_unit(metadata={"a": 1, "b": 2}).id == make_unit(metadata={"b": 2, "a": 1}).id


MOMENTS = pytest.mark.parametrize(
    ("make", "name"),
    [
        (make_procedure, "created_at"),
        (make_part, "created_at"),
        (make_batch, "created_at"),
        (make_unit, "created_at"),
        (make_run, "started_at"),
        (make_run, "created_at"),
        (make_run_sequence, "started_at"),
        (make_log, "created_at"),
        (make_phase, "started_at"),
        (make_commit, "committed_at"),
        (make_deployment, "deployed_at"),
    ],
)


@MOMENTS
def test_a_naive_moment_is_refused_by_name(make, name):
    with pytest.raises(ValueError, match=rf"^{name} must be timezone-aware, got datetime\.datetime\(2026, 1, 1"):
        make(**{name: datetime(2026, 1, 1)})  # noqa: DTZ001 - naive on purpose


@MOMENTS
def test_a_moment_has_milliseconds_as_those_that_the_api_sends(make, name):
    """So what a test gets from a server is equal to what it made."""
    made = make(**{name: datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)})
    assert getattr(made, name).microsecond == 123_000


def test_an_end_has_milliseconds_whatever_the_duration_has():
    duration = timedelta(seconds=1, microseconds=1)
    ends = [make_run(duration=duration), make_run_sequence(duration=duration), make_phase(duration_ms=1000.001)]
    assert [made.ended_at - made.started_at for made in ends] == [timedelta(seconds=1)] * 3
    assert ends[0].duration == ends[1].duration == duration


class TestLinks:
    def test_a_run_is_of_the_unit_that_is_made_of_the_same_arguments(self):
        unit = make_unit("SN-1", sample="golden", part=make_part("INV-2000"), batch=None)
        for run, of in [(make_run(), make_unit()), (make_run("FAIL", unit=unit), unit)]:
            assert run.unit == make_run_unit(of)
            assert (run.unit.id, run.unit.serial_number) == (of.id, of.serial_number)
            assert (run.unit.part, run.unit.batch, run.unit.sample) == (of.part, of.batch, of.sample)

    def test_a_unit_stays_itself_when_it_is_run_and_assembled(self):
        unit = make_unit("SN-1")
        run = make_run(unit=unit)
        board = make_unit("SN-1-1", parent=unit)
        later = make_unit("SN-1", last_run=make_last_run(run), children=[board, make_unit_ref(make_unit("SN-1-2"))])
        assert later.id == unit.id == run.unit.id
        assert later.last_run.id == run.id
        assert (later.last_run.outcome, later.last_run.ended_at) == (run.outcome, run.ended_at)
        assert [child.serial_number for child in later.children] == ["SN-1-1", "SN-1-2"]
        assert board.parent == make_unit_ref(unit)

    def test_a_unit_is_of_a_part_a_revision_and_a_batch(self):
        part = make_part("INV-2000", revisions=[make_revision("A"), make_revision("B")])
        batch = make_batch("W6")
        assert make_unit(part=part).part == make_part_ref(part, make_revision("B"))
        assert make_unit(part=part, revision=make_revision("A")).part.revision == make_revision("A")
        assert make_unit(batch=batch).batch == models.BatchRef(batch.id, "W6")
        assert make_part("INV-2000").revisions == (make_revision(part_number="INV-2000"),)
        with pytest.raises(ValueError, match="revision must be given, because the part 'X' has no revision"):
            make_unit(part=make_part("X", revisions=[]))

    def test_a_run_is_of_a_procedure_and_its_version(self):
        procedure = make_procedure("Burn-In")
        version = make_procedure_version("v2", procedure=procedure)
        assert make_run(procedure=procedure, version="v2").procedure == make_run_procedure(procedure, version)
        assert make_run(version=None).procedure.version is None
        assert make_run().procedure.id == make_procedure().id

    def test_people_and_stations_create_items(self):
        user, station = make_user("Mina Okafor"), make_station("Bench 2")
        for make in (make_run, make_unit, make_batch):
            item = make(created_by_user=user, created_by_station=station)
            assert item.created_by_user == make_user_ref(user)
            assert item.created_by_station == make_station_ref(station)
            again = make(created_by_user=item.created_by_user, created_by_station=item.created_by_station)
            assert again == item

    def test_what_a_run_wrote_is_of_the_run(self):
        run = make_run("FAIL", unit=make_unit("SN-1", sample="failing"), created_by_user=make_user())
        log = make_log(run=run)
        assert log.run == make_log_run(run)
        assert log.unit == make_unit_ref(make_unit("SN-1", sample="failing"))
        assert (log.procedure.id, log.created_at) == (run.procedure.id, run.started_at)
        assert (log.created_by_user, log.created_by_station) == (run.created_by_user, run.created_by_station)
        phase = make_phase(run=run, retry_count=1, is_final_attempt=False)
        measurement = make_measurement(phase=phase)
        for item in (phase, measurement):
            assert (item.run_id, item.serial_number, item.sample) == (run.id, "SN-1", "failing")
            assert (item.retry_count, item.is_final_attempt, item.started_at) == (1, False, run.started_at)
        assert phase.run_outcome == "FAIL"
        assert measurement.phase_name == phase.name

    def test_a_deployment_is_of_a_procedure_and_went_to_stations(self):
        deployment = make_deployment(procedure=make_procedure("Burn-In"), stations=[make_station()])
        assert deployment.procedure == make_procedure_ref(make_procedure("Burn-In"))
        assert deployment.stations == (make_station_ref(),)
        assert deployment.repository == make_deployment_repository()
        assert make_deployment(procedure=None).procedure is None
        commit = make_commit(committed_at=None, branch=None)
        assert make_deployment(commit=commit).commit == commit
        assert (commit.committed_at, commit.branch) == (None, None)

    def test_a_station_counts_its_procedures(self):
        station = make_station(procedures=[make_procedure("A"), make_procedure("B")])
        assert station.procedures_count == 2
        assert station.procedures[1] == make_procedure_ref(make_procedure("B"))


class TestTimes:
    def test_a_run_ends_after_its_duration_and_is_uploaded_then(self):
        run = make_run(started_at=WHEN, duration=timedelta(seconds=5))
        assert run.ended_at - run.started_at == run.duration == timedelta(seconds=5)
        assert run.created_at > run.ended_at
        assert make_run(created_at=WHEN).created_at == WHEN

    @pytest.mark.parametrize(("duration_ms", "end"), [(1500, WHEN + timedelta(seconds=1.5)), (None, None)])
    def test_a_phase_ends_after_its_duration_if_it_ends(self, duration_ms, end):
        assert make_phase(started_at=WHEN, duration_ms=duration_ms).ended_at == end

    def test_a_sequence_that_did_not_begin_did_not_end(self):
        assert make_run_sequence(started_at=WHEN, duration=timedelta(seconds=2)).ended_at == WHEN + timedelta(seconds=2)
        assert make_run_sequence(started_at=WHEN, duration=None).ended_at is None
        skipped = make_run_sequence(started_at=None)
        assert (skipped.started_at, skipped.ended_at, skipped.duration) == (None, None, None)

    @pytest.mark.parametrize(
        ("status", "begun", "ended"),
        [("pending", 0, 0), ("building", 1, 0), ("ready", 1, 1), ("failed", 1, 1), ("later", 0, 0)],
    )
    def test_a_build_begins_and_ends_as_its_status_says(self, status, begun, ended):
        deployment = make_deployment(status=status)
        assert (deployment.started_at is not None, deployment.ended_at is not None) == (begun, ended)


def test_a_sequence_is_named_by_its_path():
    inner = make_run_sequence("main.power_up")
    assert (inner.parent_path, inner.key, inner.name) == ("main", "power_up", "power_up")
    assert make_run_sequence(name="Main").parent_path is None
    assert make_run(sequences=[inner]).sequences == (inner,)


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


def test_a_validator_spells_its_expression():
    assert make_validator("<=", 50).expression == "x <= 50"
    assert not make_validator().has_custom_expression
    custom = make_validator(None, None, expression="x % 2 == 0")
    assert (custom.expression, custom.is_expression_only, custom.has_custom_expression) == ("x % 2 == 0", True, True)
    assert make_measurement(validators=[custom]).validators == (custom,)
    with pytest.raises(ValueError, match="expression must be given if operator is None"):
        make_validator(None)


def test_an_operator_may_be_a_user():
    assert make_operator() == models.Operator(None, "Night shift", None)
    assert make_operator("Ada Park", id=make_user().id).id == make_user().id
