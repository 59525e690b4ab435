"""Every answer of a server that refuses or fails becomes an error."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given, strategies as st
from msgspec import json
from multidict import CIMultiDict

from aiotofupilot import APIError, RateLimitedError, ServerError, ValidationIssue
from aiotofupilot._wire.response import Response, problem, retry_after

NOW = datetime(2026, 2, 1, 12, 0, 0, tzinfo=UTC)


def answer(status=200, body=b"", **headers):
    """An answer; header names with underscores for hyphens."""
    fields = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Response(status, fields, body, NOW)


def refusal(status, body=b"", **headers):
    """The error that an answer becomes."""
    return problem(answer(status, body, **headers))


def test_any_other_status_has_its_class_too():
    """Every status that is not 2xx is an error."""
    for status, error in [
        (301, APIError),
        (304, APIError),
        (402, APIError),
        (408, ServerError),
        (418, APIError),
        (429, RateLimitedError),
        (502, ServerError),
        (503, ServerError),
        (504, ServerError),
        (599, ServerError),
        (600, ServerError),
    ]:
        assert type(refusal(status)) is error


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the response has no body"),
        (b"<html>busy</html>", "the response is not TofuPilot's: 17 bytes of text/html"),
        (b'"busy"', "the response is not TofuPilot's: 6 bytes of text/html"),
        (b"[]", "the response is not TofuPilot's: 2 bytes of text/html"),
        (b'{"message":null,"code":7}', "the response is not TofuPilot's: 25 bytes of text/html"),
        (b'{"message":""}', "the response is not TofuPilot's: 14 bytes of text/html"),
    ],
)
def test_an_error_of_a_proxy_is_summed_up(body, message):
    """The page is not the message. The error keeps it as its body."""
    error = refusal(503, body, Content_Type="text/html; charset=utf-8")
    assert (error.message, error.code, error.issues, error.body) == (message, None, (), body)


def test_an_error_of_unknown_type_says_so():
    """An answer need not have a Content-Type."""
    assert refusal(503, b"?").message == "the response is not TofuPilot's: 1 bytes of unknown type"


def test_an_error_keeps_2000_bytes_of_a_body_and_its_message_no_more():
    """An error page may be large, but the error keeps only its beginning."""
    body = json.encode({"message": "x" * 100_000, "code": "HUGE"})
    error = refusal(500, body)
    assert error.body == body[:2000]
    assert len(str(error)) < 100


def test_an_error_body_of_exactly_64_kib_keeps_its_message():
    """One more byte, and the body is no longer parsed."""
    empty = len(json.encode({"message": "", "code": "LARGE"}))
    body = json.encode({"message": "x" * (64 * 1024 - empty), "code": "LARGE"})
    assert len(body) == 64 * 1024
    error = refusal(500, body)
    assert (error.message, error.code, error.body) == ("x" * (64 * 1024 - empty), "LARGE", body[:2000])
    longer = refusal(500, body + b" ")
    assert (longer.message, longer.code) == ("the response is not TofuPilot's: 65537 bytes of unknown type", None)
    assert longer.body == body[:2000]


def test_the_message_of_a_gateway_is_kept_though_its_code_is_a_number():
    """Many gateways repeat the status there."""
    error = refusal(503, b'{"message":"no healthy upstream","code":503}')
    assert (error.message, error.code) == ("no healthy upstream", None)


def test_issues_are_read_and_those_of_another_form_cost_nothing_else():
    """zod has more members than are read, and their form depends on its version."""
    issues = [{"message": "m", "path": ["a", 0], "code": "c", "more": 1}, {"message": "n"}]
    error = refusal(400, json.encode({"message": "no", "issues": issues}))
    assert (error.message, error.issues) == ("no", (ValidationIssue("m", ("a", 0), "c"), ValidationIssue("n")))
    for strange in (None, {"path": 1}, [None], [{"message": "m", "path": "a"}], [{"code": "c"}]):
        error = refusal(400, json.encode({"message": "no", "code": "BAD_REQUEST", "issues": strange}))
        assert (error.message, error.code, error.issues) == ("no", "BAD_REQUEST", ())


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({}, None),
        ({"CF_Ray": "ray"}, "ray"),
        ({"X_Vercel_Id": "vercel", "CF_Ray": "ray"}, "vercel"),
        ({"CF_Ray": "ray", "X_Request_ID": "request"}, "request"),
    ],
)
def test_an_error_knows_what_the_server_calls_the_request(headers, request_id):
    """The server's own name counts more than a proxy's."""
    assert refusal(500, **headers).request_id == request_id


@given(st.integers(100, 999).filter(lambda status: not 200 <= status < 300), st.binary())
def test_any_body_of_any_error_becomes_an_api_error(status, body):
    """A proxy may send anything."""
    error = refusal(status, body)
    assert error.status == status
    assert error.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=4),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"message": JSON, "code": JSON, "issues": st.lists(JSON, max_size=3) | JSON}))
def test_any_json_of_any_error_becomes_an_api_error(document):
    """There may be more keys, and known keys with other types."""
    error = refusal(400, json.encode(document))
    assert isinstance(error.message, str)
    assert error.code is None or isinstance(error.code, str)
    assert all(isinstance(issue, ValidationIssue) for issue in error.issues)
    assert str(error).startswith("400")


DATE = "Sun, 01 Feb 2026 12:00:30 GMT"


def test_retry_after_is_read_in_seconds_or_as_a_date():
    """RFC 9110 has three spellings of a date. A date that has passed asks for no wait."""
    for asked, seconds in [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("0.25", 0.25),
        ("999999999", 999_999_999.0),
        (DATE, 30.0),
        ("Sun, 01 Feb 2026 14:00:30 +0200", 30.0),
        ("Sun, 01 Feb 2026 12:00:30 -0000", 30.0),
        ("Sunday, 01-Feb-26 12:00:30 GMT", 30.0),
        ("Sun Feb  1 12:00:30 2026", 30.0),
        ("Sun, 01 Feb 2026 11:59:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ]:
        assert retry_after(answer(429, Retry_After=asked)) == seconds


def test_retry_after_that_cannot_be_read_asks_for_nothing():
    """Ten digits are a Unix time, which is no duration."""
    for asked in [
        "",
        "soon",
        "-1",
        "+1",
        "1e3",
        "1.",
        ".5",
        "0x10",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "1,5",
        "NaN",
        "inf",
        "1770000000",
        "12:00",
        "Sun, 01 Feb",
    ]:
        assert retry_after(answer(429, Retry_After=asked)) is None


def test_a_response_without_retry_after_asks_for_nothing():
    """This is not the same as zero seconds."""
    assert retry_after(answer(429)) is None


def test_a_date_is_measured_by_the_servers_own_clock():
    """The local clock may be wrong by hours."""
    hours_behind = format_datetime(NOW - timedelta(hours=3), usegmt=True)
    until = format_datetime(NOW - timedelta(hours=3) + timedelta(seconds=9), usegmt=True)
    assert retry_after(answer(429, Retry_After=until, Date=hours_behind)) == 9.0


def test_a_date_is_measured_by_our_clock_where_the_server_tells_no_time():
    """A Date that cannot be read is none."""
    assert retry_after(answer(429, Retry_After=DATE, Date="yesterday")) == 30.0


HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")) | st.text(
    "0123456789:,+- SunFebGMT", max_size=40
)


@given(HEADER, HEADER)
@example("Mon, 01 Jan 0001 00:00:00 +2359", DATE)
@example("Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359")
@example("Mon, 01 Jan 2024 00:00:00 +9999999999", DATE)
@example("0, 0 0 0 0:0:0", "0")
def test_no_header_makes_retry_after_fail_or_negative(asked, date):
    """Anybody may have written them."""
    seconds = retry_after(answer(429, Retry_After=asked, Date=date))
    assert seconds is None or seconds >= 0
    assert refusal(429, Retry_After=asked, Date=date).retry_after == seconds
