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
def test_status(met, code, name, message):
    """An error has the API's form and the API's own code for that status."""
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
def test_retry_after(met, retry_after, header):
    """Retry-After has seconds, a date or any text, or is not sent."""
    assert met(status(429, retry_after=retry_after)).headers.get("Retry-After") == header


def test_unknown_status():
    """A status that HTTP does not know is refused where it is written."""
    with pytest.raises(ValueError, match="299"):
        status(299)


def test_html(met):
    """A web page with any status, 200 if none is given, and further headers."""
    assert (met(html()).status, met(html(502)).status) == (200, 502)
    assert met(html()).body.startswith(b"<!DOCTYPE html>")
    assert met(html(headers={"Retry-After": "3"})).headers.items() >= {
        ("Content-Type", "text/html; charset=utf-8"),
        ("Retry-After", "3"),
    }


def test_empty(met):
    """An answer of any status can have no body."""
    assert met(empty(504, headers={"Retry-After": "3"})) == Delivery.of(504, {"Retry-After": "3"}, b"")
    assert met(empty()).status == 200


def test_json(met):
    """The answer is another JSON document."""
    assert met(faults.json([1, None])) == Delivery.of(200, {"Content-Type": "application/json"}, b"[1,null]")
    assert met(faults.json({}, 503)).status == 503


def test_redirect(met):
    """The redirect leads to another address, or to the same one."""
    request = Request(query={"search_query": "ä b", "limit": "3"})
    assert met(redirect(), request=request) == Delivery.of(
        307, {"Location": "/api/v2/procedures?search_query=%C3%A4+b&limit=3"}, b""
    )
    assert met(redirect("https://other.example/", code=301)) == Delivery.of(
        301, {"Location": "https://other.example/"}, b""
    )


@pytest.mark.parametrize("fault", [status(500), html(), empty(), faults.json([]), redirect()])
def test_waits_stay(met, fault):
    """Latency that is always there delays these answers too."""
    assert met(fault, Delivery((Wait(1), *Delivery.of(200, {}, b"x").steps))).steps == (Wait(1), *met(fault).steps)
