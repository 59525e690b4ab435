"""What goes out, as values: no socket, no clock."""

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, strategies as st

from aiotofupilot import Page, PageMeta
from aiotofupilot._protocol import date_time, following, request_target


@pytest.mark.parametrize(
    ("meta", "cursor"),
    [
        (PageMeta(has_more=True, next_cursor=50), 50),
        (PageMeta(has_more=True, next_cursor=0), 0),
        (PageMeta(has_more=True, next_cursor=None), None),
        (PageMeta(has_more=False, next_cursor=None), None),
        (PageMeta(has_more=False, next_cursor=50), None),
    ],
)
def test_a_listing_ends_where_either_says_so(meta, cursor):
    """`has_more` false, or no cursor to follow; never an empty page."""
    assert following(Page(data=[], meta=meta)) == cursor


@pytest.mark.parametrize(
    ("moment", "spelled"),
    [
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00.000Z"),
        (datetime.fromisoformat("2024-12-31T23:59:59.999Z"), "2024-12-31T23:59:59.999Z"),
        (datetime(2024, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2023-12-31T23:30:00.000Z"),
        (datetime(2024, 1, 1, 0, 0, 0, 1999, tzinfo=UTC), "2024-01-01T00:00:00.001Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_moments_are_spelled_in_utc_with_milliseconds_and_z(moment, spelled):
    """A fraction of a millisecond is dropped."""
    assert date_time(moment) == spelled


@pytest.mark.parametrize(
    ("microsecond", "spelled"),
    [(0, "00.000Z"), (1, "00.001Z"), (1000, "00.001Z"), (1001, "00.002Z"), (999_001, "01.000Z")],
)
def test_a_fraction_of_a_millisecond_can_be_rounded_up(microsecond, spelled):
    """What was created within the fraction is not lost."""
    moment = datetime(2024, 1, 1, 0, 0, 0, microsecond, tzinfo=UTC)
    assert date_time(moment, round_up=True) == f"2024-01-01T00:00:{spelled}"


def test_the_last_moment_of_all_cannot_be_rounded_up():
    """There is no later one."""
    assert date_time(datetime.max.replace(tzinfo=UTC), round_up=True) == "9999-12-31T23:59:59.999Z"


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.timezones()))  # noqa: DTZ001 - hypothesis adds the time zone
def test_a_spelled_moment_is_at_most_a_millisecond_off(moment):
    """Down or up, as asked."""
    down, up = date_time(moment), date_time(moment, round_up=True)
    assert timedelta(0) <= moment - datetime.fromisoformat(down) < timedelta(milliseconds=1)
    assert timedelta(0) <= datetime.fromisoformat(up) - moment < timedelta(milliseconds=1)


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1) | st.integers()))
def test_a_request_target_is_decoded_to_what_was_asked(parameters):
    """Whatever is in a search."""
    path, _, query = request_target("/v2/procedures", parameters).partition("?")
    assert path == "/v2/procedures"
    assert dict(parse_qsl(query, strict_parsing=bool(query))) == {
        name: str(value) for name, value in parameters.items()
    }
    assert query.isascii()
    assert not set(query) & set(" /#?\r\n")
