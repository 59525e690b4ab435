"""The log of requests."""

import pytest

from aiotofupilot.models import Page, PageMeta
from aiotofupilot.sandbox import Request, RequestLog, Sandbox, make_procedures
from aiotofupilot.sandbox.faults import cut, latency, reset


@pytest.fixture
def log():
    return RequestLog()


def test_a_target_is_the_path_and_the_query_of_a_request_line():
    assert Request().target == "/api/v2/procedures"
    assert Request(path="/ä b").target == "/%C3%A4%20b"
    assert Request(path="/x", query={"a": "ä b", "c": ""}).target == "/x?a=%C3%A4+b&c="


def test_path_as_it_was_sent():
    """Encoded characters stay encoded, so the target can be requested again."""
    assert Request(path="/%70%C3%A4", query=[("a", "1"), ("a", "2")]).target == "/%70%C3%A4?a=1&a=2"


def test_a_query_is_a_mapping_of_first_values():
    """All values are there too."""
    query = Request(query=[("a", "1"), ("b", ""), ("a", "2")]).query
    assert query == {"a": "1", "b": ""}
    assert (len(query), query["a"], query.get("c"), query.all("a"), query.all("c")) == (2, "1", None, ["1", "2"], [])
    assert repr(query) == "Query([('a', '1'), ('b', ''), ('a', '2')])"
    with pytest.raises(KeyError):
        query["c"]


def test_requests_are_in_flight_inside_their_block():
    """It does not matter how the block ends. The peak stays."""
    sandbox = Sandbox(1)
    log = sandbox.requests
    with sandbox.handle(Request()):
        with sandbox.handle(Request()):
            assert log.in_flight == 2
        assert log.in_flight == 1
    with pytest.raises(KeyError), sandbox.handle(Request()):
        raise KeyError
    assert (len(log), log.in_flight, log.peak_in_flight) == (3, 0, 2)


def test_statuses_and_faults_are_counted(log):
    """Requests without an answer are counted too."""
    log += [Request(status=200), Request(fault=reset()), Request(status=200, fault=cut()), Request(fault=reset())]
    assert log.statuses == {200: 2, None: 2}
    assert log.faults == {reset(): 2, cut(): 1}


def test_the_cursors_are_listed_in_order(log):
    """None stands for a request without a cursor."""
    log += [Request(), Request(query={"cursor": "5", "limit": "5"})]
    assert log.cursors == [None, "5"]


def test_a_request_shows_its_target_its_status_and_its_fault_but_no_key():
    page = Page(make_procedures(3), PageMeta(has_more=False))
    assert repr(Request(authorization="Bearer secret")) == "<GET /api/v2/procedures: no response>"
    assert (
        repr(Request(query={"limit": "3"}, status=200, page=page))
        == "<GET /api/v2/procedures?limit=3: 200, 3 procedures>"
    )
    assert str(Request(path="/x", status=404)) == "GET /x: 404"
    assert repr(Request(path="/v2/Runs/", status=200, page=page)) == "<GET /v2/Runs/: 200, 3 runs>"
    for listing, told in {"runs": "1 run", "batches": "1 batch"}.items():
        single = Request(path=f"/v2/{listing}", status=200, page=Page(make_procedures(1), PageMeta(has_more=False)))
        assert str(single) == f"GET /v2/{listing}: 200, {told}"
    assert repr(Request(path="/x", attempt=2, page=page, fault=reset())) == "<GET /x: no response, attempt 2, reset()>"
    late = Request(path="/v2/runs", status=200, page=page, fault=latency(0.1), is_right=True)
    assert str(late) == "GET /v2/runs: 200, 3 runs, latency(0.1)"


def test_a_log_shows_one_request_per_line(log):
    assert repr(log) == "<0 requests>"
    log += [Request(path="/x", status=404), Request(path="/y", status=500)]
    assert repr(log) == "<2 requests\n  GET /x: 404\n  GET /y: 500>"
