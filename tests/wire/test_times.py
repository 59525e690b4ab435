"""Timestamps and durations are formatted as the API does it, and read in each format that the API may use."""

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, strategies as st

from aiotofupilot._wire.times import format_date_time, format_duration, format_timestamp, read_date_time, read_duration


@pytest.mark.parametrize(
    ("timestamp", "written"),
    [
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00.000Z"),
        (datetime.fromisoformat("2024-12-31T23:59:59.999Z"), "2024-12-31T23:59:59.999Z"),
        (datetime(2024, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2023-12-31T23:30:00.000Z"),
        (datetime(2024, 1, 1, 0, 0, 0, 1999, tzinfo=UTC), "2024-01-01T00:00:00.001Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_timestamps_are_formatted_in_utc_with_milliseconds_and_z(timestamp, written):
    """A fraction of a millisecond is dropped."""
    assert format_date_time(timestamp) == written


def test_the_last_timestamp_of_all_cannot_be_rounded_up():
    """No later timestamp can be written."""
    assert format_date_time(datetime.max.replace(tzinfo=UTC), round_up=True) == "9999-12-31T23:59:59.999Z"


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.timezones()))  # noqa: DTZ001 - hypothesis adds the time zone
@example(datetime(2023, 11, 5, 1, 59, 59, 999_500, ZoneInfo("America/New_York")))  # when summer time ends
def test_a_formatted_timestamp_is_at_most_a_millisecond_off(timestamp):
    """The text lies before the timestamp or after it, as asked."""
    down, up = format_date_time(timestamp), format_date_time(timestamp, round_up=True)
    assert timedelta(0) <= timestamp - datetime.fromisoformat(down) < timedelta(milliseconds=1)
    assert timedelta(0) <= datetime.fromisoformat(up) - timestamp < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("timestamp", "written"),
    [
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), "0001-01-01T00:00:00.000+05:00"),
        (
            datetime(9999, 12, 31, 23, 59, 59, 999_999, timezone(-timedelta(hours=5))),
            "9999-12-31T23:59:59.999-05:00",
        ),
    ],
)
@pytest.mark.parametrize("round_up", [False, True])
def test_a_timestamp_that_utc_has_no_year_for_keeps_its_offset(timestamp, written, round_up):
    """Writing it is not an error, and reading the text gives the timestamp back."""
    assert format_date_time(timestamp, round_up=round_up) == written
    assert abs(read_date_time(written) - timestamp) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "timestamp"),
    [
        ("2024-01-15T10:30:00Z", datetime(2024, 1, 15, 10, 30, tzinfo=UTC)),
        ("2024-01-15T10:30Z", datetime(2024, 1, 15, 10, 30, tzinfo=UTC)),
        ("2024-01-15T10:30:00.5Z", datetime(2024, 1, 15, 10, 30, 0, 500_000, UTC)),
        ("2024-01-15T10:30:00.1234567Z", datetime(2024, 1, 15, 10, 30, 0, 123_457, UTC)),
        ("2024-01-15T12:30:00+02:00", datetime(2024, 1, 15, 10, 30, tzinfo=UTC)),
        ("2024-01-15T12:30+02:00", datetime(2024, 1, 15, 10, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))),
    ],
)
def test_a_timestamp_is_read_with_its_offset(text, timestamp):
    """Seconds and their fraction may be missing."""
    assert read_date_time(text) == timestamp


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2024-01-15T10:30:00", "expected a date-time with a UTC offset, got '2024-01-15T10:30:00'"),
        ("2024-01-15", "expected a date-time with a UTC offset, got '2024-01-15'"),
        ("yesterday", "Invalid isoformat string: 'yesterday'"),
        ("", "Invalid isoformat string: ''"),
    ],
)
def test_what_is_not_a_timestamp_with_an_offset_is_refused(text, complaint):
    """The message quotes the text."""
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        read_date_time(text)


@given(st.datetimes(timezones=st.timezones()))
@example(datetime.min.replace(tzinfo=timezone(timedelta(hours=1))))  # in UTC it has no year
def test_every_timestamp_comes_back_from_its_exact_text(timestamp):
    """In any year and time zone. It has milliseconds where these are enough."""
    written = format_timestamp(timestamp)
    assert read_date_time(written) - timestamp == timedelta(
        0
    )  # an hour that a zone has twice equals none of another zone
    if timestamp.microsecond % 1000 == 0:
        assert written == format_date_time(timestamp)


def test_a_duration_is_read():
    """A year counts as 365 days and a month as 30. A text that only the API lacks is read as it is meant."""
    for text, duration in [
        ("PT1M30.732S", timedelta(seconds=90.732)),
        ("PT1M30,732S", timedelta(seconds=90.732)),
        ("PT21.5S", timedelta(seconds=21.5)),
        ("PT0S", timedelta(0)),
        ("PT5M", timedelta(minutes=5)),
        ("PT36H", timedelta(hours=36)),
        ("P1DT12H30M5S", timedelta(days=1, hours=12, minutes=30, seconds=5)),
        ("P2W", timedelta(weeks=2)),
        ("P1M", timedelta(days=30)),
        ("PT1M", timedelta(minutes=1)),
        ("P1Y2M3DT4H", timedelta(days=365 + 2 * 30 + 3, hours=4)),
        ("PT0.0000014S", timedelta(microseconds=1)),
        ("PT0,0000016S", timedelta(microseconds=2)),
        ("P999999999D", timedelta(days=999_999_999)),
        ("-PT1S", timedelta(seconds=-1)),
        ("PT-5S", timedelta(seconds=-5)),
        ("P-1DT-2H", timedelta(days=-1, hours=-2)),
        ("PT1M-5S", timedelta(seconds=55)),
        ("P1M-2DT-0.25S", timedelta(days=28, seconds=-0.25)),
        ("+PT1S", timedelta(seconds=1)),
        ("pt1s", timedelta(seconds=1)),
        ("P1d", timedelta(days=1)),
        ("PT1.5H", timedelta(minutes=90)),
        ("PT1.5M", timedelta(seconds=90)),
        ("P1.5D", timedelta(hours=36)),
    ]:
        assert read_duration(text) == duration


def test_what_is_not_a_duration_is_refused():
    """A unit is missing, or out of its order, or its number is no decimal number."""
    for text in [
        *("", "P", "PT", "P1", "PT1", "1S", "T1S", "P1DT", "PT1S1M", "PT1S2S", "P1S", "PT1D", "P1W2D", "P1WT1S"),
        *("PT--1S", "PT-S", "P-T1S", "PT5S-", "P1,5W", "P1.5W", "PT1,5H", "p1w", "PT.5S", "PT1.S", "PT1e3S"),
        *(" PT1S", "PT1S\n", "PT\uff11S", "P1Y1W", "01:30", "90"),
    ]:
        with pytest.raises(ValueError, match=r"^expected an ISO 8601 duration, got "):
            read_duration(text)


@pytest.mark.parametrize("text", ["P1000000000D", "P99999999999999999999Y", "P9999999999W", "PT99999999999999999999H"])
def test_a_duration_that_is_too_long_is_refused(text):
    """No timedelta is that long."""
    with pytest.raises(ValueError, match=f"^expected a duration of at most 999999999 days, got '{text}'$"):
        read_duration(text)


GRAMMAR = re.compile(r"P(\d+W|(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?)", re.ASCII)
numbers = st.sampled_from(["0", "1", "59", "007", "1.5", "1,25", "0.1234567"])
scraps = st.tuples(
    st.sampled_from(["P", "-P", "p", ""]),
    *(st.just("") | numbers.map(lambda number, unit=unit: number + unit) for unit in "YMWD"),
    st.sampled_from(["", "T"]),
    *(st.just("") | numbers.map(lambda number, unit=unit: number + unit) for unit in "HMS"),
    st.sampled_from(["", " ", "S"]),
).map("".join)


@given(scraps | st.text("PTDHMSWY0123456789.,-+pts ", max_size=12) | st.text("PTS1.\xdf\u01c5\uff11", max_size=8))
@example("P1M")
def test_what_the_grammar_allows_is_read(text):
    """All that is read beyond it has a sign, small letters, or a fraction of days, hours or minutes."""
    try:
        read_duration(text)
    except ValueError:
        assert not GRAMMAR.fullmatch(text)
    else:
        usual = re.sub(r"\.\d+(?=[DHM])", "", text.removeprefix("-").removeprefix("+").upper(), flags=re.ASCII)
        assert GRAMMAR.fullmatch(usual)


@pytest.mark.parametrize(
    ("duration", "written"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(seconds=90.732), "PT1M30.732S"),
        (timedelta(minutes=5), "PT5M"),
        (timedelta(days=1, hours=12), "PT36H"),
        (timedelta(hours=1, seconds=1), "PT1H1S"),
        (timedelta(microseconds=1), "PT0.000001S"),
        (timedelta(seconds=-1.5), "-PT1.5S"),
    ],
)
def test_a_duration_is_formatted(duration, written):
    """Hours, minutes and seconds are enough for any duration."""
    assert format_duration(duration) == written


@given(st.timedeltas(min_value=timedelta(0)))
def test_a_duration_comes_back_from_its_text(duration):
    """No microsecond is lost."""
    assert read_duration(format_duration(duration)) == duration
