"""The official SDK lists every listing of the sandbox, with every filter, item for item as the sandbox means it.

This client lists the same items.
"""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from fakes.asking import items
from fakes.compared import plain, told
from fakes.filters import FILTERS, selected
from fakes.listings import LISTINGS

from aiotofupilot import to_wire
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.factory import recipes
from aiotofupilot.sandbox.faults import status
from aiotofupilot.sandbox.rest import document
from aiotofupilot.testing import serve, session_on

TESTS = Path(__file__).parents[1]
WIRE = json.loads((TESTS / "recordings" / "listings.json").read_text("utf-8"))["endpoints"]
PROGRAM = "official_sdk_listings.py"

CONDITION = {"humidity": {"gte": 32, "lt": 48}, "rework": {"eq": False}, "shift": {"in": ["A", "C"]}}
SEARCHES = {
    "procedures": "test",
    "parts": "board",
    "batches": "lot-0000",
    "stations": "fvt",
    "deployments": "fixture",
    "logs": "failed",
}


def service():
    """Give a sandbox with people whose names the SDK can read."""
    with pytest.MonkeyPatch.context() as patched:
        for people in ("_CREATORS", "OTHERS"):
            known = [(name or "Unnamed", email or "nobody@example.com") for name, email in getattr(recipes, people)]
            patched.setattr(recipes, people, known)
        made = Sandbox(20, runs=160, seed=45)  # no other test has this seed: equal factories share items
    for at, run in enumerate(made.runs):
        if run.operated_by and run.operated_by.id is None:
            made.runs[at] = evolve(run, operated_by=None)
    return made


def value(made, listing, name, fact):
    """Choose a value that selects something, but not everything."""
    if name in FILTERS.get(listing, ()) and (values := selected(made, listing, name)[0]):
        return values if fact["type"] == "array" else values[0]
    known = {
        "procedure_id": made.procedures[0].id,
        "procedure_ids": [made.procedures[0].id],
        "part_numbers": ["INV-2000", "PSU-120"],
        "revision_numbers": ["B"],
        "run_count_min": 2,
        "run_count_max": 3,
        "metadata": CONDITION,
        "search_query": SEARCHES.get(listing, "00"),
    }
    if name in known:
        return known[name]
    if fact.get("format") == "date-time":
        return made.procedures[8].created_at if listing == "procedures" else made.runs[30].started_at
    if fact["type"] == "boolean":
        return not fact.get("default", False)
    words = fact.get("enum") or fact.get("items", {}).get("enum")
    assert words, f"{listing}: {name} needs its path in tests/fakes/filters.py, or a value among those known here"
    return words[-2] if "enum" in fact else list(words[:2])


def spelled(argument):
    """Spell an argument as it stands in a query."""
    if isinstance(argument, bool):
        return [str(argument).lower()]
    if isinstance(argument, list):
        return argument
    return [json.dumps(argument) if isinstance(argument, dict) else str(argument)]


def queries(made):
    """Ask each listing for everything, for each parameter alone, and for all of them together."""
    for listing, facts in WIRE.items():
        required = {"procedure_id": made.procedures[0].id} if listing in ("measurements", "phases") else {}
        names = [name for name in facts["params"] if name not in ("limit", "cursor")]
        values = {name: value(made, listing, name, facts["params"][name]) for name in names}
        names = [name for name in names if facts["params"][name].get("in_sdk", True)]
        yield listing, required
        for name in names[len(required) :]:
            yield listing, {**required, name: values[name]}
        if names:
            yield listing, {name: values[name] for name in names}


OURS = list(queries(service()))
"""The listings and the arguments of this client."""
QUERIES = [
    (
        listing,
        {name: document(value) if isinstance(value, datetime | timedelta) else value for name, value in own.items()},
    )
    for listing, own in OURS
]
"""The same for the official SDK."""


@pytest.fixture(scope="module")
def made():
    return service()


@pytest.fixture(scope="module")
def answered(made, official_sdk):
    """What the official SDK gets for each query, and then for one of each listing again, which fails."""
    again = [next(query for query in QUERIES if query[0] == listing) for listing in WIRE]
    made.faults.on(lambda request: request.asked > 1).always(status(500, message="the database is down"))
    with serve(made):
        answers = official_sdk.ask(PROGRAM, made.url, made.api_key, asked=[*QUERIES, *again])
    made.faults.clear()
    return answers


@pytest.fixture
def answers(answered):
    """What the official SDK gets for each query."""
    return answered[: len(QUERIES)]


def in_sdk(listing, listed):
    """Return items without the fields that the official SDK does not know."""
    response = WIRE[listing]["response"]

    def without(value, described):
        if isinstance(value, list):
            return [without(part, described.get("items", {})) for part in value]
        if not isinstance(value, dict) or "fields" not in described:
            return value
        known = {name: fact for name, fact in described["fields"].items() if fact.get("in_sdk", True)}
        return {name: without(part, known[name]) for name, part in value.items() if name in known}

    return without(listed, response if listing == "users" else response["fields"]["data"])


def test_it_gets_item_for_item_what_is_asked_for(made, answers):
    """Every page of every query holds, for the SDK, what the sandbox lists for the same query, and what it means."""
    meant = []
    for (listing, arguments), answer in zip(QUERIES, answers, strict=True):
        pairs = [(name, text) for name, argument in arguments.items() for text in spelled(argument)]
        assert plain(answer) == plain(in_sdk(listing, items(made, listing, pairs))), (listing, arguments)
        own = [name for name in arguments if name in FILTERS.get(listing, ())]
        if len(own) == 1 and (expected := selected(made, listing, *own)[1]):
            assert [item["id"] for item in answer] == expected, (listing, arguments)
            meant += own
    assert len(meant) >= 0.95 * sum(map(len, FILTERS.values()))
    assert told("the official SDK, listings") == f"{len(QUERIES)} queries"


async def list_ours(made):
    """List every query with this client, in small pages, several at a time."""
    async with session_on(made) as session:
        return {
            index: await getattr(session, listing).list(**arguments, limit=70, concurrency=2).collect()
            for index, (listing, arguments) in enumerate(OURS)
            if listing in LISTINGS
        }


@pytest.fixture(scope="module")
def ours(made):
    """What this client gets for each query."""
    with serve(made):
        return asyncio.run(list_ours(made))


def without_nulls(item):
    """Leave out what is null. The SDK leaves out what was not sent, and a model has None there."""
    if isinstance(item, dict):
        return {key: without_nulls(part) for key, part in item.items() if part is not None}
    if isinstance(item, list):
        return [without_nulls(part) for part in item]
    return item


def test_this_client_gets_item_for_item_the_same(answers, ours):
    assert len(ours) > 170
    for index, listed in ours.items():
        spelled = in_sdk(QUERIES[index][0], json.loads(json.dumps([to_wire(item) for item in listed])))
        assert without_nulls(plain(spelled)) == without_nulls(plain(answers[index])), QUERIES[index]


def test_most_queries_of_the_comparison_find_something_and_not_everything(answers):
    found = {}
    for (listing, _), answer in zip(QUERIES, answers, strict=True):
        found.setdefault(listing, []).append(len(answer))
    for listing, (everything, *single) in found.items():
        assert everything > 5, listing
        assert sum(count > 0 for count in single) >= 0.7 * len(single), listing
        assert listing == "users" or any(0 < count < everything for count in single), listing


def test_it_sends_an_empty_metadata_filter_and_repeats_the_keys_of_arrays(made, answers):
    """The sandbox takes ``metadata=`` for no filter, and reads arrays as they are sent."""
    sent = [request.query for request in made.requests if request.path == "/api/v2/runs"]
    assert any(query.get("metadata") == "" for query in sent)
    assert any(len(query.getall("outcomes", [])) == 2 for query in sent)


def test_it_reads_the_errors_of_every_listing(answered):
    """An error of any listing is read by the SDK as what it is."""
    assert answered[len(QUERIES) :] == ["the database is down"] * len(WIRE)
