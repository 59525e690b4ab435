"""What the sandbox returns by itself: for the official SDK, this client's models, and compared with the listings."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from attrs import evolve
from fakes.asking import ask, items
from fakes.compared import plain, told
from fakes.faults import gzip, malformed, status, unreadable

from aiotofupilot import from_wire
from aiotofupilot.models import Part, PhaseDetails, Procedure, ProcedureVersion, Revision, RunProcedure, Station, Unit
from aiotofupilot.sandbox import Request, Sandbox
from aiotofupilot.testing import make, make_measurement, make_phase, make_run, serve

KEYS = {"units": "serial_number", "parts": "number", "batches": "number"}
KEYS |= dict.fromkeys(("procedures", "runs", "stations", "deployments", "logs", "measurements", "phases"), "id")
CURRENT = {"stations.get_current": "stations/current", "users.get_current": "users/current"}


@pytest.fixture(scope="module")
def made():
    return Sandbox(20, runs=160)


def reads(made):
    """Yield the SDK's method for each of some things, its arguments, and the path."""
    for listing, key in KEYS.items():
        for item in made.rows(listing)[:: len(made.rows(listing)) // 10 + 1]:
            value = getattr(item, key)
            yield f"{listing}.get", {key: value}, f"{listing}/{value}"
    for part in made.parts:
        for revision in part.revisions:
            told = {"part_number": part.number, "revision_number": revision.number}
            yield "parts.revisions.get", told, f"parts/{part.number}/revisions/{revision.number}"
    for ref in {run.procedure for run in made.runs[:20] if run.procedure.version}:
        told = {"procedure_id": ref.id, "tag": ref.version.tag}
        yield "procedures.versions.get", told, f"procedures/{ref.id}/versions/{ref.version.tag}"
    yield "identity.whoami", {}, "whoami"
    for method, path in CURRENT.items():
        yield method, {}, path


ADDRESSES = ("download_url", "artifact_url")
"""What is new in each response."""


def test_the_official_sdk_reads_every_detail_value_for_value(made, official_sdk):
    """Both keys read everything, as its tests do, except that each has its own ``current``."""
    read = list(reads(made))
    asked = [(key, method, arguments) for key in (made.api_key, made.station_key) for method, arguments, _ in read]
    taken = {method: arguments for method, arguments, _ in read if arguments}
    unknown = [(made.api_key, method, dict.fromkeys(names, "unknown")) for method, names in taken.items()]
    with serve(made):
        answers = official_sdk.ask("official_sdk_details.py", made.url, asked=[*asked, *unknown])
    answers, of_unknown = answers[: len(asked)], answers[len(asked) :]
    refused = {(made.api_key, "stations.get_current"), (made.station_key, "users.get_current")}
    for (key, method, _), (_, _, path), answer in zip(asked, read * 2, answers, strict=True):
        code, document = ask(made, path, key=key)
        if (key, method) in refused:
            assert (code, answer) == (403, ["ErrorFORBIDDEN", document["message"]])
        else:
            assert code == 200, path
            assert plain(answer, without=ADDRESSES) == plain(document, without=ADDRESSES), path
    assert of_unknown == [["ErrorNOTFOUND", "Not found"]] * len(unknown)
    assert told("the official SDK, single items") == f"{len(read)} requests with each of two keys"
    assert {method.removesuffix(".get") for method, _, _ in read} == {
        *KEYS,
        "procedures.versions",
        "parts.revisions",
        "identity.whoami",
        *CURRENT,
    }


def test_this_clients_models_hold_all_of_it(made):
    """What is read of a response is what the sandbox has written there."""
    for _, _, path in reads(made):
        key = made.station_key if path == CURRENT["stations.get_current"] else made.api_key
        document = ask(made, path, key=key)[1]
        sent = made.requests[-1].detail
        assert from_wire(document, type(sent)) == sent, path


def contained(part, whole):
    """Return whether a listing's item agrees with its details in every field that both have."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(contained(part[name], whole[name]) for name in part.keys() & whole.keys())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(contained, part, whole))
    return part == whole


DIFFER = {
    "phases": ["started_at", "ended_at"],  # null in the listing for a phase that did not end
    "deployments": ["commit"],  # a branch is a text in the listing
}
INCLUDED = {"runs": {"include_metadata": "true", "include_sequences": "true"}}
INCLUDED |= {listing: {"include_metadata": "true"} for listing in ("units", "parts", "stations")}


def test_an_item_of_a_listing_agrees_with_its_details(made):
    for listing in KEYS:
        required = [{"procedure_id": line.id} for line in made.procedures[:3]]
        queries = required if listing in ("phases", "measurements") else [INCLUDED.get(listing, {})]
        for item in [item for query in queries for item in ask(made, listing, query)[1]["data"][::3]]:
            code, details = ask(made, f"{listing}/{item[KEYS[listing]]}")
            assert code == 200
            for name in DIFFER.get(listing, ()):
                if name == "commit" or item[name] is None:
                    del item[name]
            assert contained(item, details), details
            assert item.keys() & details.keys() >= {"id"}


def test_the_details_of_a_run_hold_what_the_listings_have_of_it(made):
    """A series has 2,000 points or more, and each of them as many."""
    for run in made.runs[:12]:
        details = ask(made, f"runs/{run.id}")[1]
        measurements = {one.id: one for one in made.measurements if one.run_id == run.id}
        assert ids_of(details["phases"]) == {phase.id for phase in made.phases if phase.run_id == run.id}
        starts = [phase["started_at"] for phase in details["phases"]]
        assert starts == sorted(starts)
        held = {one["id"]: one for phase in details["phases"] for one in phase["measurements"]}
        assert held.keys() == measurements.keys()
        assert ids_of(details["logs"]) == {log.id for log in made.logs if log.run.id == run.id}
        for identity, one in held.items():
            listed, alone = measurements[identity], ask(made, f"measurements/{identity}")[1]
            assert (one["name"], one["outcome"]) == (listed.measurement_name, listed.measurement_outcome)
            assert contained(one, alone)
            assert "docstring" not in one
            if listed.measurement_type == "multidimensional":
                length, *others = [len(series["data"]) for series in one["data_series"]]
                assert others == [length] * 2
                assert 2000 <= length <= 4000
                assert "measured_value" not in one
            elif listed.measurement_type == "json":
                assert isinstance(one["measured_value"], dict | list)
            else:
                values = [listed.value, listed.bool_value, listed.string_value]
                assert [one.get("measured_value")] == ([value for value in values if value is not None] or [None])


def found(made, listing, **query):
    """Return the IDs that a listing has for a query."""
    return {item["id"] for item in items(made, listing, query)}


def ids_of(items):
    return {item["id"] for item in items}


def test_counts_and_references_are_those_of_the_listings(made):
    for procedure in made.procedures[::4]:
        details = ask(made, f"procedures/{procedure.id}")[1]
        runs = items(made, "runs", {"procedure_ids": procedure.id, "sort_by": "started_at"})
        assert details["runs_count"] == len(runs)
        assert [run["id"] for run in details["recent_runs"]] == [run["id"] for run in runs[:10]]
        assert ids_of(details["stations"]) == found(made, "stations", procedure_ids=procedure.id)
    for batch in made.batches:
        units = ask(made, f"batches/{batch.number}")[1]["units"]
        assert len(units) == batch.unit_count
        assert ids_of(units) == found(made, "units", batch_numbers=batch.number)
    assert any(unit.children for unit in made.units[::5])
    for unit in made.units[::5]:
        details = ask(made, f"units/{unit.serial_number}")[1]
        first = items(made, "runs", {"serial_numbers": unit.serial_number, "sort_by": "started_at"})[-1]
        assert details["created_during"]["id"] == first["id"]
        assert ids_of(details["children"]) == {child.id for child in unit.children}
        built_in = ask(made, f"runs/{first['id']}")[1]["sub_units"]
        assert [child["id"] for child in built_in] == [child["id"] for child in details["children"]]
    for part, revision in [(whole.number, one.number) for whole in made.parts for one in whole.revisions]:
        units = ask(made, f"parts/{part}/revisions/{revision}")[1]["units"]
        assert ids_of(units) == found(made, "units", part_numbers=part, revision_numbers=revision)
    deployed = [
        procedure for station in made.stations for procedure in ask(made, f"stations/{station.id}")[1]["procedures"]
    ]
    by_stations = [run for run in made.runs if run.created_by_station]
    assert sum(procedure["runs_count"] for procedure in deployed) == len(by_stations)


def test_words_of_a_path_ignore_case_and_its_parameters_do_not(made):
    run, batch, part = made.runs[0], made.batches[0], made.parts[0]
    assert ask(made, f"RUNS/{run.id}/")[1]["id"] == run.id
    assert ask(made, f"runs/{run.id.upper()}")[0] == 404
    assert ask(made, f"batches/{batch.number.lower()}")[0] == 404
    assert ask(made, f"parts/{part.number.lower()}")[1]["number"] == part.number
    assert ask(made, f"parts/{part.number.lower()}/revisions/A")[1]["part"]["number"] == part.number
    assert ask(made, f"parts/{part.number}/revisions/a")[0] == 404


ODD = ["SN/1", "SN?1", "SN#1", "SN%2F1", "SN 1", "SN+1", "SN:1", "é", "\\", "SN%", "..."]


def test_a_parameter_is_decoded_as_the_rest_layer_does():
    for serial in ODD:
        made = Sandbox(1, runs=0, units=[make(Unit, serial_number=each) for each in (serial, "SN", "SN/1 ")])
        assert ask(made, f"units/{quote(serial, safe='')}")[1]["serial_number"] == serial
        assert ask(made, f"units/{quote(serial, safe='')}0")[0] == 404


def test_given_and_changed_items_show():
    unit = make(Unit, serial_number="SN-1", children=[make(Unit, serial_number="SN-2")])
    run = make_run("FAIL", unit=unit, metadata={"shift": "A"})
    phase = make_phase("Sweep", run=run)
    level = make_measurement(
        "level", None, phase=phase, measurement_type="multidimensional", measurement_outcome="FAIL"
    )
    voltage = make_measurement("voltage", 11.9, phase=phase)
    made = Sandbox(1, runs=[run], units=[unit], phases=[phase], measurements=[level, voltage], logs=[])
    ask(made, f"runs/{run.id}")
    details = made.requests[-1].detail
    assert (details.outcome, details.metadata, details.sequences, details.logs) == ("FAIL", {"shift": "A"}, (), ())
    (sweep,) = details.phases
    series, measured_voltage = sweep.measurements
    assert (sweep.id, measured_voltage.measured_value) == (phase.id, 11.9)
    assert max(series.data_series[1].data) > 20
    assert [child.part_number for child in details.sub_units] == ["unknown"], "the child is not listed"
    made.measurements[1] = evolve(voltage, value=12.5)
    made.runs[0] = evolve(run, outcome="PASS")
    assert ask(made, f"measurements/{voltage.id}")[1]["measured_value"] == 12.5
    assert ask(made, f"runs/{run.id}")[1]["phases"][0]["measurements"][1]["measured_value"] == 12.5
    assert ask(made, f"runs/{run.id}")[1]["outcome"] == "PASS"
    made.units.append(make(Unit, serial_number="SN-2"))
    (child,) = ask(made, "units/SN-1")[1]["children"]
    assert (child["serial_number"], child["part"]["number"]) == ("SN-2", unit.part.number)
    made.runs.clear()
    assert ask(made, f"runs/{run.id}")[0] == 404
    assert ask(made, "units/SN-1")[1]["created_during"] is None


def test_items_whose_run_and_phase_are_not_listed_have_details():
    phase = evolve(make_phase(), started_at=None, ended_at=None, duration_ms=None)
    measurement = make_measurement(phase=phase)
    made = Sandbox(1, runs=0, phases=[phase], measurements=[measurement])
    alone = ask(made, f"phases/{phase.id}")[1]
    assert alone["started_at"] == alone["ended_at"]
    assert ask(made, f"measurements/{measurement.id}")[1]["phase"] == {"id": phase.id, "name": phase.name}
    made.phases.clear()
    unlisted = ask(made, f"measurements/{measurement.id}")[1]
    assert unlisted["phase"]["id"] not in ("", phase.id)
    assert unlisted["run"] == {"id": phase.run_id, "outcome": None, "serial_number": phase.serial_number}
    assert unlisted["procedure"] == alone["procedure"]


@pytest.mark.parametrize(("given", "seconds"), [(None, 1.5), (timedelta(seconds=9), 9)], ids=["without an end", "with"])
def test_a_phase_that_is_given_with_its_duration_ends_after_it_unless_its_end_is_given_too(given, seconds):
    begun = make_run().started_at
    phase = evolve(make_phase(started_at=begun, duration_ms=1500), ended_at=given and begun + given)
    alone = from_wire(ask(Sandbox(1, runs=0, phases=[phase]), f"phases/{phase.id}")[1], PhaseDetails)
    assert alone.started_at == begun
    assert alone.ended_at == begun + timedelta(seconds=seconds)
    assert alone.duration == timedelta(seconds=1.5)


def test_a_version_and_a_revision_belong_to_what_the_path_names():
    """Also where a test gives two procedures, or two parts, one with the same ID."""
    procedures = [make(Procedure, name=name) for name in "AB"]
    version = make(ProcedureVersion, tag="v1")
    runs = [make_run(procedure=make(RunProcedure, id=one.id, version=version)) for one in procedures]
    parts = [make(Part, number=number, revisions=[make(Revision, number="R")]) for number in "PQ"]
    made = Sandbox(procedures, runs=runs, parts=parts)
    for procedure in procedures:
        details = ask(made, f"procedures/{procedure.id}/versions/v1")[1]
        assert (details["procedure"]["id"], details["run_count"]) == (procedure.id, 1)
    for part in parts:
        assert ask(made, f"parts/{part.number}/revisions/R")[1]["part"]["number"] == part.number


def test_a_new_station_has_no_key(made):
    """A station that has made a run had a key then."""
    new, used = make(Station, id="new"), next(run.created_by_station for run in made.runs if run.created_by_station)
    made.stations.append(new)
    assert ask(made, f"stations/{new.id}")[1]["api_key"] is None
    assert ask(made, f"stations/{used.id}")[1]["api_key"].endswith("...")
    made.stations.remove(new)


def test_without_users_and_stations_somebody_is_made_up():
    made = Sandbox(1, runs=0, users=[], stations=[], parts=[Part("p", "P", "Part", make_run().created_at, ())])
    assert ask(made, "users/current")[1]["email"] == "user@example.com"
    assert ask(made, "stations/current", key=made.station_key)[1]["id"] == "station"
    assert ask(made, "parts/P/revisions/A")[0] == 404
    made.parts[0] = evolve(made.parts[0], revisions=(Revision("a", "A"), Revision("b", "B")))
    assert ask(made, "parts/P/revisions/A")[1]["metadata"] == {"is_latest": False}
    made.stations.append(make(Station))
    (procedure,) = ask(made, f"stations/{made.stations[0].id}")[1]["procedures"]
    assert (procedure["runs_count"], procedure["deployment"]) == (0, None)


def test_series_are_made_from_the_id(made):
    """So two sandboxes have the same."""
    spectrum = next(one for one in made.measurements if one.measurement_type == "multidimensional")
    known = ask(made, f"measurements/{spectrum.id}")[1]
    other = Sandbox(1, runs=0, measurements=[spectrum])
    assert ask(other, f"measurements/{spectrum.id}")[1]["data_series"] == known["data_series"]


def test_faults_of_single_items_and_of_all_requests_meet_details(made):
    run, other = made.runs[:2]
    made.faults.next(status(503))
    assert [ask(made, f"runs/{run.id}")[0] for _ in range(2)] == [503, 200]
    made.faults.next(gzip())
    with made.handle(Request(path=f"/api/v2/runs/{run.id}", authorization=f"Bearer {made.api_key}")) as delivery:
        assert delivery.headers["Content-Encoding"] == "gzip"
    try:
        made.faults.always(unreadable(run.id))
        assert (ask(made, f"runs/{run.id}")[0], ask(made, f"runs/{other.id}")[0]) == (500, 200)
        made.faults.clear()
        made.faults.always(malformed(run.id))
        assert [ask(made, f"runs/{one.id}")[1]["id"] for one in (run, other)] == [None, other.id]
    finally:
        made.faults.clear()


def test_a_change_of_one_listing_leaves_the_groups_of_others():
    """Otherwise each response to a busy line would read all of the factory."""
    made = Sandbox(3, runs=5)
    runs, procedures = (made.snapshot().grouped(listing, "id") for listing in ("runs", "procedures"))
    gone = made.procedures.pop()
    snapshot = made.snapshot()
    assert snapshot.grouped("runs", "id") is runs
    assert (gone.id in procedures, gone.id in snapshot.grouped("procedures", "id")) == (True, False)
    made.runs.pop()
    assert len(made.snapshot().grouped("runs", "id")) == 4
