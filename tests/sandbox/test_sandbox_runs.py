"""The listing of runs."""

import json
from datetime import timedelta

import pytest
from attrs import evolve, fields
from fakes.asking import ask, ids, items

from aiotofupilot.models import Run
from aiotofupilot.sandbox import DeployedRun, Sandbox
from aiotofupilot.sandbox.document import document


@pytest.fixture(scope="module")
def service():
    return Sandbox(30, runs=120)


def moment(value):
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(run):
    """Make a run that does not say where it ran."""
    return Run(**{field.name: getattr(run, field.name) for field in fields(Run)})


MIDDLE = 60

FILTERS = {
    "ids": lambda run, like: run.id == like.id,
    "outcomes": lambda run, like: run.outcome == like.outcome,
    "procedure_ids": lambda run, like: run.procedure.id == like.procedure.id,
    "procedure_versions": lambda run, like: run.procedure.version and run.procedure.version.tag == "v1.0.0",
    "slot_keys": lambda run, like: run.slot_key == "slot_2",
    "slot_names": lambda run, like: run.slot_name == "EOL line 1, slot 3",
    "serial_numbers": lambda run, like: run.unit.serial_number == like.unit.serial_number,
    "part_numbers": lambda run, like: run.unit.part.number == like.unit.part.number,
    "revision_numbers": lambda run, like: run.unit.part.revision.number == like.unit.part.revision.number,
    "duration_min": lambda run, like: run.duration >= like.duration,
    "duration_max": lambda run, like: run.duration <= like.duration,
    "started_after": lambda run, like: run.started_at >= like.started_at,
    "started_before": lambda run, like: run.started_at <= like.started_at,
    "ended_after": lambda run, like: run.ended_at >= like.ended_at,
    "ended_before": lambda run, like: run.ended_at <= like.ended_at,
    "created_after": lambda run, like: run.created_at >= like.created_at,
    "created_before": lambda run, like: run.created_at <= like.created_at,
}

VALUES = {
    "ids": lambda run: run.id,
    "outcomes": lambda run: run.outcome,
    "procedure_ids": lambda run: run.procedure.id,
    "procedure_versions": lambda run: "v1.0.0",
    "slot_keys": lambda run: "slot_2",
    "slot_names": lambda run: "EOL line 1, slot 3",
    "serial_numbers": lambda run: run.unit.serial_number,
    "part_numbers": lambda run: run.unit.part.number,
    "revision_numbers": lambda run: run.unit.part.revision.number,
    "duration_min": lambda run: document(run.duration),
    "duration_max": lambda run: document(run.duration),
    "started_after": lambda run: moment(run.started_at),
    "started_before": lambda run: moment(run.started_at),
    "ended_after": lambda run: moment(run.ended_at),
    "ended_before": lambda run: moment(run.ended_at),
    "created_after": lambda run: moment(run.created_at),
    "created_before": lambda run: moment(run.created_at),
}


def test_a_filter_selects_runs_in_the_listings_order(service):
    like = service.runs[MIDDLE]
    for name, selects in FILTERS.items():
        expected = [run.id for run in service.runs if selects(run, like)]
        assert 0 < len(expected) < 120, name
        assert ids(service, "runs", {name: VALUES[name](like)}) == expected, name


def test_filter_by_what_may_be_missing(service):
    """Two values select what has either; what has none is not selected."""
    for name, read in [
        ("execution_ids", lambda run: run.execution_id),
        ("batch_numbers", lambda run: run.unit.batch and run.unit.batch.number),
        ("created_by_user_ids", lambda run: run.created_by_user and run.created_by_user.id),
        ("created_by_station_ids", lambda run: run.created_by_station and run.created_by_station.id),
        ("operated_by_ids", lambda run: run.operated_by and run.operated_by.id),
        ("operated_by_names", lambda run: run.operated_by and run.operated_by.name),
        ("samples", lambda run: run.unit.sample),
    ]:
        first, second = list(dict.fromkeys(read(run) for run in service.runs if read(run)))[:2]
        expected = [run.id for run in service.runs if read(run) in (first, second)]
        assert 0 < len(expected) < 120
        assert ids(service, "runs", [(name, first), (name, second)]) == expected


def test_the_sample_production_selects_units_of_production(service):
    expected = [run.id for run in service.runs if run.unit.sample in (None, "golden")]
    assert ids(service, "runs", [("samples", "production"), ("samples", "golden")]) == expected


def test_an_empty_batch_number_selects_units_without_a_batch(service):
    assert ids(service, "runs", {"batch_numbers": ""}) == [run.id for run in service.runs if run.unit.batch is None]


def test_every_run_belongs_to_one_environment(service):
    """Development has no version and no deployment."""
    found = {name: ids(service, "runs", {"environments": name}) for name in ("production", "preview", "development")}
    assert sorted(identity for listed in found.values() for identity in listed) == sorted(
        run.id for run in service.runs
    )
    assert found["development"] == [run.id for run in service.runs if run.procedure.version is None]
    assert len(found["preview"]) == sum(
        "-rc" in run.procedure.version.tag for run in service.runs if run.procedure.version
    )


def test_a_part_of_the_serial_number_is_found(service):
    """A text of 8 characters or more also finds the beginning of the id."""
    run = service.runs[7]
    by_serial = [other.id for other in service.runs if run.unit.serial_number[2:] in other.unit.serial_number]
    assert ids(service, "runs", {"search_query": run.unit.serial_number[2:].lower()}) == by_serial
    assert ids(service, "runs", {"search_query": run.id[:8].upper()}) == [run.id]
    assert ids(service, "runs", {"search_query": run.id[:7]}) == []
    assert ids(service, "runs", {"search_query": run.id[1:20]}) == []


def test_several_filters_select_runs_that_match_all_of_them(service):
    query = {"outcomes": "FAIL", "part_numbers": "INV-2000", "duration_min": "PT30S"}
    expected = [
        run.id
        for run in service.runs
        if run.outcome == "FAIL" and run.unit.part.number == "INV-2000" and run.duration >= timedelta(seconds=30)
    ]
    assert expected
    assert ids(service, "runs", query) == expected
    assert ids(service, "runs", {**query, "ids": "nope"}) == []


SORTS = {
    "started_at": lambda run: run.started_at,
    "created_at": lambda run: run.created_at,
    "duration": lambda run: run.duration,
    "outcome": lambda run: run.outcome,
    "serial_number": lambda run: run.unit.serial_number,
    "part_number": lambda run: run.unit.part.number,
    "revision_number": lambda run: run.unit.part.revision.number,
}


def test_runs_come_in_the_order_that_is_asked_for(service):
    """The other direction is the reverse."""
    for sort_by, key in SORTS.items():
        found = {order: ids(service, "runs", {"sort_by": sort_by, "sort_order": order}) for order in ("asc", "desc")}
        by_id = {run.id: run for run in service.runs}
        keys = [key(by_id[identity]) for identity in found["desc"]]
        assert keys == sorted(keys, reverse=True)
        assert len(set(found["desc"])) == 120
        assert found["asc"] == found["desc"][::-1]


def test_without_a_sort_order_the_newest_run_comes_first(service):
    assert ids(service, "runs") == [run.id for run in service.runs]


def test_metadata_and_sequences_on_request(service):
    """Metadata and sequences are there if they are asked for, and only then. A sequence of phases is there once."""
    bare, full = items(service, "runs"), items(service, "runs", {"include_metadata": "1", "include_sequences": "true"})
    assert not any("metadata" in item or "sequences" in item for item in bare)
    assert all(item["metadata"].keys() == {"shift", "humidity", "rework"} for item in full)
    for item in full:
        paths = {phase.sequence_path for phase in service.phases if phase.run_id == item["id"]}
        assert sorted(sequence["path"] for sequence in item["sequences"]) == sorted(paths)
    outcomes = {sequence["outcome"] for item in full for sequence in item["sequences"]}
    assert outcomes >= {"PASS", "FAIL", "SKIP", "ERROR"}
    assert [{**item, "metadata": 0, "sequences": 0} for item in full] == [
        {**item, "metadata": 0, "sequences": 0} for item in bare
    ]


def test_metadata_are_filtered_by_whether_they_are_shown_or_not(service):
    """An empty filter is no filter."""
    full = items(service, "runs", {"include_metadata": "true"})
    expected = [item["id"] for item in full if item["metadata"]["humidity"] >= 45 and item["metadata"]["shift"] == "A"]
    conditions = json.dumps({"humidity": {"gte": 45}, "shift": {"in": ["A"]}})
    assert 0 < len(expected) < 120
    assert ids(service, "runs", {"metadata": conditions}) == expected
    assert len(ids(service, "runs", {"metadata": ""})) == 120


def test_a_run_that_a_test_adds_is_listed_and_filtered():
    """It has no environment and no deployment."""
    service = Sandbox(3, runs=5)
    like = plain(service.runs[0])
    own = evolve(like, id="own", metadata={"shift": "Z"}, sequences=(), started_at=like.started_at + timedelta(days=1))
    bare = evolve(own, id="bare", metadata=None, sequences=None)
    service.runs[:0] = [own, bare]
    assert ids(service, "runs")[:2] == ["own", "bare"]
    assert ids(service, "runs", {"metadata": json.dumps({"shift": {"contains": "Z"}})}) == ["own"]
    for query in ({"environments": "production"}, {"environments": "development"}):
        assert not {"own", "bare"} & set(ids(service, "runs", query))
    full = items(service, "runs", {"include_metadata": "true", "include_sequences": "true"})
    assert [(item["metadata"], item["sequences"]) for item in full[:2]] == [({"shift": "Z"}, []), ({}, [])]


def test_a_given_run_may_say_where_it_ran():
    """It is found by its environment and its deployment, and so is what it wrote. It equals the run that is read."""
    like = plain(Sandbox(3, runs=5).runs[0])
    run = DeployedRun.of(like, environment="preview", deployment_id="d")
    service = Sandbox(3, runs=[evolve(like, id="bare"), run])
    assert ids(service, "runs", {"environments": "preview"}) == [run.id]
    assert ids(service, "runs", {"environments": "production"}) == []
    assert ids(service, "runs", {"deployment_ids": "d"}) == [run.id]
    assert run == like == run == evolve(run, environment=None)
    assert hash(run) == hash(like)
    assert run != evolve(like, id="bare")
    assert run != "run"


def test_given_runs_are_sorted():
    """Runs that a test gives are listed by their own moments, at any place in the list."""
    service = Sandbox(3, runs=5)
    oldest = evolve(service.runs[-1], id="oldest", started_at=service.runs[-1].started_at - timedelta(days=1))
    service.runs.insert(0, oldest)
    made = [run.id for run in service.runs[1:]]
    assert ids(service, "runs") == [*made, "oldest"]
    assert ids(service, "runs", {"sort_order": "asc"}) == ["oldest", *reversed(made)]
    assert ids(Sandbox(3, runs=[oldest, *service.runs[1:]]), "runs") == [*made, "oldest"]


def test_changes_show_at_once(service):
    """A change makes remembered answers invalid."""
    service = Sandbox(3, runs=50)
    passed = ids(service, "runs", {"outcomes": "PASS"})
    assert ids(service, "runs", {"outcomes": "PASS"}) == passed
    index = next(index for index, run in enumerate(service.runs) if run.id == passed[1])
    service.runs[index] = evolve(service.runs[index], outcome="FAIL")
    assert ids(service, "runs", {"outcomes": "PASS"}) == [passed[0], *passed[2:]]
    del service.runs[next(index for index, run in enumerate(service.runs) if run.id == passed[0])]
    assert ids(service, "runs", {"outcomes": "PASS"}) == passed[2:]
    service.produce(10)
    assert ids(service, "runs", {"outcomes": "PASS"})[-len(passed) + 2 :] == passed[2:]


def test_many_queries_are_not_kept_for_ever(service):
    """Only the latest queries are remembered."""
    for number in range(40):
        ids(service, "runs", {"search_query": str(number)})
    assert service._select.cache_info().currsize == 16


def test_a_station_lists_runs(service):
    """A station's key reads runs, as the official tests have it, until it is told not to."""
    assert ask(service, "runs", key=service.station_key)[0] == 200
