"""What can go wrong with an answer."""

import gzip as gzip_module
import json
import tracemalloc
import zlib
from datetime import datetime, timedelta, timezone

import pytest
from fakes.asking import ask

from aiotofupilot.sandbox import Request, Sandbox, faults
from aiotofupilot.sandbox.faults import (
    Fault,
    chunked,
    cut,
    empty,
    fault,
    gzip,
    gzip_bomb,
    hang_up,
    header_flood,
    html,
    instead,
    latency,
    malformed,
    oversized,
    redirect,
    reset,
    stall,
    status,
    unreadable,
)
from aiotofupilot.sandbox.request import Delivery, Head


@fault
def late(seconds, *, more=0):
    return lambda delivery, _request, _random: Delivery((*delivery.steps, seconds + more))


def test_a_fault_shows_as_the_call_that_made_it():
    """Faults with the same call are equal."""
    assert repr(late(5)) == "late(5)"
    assert repr(late(5, more=0)) == "late(5, more=0)"
    assert late(5) == late(5)
    assert len({late(5), late(5), late(6)}) == 2


def test_in_a_sum_of_faults_the_left_one_happens_first(met):
    both = late(1) + late(2, more=1)
    assert repr(both) == "late(1) + late(2, more=1)"
    assert met(both, Delivery(())).steps == (1, 3)


def test_another_answer_replaces_the_right_one_after_the_same_waits(met):
    answer = met(Fault("teapot", instead(418, {"A": "1"}, b"x")), Delivery((1,)))
    assert answer.steps == (1, *Delivery.of(418, {"A": "1"}, b"x").steps)


def test_an_error_has_the_form_and_the_code_of_the_api(met):
    for code, name, message in [
        (400, "BAD_REQUEST", "Bad Request"),
        (405, "METHOD_NOT_SUPPORTED", "Method Not Allowed"),
        (408, "TIMEOUT", "Request Timeout"),
        (413, "PAYLOAD_TOO_LARGE", "Content Too Large"),
        (414, "URI_TOO_LONG", "URI Too Long"),
        (416, "RANGE_NOT_SATISFIABLE", "Range Not Satisfiable"),
        (422, "UNPROCESSABLE_CONTENT", "Unprocessable Content"),
        (429, "TOO_MANY_REQUESTS", "Too Many Requests"),
        (499, "CLIENT_CLOSED_REQUEST", "Client Closed Request"),
        (500, "INTERNAL_SERVER_ERROR", "Internal Server Error"),
        (502, "BAD_GATEWAY", "Bad Gateway"),
        (503, "SERVICE_UNAVAILABLE", "Service Unavailable"),
        (504, "GATEWAY_TIMEOUT", "Gateway Timeout"),
        (520, "INTERNAL_SERVER_ERROR", "Web Server Returned an Unknown Error"),
        (524, "INTERNAL_SERVER_ERROR", "A Timeout Occurred"),
        (529, "INTERNAL_SERVER_ERROR", "Site Is Overloaded"),
    ]:
        answer = met(status(code))
        assert answer.status == code
        assert json.loads(answer.body) == {"message": message, "code": name}
        assert answer.headers == {"Content-Type": "application/json", "Content-Length": str(len(answer.body))}


def test_status_with_message_and_headers(met):
    """The message and further headers can be given."""
    answer = met(status(500, message="db down", headers={"X-Request-Id": "r1"}))
    assert json.loads(answer.body)["message"] == "db down"
    assert answer.headers["X-Request-Id"] == "r1"


def test_retry_after_has_seconds_a_date_or_any_text_or_is_not_sent(met):
    for retry_after, header in [
        (None, None),
        (0, "0"),
        (1.5, "1.5"),
        ("soon", "soon"),
        (datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), "Mon, 01 Jan 2024 00:00:00 GMT"),
    ]:
        assert met(status(429, retry_after=retry_after)).headers.get("Retry-After") == header


def test_a_status_that_http_does_not_know_is_refused():
    with pytest.raises(ValueError, match="299"):
        status(299)


def test_a_web_page_can_have_any_status_and_more_headers(met):
    """The default status is 200."""
    assert (met(html()).status, met(html(502)).status) == (200, 502)
    assert met(html()).body.startswith(b"<!DOCTYPE html>")
    assert met(html(headers={"Retry-After": "3"})).headers.items() >= {
        ("Content-Type", "text/html; charset=utf-8"),
        ("Retry-After", "3"),
    }


def test_an_answer_of_any_status_can_have_no_body(met):
    assert met(empty(504, headers={"Retry-After": "3"})) == Delivery.of(504, {"Retry-After": "3"}, b"")
    assert met(empty()).status == 200


def test_another_json_document_can_be_the_answer(met):
    assert met(faults.json([1, None])) == Delivery.of(200, {"Content-Type": "application/json"}, b"[1,null]")
    assert met(faults.json({}, 503)).status == 503
    with pytest.raises(TypeError, match=r"^JSON has no set, got \{1\}$"):
        faults.json([{1}])


def test_a_redirect_leads_to_another_address_or_to_the_same_one(met):
    request = Request(query={"search_query": "ä b", "limit": "3"})
    assert met(redirect(), request=request) == Delivery.of(
        307, {"Location": "/api/v2/procedures?search_query=%C3%A4+b&limit=3"}, b""
    )
    assert met(redirect("https://other.example/", code=301)) == Delivery.of(
        301, {"Location": "https://other.example/"}, b""
    )


def test_constant_latency_delays_these_answers_too(met):
    late = Delivery((1, *Delivery.of(200, {}, b"x").steps))
    for answer in (status(500), html(), empty(), faults.json([]), redirect()):
        assert met(answer, late).steps == (1, *met(answer).steps)


PAGE = Delivery.of(200, {"Content-Type": "application/json"}, b"0123456789")
LATE = Delivery((1, *PAGE.steps))


def unzip(delivery):
    assert delivery.headers["Content-Encoding"] == "gzip"
    return gzip_module.decompress(delivery.body)  # which refuses a body that has no end


def test_a_reset_comes_before_the_answer_after_its_headers_or_in_its_body(met):
    assert met(reset(), LATE).steps == (1, "reset")
    assert met(reset(after="headers"), LATE).steps == (1, PAGE.head, "reset")
    assert met(reset(after="half"), LATE).steps == (1, PAGE.head, b"01234", "reset")


def test_a_hang_up_closes_the_connection_without_an_answer(met):
    assert met(hang_up(), LATE).steps == (1, "close")


def test_cut_that_was_announced_whole(met):
    """Content-Length promises the whole body, and the connection closes before it is there."""
    assert met(cut()).steps == (PAGE.head, b"01234", "close")
    assert met(cut(at=0)).steps == (PAGE.head, "close")
    assert met(cut(at=0.9)).body == b"012345678"


def test_a_cut_body_can_have_the_length_of_its_part(met):
    """Content-Length is honest about the part: whole for HTTP, half a document for JSON."""
    part = met(cut(announced=False))
    assert part == Delivery.of(200, {"Content-Type": "application/json"}, b"01234")
    assert part.complete


def test_a_stall_sends_nothing_for_a_while_and_then_the_rest(met):
    """It is before the headers or inside the body."""
    assert met(stall(5)).steps == (5, *PAGE.steps)
    assert met(stall(5, inside_body=True)).steps == (PAGE.head, b"01234", 5, b"56789")


def test_jitter_spreads_latency_evenly_around_its_seconds(met):
    """Latency is never below 0. Only the given source of chance decides."""
    assert met(latency(0.5)).seconds == 0.5
    seconds = [met(latency(0.5, jitter=0.2), seed=seed).seconds for seed in range(200)]
    assert 0.3 <= min(seconds) < 0.32
    assert 0.68 < max(seconds) <= 0.7
    assert met(latency(0.5, jitter=0.2), seed=3).seconds == seconds[3]
    assert min(met(latency(0.1, jitter=9), seed=seed).seconds for seed in range(50)) == 0


def test_without_a_content_length_http_sends_the_body_in_chunks(met):
    assert met(chunked()).headers == {"Content-Type": "application/json"}
    assert met(chunked() + cut()).steps[-1] == "close"


def test_a_compressed_body_has_its_own_length(met):
    answer = met(gzip())
    assert unzip(answer) == PAGE.body
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert met(gzip()) == answer
    assert "Content-Length" not in met(chunked() + gzip()).headers


def test_gzip_keeps_the_other_steps(met):
    """Waits and ends stay where they are in the body, and what is between them can be decompressed at once."""
    answer = met(stall(5, inside_body=True) + gzip())
    assert [type(step) for step in answer.steps] == [Head, bytes, int, bytes]
    assert zlib.decompressobj(wbits=31).decompress(answer.steps[1]) == b"01234"
    assert unzip(answer) == PAGE.body
    assert met(cut() + gzip()).headers["Content-Length"] == "10"
    assert met(cut() + gzip()).steps[-1] == "close"


def test_if_nothing_is_sent_these_faults_change_nothing(met):
    for change in (gzip(), chunked(), reset(after="half"), cut(announced=False)):
        assert met(change, Delivery((1, "reset"))).steps == (1, "reset")


MIB = 1024 * 1024


def test_a_few_bytes_become_many(met):
    answer = met(gzip_bomb(2 * MIB + 1))
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 10_000
    assert gzip_module.decompress(answer.body) == b" " * (2 * MIB + 1)


def test_to_make_such_bytes_takes_little_memory():
    """A test may measure the memory of a client in the same process."""
    tracemalloc.start()
    try:
        gzip_bomb(24 * MIB)
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


def test_many_spaces_after_an_answer_take_no_memory(met):
    """They may be announced or not."""
    answer = met(oversized(2 * MIB))
    assert answer.body == b"0123456789" + b" " * (2 * MIB)
    assert answer.headers["Content-Length"] == str(10 + 2 * MIB)
    assert "Content-Length" not in met(oversized(MIB, announced=False)).headers
    assert len({id(step) for step in met(oversized()).steps[2:]}) == 1


def test_many_more_headers_leave_the_answer_as_it_is(met):
    answer = met(header_flood(50, size=10))
    assert answer.body == b"0123456789"
    assert len(answer.headers) == 52
    assert answer.headers["X-Flood-49"] == "x" * 10


@pytest.fixture
def service():
    return Sandbox(procedures=10, runs=10)


def get(service, cursor, limit, listing="procedures"):
    return ask(service, listing, {"cursor": str(cursor), "limit": str(limit)})


@pytest.mark.parametrize("name", ["position", "id"])
def test_a_page_that_holds_an_unreadable_item_fails_whatever_its_length(service, name):
    service.faults.always(unreadable(6 if name == "position" else service.procedures[6].id))
    for cursor in range(10):
        for limit in range(1, 11):
            status_code, _ = get(service, cursor, limit)
            assert status_code == (500 if cursor <= 6 < cursor + limit else 200)


def test_an_unreadable_item_can_meet_any_fault(service):
    service.faults.always(unreadable(2, by=status(408)), unreadable(3, by=status(504)))
    assert [get(service, cursor, 1)[0] for cursor in range(5)] == [200, 200, 408, 504, 200]
    assert repr(unreadable(2, "a", by=empty(504))) == "unreadable(2, 'a', by=empty(504))"


def test_a_malformed_item_has_no_id_and_leaves_the_rest_of_the_page_alone(service):
    _, good = get(service, 4, 4)
    service.faults.always(malformed(6, service.procedures[7].id))
    status_code, document = get(service, 4, 4)
    assert status_code == 200
    assert [item["id"] for item in document["data"]] == [*(item["id"] for item in good["data"][:2]), None, None]
    assert [item["name"] for item in document["data"]] == [item["name"] for item in good["data"]]
    assert document["meta"] == good["meta"]
    assert all(item["id"] for item in get(service, 0, 4)[1]["data"])


def test_an_item_of_a_bare_array_can_be_malformed(service):
    service.faults.always(malformed(0))
    _, document = ask(service, "users")
    assert [item["id"] for item in document] == [None, *(user.id for user in service.users[1:])]


@pytest.mark.parametrize(
    "other",
    [status(503), html(), *map(faults.json, ([1], [[]], "no", None, {"data": 1}, {"data": []}, {"id": "other"}))],
    ids=repr,
)
def test_what_another_fault_answers_is_left_as_it_is(service, other, met):
    """There is no item in it to write otherwise."""
    ask(service, "procedures")
    (request,) = service.requests
    answer = met(other, request=request)
    assert met(malformed(0), answer, request=request) == answer


def test_a_request_without_a_page_meets_nothing(service):
    service.faults.always(unreadable(0), malformed(0))
    assert ask(service, "procedures", key="wrong")[0] == 401


def test_transient_faults_are_quick_and_real(met):
    """None of them waits, and none leaves the answer as it was."""
    for transient in faults.TRANSIENT:
        altered = met(transient)
        assert altered.seconds == 0, transient
        assert (altered.status, altered.body, altered.complete) != (200, b"0123456789", True), transient


def test_every_fault_has_a_name_here():
    """The public names are all there, one for each kind."""
    assert {name for name in faults.__all__ if name.islower()} == {
        "chunked",
        "cut",
        "empty",
        "gzip",
        "gzip_bomb",
        "hang_up",
        "header_flood",
        "html",
        "json",
        "latency",
        "malformed",
        "oversized",
        "redirect",
        "reset",
        "stall",
        "status",
        "unreadable",
    }
    assert all(callable(getattr(faults, name)) for name in faults.__all__ if name.islower())
