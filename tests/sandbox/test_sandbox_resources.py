"""What holds of every listing: its items, its parameters, its pages, and what happens to its requests."""

import json
from functools import cache
from pathlib import Path

import pytest
from attrs import evolve
from fakes.asking import ask, ids, items
from fakes.paging import capped, hidden_rows, short_pages

from aiotofupilot.sandbox import Sandbox, resource
from aiotofupilot.sandbox.resources import RESOURCES

WIRE = json.loads((Path(__file__).parents[1] / "recordings" / "listings.json").read_text("utf-8"))["endpoints"]
PAGED = [name for name in WIRE if name != "users"]
DESCRIBED = ["runs", "units", "parts", "stations"]


@pytest.fixture(scope="module")
def service():
    return Sandbox(30, runs=200)


def required(service, name):
    """What has to be asked for."""
    return {"procedure_id": service.procedures[0].id} if name in ("measurements", "phases") else {}


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


@pytest.mark.parametrize("name", WIRE)
def test_every_null_and_every_word(service, name):
    """For each null and each word of the API, some item has it. Each item has its own ID, and the API's fields."""
    rows = getattr(service, name)
    assert len(all_items(service, name)) == len(rows)
    assert len({item.id for item in rows}) == len(rows)
    assert set(all_items(service, name)[0]) == set(WIRE[name]["example_item"])

    def seen(listed, facts, path):
        for field, known in facts["fields"].items():
            values = [item[field] for item in listed if item is not None and field in item]
            if known.get("nullable") and (name, path, field) not in NEVER_NULL:
                assert None in values, f"{path}.{field} is never null"
            there = [value for value in values if value is not None]
            if known["type"] == "object" and "fields" in known:
                seen(there, known, f"{path}.{field}")
            if known["type"] == "array" and "fields" in known["items"] and field != "sequences":  # none are made up
                seen([part for value in there for part in value], known["items"], f"{path}.{field}")
            if "enum" in known:
                assert set(there) >= set(known["enum"]) - SELDOM, f"{path}.{field}"

    seen(all_items(service, name), item_facts(name), name)


SELDOM = {"TIMEOUT", "ABORTED", "ERROR", "ignored", "bitbucket", "CRITICAL", "failing", "building", "pending", "failed"}
NEVER_NULL = {
    ("batches", "batches.created_by_user", "name"),
    ("deployments", "deployments.commit", "committed_at"),
    ("logs", "logs.created_by_user", "name"),
    *(("phases", "phases", name) for name in ("started_at", "sequence_path", "serial_number")),
    *(("measurements", "measurements.validators", name) for name in ("operator", "expected_value", "is_decisive")),
    ("measurements", "measurements.validators", "analytics_expression"),
    *(("measurements", "measurements", name) for name in ("started_at", "serial_number")),
    ("units", "units.last_run", "ended_at"),
    ("units", "units.last_run", "procedure"),
    ("units", "units", "last_run"),
    ("deployments", "deployments", "procedure"),
}


UNITS_BY_RUNS = {"procedure_ids", "outcomes", "started_after", "started_before"}
UNITS_BY_RUNS |= {"latest_only", "run_count_min", "run_count_max"}


def test_every_listing_has_the_parameters_and_the_orders_of_the_api():
    """Each has the API's default, and none is read and forgotten."""
    assert {*RESOURCES} == {*WIRE}
    for name, facts in WIRE.items():
        known = RESOURCES[name]
        assert {*known.readers} == {*facts["params"]}, "tests/recordings/listings.json has other parameters"
        assert list(known.sorts) == (facts["sort"]["by"] if facts["sort"] else [])
        for parameter, fact in facts["params"].items():
            assert "default" not in fact or known.readers[parameter]([]) == fact["default"]
        used = {*known.tests, "limit", "cursor", "sort_by", "sort_order", "include_metadata", "include_sequences"}
        assert {*known.readers} <= used | (UNITS_BY_RUNS if name == "units" else set())


def test_users_are_one_bare_array_whatever_the_query_is(service):
    status, document = ask(service, "users", {"limit": "1", "cursor": "x"})
    shown = ("id", "name", "email", "image", "banned")
    assert status == 200
    assert document == [{name: getattr(user, name) for name in shown} for user in service.users]
    assert len(document) > 5
    assert not service.requests[-1].page.meta.has_more


def test_every_listing_can_be_cut_in_every_way():
    """Each can have its own paging, and the cursors lead through all of it."""
    for name in PAGED:
        service = Sandbox(20, runs=20)
        query = required(service, name)
        expected = ids(service, name, query)
        for paging in (capped(7), short_pages(), hidden_rows(5, 9)):
            service.pagings[name] = paging
            assert ids(service, name, query) == expected


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


def test_a_filter_that_leads_to_no_field_is_named():
    """Whoever declares a filter learns that the sandbox has to know what it selects."""
    with pytest.raises(LookupError, match=r"^search_query leads to 0 fields of Station: say what is selected"):
        evolve(RESOURCES["stations"], filters={}).tests  # noqa: B018 - it raises
