"""What can go wrong with a response."""

from datetime import datetime, timedelta, timezone

import pytest
from fakes import faults
from fakes.asking import ask

from aiotofupilot.sandbox import Request, Sandbox
from aiotofupilot.sandbox.request import Delivery, Head

JSON = {"Content-Type": "application/json"}
PAGE = Delivery.of(200, JSON, b"0123456789")
LATE = Delivery((1, *PAGE.steps))
MIB = 1024 * 1024


@faults.fault
def late(seconds, *, more=0):
    return lambda delivery, _request, _random: Delivery((*delivery.steps, seconds + more))


def test_a_fault_shows_as_the_call_that_made_it(met):
    """Faults with the same call are equal. In a sum of faults, the left one happens first."""
    assert repr(late(5)) == "late(5)"
    assert len({late(5), late(5), late(6)}) == 2
    both = late(1) + late(2, more=1)
    assert repr(both) == "late(1) + late(2, more=1)"
    assert met(both, Delivery(())).steps == (1, 3)
    assert repr(faults.unreadable(2, "a", by=faults.empty(504))) == "unreadable(2, 'a', by=empty(504))"


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        (400, "BAD_REQUEST", "Bad Request"),
        (408, "TIMEOUT", "Request Timeout"),
        (429, "TOO_MANY_REQUESTS", "Too Many Requests"),
        (500, "INTERNAL_SERVER_ERROR", "Internal Server Error"),
        (503, "SERVICE_UNAVAILABLE", "Service Unavailable"),
        (524, "INTERNAL_SERVER_ERROR", "Error of a Proxy"),
    ],
)
def test_an_error_has_the_form_and_the_code_of_the_api(met, code, name, message):
    assert met(faults.status(code)) == Delivery.of(code, JSON, f'{{"message":"{message}","code":"{name}"}}'.encode())


IN_ANOTHER_ZONE = datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
STEPS = [
    # Faults, and what becomes of the page, which comes after a second.
    (faults.status(500, message="db down", headers={"A": "1"}), (500, JSON | {"A": "1"}, b'{"message":"db down",')),
    *[
        (
            faults.status(429, retry_after=after),
            (429, JSON | ({"Retry-After": header} if header else {}), b'{"message"'),
        )
        for after, header in [(None, None), (0, "0"), (1.5, "1.5"), ("soon", "soon")]
    ],
    (
        faults.status(429, retry_after=IN_ANOTHER_ZONE),
        (429, JSON | {"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"}, b"{"),
    ),
    (faults.html(), (200, {"Content-Type": "text/html; charset=utf-8"}, b"<!DOCTYPE html>")),
    (
        faults.html(502, headers={"A": "3"}),
        (502, {"Content-Type": "text/html; charset=utf-8", "A": "3"}, b"<!DOCTYPE html>"),
    ),
    (faults.empty(), (200, {}, b"")),
    (faults.empty(504, headers={"Retry-After": "3"}), (504, {"Retry-After": "3"}, b"")),
    (faults.json([1, None]), (200, JSON, b"[1,null]")),
    (faults.json({}, 503), (503, JSON, b"{}")),
    (faults.redirect(), (307, {"Location": "/api/v2/procedures?search_query=%C3%A4+b&limit=3"}, b"")),
    (faults.redirect("https://other.example/", code=301), (301, {"Location": "https://other.example/"}, b"")),
    (faults.Fault("teapot", faults.instead(418, {"A": "1"}, b"x")), (418, {"A": "1"}, b"x")),
    (faults.reset(), ("reset",)),
    (faults.reset(after="headers"), (PAGE.head, "reset")),
    (faults.reset(after="half"), (PAGE.head, b"01234", "reset")),
    (faults.hang_up(), ("close",)),
    (faults.cut(), (PAGE.head, b"01234", "close")),
    (faults.cut(at=0), (PAGE.head, "close")),
    (faults.cut(at=0.9), (PAGE.head, b"012345678", "close")),
    (faults.cut(announced=False), Delivery.of(200, JSON, b"01234").steps),
    (faults.stall(5), (5, *PAGE.steps)),
    (faults.stall(5, inside_body=True), (PAGE.head, b"01234", 5, b"56789")),
    (faults.latency(0.5), (0.5, *PAGE.steps)),
    (faults.chunked(), (Head(200, JSON), b"0123456789")),
    (faults.chunked() + faults.cut(), (Head(200, JSON), b"01234", "close")),
]


@pytest.mark.parametrize(("change", "expected"), STEPS, ids=lambda value: repr(value)[:40])
def test_a_fault_changes_the_steps_of_a_response(met, change, expected):
    """The wait before the response stays. Another response is given as status, headers, and how its body begins."""
    request = Request(query={"search_query": "ä b", "limit": "3"})
    altered = met(change, LATE, request=request)
    if isinstance(expected[0], int) and isinstance(expected[1], dict):
        code, headers, begins = expected
        assert altered.body.startswith(begins)
        expected = Delivery.of(code, headers, altered.body).steps
    waits = [step for step in altered.steps if isinstance(step, int | float)]
    assert sum(waits) == 1 + sum(step for step in expected if isinstance(step, int | float))
    assert [step for step in altered.steps if step != 1] == [step for step in expected if step != 1]


def test_what_http_or_json_does_not_know_is_refused():
    with pytest.raises(ValueError, match="299"):
        faults.status(299)
    with pytest.raises(TypeError, match=r"^JSON has no set, got \{1\}$"):
        faults.json([{1}])


def test_if_nothing_is_sent_these_faults_change_nothing(met):
    for change in (faults.gzip(), faults.chunked(), faults.reset(after="half"), faults.cut(announced=False)):
        assert met(change, Delivery((1, "reset"))).steps == (1, "reset")


@pytest.fixture
def service():
    return Sandbox(procedures=10, runs=10)


def get(service, cursor, limit):
    return ask(service, "procedures", {"cursor": str(cursor), "limit": str(limit)})


@pytest.mark.parametrize("name", ["position", "id"])
def test_a_page_that_holds_an_unreadable_item_fails_whatever_its_length(service, name):
    """Another fault can be given. A request without a page meets nothing."""
    service.faults.always(faults.unreadable(6 if name == "position" else service.procedures[6].id), faults.malformed(0))
    for cursor in range(10):
        for limit in range(1, 11):
            assert get(service, cursor, limit)[0] == (500 if cursor <= 6 < cursor + limit else 200)
    assert ask(service, "procedures", key="wrong")[0] == 401
    service.faults.clear()
    service.faults.always(faults.unreadable(2, by=faults.status(408)), faults.unreadable(3, by=faults.status(504)))
    assert [get(service, cursor, 1)[0] for cursor in range(5)] == [200, 200, 408, 504, 200]


def test_transient_faults_are_quick_and_real(met):
    """None of them waits, and none leaves the response as it was."""
    for transient in faults.TRANSIENT:
        altered = met(transient)
        assert altered.seconds == 0, transient
        assert (altered.status, altered.body, altered.complete) != (200, PAGE.body, True), transient
