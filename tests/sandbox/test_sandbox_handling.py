"""How the sandbox handles a request, without a network."""

import json
import re

import pytest

from aiotofupilot.sandbox import BusyLine, Request, Sandbox, make_procedures
from aiotofupilot.sandbox.faults import gzip, latency, reset, status
from aiotofupilot.sandbox.paging import capped, offsets


@pytest.fixture
def service():
    return Sandbox(30)


def ask(service, **query):
    request = Request(query=query, authorization=f"Bearer {service.api_key}")
    with service.handle(request) as delivery:
        return request, delivery


def test_procedures_made_up_or_given():
    """A count makes up as many from the seed; given ones are listed as given, in a list of the service's own."""
    assert Sandbox().procedures == make_procedures(250)
    assert Sandbox(3, seed=5).procedures == make_procedures(3, seed=5)
    given = tuple(make_procedures(4, seed=9))
    assert Sandbox(given).procedures == list(given)
    assert Sandbox(iter(given)).procedures == list(given)


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        (
            {"procedures": [make_procedures(1)[0], {"id": "x"}]},
            "procedures[1] must be of the class Procedure, got dict",
        ),
        ({"runs": make_procedures(1)}, "runs[0] must be of the class Run, got Procedure"),
        ({"batches": [None]}, "batches[0] must be of the class Batch, got NoneType"),
    ],
    ids=str,
)
def test_items_of_another_kind_are_refused(items, complaint):
    """Such as dicts that were read from JSON. Each request would fail later."""
    with pytest.raises(TypeError, match=f"^{re.escape(complaint)}; from_wire makes items of what JSON holds$"):
        Sandbox(**items)


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        ({"procedures": "three"}, "procedures must be a number or an iterable of procedures, got 'three'"),
        ({"runs": True}, "runs must be a number or an iterable of runs, got True"),
        ({"units": 3}, "units must be an iterable of units, got 3"),
    ],
    ids=str,
)
def test_what_is_not_a_collection_of_items_is_refused(items, complaint):
    with pytest.raises(TypeError, match=f"^{re.escape(complaint)}$"):
        Sandbox(**items)


def test_a_negative_number_of_procedures_is_refused():
    with pytest.raises(ValueError, match=r"^procedures must be at least 0, got -1$"):
        Sandbox(-1)


def test_an_answer_is_a_page_of_the_listing_as_json(service):
    """The request knows the procedures on the page."""
    request, delivery = ask(service, limit="20")
    assert (delivery.status, delivery.complete, delivery.seconds) == (200, True, 0)
    assert [item["id"] for item in json.loads(delivery.body)["data"]] == [p.id for p in service.procedures[:20]]
    assert request.page.data == service.procedures[:20]
    assert request.page.meta.next_cursor == 20
    assert request.status == 200


def test_another_path_or_method_is_not_found(service):
    """This is so with and without a key."""
    for method, path in [
        ("GET", "/v2/procedures"),
        ("GET", "/api/v2/nope"),
        ("GET", "/api/v2/runs/1/phases"),
        ("GET", "/api/v2/procedures//"),
        ("GET", "/api/v2/%70rocedures"),
        ("POST", "/api/v2/procedures"),
        ("OPTIONS", "/api/v2/procedures"),
    ]:
        request = Request(method=method, path=path)
        with service.handle(request) as delivery:
            assert delivery.status == request.status == 404
        assert json.loads(delivery.body) == {"message": "Not found", "code": "NOT_FOUND"}
        assert request.page is None


def test_other_spellings_of_a_route(service):
    """Letter case and one trailing slash make no difference."""
    for path in ["/api/v2/procedures/", "/api/v2/Procedures", "/API/V2/PROCEDURES"]:
        with service.handle(Request(path=path, authorization=f"Bearer {service.api_key}")) as delivery:
            assert delivery.status == 200


def test_head_says_whether_there_is_such_a_route(service):
    """It needs no key."""
    for path, expected in (("/api/v2/procedures", 200), ("/api/v2/nope", 404)):
        request = Request(method="HEAD", path=path)
        with service.handle(request) as delivery:
            assert (delivery.status, delivery.body) == (expected, b"")
            assert "Content-Type" not in delivery.headers
        assert request.page is None


def test_a_scalar_that_is_sent_twice_is_refused(service):
    query = [("limit", "1"), ("limit", "1")]
    with service.handle(Request(query=query, authorization=f"Bearer {service.api_key}")) as delivery:
        assert delivery.status == 400


def test_a_users_key_may_list_and_a_stations_key_may_not():
    """Another key is unknown."""
    service = Sandbox(1, api_key="u", station_key="s")
    statuses = []
    for authorization in ("Bearer u", "Bearer s", "Bearer x", None):
        with service.handle(Request(path="/api/v2/stations", authorization=authorization)) as delivery:
            statuses.append(delivery.status)
    assert statuses == [200, 403, 401, 401]
    assert (service.api_key, service.station_key) == ("u", "s")


def test_what_a_station_may_list():
    """It can be chosen, and changed at any time."""
    service = Sandbox(1, station_key="s", station_listings=["procedures"])
    request = Request(authorization="Bearer s")
    with service.handle(request) as delivery:
        assert delivery.status == 200
    service.station_listings.clear()
    with service.handle(request) as delivery:
        assert (delivery.status, json.loads(delivery.body)["message"]) == (403, "Stations cannot read procedures")


@pytest.mark.parametrize("options", [{"station_listings": ["nope"]}, {"pagings": {"nope": offsets}}])
def test_the_name_of_an_unknown_listing_is_refused(options):
    with pytest.raises(ValueError, match=r"there is no listing 'nope', only .*procedures"):
        Sandbox(**options)


def test_the_same_question_is_another_attempt_until_it_is_answered(service):
    """Another question or method is not."""
    service.faults.next(status(500), status(500), latency(0.1), status(500), gzip(), reset())
    asked = [ask(service, cursor=cursor)[0] for cursor in ("0", "0", "0", "5", "5", "0", "0", "0")]
    assert [request.attempt for request in asked] == [1, 2, 3, 1, 2, 1, 2, 1]
    assert [request.asked for request in asked] == [1, 2, 3, 1, 2, 4, 5, 6]
    assert [request.is_right for request in asked] == [False, False, True, False, True, False, True, True]


def test_a_fault_alters_what_is_sent_and_not_the_page_in_the_log(service):
    service.faults.next(status(503), reset())
    first, answer = ask(service)
    second, nothing = ask(service)
    assert (first.status, answer.status, first.fault, len(first.page.data)) == (503, 503, status(503), 30)
    assert (second.status, nothing.status, second.fault) == (None, None, reset())
    assert service.requests == [first, second]


def test_faults_can_see_the_attempt(service):
    """A fault for first attempts leaves second ones alone."""
    service.faults.on(lambda request: request.attempt == 1).always(status(500))
    assert [ask(service, cursor=cursor)[0].status for cursor in ("0", "0", "5", "5")] == [500, 200, 500, 200]


def test_a_change_before_a_response_shows_in_it(service):
    """A change after it shows in the next one."""
    first, second = service.procedures[:2]
    seen = []
    service.before_response.append(lambda factory, request: seen.append((len(factory.procedures), request.page)))
    service.after_response.append(lambda factory, request: seen.append((len(factory.procedures), request.page)))
    service.after_response.append(lambda factory, _request: factory.procedures.pop(0))
    one, _ = ask(service, limit="1")
    two, _ = ask(service, limit="1")
    assert (one.page.data, two.page.data) == ([first], [second])
    assert seen == [(30, None), (30, one.page), (29, None), (29, two.page)]


def test_after_response_waits_for_the_end(service):
    """While an answer is being sent, it is in flight. The hook is called when the block ends, also after an error."""
    ended = []
    service.after_response.append(lambda _factory, request: ended.append(request))
    first, second = Request(), Request()
    with service.handle(first):
        assert (ended, service.requests.in_flight) == ([], 1)
    assert (ended, service.requests.in_flight) == ([first], 0)
    with pytest.raises(KeyError), service.handle(second):
        raise KeyError
    assert (ended, service.requests.in_flight) == ([first, second], 0)


def test_a_request_that_a_hook_does_not_let_through_got_no_response(service):
    """It is not in flight any more, it counts as an attempt, and the hooks after a response are called."""
    ended = []
    service.after_response.append(lambda _factory, request: ended.append(request.status))
    service.before_response.append(lambda _factory, _request: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ask(service)
    assert (service.requests.statuses, service.requests.in_flight, ended) == ({None: 1}, 0, [None])
    service.before_response.clear()
    assert [ask(service)[0].attempt for _ in range(2)] == [2, 1]


def test_a_busy_line_is_a_hook(service):
    service.before_response.append(line := BusyLine(inserts=1))
    request, _ = ask(service, limit="1")
    assert request.page.data == line.inserted


def test_the_paging_can_be_set_at_any_time(service):
    assert service.paging is offsets
    service.paging = capped(5)
    assert len(ask(service)[0].page.data) == 5
    assert len(ask(Sandbox(30, paging=capped(7)))[0].page.data) == 7


def test_paging_of_one_listing():
    """One listing may be cut in a way of its own."""
    service = Sandbox(30, paging=capped(7), pagings={"procedures": capped(5)})
    assert len(ask(service)[0].page.data) == 5
    del service.pagings["procedures"]
    assert len(ask(service)[0].page.data) == 7


def test_a_service_does_not_wait(service):
    """The waits are in the delivery, for the server that plays it."""
    service.faults.always(latency(3600))
    assert ask(service)[1].seconds == 3600
