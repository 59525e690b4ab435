"""Every filter of units, parts, batches, stations, deployments, logs, measurements and phases."""

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from attrs import evolve
from fakes.asking import ask, ids, items

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.document import document


@pytest.fixture(scope="module")
def service():
    return Sandbox(20, runs=160, seed=1)


def number(item):
    return item.number


@cache
def runs_by_id(service):
    return {run.id: run for run in service.runs}


def run_of(service, item):
    return runs_by_id(service)[getattr(item, "run_id", None) or item.run.id]


def of_run(read):
    return lambda item, service: read(run_of(service, item))


def of_item(read):
    return lambda item, _service: read(item)


RUN = {
    "outcomes": lambda run: run.outcome,
    "procedure_versions": lambda run: run.procedure.version and run.procedure.version.tag,
    "serial_numbers": lambda run: run.unit.serial_number,
    "part_numbers": lambda run: run.unit.part.number,
    "revision_numbers": lambda run: run.unit.part.revision.number,
    "batch_numbers": lambda run: run.unit.batch.number if run.unit.batch else "",
    "samples": lambda run: run.unit.sample,
    "created_by_user_ids": lambda run: run.created_by_user and run.created_by_user.id,
    "created_by_station_ids": lambda run: run.created_by_station and run.created_by_station.id,
    "operated_by_ids": lambda run: run.operated_by and run.operated_by.id,
    "operated_by_names": lambda run: run.operated_by and run.operated_by.name,
    "run_ids": lambda run: run.id,
    "run_outcomes": lambda run: run.outcome,
    "ids": lambda run: run.id,
}


def of_runs(*names):
    return {name: of_run(RUN[name]) for name in names}


ARRAYS = {
    "units": {
        "ids": of_item(lambda unit: unit.id),
        "serial_numbers": of_item(lambda unit: unit.serial_number),
        "part_numbers": of_item(lambda unit: unit.part.number),
        "revision_numbers": of_item(lambda unit: unit.part.revision.number),
        "batch_numbers": of_item(lambda unit: unit.batch.number if unit.batch else ""),
        "created_by_user_ids": of_item(lambda unit: unit.created_by_user and unit.created_by_user.id),
        "created_by_station_ids": of_item(lambda unit: unit.created_by_station and unit.created_by_station.id),
        "samples": of_item(lambda unit: unit.sample),
    },
    "batches": {"ids": of_item(lambda batch: batch.id), "numbers": of_item(number)},
    "deployments": {
        "procedure_ids": of_item(lambda deployment: deployment.procedure.id),
        "environments": of_item(lambda deployment: deployment.environment),
        "build_statuses": of_item(lambda deployment: deployment.status),
        "branch_names": of_item(lambda deployment: deployment.commit and deployment.commit.branch),
        "author_usernames": of_item(lambda deployment: deployment.commit and deployment.commit.author_username),
    },
    "logs": {
        "procedure_ids": of_item(lambda log: log.procedure.id),
        "levels": of_item(lambda log: log.level),
        "source_files": of_item(lambda log: log.source_file),
        **of_runs(
            "run_ids",
            "run_outcomes",
            "procedure_versions",
            "serial_numbers",
            "part_numbers",
            "revision_numbers",
            "batch_numbers",
            "samples",
            "created_by_station_ids",
            "created_by_user_ids",
        ),
    },
    "measurements": {
        "phase_names": of_item(lambda measurement: measurement.phase_name),
        "value_strings": of_item(lambda measurement: measurement.string_value),
        "measurement_outcomes": of_item(lambda measurement: measurement.measurement_outcome),
        "measurement_types": of_item(lambda measurement: measurement.measurement_type),
        **of_runs(
            "ids",
            "outcomes",
            "procedure_versions",
            "serial_numbers",
            "revision_numbers",
            "batch_numbers",
            "operated_by_ids",
            "operated_by_names",
            "created_by_station_ids",
            "created_by_user_ids",
        ),
    },
    "phases": {
        "names": of_item(lambda phase: phase.name),
        "outcomes": of_item(lambda phase: phase.outcome),
        "sequence_paths": of_item(lambda phase: phase.sequence_path),
        **of_runs(
            "ids",
            "run_outcomes",
            "procedure_versions",
            "serial_numbers",
            "revision_numbers",
            "batch_numbers",
            "samples",
            "operated_by_ids",
            "operated_by_names",
            "created_by_station_ids",
            "created_by_user_ids",
        ),
    },
}


def listed(service, listing):
    """Give the models that are listed without a filter, and the query that this takes."""
    if listing not in ("measurements", "phases"):
        return list(getattr(service, listing)), []
    procedure = service.procedures[0].id
    runs = {run.id for run in service.runs if run.procedure.id == procedure}
    rows = [row for row in getattr(service, listing) if row.run_id in runs and row.is_final_attempt]
    return rows, [("procedure_id", procedure)]


def test_an_array_selects_items_with_one_of_its_values(service):
    """They come in the listing's order."""
    for listing, name, read in [(listing, *pair) for listing, reads in ARRAYS.items() for pair in reads.items()]:
        rows, query = listed(service, listing)
        values = [read(row, service) for row in rows]
        wanted = list(dict.fromkeys(value for value in values if value is not None))[-2:]
        if len(set(values)) == len(wanted):
            wanted = wanted[:1]
        expected = [row.id for row, value in zip(rows, values, strict=True) if value in wanted]
        assert 0 < len(expected) < len(rows) or len(set(values)) == 1, (listing, name)
        assert ids(service, listing, [*query, *((name, value) for value in wanted)]) == expected, (listing, name)
        if "outcomes" not in name and name not in {
            "levels",
            "samples",
            "environments",
            "build_statuses",
            "measurement_types",
        }:
            assert ids(service, listing, [*query, (name, "no such thing")]) == []


MOMENTS = [
    ("units", "created", lambda unit: unit.created_at),
    ("batches", "created", lambda batch: batch.created_at),
    ("deployments", "deployed", lambda deployment: deployment.deployed_at),
    ("logs", "timestamp", lambda log: log.created_at),
    ("measurements", "started", lambda measurement: measurement.started_at),
    ("phases", "started", lambda phase: phase.started_at),
]


def test_bounds_of_time_are_included(service):
    for listing, name, read in MOMENTS:
        rows, query = listed(service, listing)
        bound = read(rows[len(rows) // 2])
        text = bound.isoformat()
        after = [row.id for row in rows if read(row) >= bound]
        before = [row.id for row in rows if read(row) <= bound]
        assert ids(service, listing, [*query, (f"{name}_after", text)]) == after
        assert ids(service, listing, [*query, (f"{name}_before", text)]) == before
        both = [*query, (f"{name}_after", text), (f"{name}_before", text)]
        assert ids(service, listing, both) == [identity for identity in after if identity in before]


def test_a_text_is_searched_for_in_upper_and_lower_case(service):
    for listing, text, reads in [
        ("units", "ps", [lambda unit: unit.serial_number]),
        ("parts", "board", [lambda part: part.name, number]),
        ("parts", "inv-", [lambda part: part.name, number]),
        ("stations", "FVT", [lambda station: station.name]),
        ("deployments", "FIXTURE", [lambda deployment: deployment.commit.message if deployment.commit else ""]),
        ("logs", "out of LIMITS", [lambda log: log.message]),
    ]:
        rows = getattr(service, listing)
        expected = [row.id for row in rows if any(text.lower() in read(row).lower() for read in reads)]
        assert 0 < len(expected) < len(rows)
        assert ids(service, listing, {"search_query": text}) == expected


def test_search_for_a_deployment(service):
    """A deployment is found by its commit's hash and by its procedure's name, too."""
    deployment = next(row for row in service.deployments if row.commit)
    assert ids(service, "deployments", {"search_query": deployment.commit.sha[:12]}) == [deployment.id]
    found = ids(service, "deployments", {"search_query": deployment.procedure.name.upper()})
    assert found == [row.id for row in service.deployments if row.procedure.name == deployment.procedure.name]
    assert ids(service, "deployments", {"pushed": "true"}) == [row.id for row in service.deployments if row.stations]
    assert ids(service, "deployments", {"pushed": "0"}) == [row.id for row in service.deployments if not row.stations]


def test_search_for_a_unit_by_its_id(service):
    """A text of 8 characters or more matches the beginning of a unit's id."""
    unit = service.units[11]
    assert ids(service, "units", {"search_query": unit.id[:8]}) == [unit.id]
    assert ids(service, "units", {"search_query": unit.id[:7]}) == []


@pytest.mark.parametrize("listing", ["logs", "measurements", "phases"])
def test_items_of_a_run_are_found_by_its_environment_and_deployment(service, listing):
    rows, query = listed(service, listing)
    by_run = {run["id"]: run for run in items(service, "runs", {"environments": "production"})}
    found = ids(service, listing, [*query, ("environments", "production")])
    assert found == [row.id for row in rows if run_of(service, row).id in by_run]
    assert 0 < len(found) < len(rows)
    deployment = next(
        row
        for row in service.deployments
        if row.environment == "production" and row.procedure.id == service.procedures[0].id
    )
    runs = ids(service, "runs", {"deployment_ids": deployment.id})
    assert runs
    assert all(by_run[identity]["procedure"]["id"] == deployment.procedure.id for identity in runs)
    found = ids(service, listing, [*query, ("deployment_ids", deployment.id)])
    assert found == [row.id for row in rows if run_of(service, row).id in runs]
    assert found


@pytest.mark.parametrize("listing", ["measurements", "phases"])
def test_bounds_of_duration_are_those_of_the_run(service, listing):
    rows, query = listed(service, listing)
    bound = sorted(run_of(service, row).duration for row in rows)[len(rows) // 2]
    for name, fits in (("duration_min", bound.__le__), ("duration_max", bound.__ge__)):
        expected = [row.id for row in rows if fits(run_of(service, row).duration)]
        assert 0 < len(expected) < len(rows)
        assert ids(service, listing, [*query, (name, document(bound))]) == expected


@pytest.mark.parametrize("listing", ["measurements", "phases"])
def test_earlier_attempts_are_left_out_unless_they_are_asked_for(service, listing):
    rows, query = listed(service, listing)
    runs = {run.id for run in service.runs if run.procedure.id == service.procedures[0].id}
    everything = [row.id for row in getattr(service, listing) if row.run_id in runs]
    assert ids(service, listing, query) == ids(service, listing, [*query, ("exclude_retries", "1")])
    assert ids(service, listing, query) == [row.id for row in rows]
    assert ids(service, listing, [*query, ("exclude_retries", "false")]) == everything
    assert len(everything) > len(rows)


def test_part_numbers_of_one_procedure(service):
    """A procedure tests one part. So its number selects all items, and another one selects none."""
    for listing in ("measurements", "phases"):
        rows, query = listed(service, listing)
        part = run_of(service, rows[0]).unit.part.number
        assert ids(service, listing, [*query, ("part_numbers", part)]) == [row.id for row in rows]
        assert ids(service, listing, [*query, ("part_numbers", "nope")]) == []


def test_measured_values_are_selected_by_bounds_truth_and_name(service):
    rows, query = listed(service, "measurements")

    def found(**asked):
        return ids(service, "measurements", [*query, *asked.items()])

    numbers = sorted(row.value for row in rows if row.value is not None)
    middle = numbers[len(numbers) // 2]
    assert found(value_min=repr(middle)) == [row.id for row in rows if row.value is not None and row.value >= middle]
    assert found(value_max=repr(middle)) == [row.id for row in rows if row.value is not None and row.value <= middle]
    row = rows[3]
    assert found(phase_name=row.phase_name) == [other.id for other in rows if other.phase_name == row.phase_name]
    named = [other.id for other in rows if other.measurement_name == row.measurement_name]
    assert found(measurement_name=row.measurement_name) == named


def test_true_false_and_null_are_told_apart():
    service = Sandbox(20, runs=40)
    row = next(row for row in service.measurements if row.bool_value is not None and row.is_final_attempt)
    query = {"procedure_id": run_of(service, row).procedure.id}
    service.measurements.insert(0, evolve(row, id="own", bool_value=not row.bool_value))
    values = {item["id"]: item["bool_value"] for item in items(service, "measurements", query)}
    for wanted in (True, False):
        expected = [identity for identity, value in values.items() if value is wanted]
        assert expected
        assert ids(service, "measurements", {**query, "value_bool": str(wanted).lower()}) == expected


def runs_of(service, unit):
    return [run for run in service.runs if run.unit.id == unit.id]


@pytest.mark.parametrize(
    "query",
    [
        {"outcomes": "FAIL"},
        {"outcomes": "FAIL", "latest_only": "true"},
        {"outcomes": "PASS", "started_after": "2026-02-01T00:00:00Z", "started_before": "2026-02-01T08:00:00Z"},
        {"started_after": "2026-02-01T02:00:00Z", "latest_only": "1"},
        {"run_count_min": "3"},
        {"run_count_max": "3", "outcomes": "FAIL"},
        {"run_count_min": "2", "run_count_max": "2"},
        {"latest_only": "true"},
    ],
)
def test_units_by_their_runs(service, query):
    """A unit is found by its runs: one of them has all that is asked for, or the latest has."""

    def fits(run):
        return (
            query.get("outcomes", run.outcome) == run.outcome
            and datetime.fromisoformat(query.get("started_after", "2000-01-01T00:00:00Z")) <= run.started_at
            and run.started_at <= datetime.fromisoformat(query.get("started_before", "2100-01-01T00:00:00Z"))
        )

    def is_asked_for(unit):
        runs = runs_of(service, unit)
        enough = int(query.get("run_count_min", 0)) <= len(runs) <= int(query.get("run_count_max", 99))
        return enough and any(map(fits, runs[:1] if "latest_only" in query else runs))

    expected = [unit.id for unit in service.units if is_asked_for(unit)]
    assert expected
    assert ids(service, "units", query) == expected


def test_the_latest_of_two_runs_that_began_together_is_the_one_that_is_listed_first():
    own = Sandbox(20, runs=20)
    newer, older = (evolve(own.runs[0], id=outcome, outcome=outcome) for outcome in ("PASS", "FAIL"))
    own.runs[:] = [newer, older]
    assert ids(own, "units", {"outcomes": "PASS", "latest_only": "true"}) == [newer.unit.id]
    assert ids(own, "units", {"outcomes": "FAIL", "latest_only": "true"}) == []


def test_a_unit_is_found_by_the_procedures_that_tested_it(service):
    """Runs that a test adds count too."""
    procedure = service.procedures[0].id
    expected = [unit.id for unit in service.units if procedure in {run.procedure.id for run in runs_of(service, unit)}]
    assert ids(service, "units", {"procedure_ids": procedure}) == expected
    own = Sandbox(20, runs=20)
    stranger = evolve(own.units[0], id="own", last_run=None)
    run = own.runs[0]
    own.units.insert(0, stranger)
    assert ids(own, "units", {"run_count_max": "0"}) == ["own"]
    unit = evolve(run.unit, id="own")
    own.runs.insert(0, evolve(run, id="r", unit=unit, started_at=run.started_at + timedelta(days=1), outcome="ERROR"))
    assert ids(own, "units", {"run_count_max": "0"}) == []
    assert "own" in ids(own, "units", {"outcomes": "ERROR"})
    assert ids(own, "units", {"procedure_ids": "nope"}) == []


def test_units_that_are_built_into_others_are_left_out_on_request(service):
    alone = [unit.id for unit in service.units if unit.parent is None]
    assert 0 < len(alone) < len(service.units)
    assert ids(service, "units", {"exclude_units_with_parent": "true"}) == alone
    assert len(ids(service, "units", {"exclude_units_with_parent": "false"})) == len(service.units)


def test_units_of_production_can_be_selected_except_in_logs(service):
    units = [unit.id for unit in service.units if unit.sample is None]
    assert ids(service, "units", {"samples": "production"}) == units
    rows, query = listed(service, "phases")
    assert ids(service, "phases", [*query, ("samples", "production")]) == [row.id for row in rows if row.sample is None]


def test_a_batch_is_found_by_its_units(service):
    """A batch is found by its units: their serial numbers, parts and revisions."""
    units = {
        batch.id: [unit for unit in service.units if unit.batch and unit.batch.id == batch.id]
        for batch in service.batches
    }
    like = units[service.batches[5].id][0]

    def having(test):
        return [batch.id for batch in service.batches if any(map(test, units[batch.id]))]

    serial = like.serial_number.lower()
    found = ids(service, "batches", {"search_query": serial})
    assert found == having(lambda unit: serial in unit.serial_number.lower())
    assert ids(service, "batches", {"search_query": "lot-00003"}) == [
        b.id for b in service.batches if b.number == "LOT-00003"
    ]
    part = like.part.number
    assert ids(service, "batches", {"part_numbers": part}) == having(lambda unit: unit.part.number == part)
    revision = like.part.revision.number
    expected = having(lambda unit: unit.part.revision.number == revision)
    assert ids(service, "batches", {"revision_numbers": revision}) == expected
    own = Sandbox(20, runs=20)
    batch = evolve(own.batches[0], id="own")
    own.batches.insert(0, batch)
    ref = next(unit.batch for unit in own.units if unit.batch)
    unit = evolve(own.units[0], id="u", serial_number="OWN-1", batch=evolve(ref, id="own"))
    own.units[:0] = [unit, evolve(unit, id="v", batch=None)]
    assert ids(own, "batches", {"search_query": "own-"}) == ["own"]


def test_parts_and_stations_by_procedure(service):
    """Parts and stations are found by the procedures that test them and that they run."""
    procedure = service.procedures[1].id
    parts = {run.unit.part.number for run in service.runs if run.procedure.id == procedure}
    expected = [part.id for part in service.parts if part.number in parts]
    assert ids(service, "parts", {"procedure_ids": procedure}) == expected
    stations = [row.id for row in service.stations if procedure in {ref.id for ref in row.procedures}]
    assert ids(service, "stations", {"procedure_ids": procedure}) == stations
    assert len(stations) == 2
    own = Sandbox(20, runs=20)
    run = own.runs[0]
    own.runs.insert(0, evolve(run, procedure=evolve(run.procedure, id="own")))
    expected = [part.id for part in own.parts if part.number == run.unit.part.number]
    assert ids(own, "parts", {"procedure_ids": "own"}) == expected
    assert ids(own, "parts", {"procedure_ids": "nope"}) == []


def test_a_log_of_an_unknown_level_has_the_highest_rank():
    """An unknown level has the highest rank. A log of a run that is not listed has no part."""
    service = Sandbox(20, runs=20)
    log = evolve(service.logs[0], id="own", level="FATAL", run=evolve(service.logs[0].run, id="gone"))
    service.logs.append(log)
    assert ids(service, "logs", {"sort_by": "level"})[0] == "own"
    assert "own" not in ids(service, "logs", {"part_numbers": service.runs[0].unit.part.number})
    assert "own" not in ids(service, "logs", {"samples": "golden"})


def test_items_without_a_moment():
    """An item whose moment is null is within no bounds, and comes first."""
    service = Sandbox(20, runs=20)
    rows, query = listed(service, "phases")
    service.phases.append(evolve(rows[0], id="own", started_at=None))
    assert ids(service, "phases", query)[0] == "own"
    for name in ("started_after", "started_before"):
        bound = datetime(2026, 2, 1, tzinfo=UTC).isoformat()
        assert "own" not in ids(service, "phases", [*query, (name, bound)])


def test_a_negative_cursor_of_parts_is_the_first_page(service):
    """Parts have a cursor that may be negative; the page is then the first."""
    first = ask(service, "parts", {"limit": "3"})
    assert ask(service, "parts", {"limit": "3", "cursor": "-5"}) == first
    assert ask(service, "batches", {"cursor": "-5"})[0] == 400
