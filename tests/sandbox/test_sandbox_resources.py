"""What holds of every listing: its items, its parameters, its orders, and what it refuses."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from attrs import evolve
from fakes.asking import ask, ids, items

from aiotofupilot.sandbox import Sandbox, make_procedures, resource
from aiotofupilot.sandbox.faults import status
from aiotofupilot.sandbox.paging import capped, hidden_rows, short_pages
from aiotofupilot.sandbox.query import InvalidValueError
from aiotofupilot.sandbox.resources import RESOURCES

WIRE = json.loads((Path(__file__).parents[1] / "recordings" / "listings.json").read_text("utf-8"))["endpoints"]
BY_NAME = RESOURCES
PAGED = [name for name in WIRE if name != "users"]
SORTED = [name for name, facts in WIRE.items() if facts["sort"]]
DESCRIBED = ["runs", "units", "parts", "stations"]


@pytest.fixture(scope="module")
def service():
    return Sandbox(30, runs=200, seed=1)


def required(service, name):
    """What has to be asked for."""
    return {"procedure_id": service.procedures[0].id} if name in ("measurements", "phases") else {}


def complaints(value, facts, path=""):  # noqa: PLR0911 - one for each type
    """Say where a JSON value is not what the facts say of it."""
    if value is None:
        return [] if facts.get("nullable") else [f"{path} is null"]
    match facts["type"]:
        case "object" if "fields" in facts:
            missing = [f"{path}.{n} is missing" for n, f in facts["fields"].items() if f["required"] and n not in value]
            unknown = [f"{path}.{name} is unknown" for name in value if name not in facts["fields"]]
            known = [name for name in value if name in facts["fields"]]
            return (
                missing + unknown + [c for n in known for c in complaints(value[n], facts["fields"][n], f"{path}.{n}")]
            )
        case "object":
            return [] if isinstance(value, dict) else [f"{path} is no object"]
        case "array":
            return [c for each in value for c in complaints(each, facts["items"], f"{path}[]")]
        case "union":
            return (
                [] if any(not complaints(value, option, path) for option in facts["any_of"]) else [f"{path} fits none"]
            )
        case "string" if facts.get("format") == "date-time":
            return (
                []
                if datetime.fromisoformat(value).utcoffset() is not None and value[-5] == "."
                else [f"{path} is no moment"]
            )
        case "string":
            fits = isinstance(value, str) and value in facts.get("enum", [value])
            return [] if fits else [f"{path} is {value!r}"]
        case kind:
            python = {"integer": int, "number": (int, float), "boolean": bool}[kind]
            fits = isinstance(value, python) and isinstance(value, bool) is (kind == "boolean")
            return [] if fits else [f"{path} is {value!r}"]


def item_facts(name):
    """What is known of a listing's items."""
    response = WIRE[name]["response"]
    return response["items"] if name == "users" else response["fields"]["data"]["items"]


@cache
def all_items(service, name):
    """List a whole listing, which for some is only possible procedure by procedure."""
    if name not in ("measurements", "phases"):
        include = {"include_metadata": "true"} if name in DESCRIBED else {}
        return items(service, name, include | ({"include_sequences": "true"} if name == "runs" else {}))
    pairs = [{"procedure_id": procedure.id, "exclude_retries": "false"} for procedure in service.procedures]
    return [item for query in pairs for item in items(service, name, query)]


def test_every_listing_is_there():
    """The sandbox answers for every listing of the API."""
    assert set(BY_NAME) == set(WIRE)
    assert {name for name, resource in RESOURCES.items() if resource.listing.is_bare} == {"users"}


def test_every_item_has_the_fields_of_the_api_and_no_others(service):
    """The fields have the types and words of the API."""
    for name in WIRE:
        listed = all_items(service, name)
        assert len(listed) == len(getattr(service, name))
        assert [complaint for item in listed for complaint in complaints(item, item_facts(name))] == []


@pytest.mark.parametrize("name", WIRE)
def test_every_null_and_every_word(service, name):
    """For each null and each word of the API, some item has it."""

    def seen(listed, facts, path):
        for field, known in facts["fields"].items():
            values = [item[field] for item in listed if item is not None and field in item]
            if known.get("nullable") and (name, path, field) not in NEVER_NULL:
                assert None in values, f"{path}.{field} is never null"
            there = [value for value in values if value is not None]
            if known["type"] == "object" and "fields" in known:
                seen(there, known, f"{path}.{field}")
            if known["type"] == "array" and "fields" in known["items"]:
                seen([part for value in there for part in value], known["items"], f"{path}.{field}")
            if "enum" in known:
                assert set(there) >= set(known["enum"]) - SELDOM, f"{path}.{field}"

    seen(all_items(service, name), item_facts(name), name)


SELDOM = {"TIMEOUT", "ABORTED", "ERROR", "ignored", "bitbucket", "CRITICAL", "failing", "building", "pending", "failed"}
NEVER_NULL = {
    ("logs", "logs.created_by_user", "name"),
    ("phases", "phases", "started_at"),
    ("phases", "phases", "sequence_path"),
    ("phases", "phases", "serial_number"),
    ("measurements", "measurements", "started_at"),
    ("measurements", "measurements", "serial_number"),
    ("units", "units.last_run", "ended_at"),
    ("units", "units.last_run", "procedure"),
    ("units", "units", "last_run"),
    ("deployments", "deployments", "procedure"),
}


def nameless(value):
    """Find whatever has a null name or address."""
    if isinstance(value, list):
        return [found for part in value for found in nameless(part)]
    if not isinstance(value, dict):
        return []
    own = [value] if None in (value.get("name", ""), value.get("email", "")) else []
    return own + [found for part in value.values() for found in nameless(part)]


def test_nobody_is_nameless_on_request():
    """Clients that cannot read a null name or address can be given data without."""
    complete = Sandbox(30, runs=60, nulls=False)
    assert [found for name in WIRE for found in nameless(all_items(complete, name))] == []


def test_a_listing_has_the_parameters_of_the_api():
    """They have its types, words, defaults and order."""
    for name in WIRE:
        readers, facts = BY_NAME[name].readers, WIRE[name]["params"]
        assert {*readers} == {*facts}
        for parameter, fact in facts.items():
            read, words = readers[parameter], fact.get("enum") or fact.get("items", {}).get("enum")
            if "default" in fact:
                assert read([]) == fact["default"]
            if words:
                assert [read([word]) for word in words] == [
                    {word} if fact["type"] == "array" else word for word in words
                ]
                with pytest.raises(InvalidValueError) as caught:
                    read(["?"])
                assert sorted(caught.value.args[0]["values"]) == sorted(words)
            elif fact.get("format") == "date-time":
                assert read(["2024-01-01T00:00:00Z"]) == datetime(2024, 1, 1, tzinfo=UTC)
            else:
                text, kinds = {
                    "array": ("a", frozenset),
                    "string": ("PT1S", str | timedelta),
                    "integer": ("1", int),
                    "number": ("1", float if parameter != "cursor" else int),
                    "boolean": ("1", bool),
                    "object": ('{"a": {"eq": 1}}', Callable),
                }[fact["type"]]
                assert isinstance(read([text]), kinds)
            if "maxLength" in fact:
                assert read(["a" * fact["maxLength"]])
                with pytest.raises(InvalidValueError):
                    read(["a" * (fact["maxLength"] + 1)])


def test_every_parameter_does_something():
    """No parameter is read and forgotten."""
    for name in WIRE:
        resource = BY_NAME[name]
        used = {*resource.tests, "limit", "cursor", "sort_by", "sort_order", "include_metadata", "include_sequences"}
        if name == "units":
            used |= {
                "procedure_ids",
                "outcomes",
                "started_after",
                "started_before",
                "latest_only",
                "run_count_min",
                "run_count_max",
            }
        assert {*resource.readers} <= used
        facts = WIRE[name]["sort"]
        assert list(resource.sorts) == (facts["by"] if facts else [])


def test_an_answer_names_all_that_is_wrong_with_the_parameters(service):
    for name in PAGED:
        query, expected = [], []
        for parameter in BY_NAME[name].readers:
            declared = BY_NAME[name].arguments.get(parameter)
            if declared and declared.is_repeated and not declared.choices:
                continue  # any texts are right
            is_text = declared is not None and declared.type is str
            query += [(parameter, value) for value in (("1", "2") if is_text else ("?",))]
            expected.append(parameter)
        status, document = ask(service, name, query)
        assert (status, document["code"]) == (400, "BAD_REQUEST")
        assert sorted(issue["path"][0] for issue in document["issues"]) == sorted(expected)


@pytest.mark.parametrize("name", ["measurements", "phases"])
def test_a_procedure_has_to_be_named(service, name):
    """Measurements and phases are listed for one procedure. One that has no runs has none of them."""
    status, document = ask(service, name)
    assert (status, [issue["path"] for issue in document["issues"]]) == (400, [["procedure_id"]])
    assert (
        ids(service, name, {"procedure_id": "nope"})
        == ids(service, name, {"procedure_id": service.procedures[-1].id})
        == []
    )


def test_every_sort_order_sorts_and_loses_nothing(service):
    """Null counts as the largest."""
    for name in SORTED:
        query = required(service, name)
        listed = {item.id: item for item in getattr(service, name)}
        expected = set(ids(service, name, query))
        for (sort_by, key), order in product(BY_NAME[name].sorts.items(), ("asc", "desc")):
            found = ids(service, name, {**query, "sort_by": sort_by, "sort_order": order})
            keys = [(key(listed[identity]) is None, key(listed[identity])) for identity in found]
            assert keys == sorted(keys, reverse=order == "desc")
            assert set(found) == expected
            assert len(found) == len(expected) > 5


def test_without_a_sort_order_items_come_in_the_order_of_their_rows(service):
    """This is newest first if the API says so."""
    for name in PAGED:
        facts = WIRE[name]["sort"]
        query = required(service, name)
        found = ids(service, name, query)
        places = {item.id: place for place, item in enumerate(getattr(service, name))}
        assert [places[identity] for identity in found] == sorted(places[identity] for identity in found)
        if facts:
            assert found == ids(
                service, name, {**query, "sort_by": facts["default"], "sort_order": facts["order_default"]}
            )


@pytest.mark.parametrize("name", DESCRIBED)
def test_metadata_are_shown_only_on_request(service, name):
    """They can always be filtered by."""
    full = items(service, name, {"include_metadata": "true"})
    bare = items(service, name)
    assert not any("metadata" in item for item in bare)
    assert [{key: item[key] for key in item if key != "metadata"} for item in full] == bare
    key, value = next(iter(full[0]["metadata"].items()))
    condition = {key: {"in": [value]}}
    expected = [item["id"] for item in full if item["metadata"][key] == value]
    assert ids(service, name, {"metadata": json.dumps(condition)}) == expected
    assert 0 < len(expected) < len(full)


def test_what_a_station_may_list(service):
    """A station's key lists all but stations, unless it is told otherwise."""
    for name in WIRE:
        expected = 403 if name == "stations" else 200
        assert ask(service, name, required(service, name), key=service.station_key)[0] == expected


def test_every_listing_can_be_cut_in_every_way():
    """Each can have its own paging, and the cursors lead through all of it."""
    for name in PAGED:
        service = Sandbox(20, runs=20)
        query = required(service, name)
        expected = ids(service, name, query)
        for paging in (capped(7), short_pages(), hidden_rows(5, 9)):
            service.pagings[name] = paging
            assert ids(service, name, query) == expected


def test_faults_meet_requests_for_every_listing(service):
    for name in WIRE:
        service.faults.on(lambda request, name=name: request.path.endswith(name)).next(status(503))
        assert ask(service, name, required(service, name))[0] == 503
        assert ask(service, name, required(service, name))[0] == 200


def test_items_of_every_listing_can_be_removed_and_put_back():
    service = Sandbox(20, runs=60)
    for name in WIRE:
        query = required(service, name)
        before = ids(service, name, query)
        rows = getattr(service, name)
        index = next(index for index, item in enumerate(rows) if item.id == before[1])
        item = rows.pop(index)
        assert ids(service, name, query) == [before[0], *before[2:]]
        rows.insert(index, item)
        assert ids(service, name, query) == before


def test_examples_are_written_as_they_are(service):
    """The sandbox writes the same keys as the API."""
    for name, facts in WIRE.items():
        assert set(all_items(service, name)[0]) == set(facts["example_item"])


def test_an_item_is_written_once(service, monkeypatch):
    """Other requests, and other sandboxes with the same item, send the same bytes. Only so many are remembered."""
    runs = RESOURCES["runs"]
    written = [runs.json(run) for run in service.runs[:6]]
    assert all(runs.json(run) is json for run, json in zip(service.runs[:6], written, strict=True))
    whole, real = (evolve(service.measurements[0], value=value) for value in (1, 1.0))
    assert whole == real
    assert RESOURCES["measurements"].json(whole) != RESOURCES["measurements"].json(real)
    monkeypatch.setattr(resource, "_written", {})
    monkeypatch.setattr(resource, "_MOST_WRITTEN", 4)
    assert [runs.json(run) for run in service.runs[:6]] == written
    assert len(resource._written) == 2


def test_every_item_has_its_own_id(service):
    for name in WIRE:
        rows = getattr(service, name)
        assert len({item.id for item in rows}) == len(rows), name


def test_everything_refers_to_what_exists(service):
    """Every item that another one refers to is listed, and has the same values there."""
    units = {unit.id: unit for unit in service.units}
    runs = {run.id: run for run in service.runs}
    batches = {batch.id: batch.number for batch in service.batches}
    parts = {part.id: part for part in service.parts}
    procedures = {procedure.id: procedure.name for procedure in service.procedures}
    stations = {station.id: station.name for station in service.stations}
    deployments = {deployment.id: deployment for deployment in service.deployments}
    for run in service.runs:
        unit = units[run.unit.id]
        assert (unit.serial_number, unit.sample, unit.part, unit.batch) == (
            run.unit.serial_number,
            run.unit.sample,
            run.unit.part,
            run.unit.batch,
        )
        assert unit.created_at < run.started_at
        assert procedures[run.procedure.id] == run.procedure.name
        assert run.created_by_station is None or stations[run.created_by_station.id] == run.created_by_station.name
        if run.deployment_id is not None:
            deployment = deployments[run.deployment_id]
            assert (deployment.procedure.id, deployment.environment) == (run.procedure.id, run.environment)
    for unit in service.units:
        assert (unit.part.number, unit.part.name) == (parts[unit.part.id].number, parts[unit.part.id].name)
        assert unit.part.revision in parts[unit.part.id].revisions
        assert unit.batch is None or batches[unit.batch.id] == unit.batch.number
        assert unit.parent is None or unit.id in {child.id for child in units[unit.parent.id].children}
        assert all(units[child.id].parent.id == unit.id for child in unit.children)
        last = runs[unit.last_run.id]
        assert (last.unit.id, last.outcome, last.started_at) == (
            unit.id,
            unit.last_run.outcome,
            unit.last_run.started_at,
        )
    for batch in service.batches:
        assert batch.unit_count == sum(unit.batch is not None and unit.batch.id == batch.id for unit in service.units)
    for phase in service.phases:
        run = runs[phase.run_id]
        assert (phase.run_outcome, phase.serial_number, phase.sample) == (
            run.outcome,
            run.unit.serial_number,
            run.unit.sample,
        )
        assert run.started_at <= phase.started_at <= (phase.ended_at or run.ended_at) <= run.ended_at
    phases = {(phase.run_id, phase.name, phase.retry_count): phase for phase in service.phases}
    for measurement in service.measurements:
        phase = phases[measurement.run_id, measurement.phase_name, measurement.retry_count]
        assert (phase.started_at, phase.is_final_attempt) == (measurement.started_at, measurement.is_final_attempt)
    for log in service.logs:
        run = runs[log.run.id]
        assert (run.outcome, run.started_at, run.unit.id) == (log.run.outcome, log.run.started_at, log.unit.id)
        assert run.started_at <= log.created_at <= run.ended_at
    for deployment in service.deployments:
        assert procedures[deployment.procedure.id] == deployment.procedure.name
        assert all(stations[station.id] == station.name for station in deployment.stations)
    for station in service.stations:
        assert all(procedures[procedure.id] == procedure.name for procedure in station.procedures)
        assert station.procedures_count == len(station.procedures)


def test_outcomes_follow_from_what_was_measured(service):
    """A number passes within its limits alone, a phase if its measurements pass, and a run if its phases do."""
    compare = {"<=": lambda value, bound: value <= bound, ">=": lambda value, bound: value >= bound}
    numeric = [m for m in service.measurements if m.value is not None]
    for measurement in numeric:
        for validator in measurement.validators:
            if validator.is_expression_only:
                assert (validator.expression, abs(measurement.value) <= 5) == ("abs(x) <= 5", True)
                continue
            passes = compare[validator.operator](measurement.value, validator.expected_value)
            assert passes is (validator.outcome == "PASS")
        outcomes = {validator.outcome for validator in measurement.validators}
        assert measurement.measurement_outcome == ("FAIL" if "FAIL" in outcomes else "PASS")
    failed = {(m.run_id, m.phase_name, m.retry_count) for m in service.measurements if m.measurement_outcome == "FAIL"}
    assert failed == {(p.run_id, p.name, p.retry_count) for p in service.phases if p.outcome == "FAIL"}
    final = {phase.run_id for phase in service.phases if phase.is_final_attempt and phase.outcome == "FAIL"}
    assert final == {run.id for run in service.runs if run.outcome == "FAIL"}


def test_some_phases_are_tried_twice_and_the_last_attempt_counts(service):
    tried = [phase for phase in service.phases if phase.retry_count]
    assert {phase.outcome for phase in tried} >= {"PASS", "FAIL"}
    assert all(phase.is_final_attempt for phase in tried)
    attempts = {(phase.run_id, phase.name): phase for phase in service.phases if not phase.is_final_attempt}
    assert set(attempts) == {(phase.run_id, phase.name) for phase in tried}


def test_the_supply_voltage_moves_towards_its_limit_from_run_to_run(monkeypatch):
    monkeypatch.setattr("aiotofupilot.sandbox.factory.measured._RECALIBRATION", timedelta(hours=17))
    service = Sandbox(make_procedures(16), runs=190)
    voltages = [
        m.value
        for m in service.measurements
        if m.measurement_name == "supply_voltage" and m.measurement_outcome == "PASS"
    ]
    quarter = len(voltages) // 4
    assert sum(voltages[:quarter]) / quarter > sum(voltages[-quarter:]) / quarter + 0.3


def test_a_filter_that_leads_to_no_field_is_named():
    """Whoever declares a filter learns that the sandbox has to know what it selects."""
    with pytest.raises(LookupError, match=r"^search_query leads to 0 fields of Station: say what is selected"):
        evolve(BY_NAME["stations"], filters={}).tests  # noqa: B018 - it raises
