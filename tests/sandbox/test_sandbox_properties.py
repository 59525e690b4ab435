"""What holds of any listing, and of any faults together."""

import json
from random import Random

from fakes.asking import ids
from hypothesis import given, strategies as st

from aiotofupilot.sandbox import Delivery, Request, Sandbox, make_procedures
from aiotofupilot.sandbox.faults import (
    TRANSIENT,
    chunked,
    cut,
    gzip,
    header_flood,
    latency,
    redirect,
    reset,
    stall,
)
from aiotofupilot.sandbox.paging import capped, hidden_rows, offsets, page_numbers, short_pages
from aiotofupilot.sandbox.request import Head

ANY_FAULT = [
    *TRANSIENT,
    chunked(),
    cut(at=0.1),
    gzip(),
    header_flood(3),
    latency(1, jitter=1),
    redirect(),
    reset(after="half"),
    stall(1),
    stall(1, inside_body=True),
]
PROCEDURES = make_procedures(120)
QUERIES = ["", "battery", "TEST", "no such thing", PROCEDURES[7].id[2:9], "rev b"]


@given(
    count=st.integers(0, 120),
    limit=st.integers(1, 100),
    search_query=st.sampled_from(QUERIES),
    paging=st.sampled_from([offsets, capped(7), short_pages(3), hidden_rows(5, 9), page_numbers]),
)
def test_pages_joined_are_the_matches(count, limit, search_query, paging):
    """With any search and any paging, following the cursor gives each match once, in order, and comes to an end."""
    service = Sandbox(PROCEDURES[:count], paging=paging)
    found, cursor = [], 0
    while cursor is not None:
        query = {"cursor": str(cursor), "limit": str(limit), "search_query": search_query}
        with service.handle(Request(query=query, authorization=f"Bearer {service.api_key}")) as delivery:
            page = json.loads(delivery.body)
        found += [item["name"] for item in page["data"]]
        cursor = page["meta"]["next_cursor"]
    needle = search_query.lower()
    by_id = len(needle) >= 6
    assert found == [p.name for p in PROCEDURES[:count] if needle in p.name.lower() or (by_id and needle in p.id)]


@given(
    body=st.binary(max_size=50),
    faults=st.lists(st.sampled_from(ANY_FAULT), min_size=1, max_size=5),
    seed=st.integers(0, 9),
)
def test_faults_together_are_still_http(body, faults, seed):
    """In any sum of faults, there is at most one head, before the body.

    A complete answer has the length that it announces.
    """
    fault = sum(faults[1:], start=faults[0])
    delivery = fault.alter(Delivery.of(200, {"A": "1"}, body), Request(), Random(seed))  # noqa: S311 - test data
    kinds = [type(step) for step in delivery.steps if not isinstance(step, int | float)]
    assert kinds.count(Head) <= 1
    assert bytes not in kinds or kinds[0] is Head
    assert all(kind is not str for kind in kinds[:-1])
    if delivery.complete and "Content-Length" in delivery.headers:
        assert int(delivery.headers["Content-Length"]) == len(delivery.body)
    assert delivery.seconds >= 0


FACTORY = Sandbox(20, runs=300)
FILTERS = {
    "outcomes": ["PASS", "FAIL", "ERROR"],
    "samples": ["production", "golden"],
    "environments": ["production", "preview"],
    "part_numbers": ["INV-2000", "PSU-120", "nope"],
    "serial_numbers": [FACTORY.runs[3].unit.serial_number],
    "batch_numbers": ["", "LOT-00003"],
    "operated_by_names": ["Night shift"],
    "duration_min": ["PT40S"],
    "started_after": [FACTORY.runs[270].started_at.isoformat()],
    "started_before": [FACTORY.runs[30].started_at.isoformat()],
    "created_before": [FACTORY.runs[80].created_at.isoformat()],
    "search_query": ["INV"],
}
NAMES = st.lists(st.sampled_from(sorted(FILTERS)), max_size=3, unique=True)


@given(names=NAMES, sort_by=st.sampled_from(["started_at", "duration", "serial_number"]), data=st.data())
def test_filters_together_are_all_of_them(names, sort_by, data):
    """With any shortcuts, several filters select the items that each of them selects, in the order asked for."""
    pairs = [(name, data.draw(st.sampled_from(FILTERS[name]))) for name in names]
    found = ids(FACTORY, "runs", [*pairs, ("sort_by", sort_by)])
    alone = [set(ids(FACTORY, "runs", [pair])) for pair in pairs]
    everything = ids(FACTORY, "runs", {"sort_by": sort_by})
    assert found == [identity for identity in everything if all(identity in some for some in alone)]
