"""Every filter and every order of every listing, compared with what a path of each item holds."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from fakes.asking import ask, ids, items
from fakes.filters import BOUNDED, FILTERS, at, listed, paths, selected, written

from aiotofupilot.models import Deployment, ProcedureVersion, RunProcedure
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import make, make_run

WORDS = {"levels", "samples", "environments", "build_statuses", "measurement_types", "measurement_outcomes"}
WORDS |= {"outcomes", "run_outcomes"}
"""Arrays of which the API knows every value."""
NONE = {"samples": "production", "batch_numbers": ""}
"""What selects items that have none. Logs have no filter for production."""


@pytest.fixture(scope="module")
def service():
    return Sandbox(20, runs=320)


@pytest.mark.parametrize(("listing", "name"), [(listing, name) for listing in FILTERS for name in FILTERS[listing]])
def test_a_filter_selects_by_what_its_path_holds(service, listing, name):
    """Items come in the listing's order."""
    (rows, query), (wanted, expected) = listed(service, listing), selected(service, listing, name)
    assert 0 < len(expected) < len(rows) or (len(wanted) == 2 and listing != "runs")
    assert ids(service, listing, [*query, *((name, written(value)) for value in wanted)]) == expected
    if not name.endswith(BOUNDED) and name not in WORDS:
        assert ids(service, listing, [*query, (name, "no such thing")]) == []
    if name in NONE and (listing, name) != ("logs", "samples"):
        none = [row.id for row in rows if at(service, row, FILTERS[listing][name]) is None]
        assert ids(service, listing, [*query, (name, NONE[name])]) == none


ORDERS = {
    "runs": paths("""
        started_at=started_at created_at=created_at duration=duration outcome=outcome serial_number=unit.serial_number
        part_number=unit.part.number revision_number=unit.part.revision.number
    """),
    "units": paths("""
        created_at=created_at serial_number=serial_number part_number=part.number last_run_at=last_run.started_at
        last_run_procedure=last_run.procedure.name
    """),
    "parts": paths("number=number name=name created_at=created_at"),
    "batches": paths("number=number created_at=created_at"),
    "logs": paths("created_at=created_at level=level run_id=run.id outcome=run.outcome"),
    "measurements": paths("""
        started_at=started_at phase_name=phase_name measurement_name=measurement_name value=value
        serial_number=serial_number outcome=measurement_outcome
    """),
    "phases": paths("""
        phase_name=name started_at=started_at duration=duration_ms outcome=outcome serial_number=serial_number
    """),
}
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


@pytest.mark.parametrize("listing", ORDERS)
def test_an_order_sorts_by_what_its_path_holds(service, listing):
    """Null counts as the largest, and nothing is lost. Without an order, items come as they are in the sandbox."""
    rows, query = listed(service, listing)
    by_id = {row.id: row for row in rows}
    assert ids(service, listing, query) == list(by_id)
    for sort_by, path in ORDERS[listing].items():
        for order in ("asc", "desc"):
            found = ids(service, listing, [*query, ("sort_by", sort_by), ("sort_order", order)])
            values = [at(service, by_id[identity], path) for identity in found]
            keys = [LEVELS.index(value) if sort_by == "level" else (value is None, value) for value in values]
            assert keys == sorted(keys, reverse=order == "desc"), (sort_by, order)
            assert sorted(found) == sorted(by_id)


@pytest.mark.parametrize(
    ("listing", "text", "paths"),
    [
        ("units", "ps", ["serial_number"]),
        ("parts", "board", ["name", "number"]),
        ("parts", "inv-", ["name", "number"]),
        ("stations", "FVT", ["name"]),
        ("deployments", "FIXTURE", ["commit.message", "procedure.name"]),
        ("deployments", "charger", ["commit.message", "procedure.name"]),
        ("logs", "out of LIMITS", ["message"]),
        ("runs", "ps", ["unit.serial_number"]),
    ],
)
def test_a_text_is_searched_for_in_upper_and_lower_case(service, listing, text, paths):
    rows = getattr(service, listing)
    expected = [row.id for row in rows if any(text.lower() in (at(service, row, path) or "").lower() for path in paths)]
    assert 0 < len(expected) < len(rows)
    assert ids(service, listing, {"search_query": text}) == expected


def test_a_text_of_8_characters_finds_the_beginning_of_an_id(service):
    """Those of runs and units are found, and the hash of a deployment's commit is found wherever the text is in it."""
    for listing, rows in (("units", service.units), ("runs", service.runs)):
        identity = rows[7].id
        texts = (identity[:8].upper(), identity[:7], identity[1:20])
        assert [ids(service, listing, {"search_query": text}) for text in texts] == [[identity], [], []]
    deployment = next(row for row in service.deployments if row.commit)
    assert ids(service, "deployments", {"search_query": deployment.commit.sha[1:13]}) == [deployment.id]


@pytest.mark.parametrize(
    ("name", "listing", "read"),
    [
        ("pushed", "deployments", lambda row: bool(row.stations)),
        ("exclude_units_with_parent", "units", lambda row: row.parent is None),
        ("value_bool", "measurements", lambda row: row.bool_value),
    ],
)
def test_a_flag_selects_by_what_is_true_of_an_item(name, listing, read):
    """One that excludes something does nothing if it is false."""
    service = Sandbox(20, runs=40)
    rows, query = list(getattr(service, listing)), {}
    if listing == "measurements":
        row = next(row for row in rows if row.bool_value is not None and row.is_final_attempt)
        service.measurements.insert(0, evolve(row, id="own", bool_value=not row.bool_value))
        query = {"procedure_id": at(service, row, "@procedure.id")}
        rows = [row for row in service.measurements if at(service, row, "@procedure.id") == query["procedure_id"]]
        rows = [row for row in rows if row.is_final_attempt]
    for flag in (True, False):
        wanted = {True, False} if name.startswith("exclude") and not flag else {flag}
        expected = {row.id for row in rows if read(row) in wanted}
        assert expected
        assert set(ids(service, listing, {**query, name: str(flag).lower()})) == expected


@pytest.mark.parametrize("listing", ["measurements", "phases"])
def test_earlier_attempts_are_left_out_unless_they_are_asked_for(service, listing):
    """A procedure without runs has none of them. Its runs are of one part, so another part's number selects nothing."""
    rows, query = listed(service, listing)
    runs = {run.id for run in service.runs if run.procedure.id == service.procedures[0].id}
    everything = [row.id for row in getattr(service, listing) if row.run_id in runs]
    assert ids(service, listing, [*query, ("exclude_retries", "1")]) == [row.id for row in rows]
    assert ids(service, listing, [*query, ("exclude_retries", "false")]) == everything
    assert len(everything) > len(rows)
    assert ids(service, listing, {"procedure_id": "nope"}) == []
    assert ids(service, listing, {"procedure_id": service.procedures[-1].id}) == []
    part = at(service, rows[0], "@unit.part.number")
    assert ids(service, listing, [*query, ("part_numbers", part)]) == [row.id for row in rows]
    assert ids(service, listing, [*query, ("part_numbers", "nope")]) == []


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
        {"procedure_ids": "0"},
    ],
    ids=str,
)
def test_a_unit_is_found_by_its_runs(service, query):
    """One of its runs has all that is asked for, or the latest has."""
    query = query | ({"procedure_ids": service.procedures[0].id} if "procedure_ids" in query else {})

    def fits(run):
        return (
            query.get("outcomes", run.outcome) == run.outcome
            and query.get("procedure_ids", run.procedure.id) == run.procedure.id
            and datetime.fromisoformat(query.get("started_after", "2000-01-01T00:00:00Z")) <= run.started_at
            and run.started_at <= datetime.fromisoformat(query.get("started_before", "2100-01-01T00:00:00Z"))
        )

    def is_asked_for(unit):
        runs = [run for run in service.runs if run.unit.id == unit.id]
        enough = int(query.get("run_count_min", 0)) <= len(runs) <= int(query.get("run_count_max", 99))
        return enough and any(map(fits, runs[:1] if "latest_only" in query else runs))

    expected = [unit.id for unit in service.units if is_asked_for(unit)]
    assert expected
    assert ids(service, "units", query) == expected


def test_the_runs_that_a_test_adds_find_units_too():
    """Of two runs that began together, the latest is the one that is listed first."""
    own = Sandbox(20, runs=20)
    stranger, run = evolve(own.units[0], id="own", last_run=None), own.runs[0]
    own.units.insert(0, stranger)
    assert ids(own, "units", {"run_count_max": "0"}) == ["own"]
    unit = evolve(run.unit, id="own")
    own.runs.insert(0, evolve(run, id="r", unit=unit, started_at=run.started_at + timedelta(days=1), outcome="ERROR"))
    assert ids(own, "units", {"run_count_max": "0"}) == []
    assert "own" in ids(own, "units", {"outcomes": "ERROR"})
    assert ids(own, "units", {"procedure_ids": "nope"}) == []
    own.runs[:] = [evolve(run, id=outcome, outcome=outcome) for outcome in ("PASS", "FAIL")]
    found = [ids(own, "units", {"outcomes": outcome, "latest_only": "true"}) for outcome in ("PASS", "FAIL")]
    assert found == [[run.unit.id], []]


def test_a_batch_is_found_by_its_units(service):
    """Their serial numbers, parts and revisions select it, and so does its own number."""
    units = {
        batch.id: [unit for unit in service.units if at(service, unit, "batch.id") == batch.id]
        for batch in service.batches
    }
    like = units[service.batches[5].id][0]
    for name, text, read in [
        ("search_query", like.serial_number.lower(), lambda unit: unit.serial_number),
        ("part_numbers", like.part.number, lambda unit: unit.part.number),
        ("revision_numbers", like.part.revision.number, lambda unit: unit.part.revision.number),
    ]:
        expected = [
            batch.id for batch in service.batches if text.lower() in [read(unit).lower() for unit in units[batch.id]]
        ]
        assert ids(service, "batches", {name: text}) == expected
    (third,) = [batch.id for batch in service.batches if batch.number == "LOT-00003"]
    assert ids(service, "batches", {"search_query": "lot-00003"}) == [third]
    own = Sandbox(20, runs=20)
    own.batches.insert(0, evolve(own.batches[0], id="own"))
    ref = next(unit.batch for unit in own.units if unit.batch)
    unit = evolve(own.units[0], id="u", serial_number="OWN-1", batch=evolve(ref, id="own"))
    own.units[:0] = [unit, evolve(unit, id="v", batch=None)]
    assert ids(own, "batches", {"search_query": "own-"}) == ["own"]


def test_parts_and_stations_are_found_by_procedure(service):
    """It is one that tests the part, also in a run that a test adds, or one that runs on the station."""
    procedure = service.procedures[1].id
    parts = {run.unit.part.number for run in service.runs if run.procedure.id == procedure}
    assert ids(service, "parts", {"procedure_ids": procedure}) == [p.id for p in service.parts if p.number in parts]
    stations = [row.id for row in service.stations if procedure in {ref.id for ref in row.procedures}]
    assert ids(service, "stations", {"procedure_ids": procedure}) == stations
    assert len(stations) == 2
    own = Sandbox(20, runs=20)
    run = own.runs[0]
    own.runs.insert(0, evolve(run, procedure=evolve(run.procedure, id="own")))
    expected = [part.id for part in own.parts if part.number == run.unit.part.number]
    assert ids(own, "parts", {"procedure_ids": "own"}) == expected
    assert ids(own, "parts", {"procedure_ids": "nope"}) == []


@pytest.mark.parametrize("listing", ["runs", "units", "parts", "stations"])
def test_metadata_are_shown_only_on_request(service, listing):
    """They can always be filtered by."""
    full, bare = items(service, listing, {"include_metadata": "true"}), items(service, listing)
    assert [{key: item[key] for key in item if key != "metadata"} for item in full] == bare
    key, value = next(iter(full[0]["metadata"].items()))
    expected = [item["id"] for item in full if item["metadata"][key] == value]
    assert ids(service, listing, {"metadata": json.dumps({key: {"in": [value]}})}) == expected
    assert 0 < len(expected) < len(full)


def test_given_runs_are_listed_by_their_own_times():
    like, day = make_run(id="like"), timedelta(days=1)
    oldest = evolve(like, id="oldest", started_at=like.started_at - day)
    newest = evolve(like, id="newest", started_at=like.started_at + day, metadata={"shift": "Z"}, sequences=())
    service = Sandbox(3, runs=[oldest, like, newest])
    assert ids(service, "runs") == ["newest", "like", "oldest"]
    assert ids(service, "runs", {"sort_order": "asc"}) == ["oldest", "like", "newest"]
    assert ids(service, "runs", {"metadata": json.dumps({"shift": {"contains": "Z"}})}) == ["newest"]
    full = items(service, "runs", {"include_metadata": "true", "include_sequences": "true"})
    assert [(item["metadata"], item["sequences"]) for item in full[:2]] == [({"shift": "Z"}, []), ({}, [])]


def test_a_run_is_of_the_deployment_that_has_the_id_of_its_version(service):
    """Runs can be filtered by deployment and environment, although the API does not show these fields."""
    preview = make(Deployment, environment="preview")
    version = make(ProcedureVersion, id=preview.id)
    deployed, other = make_run(procedure=make(RunProcedure, version=version)), make_run()
    own = Sandbox(3, runs=[deployed, other], deployments=[preview])
    for query, found in [
        ({"environments": "preview"}, [deployed.id]),
        ({"environments": "production"}, []),
        ({"deployment_ids": preview.id}, [deployed.id]),
    ]:
        assert ids(own, "runs", query) == found
    for deployment in service.deployments[:4]:
        procedure_ids = {run["procedure"]["id"] for run in items(service, "runs", {"deployment_ids": deployment.id})}
        assert procedure_ids <= {deployment.procedure.id}
    environments = ("production", "preview", "development")
    found = [len(ids(service, "runs", {"environments": name})) for name in environments]
    assert min(found) > 0
    assert sum(found) == len([run for run in service.runs if run.procedure.version])


def test_odd_items_are_listed():
    """An unknown level has the highest rank, and the log of a run that is not listed has no part.

    An item without a time is within no bounds, and comes first.
    """
    service = Sandbox(20, runs=60)
    log = evolve(service.logs[0], id="own", level="FATAL", run=evolve(service.logs[0].run, id="gone"))
    service.logs.append(log)
    assert ids(service, "logs", {"sort_by": "level"})[0] == "own"
    for query in ({"part_numbers": service.runs[0].unit.part.number}, {"samples": "golden"}):
        assert "own" not in ids(service, "logs", query)
    rows, query = listed(service, "phases")
    service.phases.append(evolve(rows[0], id="own", started_at=None))
    assert ids(service, "phases", query)[0] == "own"
    bound = datetime(2026, 2, 1, tzinfo=UTC).isoformat()
    for name in ("started_after", "started_before"):
        assert "own" not in ids(service, "phases", [*query, (name, bound)])


def test_changes_show_at_once():
    """A change makes remembered responses invalid, and only the latest queries are remembered."""
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
    for number in range(40):
        ask(service, "runs", {"search_query": str(number)})
    assert service._select.cache_info().currsize == 16  # nothing else shows what is remembered
