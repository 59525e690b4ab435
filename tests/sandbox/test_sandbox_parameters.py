"""Query parameters and zod's complaints about them."""

from datetime import UTC, datetime, timedelta

import pytest

from aiotofupilot.sandbox.parameters import Parameters
from aiotofupilot.sandbox.wire import Refusal


def issues(**query):
    with pytest.raises(Refusal) as caught:
        Parameters.parse(query)
    return caught.value.issues


def test_defaults():
    """Nothing given: 50 from the beginning, unfiltered; unknown parameters don't matter."""
    assert Parameters.parse({"bogus": "1"}) == Parameters(
        limit=50, cursor=0, search_query="", created_after=None, created_before=None
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("50.0", 50), ("+7", 7), ("1e1", 10), (".5e1", 5), ("5.", 5), (" 9\n", 9)],
)
def test_numbers_as_javascript_reads_them(text, number):
    """What JavaScript's Number() reads as a whole number is one."""
    assert Parameters.parse({"limit": text}).limit == number
    assert Parameters.parse({"cursor": text}).cursor == number


@pytest.mark.parametrize("text", ["abc", "1_0", "nan", "inf", "-Infinity", "1e999", "٣", "1 0", "--1"])
def test_not_a_number(text):
    """What JavaScript does not read, or reads as infinite, is not a number, even where Python reads one."""
    assert [issue["code"] for issue in issues(limit=text, cursor=text)] == ["invalid_type", "invalid_type"]


def test_empty_is_zero():
    """An empty number is JavaScript's 0: a cursor, but no limit."""
    assert Parameters.parse({"cursor": ""}).cursor == 0
    assert [issue["code"] for issue in issues(limit="")] == ["too_small"]


@pytest.mark.parametrize(("limit", "code"), [("0", "too_small"), ("-1", "too_small"), ("101", "too_big")])
def test_limit_bounds(limit, code):
    """A limit is from 1 to 100."""
    assert Parameters.parse({"limit": "1"}).limit == 1
    assert Parameters.parse({"limit": "100"}).limit == 100
    assert [(issue["code"], issue["path"]) for issue in issues(limit=limit)] == [(code, ["limit"])]


def test_negative_cursor():
    """A cursor below 0 is refused; one far beyond any end is not."""
    assert issues(cursor="-1") == [
        {
            "origin": "number",
            "code": "too_small",
            "minimum": 0,
            "inclusive": True,
            "path": ["cursor"],
            "message": "Too small: expected number to be >=0",
        }
    ]
    assert Parameters.parse({"cursor": "1e30"}).cursor == int(1e30)


def test_fractional_numbers():
    """A fraction is refused, once, whatever the bounds say."""
    assert issues(limit="0.5") == [
        {
            "expected": "int",
            "format": "safeint",
            "code": "invalid_type",
            "path": ["limit"],
            "message": "Invalid input: expected int, received number",
        }
    ]
    assert [issue["code"] for issue in issues(cursor="50.5")] == ["invalid_type"]


@pytest.mark.parametrize(("character", "fits"), [("a", 100), ("ä", 100), ("🔋", 50), ("\ud800", 100)])
def test_search_query_length_in_utf16(character, fits):
    """JavaScript counts UTF-16 units: a battery emoji is two characters."""
    assert Parameters.parse({"search_query": character * fits}).search_query == character * fits
    assert [issue["code"] for issue in issues(search_query=character * fits + "a")] == ["too_big"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-02-29T23:59:59.9Z", datetime(2024, 2, 29, 23, 59, 59, 900000, tzinfo=UTC)),
        ("2024-01-01T00:00:00.123999999Z", datetime(2024, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)),
        ("2024-01-01T02:00:00+02:00", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01T00:00:00-23:59", datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=23, minutes=59)),
        ("0000-01-01T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
    ],
)
def test_moments(text, moment):
    """A moment with seconds and an offset is read to the millisecond; the year 0 is before everything."""
    parameters = Parameters.parse({"created_after": text, "created_before": text})
    assert parameters.created_after == parameters.created_before == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-01-01",
        "2024-01-01T00:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00 02:00",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:00Z\n",
        "٢٠٢٤-01-01T00:00:00Z",
    ],
)
def test_not_a_moment(text):
    """Minutes alone, no offset, days that are not there, or a plus sign that became a space: refused."""
    assert [(issue["path"], issue["format"]) for issue in issues(created_before=text)] == [
        (["created_before"], "datetime")
    ]


def test_every_complaint_in_documented_order():
    """All that is wrong is said at once."""
    query = {"created_before": "x", "created_after": "x", "search_query": "x" * 101, "cursor": "x", "limit": "x"}
    assert [issue["path"] for issue in issues(**query)] == [
        ["limit"],
        ["cursor"],
        ["search_query"],
        ["created_after"],
        ["created_before"],
    ]
