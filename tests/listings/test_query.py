"""What a listing asks for when it is narrowed to what is new, to a shard, or to what some runs wrote."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import fields_dict
from fakes.listings import LISTINGS, Connection, required
from fakes.wire_listings import ENDPOINTS, MODELS

from aiotofupilot import DecodeError, Shard
from aiotofupilot.listings import Users
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import json
from aiotofupilot.testing import session_in_process

EVERY = pytest.mark.parametrize("name", LISTINGS)
NOW = datetime(2026, 2, 1, 12, 30, 15, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)

CREATION = {
    # The field, the filter and the order by creation, and the filter by runs.
    "procedures": ("created_at", "created", None, None),
    "runs": ("created_at", "created", "created_at", None),
    "units": ("created_at", "created", "created_at", None),
    "parts": ("created_at", None, "created_at", None),
    "batches": ("created_at", "created", "created_at", None),
    "stations": (None, None, None, None),
    "deployments": ("deployed_at", "deployed", None, None),
    "logs": ("created_at", "timestamp", "created_at", "run_ids"),
    "measurements": (None, None, "started_at", "ids"),
    "phases": (None, None, "started_at", "ids"),
}


@EVERY
def test_what_a_listing_knows_of_creation_and_runs_is_what_the_api_has(name):
    """The filter, the field and the order look at the same time."""
    listing, parameters = LISTINGS[name], ENDPOINTS[name]["params"]
    by_run = listing.by_run and listing.by_run.run_ids
    assert (listing.creation_field, listing.creation_filter, listing.oldest_first, by_run) == CREATION[name]
    if listing.creation_field:
        assert fields_dict(MODELS[name])[listing.creation_field].type is datetime
    if listing.creation_filter:
        assert {f"{listing.creation_filter}_after", f"{listing.creation_filter}_before"} <= parameters.keys()
    if listing.oldest_first:
        assert listing.oldest_first in parameters["sort_by"]["enum"]
        assert listing.oldest_first in listing.stable_orders
    assert by_run is None or parameters[by_run]["type"] == "array"
    assert (Users.creation_field, Users.creation_filter, Users.oldest_first, Users.by_run) == (None,) * 4


@pytest.mark.parametrize(
    ("own", "start", "sent"),
    [
        ({"search_query": "x"}, NOW - HOUR, "search_query=x&started_after=2026-02-01T11:30:15.122Z"),
        (
            {"search_query": "x"},
            NOW.astimezone(timezone(9 * HOUR)),
            "search_query=x&started_after=2026-02-01T12:30:15.122Z",
        ),
        ({"started_after": "2026-02-01T09:00:00.000Z"}, NOW - 9 * HOUR, "started_after=2026-02-01T09:00:00.000Z"),
        ({"started_after": "2026-02-01T09:00:00.000Z"}, NOW, "started_after=2026-02-01T12:30:15.122Z"),
        (
            {"started_before": "2026-02-01T20:00:00.000Z"},
            *(NOW, "started_before=2026-02-01T20:00:00.000Z&started_after=2026-02-01T12:30:15.122Z"),
        ),
    ],
)
async def test_of_two_bounds_the_narrower_one_counts(own, start, sent):
    """Rounding leaves no item out, and the filters of the user stay, also without models."""
    connection = Connection()
    options = dict.fromkeys(("cursor", "max_items", "concurrency"))
    options |= {"limit": 7, "on_drift": "ignore", "on_unreadable": "raise"}
    listing = LISTINGS["runs"](connection).part(Shard(listing="runs", query=own.items(), start=start), **options)
    for narrowed in (listing, listing.raw()):
        await narrowed
    assert [target.replace("%3A", ":") for target in connection.targets] == [f"/v2/runs?limit=7&{sent}"] * 2


@pytest.fixture
def sandbox():
    return Sandbox(4, runs=60)


@EVERY
async def test_what_is_new_is_asked_for_from_the_oldest_on(sandbox, name):
    """What runs wrote is asked for by runs. Only measurements and phases name a procedure, and only if it is needed."""
    _, by_creation, order, by_run = CREATION[name]
    arguments = required(name, sandbox.procedures[-1].id)
    async with session_in_process(sandbox) as session:
        first = getattr(session, name).list(**arguments).since()
        assert [item async for item in first]
        sandbox.produce(30)
        sandbox.requests.clear()
        await getattr(session, name).list(**arguments).since(first.watermark).take(1000)
    runs = [request for request in sandbox.requests if request.path.endswith("/runs")]
    asked = [request.query for request in sandbox.requests if request.path.endswith(f"/{name}")]
    if by_run:
        assert asked[0].getall(by_run) == [run.id for run in sandbox.runs[::-1] if run.id in asked[0].getall(by_run)]
        assert ("procedure_id" in asked[0]) is ("procedure_id" in arguments)
        assert all(request.query["sort_by"] == "created_at" for request in runs)
    elif by_creation:
        assert f"{by_creation}_after" in asked[0]
        assert asked[0].get("sort_by") == order
        assert asked[0].get("sort_order") == (order and "asc")


@pytest.mark.parametrize("name", ["measurements", "phases"])
async def test_what_the_runs_of_every_procedure_wrote_is_asked_for_procedure_by_procedure(sandbox, name):
    """The API wants a procedure to be named, and the listing names that of each run."""
    async with session_in_process(sandbox) as session:
        new = getattr(session, name).of_every_procedure(exclude_retries=False).since()
        assert {item.id async for item in new} == {item.id for item in getattr(sandbox, name)}
    asked = [request.query for request in sandbox.requests if request.path.endswith(f"/{name}")]
    assert {query["procedure_id"] for query in asked} == {run.procedure.id for run in sandbox.runs}
    assert sandbox.requests.statuses.keys() == {200}


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("parts", {"after": NOW}, "parts have no filter on their creation"),
        ("stations", {"order": "asc"}, "stations cannot be asked for the oldest first"),
        ("units", {"run_ids": ["a"]}, "units are not listed by run"),
        ("logs", {"procedure_id": "p"}, "logs can be listed without naming a procedure"),
    ],
)
def test_what_the_api_cannot_be_asked_for_is_refused(name, asked, message):
    """Walks never ask for it, so only the query itself can be asked."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        LISTINGS[name](Connection()).list()._source.narrowed(**asked)


@pytest.mark.parametrize(
    ("name", "arguments", "sent"),
    [
        (
            *("phases", {"procedure_id": "p", "ids": ["a", "b"], "outcomes": ["FAIL"], "names": ["x"]}),
            [("procedure_ids", "p"), ("ids", "a"), ("ids", "b")],
        ),
        (
            *("logs", {"run_ids": ["a"], "procedure_ids": ["p"], "environments": ["production"], "levels": ["INFO"]}),
            [("ids", "a"), ("procedure_ids", "p"), ("environments", "production")],
        ),
    ],
)
async def test_the_runs_of_a_query_are_filtered_by_what_means_the_run(sandbox, name, arguments, sent):
    """Filters about the items, such as their outcome, are left out."""
    async with session_in_process(sandbox) as session:
        assert [item async for item in getattr(session, name).list(**arguments).since()] == []
    assert sandbox.requests[0].path == "/api/v2/runs"
    of_pass = {"limit", "sort_by", "sort_order"}
    assert sorted(pair for pair in sandbox.requests[0].query.items() if pair[0] not in of_pass) == sorted(sent)


CREATED = [{}, {"created_at": None}, {"created_at": 3}, {"created_at": "yesterday"}]
CREATED += [{"created_at": "2026-02-01T13:30:00"}, {"created_at": ""}, {"created_at": False}]
OF_RUN = [{}, {"run": None}, {"run": {}}, {"run": {"id": 3}}, {"run": "r"}]


@pytest.mark.parametrize(
    ("name", "fields", "message", "path"),
    [
        *(("runs", fields, "created_at of 'x': expected a date-time, got ", "created_at") for fields in CREATED),
        *(("logs", fields, r"run\.id of 'x': expected a string, got ", "run.id") for fields in OF_RUN),
    ],
    ids=str,
)
async def test_an_item_that_does_not_tell_its_time_or_its_run_is_an_error(sandbox, name, fields, message, path):
    """A model tells both, but an item as the server sends it may not."""
    page = {"data": [{"id": "x", **fields}], "meta": {"has_more": False, "next_cursor": None}}
    sandbox.faults.on(lambda request: request.path.endswith(f"/{name}")).always(json(page))
    async with session_in_process(sandbox, retry=None) as session:
        with pytest.raises(DecodeError, match=f"^{message}") as caught:
            [item async for item in getattr(session, name).list().raw().since()]
    assert caught.value.path == path
