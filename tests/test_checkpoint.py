"""A checkpoint is a value that survives files, JSON and command lines."""

import json
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from aiotofupilot import Checkpoint
from aiotofupilot.positions import digest, sealed

digests = st.lists(st.binary(min_size=6, max_size=6), max_size=8).map(tuple)
times = st.none() | st.datetimes(timezones=st.just(UTC))
checkpoints = st.builds(Checkpoint, st.integers(0, 2**53 - 1), st.integers(0, 2**53 - 1), times, digests)


@given(checkpoints)
def test_its_string_form_reads_back(checkpoint):
    """`parse` undoes `str`, whatever it holds."""
    assert Checkpoint.parse(str(checkpoint)) == checkpoint


@given(checkpoints)
def test_it_survives_json_and_pickling(checkpoint):
    """It goes through a file as text, and through a process boundary as it is."""
    assert Checkpoint.parse(json.loads(json.dumps(str(checkpoint)))) == checkpoint
    assert pickle.loads(pickle.dumps(checkpoint)) == checkpoint  # noqa: S301 - our own


@given(checkpoints)
def test_its_string_form_needs_no_quotes_on_a_command_line(checkpoint):
    """It has letters, digits and a few signs that no shell interprets in the middle of a word."""
    assert not set(str(checkpoint)) & set(" \t\n'\"\\$`&|;<>()[]{}*?!#%^=,:")


@pytest.mark.parametrize(
    ("text", "checkpoint"),
    [
        ("0", Checkpoint()),
        ("200", Checkpoint(200)),
        ("200+17", Checkpoint(200, 17)),
        ("200+17@~AAECAwQF", Checkpoint(200, 17, None, (b"\0\1\2\3\4\5",))),
        ("7@20260102T030405Z~", Checkpoint(7, 0, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))),
        (
            "7@20260102T030405.006000Z~AAECAwQFBQQDAgEA",
            Checkpoint(
                7,
                0,
                datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC),
                (b"\0\1\2\3\4\5", b"\5\4\3\2\1\0"),
            ),
        ),
    ],
)
def test_it_says_where_to_ask_what_to_skip_and_whom_to_look_for(text, checkpoint):
    """A bare cursor is a checkpoint too."""
    assert Checkpoint.parse(text) == checkpoint
    assert str(checkpoint) == text


def test_what_is_not_a_checkpoint_is_refused_with_its_text():
    """A spelling cut short is noticed, not taken for another place."""
    for text in [
        "",
        "x",
        "-1",
        "1.5",
        "200+",
        "200@",
        "200@~AAEC",
        "200@~AAECAwQ!",
        "200@2026~",
        "200 ",
        "٣",
        "9" * 20,
    ]:
        with pytest.raises(ValueError, match="not a checkpoint") as caught:
            Checkpoint.parse(text)
        assert repr(text) in str(caught.value)


named = st.builds(
    evolve,
    checkpoints,
    listing=st.from_regex(r"[a-z_]+", fullmatch=True),
    query=st.from_regex(r"[A-Za-z0-9_-]{8}", fullmatch=True),
)
CHARACTERS = "aZ09-_.:+@~ é\n"


@given(named)
def test_every_text_that_was_cut_short_is_refused(checkpoint):
    text = str(checkpoint)
    for length in range(len(text)):
        with pytest.raises(ValueError, match="not a checkpoint, or one that was cut short or changed: "):
            Checkpoint.parse(text[:length])


@given(named, st.characters() | st.sampled_from(CHARACTERS))
def test_every_text_with_a_changed_character_is_refused(checkpoint, other):
    text = str(checkpoint)
    for position, before in enumerate(text):
        changed = f"{text[:position]}{other}{text[position + 1 :]}"
        if other != before:
            with pytest.raises(ValueError, match="not a checkpoint, or one that was cut short or changed: "):
                Checkpoint.parse(changed)


@given(named)
def test_what_names_a_listing_is_read_back_as_it_was(checkpoint):
    read = Checkpoint.parse(str(checkpoint))
    assert (read, read.listing, read.query) == (checkpoint, checkpoint.listing, checkpoint.query)


@pytest.mark.parametrize("text", [sealed("200"), sealed("200+17"), "runs.abcdefgh:200", ":200", sealed("")])
def test_what_names_no_listing_has_no_checksum_and_what_names_one_has(text):
    with pytest.raises(ValueError, match="not a checkpoint"):
        Checkpoint.parse(text)


def test_one_fits_into_a_few_dozen_characters():
    """So a checkpoint can be copied from a terminal."""
    checkpoint = Checkpoint(100_000, 99, datetime.max.replace(tzinfo=UTC), (digest("a"),))
    assert len(str(checkpoint)) <= 46


def test_its_time_has_an_offset_and_is_kept_in_utc():
    tokyo = timezone(timedelta(hours=9))
    assert Checkpoint(value=datetime(2026, 1, 1, 9, tzinfo=tokyo)).value == datetime(2026, 1, 1, tzinfo=UTC)
    for value, error in ((datetime(2026, 1, 1), ValueError), ("2026-01-01", TypeError)):  # noqa: DTZ001 - it is refused
        with pytest.raises(error, match="value"):
            Checkpoint(value=value)


@pytest.mark.parametrize("name", ["cursor", "skip"])
@pytest.mark.parametrize(
    ("value", "error"), [(-1, ValueError), (2**53, ValueError), ("7", TypeError), (7.0, TypeError)]
)
def test_what_cannot_be_counted_is_refused(name, value, error):
    """The error names the field, the bound and the value."""
    with pytest.raises(error, match=f"{name} must be") as caught:
        Checkpoint(**{name: value})
    assert repr(value) in str(caught.value)
