"""Values of fields as JSON."""

from datetime import datetime, timedelta, timezone

import pytest

from aiotofupilot.sandbox.rest import document


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2024, 1, 15, 12, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=2))), "2024-01-15T10:30:00.999Z"),
        (timedelta(0), "PT0S"),
        (timedelta(seconds=90.732), "PT1M30.732S"),
        (timedelta(minutes=1), "PT1M"),
        (timedelta(hours=1), "PT1H"),
        (timedelta(hours=25), "PT25H"),
        (timedelta(microseconds=1), "PT0.000001S"),
        (timedelta(seconds=10), "PT10S"),
        (timedelta(seconds=-5), "PT-5S"),
        (timedelta(seconds=-90.5), "PT-1M-30.5S"),
    ],
)
def test_a_date_is_cut_to_milliseconds_and_a_duration_keeps_its_microseconds_and_its_sign(value, text):
    """A date of another zone is written in UTC."""
    assert document(value) == text
