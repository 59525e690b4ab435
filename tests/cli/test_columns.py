"""Cells of a table for people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from aiotofupilot.cli.columns.column import duration, moment


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (datetime(2024, 1, 15, 10, 30, 59, tzinfo=UTC), "2024-01-15 10:30Z"),
        (datetime(2024, 1, 15, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2024-01-14 23:30Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "0001-01-01 00:00+02:00"),
    ],
)
def test_a_moment_is_shown_to_the_minute_in_utc(value, text):
    """Beyond the years that UTC has, it keeps its offset."""
    assert moment(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (timedelta(seconds=9.25), "0:09.2"),
        (timedelta(minutes=1, seconds=30.732), "1:30.7"),
        (timedelta(hours=26, minutes=3), "26:03:00.0"),
    ],
)
def test_a_duration_is_shown_in_hours_minutes_and_seconds(value, text):
    assert duration(value) == text
