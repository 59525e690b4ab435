"""What people type for an option."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from cyclopts import Token

from aiotofupilot import Checkpoint
from aiotofupilot.cli.options import checkpoint, duration, metadata, timestamp


@pytest.fixture(autouse=True)
def _tokyo(monkeypatch):
    """This machine is in a place nine hours ahead of UTC, all year."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-01T00:00Z", (2024, 1, 1)),
        ("2024-01-01T00:00:00+02:00", (2023, 12, 31, 22)),
        ("2024-01-01T00:00:00.123Z", (2024, 1, 1, 0, 0, 0, 123_000)),
        ("2026-01-30 16:45Z", (2026, 1, 30, 16, 45)),
        ("2024-01-01T09:30", (2024, 1, 1, 0, 30)),
        ("2024-01-01", (2023, 12, 31, 15)),
    ],
)
def test_a_moment_is_aware(text, utc):
    """An offset counts; without one it is local time, and a date is its midnight."""
    assert timestamp(datetime, [Token(value=text)]) == datetime(*utc, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "soon", "-7d", "7", "9999999d", "99999999999999d", "2024-13-01", "01.02.2024", "0001-01-01"],
)
def test_what_is_no_date_is_refused_with_what_is(text):
    """The message repeats what was given and shows every form."""
    with pytest.raises(ValueError, match=f'"{text}" is not a date: write 2024-01-31, .*T09:30Z or .*02:00'):
        timestamp(datetime, [Token(value=text)])


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("7d", (2026, 2, 22, 16, 30)),
        ("12h", (2026, 3, 1, 4, 30)),
        ("30m", (2026, 3, 1, 16)),
        ("1d12h", (2026, 2, 28, 4, 30)),
        ("0s", (2026, 3, 1, 16, 30)),
    ],
)
def test_a_moment_is_told_from_now(text, utc):
    """It is half past one in the night of 2 March here."""
    now = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
    assert timestamp(datetime, [Token(value=text)], now) == datetime(*utc, tzinfo=UTC)


def test_an_age_is_that_of_this_machine_s_clock():
    before = datetime.now(UTC)
    read = timestamp(datetime, [Token(value="1h")])
    assert before <= read + timedelta(hours=1) <= datetime.now(UTC)


@pytest.mark.parametrize(
    "place",
    [Checkpoint(), Checkpoint(200), Checkpoint(200, 3, datetime(2026, 3, 30, tzinfo=UTC), (b"abcdef", b"ghijkl"))],
)
def test_a_place_is_a_checkpoint(place):
    """What a run printed, or a position of the server's."""
    assert checkpoint(Checkpoint, [Token(value=str(place))]) == place


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "200@abc"])
def test_what_is_no_place_is_refused_with_what_is(text):
    """The message repeats what was given."""
    with pytest.raises(
        ValueError, match=f'"{re.escape(text)}" is not a cursor: write 0 or more, or what an earlier run'
    ):
        checkpoint(Checkpoint, [Token(value=text)])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1m30s", 90),
        ("2h", 7200),
        ("2w", 1209600),
        ("1d2h", 93600),
        ("0.5s", 0.5),
        ("PT1M30.732S", 90.732),
        ("pt2h", 7200),
        ("P1DT1S", 86401),
        ("P2W", 1209600),
        ("PT0,5S", 0.5),
    ],
)
def test_a_duration_is_read(text, seconds):
    """As people write it, or in ISO 8601."""
    assert duration(timedelta, [Token(value=text)]) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "5", "P", "PT", "P1D2H", "-5s", "1s1m", "P1Y", "P1M", "T1H", "1dT1h"])
def test_what_is_no_duration_is_refused_with_what_is(text):
    with pytest.raises(ValueError, match=f'"{text}" is not a duration: write 90s, 1m30s, 2h or PT1M30S'):
        duration(timedelta, [Token(value=text)])


@pytest.mark.parametrize("text", ["99999999999999d", "P99999999999999W", "9" * 400 + "s", "1000000000d"])
def test_a_duration_that_python_cannot_hold_is_refused_with_the_longest(text):
    """The message names the longest number of days."""
    with pytest.raises(ValueError, match=r"is not a duration: write 90s, .* and at most 999999999d"):
        duration(timedelta, [Token(value=text)])


@pytest.mark.parametrize("text", ["", "shift", "=A", "[1]", "{", '"x"'])
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(ValueError, match="is not a metadata filter: write KEY=TEXT"):
        metadata(dict, [Token(value=text)])


def test_metadata_that_is_nested_too_deeply_is_refused():
    """JSON of any depth ends in a line, and not in a RecursionError."""
    with pytest.raises(ValueError, match="is not a metadata filter: write KEY=TEXT"):
        metadata(dict, [Token(value='{"a":' * 100_000)])
