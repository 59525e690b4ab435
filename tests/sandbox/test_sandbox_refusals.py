"""Every refusal of the sandbox that is not among the recorded ones, in one table: request, status, code and issues.

A request is a path below the API's root, such as ``runs?ids=1``. The issues are by their path in the query.
"""

import json
from urllib.parse import parse_qsl, quote

import pytest

from aiotofupilot.sandbox import Request, Sandbox

TYPE, FORMAT, WORD = {"code": "invalid_type"}, {"code": "invalid_format"}, {"code": "invalid_value"}
UNION = {"code": "invalid_union"}


def texts(name, *values):
    """Return a query for each value of a parameter."""
    return [f"{name}={quote(value)}" for value in values]


def conditions(document):
    """Return the query of a filter of metadata, given as JSON."""
    return f"metadata={quote(document)}"


NOT_NUMBERS = ("1_0", "nan", "inf", "0x1", "٣", "1 0", "--1")
NOT_TIMES = ("", "2024-01-01T00:00:00 02:00", "2023-02-29T00:00:00Z")
NOT_TIMES += ("2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00Z\n", "٢٠٢٤-01-01T00:00:00Z")
NOT_DURATIONS = ("", "P", "PT", "90", "1:30", "P1W2D", "PT1S\n", "P999999999999D")
NOT_CONDITIONS = ("1", '"a"', "null", "[]", '{"eq": "a"}', '{"eq": true, "gt": 1}', '{"in": "a"}', '{"in": [1]}')
NOT_CONDITIONS += ('{"contains": 1}', '{"gte": "1"}', '{"gte": true}', '{"ne": 1}', '{"in": ["a"], "gt": 1}')
NOT_CONDITIONS += ('{"gt": 1e999}', '{"lt": -1e999}', '{"eq": 1' + 400 * "0" + "}")

INVALID = [
    *[(f"procedures?{query}", {"limit": TYPE}) for query in texts("limit", *NOT_NUMBERS)],
    *[(f"procedures?{query}", {"cursor": TYPE}) for query in texts("cursor", *NOT_NUMBERS)],
    *[(f"procedures?limit={text}", {"limit": TYPE}) for text in ("-Infinity", "1e999")],
    ("procedures?limit=-1", {"limit": {"code": "too_small", "minimum": 1}}),
    ("procedures?cursor=-1", {"cursor": {"code": "too_small", "minimum": 0}}),
    ("procedures?cursor=50.5", {"cursor": TYPE}),
    ("batches?cursor=-5", {"cursor": {"code": "too_small", "minimum": 0}}),
    (f"procedures?search_query={'ä' * 101}", {"search_query": {"code": "too_big", "maximum": 100}}),
    *[(f"procedures?{query}", {"created_before": FORMAT}) for query in texts("created_before", *NOT_TIMES)],
    *[(f"runs?{query}", {"duration_min": FORMAT}) for query in texts("duration_min", *NOT_DURATIONS)],
    *[(f"runs?include_metadata={text}", {"include_metadata": TYPE}) for text in ("", "True", "yes", "2")],
    ("runs?outcomes=PASS&outcomes=pass&outcomes=B", {"outcomes.1": WORD, "outcomes.2": WORD}),
    ("runs?sort_order=up", {"sort_order": WORD}),
    ("runs?sort_order=asc&sort_order=asc", {"sort_order": WORD}),
    ("runs?search_query=1&search_query=2", {"search_query": TYPE}),
    ("runs?started_after=1&started_after=2", {"started_after": TYPE}),
    ("runs?duration_max=1&duration_max=2", {"duration_max": TYPE}),
    ("runs?include_metadata=1&include_metadata=1", {"include_metadata": TYPE}),
    ("runs?metadata=&metadata=", {"metadata": TYPE}),
    ("units?run_count_min=1&run_count_min=2", {"run_count_min": TYPE}),
    ("measurements?procedure_id=1&value_min=1&value_min=2", {"value_min": TYPE}),
    ("measurements?procedure_id=1&value_max=y", {"value_max": TYPE}),
    ("measurements", {"procedure_id": TYPE}),
    ("phases?duration_min=x", {"procedure_id": TYPE, "duration_min": FORMAT}),
    (f"units?run_count_min={2**53}", {"run_count_min": {"code": "too_big", "maximum": 2**53 - 1}}),
    (f"units?run_count_min={-(2**53)}", {"run_count_min": {"code": "too_small", "minimum": 1 - 2**53}}),
    *[
        (f"runs?{conditions(text)}", {"metadata": TYPE})
        for text in ("{", '{"a": {"eq": NaN}}', "[]", "1", "null", "true", '"a"', "1.5")
    ],
    *[
        ("units?" + conditions(f'{{"good": {{"eq": 1}}, "bad": {text}}}'), {"metadata.bad": UNION})
        for text in NOT_CONDITIONS
    ],
    (
        f"stations?{conditions(json.dumps({str(n): {'eq': n} for n in range(6)}))}",
        {"metadata": {"code": "custom", "maximum": 5}},
    ),
]

NOT_FOUND = ["runs/unknown", "runs/1/phases", "users/1", "users/me", "stations/current/x", "parts/INV-2000/revisions"]
NOT_FOUND += ["runs//", "procedures//", "../procedures", "parts/INV-2000/revisions/a", "parts/x/revisions/A"]

REFUSALS = [
    *[("user", path, 400, "BAD_REQUEST", issues) for path, issues in INVALID],
    *[("user", path, 404, "NOT_FOUND", {}) for path in NOT_FOUND],
    *[("another", path, 401, "UNAUTHORIZED", {}) for path in ("runs", "users", "runs/1", "users/current", "whoami")],
    *[(None, path, 401, "UNAUTHORIZED", {}) for path in ("stations", "parts/x/revisions/A")],
    ("station", "stations", 403, "FORBIDDEN", {}),
    ("station", "users/current", 403, "FORBIDDEN", {}),
    ("user", "stations/current", 403, "FORBIDDEN", {}),
]
MESSAGES = {
    400: {"Input validation failed"},
    401: {"Unauthorized"},
    403: {
        "Stations cannot read stations",
        "Stations cannot read the current user",
        "Only stations can read the current station",
    },
    404: {"Not found"},
}


@pytest.fixture(scope="module")
def service():
    return Sandbox(20, runs=10, api_key="user", station_key="station")


@pytest.mark.parametrize(("key", "path", "status", "code", "issues"), REFUSALS, ids=str)
def test_a_request_is_refused(service, key, path, status, code, issues):
    """The document has the status's code, and issues only if the query is not valid."""
    path, _, query = path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    request = Request(path=f"/api/v2/{path}", query=pairs, authorization=key and f"Bearer {key}")
    with service.handle(request) as delivery:
        document = json.loads(delivery.body)
    assert (delivery.status, request.status, document["code"]) == (status, status, code)
    assert delivery.headers["Content-Type"] == "application/json"
    assert document["message"] in MESSAGES[status]
    assert ("issues" in document) is bool(issues)
    found = {".".join(map(str, issue["path"])): issue for issue in document.get("issues", ())}
    assert found.keys() == issues.keys()
    for where, expected in issues.items():
        assert {name: found[where][name] for name in found[where] if name not in ("path", "message")} == expected
    assert (request.page, request.detail) == (None, None)


def test_what_a_station_may_list_can_be_changed_at_any_time():
    """A station lists all but stations at first."""
    service = Sandbox(1, runs=3, station_key="station")

    def statuses():
        paths = [*service.station_listings, "stations"]
        query = {"procedure_id": service.procedures[0].id}
        requests = [Request(path=f"/api/v2/{path}", query=query, authorization="Bearer station") for path in paths]
        for request in requests:
            with service.handle(request):
                pass
        return {request.path.rpartition("/")[2]: request.status for request in requests}

    assert statuses() == {**dict.fromkeys(service.station_listings, 200), "stations": 403}
    assert len(service.station_listings) == 10
    service.station_listings.clear()
    assert statuses() == {"stations": 403}
    service.station_listings.add("stations")
    assert statuses() == {"stations": 200}
