"""Faults that answer something else."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from aiotofupilot.sandbox import Request, faults
from aiotofupilot.sandbox.delivery import Delivery, Wait
from aiotofupilot.sandbox.faults import empty, html, redirect, status


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
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
    ],
)
def test_an_error_has_the_form_and_the_code_of_the_api(met, code, name, message):
    answer = met(status(code))
    assert answer.status == code
    assert json.loads(answer.body) == {"message": message, "code": name}
    assert answer.headers == {"Content-Type": "application/json", "Content-Length": str(len(answer.body))}


def test_status_with_message_and_headers(met):
    """The message and further headers can be given."""
    answer = met(status(500, message="db down", headers={"X-Request-Id": "r1"}))
    assert json.loads(answer.body)["message"] == "db down"
    assert answer.headers["X-Request-Id"] == "r1"


@pytest.mark.parametrize(
    ("retry_after", "header"),
    [
        (None, None),
        (0, "0"),
        (1.5, "1.5"),
        ("soon", "soon"),
        (datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), "Mon, 01 Jan 2024 00:00:00 GMT"),
    ],
)
def test_retry_after_has_seconds_a_date_or_any_text_or_is_not_sent(met, retry_after, header):
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


def test_a_redirect_leads_to_another_address_or_to_the_same_one(met):
    request = Request(query={"search_query": "ä b", "limit": "3"})
    assert met(redirect(), request=request) == Delivery.of(
        307, {"Location": "/api/v2/procedures?search_query=%C3%A4+b&limit=3"}, b""
    )
    assert met(redirect("https://other.example/", code=301)) == Delivery.of(
        301, {"Location": "https://other.example/"}, b""
    )


@pytest.mark.parametrize("fault", [status(500), html(), empty(), faults.json([]), redirect()])
def test_constant_latency_delays_these_answers_too(met, fault):
    assert met(fault, Delivery((Wait(1), *Delivery.of(200, {}, b"x").steps))).steps == (Wait(1), *met(fault).steps)
