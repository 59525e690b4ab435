"""Query parameters and zod's complaints about them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Literal

import pytest

from aiotofupilot.listings import Argument, Bounds
from aiotofupilot.sandbox.document import Refusal
from aiotofupilot.sandbox.query import declared, pages, read
from aiotofupilot.sandbox.request import Query

DAY = timedelta(days=1)


def parameter(name, kind, **facts):
    return {name: declared(Argument(name=name, annotation=kind, doc="", **facts))}


PROCEDURES = (
    pages(safe=False)
    | parameter("search_query", str, bounds=Bounds(high=100))
    | parameter("created_after", datetime)
    | parameter("created_before", datetime)
)


def parse(query, parameters=PROCEDURES):
    return read(parameters, Query(query).pairs)


def refused(query, parameters=PROCEDURES):
    with pytest.raises(Refusal) as caught:
        parse(query, parameters)
    return caught.value.issues


def issues(**query):
    return refused(query)


def test_without_parameters_the_first_50_items_come_unfiltered():
    """Unknown parameters are ignored."""
    assert parse({"bogus": "1"}) == {"limit": 50, "cursor": 0}


def test_numbers_as_javascript_reads_them():
    """Every text that JavaScript's Number() reads as a whole number is one."""
    for text, number in [
        ("7", 7),
        ("50.0", 50),
        ("+7", 7),
        ("1e1", 10),
        (".5e1", 5),
        ("5.", 5),
        (" 9\n", 9),
        ("\ufeff9\u2003", 9),
        ("0x1F", 31),
        ("0B11", 3),
        ("0o17", 15),
    ]:
        assert parse({"limit": text})["limit"] == number
        assert parse({"cursor": text})["cursor"] == number


def test_a_text_that_javascript_does_not_read_is_not_a_number():
    """Infinity is not a number either. Python may read some of these texts."""
    for text in [
        "abc",
        "1_0",
        "nan",
        "inf",
        "-Infinity",
        "1e999",
        "0x" + "f" * 300,
        "-0x1",
        "0x",
        "\x1c1",
        "٣",
        "1 0",
        "--1",
    ]:
        assert [issue["code"] for issue in issues(limit=text, cursor=text)] == ["invalid_type", "invalid_type"]


def test_an_empty_number_is_zero():
    """It is a valid cursor, but not a valid limit."""
    assert parse({"cursor": ""})["cursor"] == 0
    assert [issue["code"] for issue in issues(limit="")] == ["too_small"]


def test_a_limit_is_from_1_to_100():
    for limit, code in [("0", "too_small"), ("-1", "too_small"), ("101", "too_big")]:
        assert parse({"limit": "1"})["limit"] == 1
        assert parse({"limit": "100"})["limit"] == 100
        assert [(issue["code"], issue["path"]) for issue in issues(limit=limit)] == [(code, ["limit"])]


def test_a_negative_cursor_is_refused():
    """A cursor far beyond any end is not."""
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
    assert parse({"cursor": "1e30"})["cursor"] == int(1e30)


def test_a_fraction_is_refused_once_whatever_the_bounds_are():
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


def test_search_query_length_in_utf16():
    """JavaScript counts UTF-16 units: a battery emoji is two characters."""
    for character, fits in [("a", 100), ("ä", 100), ("🔋", 50), ("\ud800", 100)]:
        assert parse({"search_query": character * fits})["search_query"] == character * fits
        assert [issue["code"] for issue in issues(search_query=character * fits + "a")] == ["too_big"]


def test_a_moment_with_an_offset_is_read_to_the_millisecond():
    """Its seconds may be missing. The year 0 is before everything."""
    for text, timestamp in [
        ("2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-02-29T23:59:59.9Z", datetime(2024, 2, 29, 23, 59, 59, 900000, tzinfo=UTC)),
        ("2024-01-01T00:00:00.123999999Z", datetime(2024, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)),
        ("2024-01-01T02:00:00+02:00", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01T00:00:00-23:59", datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=23, minutes=59)),
        ("2024-01-01T00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01T02:00+02:00", datetime(2024, 1, 1, tzinfo=UTC)),
        ("0000-01-01T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
    ]:
        asked = parse({"created_after": text, "created_before": text})
        assert asked["created_after"] == asked["created_before"] == timestamp


def test_a_malformed_moment_is_refused():
    """It may lack minutes or an offset, or have a day that does not exist, or a plus sign that became a space."""
    for text in [
        "",
        "2024-01-01",
        "2024-01-01T00Z",
        "2024-01-01T00:00.5Z",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00 02:00",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:00Z\n",
        "٢٠٢٤-01-01T00:00:00Z",
    ]:
        assert [(issue["path"], issue["format"]) for issue in issues(created_before=text)] == [
            (["created_before"], "datetime")
        ]


def test_all_that_is_wrong_is_said_at_once():
    query = {"created_before": "x", "created_after": "x", "search_query": "x" * 101, "cursor": "x", "limit": "x"}
    assert sorted(issue["path"] for issue in issues(**query)) == sorted([name] for name in query)


def test_infinity_is_a_number_that_is_refused():
    """zod says of an infinite number that it is one."""
    assert issues(limit="Infinity") == [
        {
            "expected": "number",
            "code": "invalid_type",
            "received": "Infinity",
            "path": ["limit"],
            "message": "Invalid input: expected number, received number",
        }
    ]


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_beyond_the_safe_ones(sign):
    """A whole number that JavaScript cannot hold exactly is refused, unless the parameter is a plain number."""
    parameters = parameter("n", int) | {"plain": pages(minimum=-inf, safe=False)["cursor"]}
    text = str(sign * 2**53)
    assert parse({"n": str(sign * (2**53 - 1)), "plain": text}, parameters) == {
        "n": sign * (2**53 - 1),
        "plain": sign * 2**53,
    }
    assert [(issue["path"], issue["origin"]) for issue in refused({"n": text}, parameters)] == [(["n"], "int")]


def test_a_scalar_that_is_sent_twice_is_refused_as_an_array():
    for kind, expected in [
        (int, "number"),
        (float, "number"),
        (str, "string"),
        (datetime, "string"),
        (timedelta, "string"),
        (bool, "boolean"),
    ]:
        assert refused([("x", "1"), ("x", "1")], parameter("x", kind)) == [
            {
                "expected": expected,
                "code": "invalid_type",
                "path": ["x"],
                "message": f"Invalid input: expected {expected}, received array",
            }
        ]


def test_a_required_string_is_asked_for():
    parameters = parameter("x", str, is_required=True)
    assert parse({"x": ""}, parameters) == {"x": ""}
    assert refused({}, parameters) == [
        {
            "expected": "string",
            "code": "invalid_type",
            "path": ["x"],
            "message": "Invalid input: expected string, received undefined",
        }
    ]


def test_a_number_need_not_be_whole():
    assert parse({"x": "-1.5"}, parameter("x", float)) == {"x": -1.5}
    assert [issue["code"] for issue in refused({"x": "y"}, parameter("x", float))] == ["invalid_type"]


def test_a_boolean_is_true_false_1_or_0_in_small_letters():
    assert [parse({"x": text}, parameter("x", bool))["x"] for text in ("true", "1", "false", "0")] == [
        True,
        True,
        False,
        False,
    ]
    assert (parse({}, parameter("x", bool)), parse({}, parameter("x", bool, server_default=True))) == (
        {},
        {"x": True},
    )
    for text in ("", "True", "yes", "2"):
        assert refused({"x": text}, parameter("x", bool)) == [
            {
                "expected": "boolean",
                "code": "invalid_type",
                "path": ["x"],
                "message": "Invalid input: expected boolean, received string",
            }
        ]


def test_an_array_is_a_repeated_key():
    """A single value is an array of one, also an empty value."""
    parameters = parameter("ids", Sequence[str]) | parameter("outcomes", Sequence[Literal["PASS", "FAIL"]])
    query = [("ids", "a"), ("outcomes", "PASS"), ("ids", "b"), ("ids", "a")]
    assert parse(query, parameters) == {"ids": {"a", "b"}, "outcomes": {"PASS"}}
    assert parse({"ids": ""}, parameters) == {"ids": {""}}
    assert parse({}, parameters) == {}


def test_an_unknown_word_is_refused_with_all_known_ones():
    """In an array, the issue has its index."""
    parameters = parameter("order", Literal["asc", "desc"], server_default="desc")
    parameters |= parameter("outcomes", Sequence[Literal["PASS", "FAIL"]])
    assert parse({}, parameters) == {"order": "desc"}
    assert parse({"order": "asc"}, parameters) == {"order": "asc"}
    query = [("order", "up"), ("outcomes", "PASS"), ("outcomes", "pass")]
    assert refused(query, parameters) == [
        {
            "code": "invalid_value",
            "values": ["asc", "desc"],
            "path": ["order"],
            "message": 'Invalid option: expected one of "asc"|"desc"',
        },
        {
            "code": "invalid_value",
            "values": ["PASS", "FAIL"],
            "path": ["outcomes", 1],
            "message": 'Invalid option: expected one of "PASS"|"FAIL"',
        },
    ]
    assert len(refused([("order", "asc"), ("order", "asc")], parameters)) == 1
    assert len(refused([("outcomes", "A"), ("outcomes", "PASS"), ("outcomes", "B")], parameters)) == 2


def test_an_iso_8601_duration_is_read():
    """A duration that is longer than a timedelta can be becomes the longest timedelta."""
    for text, span in [
        ("PT1M30.732S", timedelta(seconds=90.732)),
        ("PT1,5S", timedelta(seconds=1.5)),
        ("P2W", 14 * DAY),
        ("P1Y2M3DT4H", 428 * DAY + timedelta(hours=4)),
        ("PT0S", timedelta(0)),
        ("P" + "9" * 400 + "D", timedelta.max),
        ("P999999999999D", timedelta.max),
    ]:
        assert parse({"x": text}, parameter("x", timedelta)) == {"x": span}


def test_another_text_than_a_duration_is_refused():
    for text in ["", "P", "PT", "90", "1:30", "P1W2D", "PT1.5M", "-PT1S", "PT1S\n"]:
        assert [
            (issue["code"], issue["format"], issue["message"])
            for issue in refused({"x": text}, parameter("x", timedelta))
        ] == [("invalid_format", "duration", "Invalid ISO duration")]
