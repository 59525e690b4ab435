"""How the sandbox handles a request, without a network: its log, its deliveries, its hooks and its pages."""

import json

import pytest
from fakes.faults import gzip, latency, reset, status

from aiotofupilot.models import Page, PageMeta
from aiotofupilot.sandbox import Request, RequestLog, Sandbox, make_procedures
from aiotofupilot.sandbox.paging import capped, offsets


@pytest.fixture
def service():
    return Sandbox(30)


def ask(service, **query):
    request = Request(query=query, authorization=f"Bearer {service.api_key}")
    with service.handle(request) as delivery:
        return request, delivery


def test_a_response_is_a_page_of_the_listing_as_json(service):
    """The request knows the procedures on the page."""
    request, delivery = ask(service, limit="20")
    assert (delivery.status, delivery.complete, delivery.seconds) == (200, True, 0)
    assert [item["id"] for item in json.loads(delivery.body)["data"]] == [p.id for p in service.procedures[:20]]
    assert request.page.data == service.procedures[:20]
    assert (request.page.meta.next_cursor, request.status) == (20, 200)


def test_the_same_question_is_another_attempt_until_it_is_answered(service):
    """Another question or method is not."""
    service.faults.next(status(500), status(500), latency(0.1), status(500), gzip(), reset())
    asked = [ask(service, cursor=cursor)[0] for cursor in ("0", "0", "0", "5", "5", "0", "0", "0")]
    assert [request.attempt for request in asked] == [1, 2, 3, 1, 2, 1, 2, 1]
    assert [request.asked for request in asked] == [1, 2, 3, 1, 2, 4, 5, 6]
    assert [request.is_right for request in asked] == [False, False, True, False, True, False, True, True]
    service.faults.on(lambda request: request.attempt == 1).always(status(500))
    assert [ask(service, cursor=cursor)[0].status for cursor in ("7", "7", "9", "9")] == [500, 200, 500, 200]


def test_a_fault_alters_what_is_sent_and_not_the_page_in_the_log(service):
    """A service does not wait: the waits are in the delivery, for the server that plays it."""
    service.faults.next(status(503), reset(), latency(3600))
    first, response = ask(service)
    second, nothing = ask(service)
    assert (first.status, response.status, first.fault, len(first.page.data)) == (503, 503, status(503), 30)
    assert (second.status, nothing.status, second.fault) == (None, None, reset())
    assert service.requests == [first, second]
    assert ask(service)[1].seconds == 3600
    assert ask(service)[0].fault is None


class TestHooks:
    def test_a_change_before_a_response_shows_in_it(self, service):
        """A change after it shows in the next one."""
        first, second = service.procedures[:2]
        seen = []
        for hooks in (service.before_response, service.after_response):
            hooks.append(lambda factory, request: seen.append((len(factory.procedures), request.page)))
        service.after_response.append(lambda factory, _request: factory.procedures.pop(0))
        one, _ = ask(service, limit="1")
        two, _ = ask(service, limit="1")
        assert (one.page.data, two.page.data) == ([first], [second])
        assert seen == [(30, None), (30, one.page), (29, None), (29, two.page)]

    def test_a_response_is_in_flight_until_its_block_ends(self, service):
        """The hook is called when the block ends, also after an error."""
        ended, log = [], service.requests
        service.after_response.append(lambda _factory, request: ended.append(request))
        first, second, third = Request(), Request(), Request()
        with service.handle(first):
            with service.handle(second):
                assert (ended, log.in_flight) == ([], 2)
            assert (ended, log.in_flight) == ([second], 1)
        with pytest.raises(KeyError), service.handle(third):
            raise KeyError
        assert (ended, len(log), log.in_flight, log.peak_in_flight) == ([second, first, third], 3, 0, 2)

    def test_a_request_that_a_hook_does_not_let_through_got_no_response(self, service):
        """It is not in flight any more, it counts as an attempt, and the hooks after a response are called."""
        ended = []
        service.after_response.append(lambda _factory, request: ended.append(request.status))
        service.before_response.append(lambda _factory, _request: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ask(service)
        assert (service.requests.statuses, service.requests.in_flight, ended) == ({None: 1}, 0, [None])
        service.before_response.clear()
        assert [ask(service)[0].attempt for _ in range(2)] == [2, 1]


def test_the_paging_of_all_listings_or_of_one_can_be_set_at_any_time(service):
    assert service.paging is offsets
    service.paging = capped(5)
    assert len(ask(service)[0].page.data) == 5
    other = Sandbox(30, paging=capped(7), pagings={"procedures": capped(6)})
    assert len(ask(other)[0].page.data) == 6
    del other.pagings["procedures"]
    assert len(ask(other)[0].page.data) == 7


class TestLog:
    def test_a_target_is_the_path_and_the_query_of_a_request_line(self):
        """Encoded characters of the path stay encoded, so the target can be requested again."""
        for request, target in [
            (Request(), "/api/v2/procedures"),
            (Request(path="/ä b"), "/%C3%A4%20b"),
            (Request(path="/x", query={"a": "ä b", "c": ""}), "/x?a=%C3%A4+b&c="),
            (Request(path="/%70%C3%A4", query=[("a", "1"), ("a", "2")]), "/%70%C3%A4?a=1&a=2"),
        ]:
            assert request.target == target

    def test_statuses_are_counted_and_cursors_are_listed(self):
        """None stands for a request without a response, and for one without a cursor."""
        log = RequestLog()
        log += [Request(status=200), Request(fault=reset()), Request(status=200), Request(fault=reset())]
        log.append(Request(query={"cursor": "5", "limit": "5"}))
        assert log.statuses == {200: 2, None: 3}
        assert log.cursors == [None] * 4 + ["5"]

    @pytest.mark.parametrize(
        ("described", "shown"),
        [
            ({"authorization": "Bearer secret"}, "GET /api/v2/procedures: no response"),
            ({"query": {"limit": "3"}, "status": 200, "items": 3}, "GET /api/v2/procedures?limit=3: 200, 3 items"),
            ({"path": "/x", "attempt": 2, "items": 3, "fault": reset()}, "GET /x: no response, attempt 2, reset()"),
            (
                {"path": "/v2/runs", "status": 200, "items": 3, "fault": latency(0.1), "is_right": True},
                "GET /v2/runs: 200, 3 items, latency(0.1)",
            ),
        ],
    )
    def test_a_request_shows_its_target_its_status_and_its_fault_but_no_key(self, described, shown):
        number = described.get("items")
        page = number and Page(make_procedures(number), PageMeta(has_more=False))
        request = Request(**{name: value for name, value in described.items() if name != "items"}, page=page)
        assert (str(request), repr(request)) == (shown, f"<{shown}>")
