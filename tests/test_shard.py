"""A shard is a value: it is checked, compared, written and pickled.

- The text of a shard, a checkpoint or a watermark that was cut short or changed is refused.
"""

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest

from aiotofupilot import Shard
from aiotofupilot.positions import sealed

START, END = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 2, 1, 12, 30, 15, 500000, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def test_it_holds_what_lies_between_its_ends_and_at_its_start():
    shard = Shard(listing="runs", start=START, end=END)
    assert [shard.holds(moment) for moment in (START - MICROSECOND, START, END - MICROSECOND, END)] == [0, 1, 1, 0]
    assert Shard(listing="runs", end=END).holds(datetime.min.replace(tzinfo=UTC))
    assert not Shard(listing="runs", end=END).holds(END)
    assert Shard(listing="runs", start=START).holds(datetime.max.replace(tzinfo=UTC))
    assert not Shard(listing="runs", start=START).holds(START - MICROSECOND)


def test_an_item_without_a_timestamp_belongs_to_the_shard_that_has_no_start():
    assert Shard(listing="phases", end=END).holds(None)
    assert not Shard(listing="phases", start=START).holds(None)


@pytest.mark.parametrize(
    ("shard", "spelling"),
    [
        (Shard(listing="users"), "users:../..?"),
        (
            Shard(
                listing="runs", query=[("outcomes", "FAIL"), ("outcomes", "ERROR"), ("search_query", "a&b=ü/")], end=END
            ),
            "runs:../2026-02-01T12:30:15.500000+00:00?outcomes=FAIL&outcomes=ERROR&search_query=a%26b%3D%C3%BC%2F",
        ),
        (
            Shard(listing="logs", start=START.astimezone(timezone(timedelta(hours=-5)))),
            "logs:2026-01-04T19:00:00-05:00/..?",
        ),
        (Shard(listing="units", query=[("search_query", "")]), "units:../..?search_query="),
    ],
)
def test_its_string_form_is_read_back(shard, spelling):
    text = sealed(spelling)
    assert str(shard) == text
    assert Shard.parse(text) == shard
    assert hash(Shard.parse(text)) == hash(shard)
    assert pickle.loads(pickle.dumps(shard)) == shard  # noqa: S301 - pickled here


def test_a_text_that_was_cut_short_or_changed_is_refused():
    """A filter that is lost would make a shard of more items."""
    text = str(Shard(listing="runs", query=[("outcomes", "FAIL"), ("serial_numbers", "")], start=START, end=END))
    assert text.endswith("?outcomes=FAIL&serial_numbers=:y_kO_w")
    for length in range(len(text)):
        with pytest.raises(ValueError, match="not a shard, or one that was cut short or changed"):
            Shard.parse(text[:length])
        with pytest.raises(ValueError, match="not a shard, or one that was cut short or changed"):
            Shard.parse(f"{text[:length]}{'x' if text[length] != 'x' else 'y'}{text[length + 1 :]}")


def test_a_text_that_is_not_a_shard_is_refused():
    for text in [
        "",
        "runs",
        "runs:../..",
        "runs:../?",
        "runs:../..?a",
        "runs:yesterday/..?",
        "runs:2026-01-05T00:00:00/..?",
        "runs:2026-01-05T00:00:00Z/2026-01-05T00:00:00Z?",
        "runs:../../..?",
        "Runs:../..?",
        "runs:../..?\n",
    ]:
        for written in (text, sealed(text)):
            with pytest.raises(ValueError, match="not a shard") as caught:
                Shard.parse(written)
            assert repr(written) in str(caught.value)


@pytest.mark.parametrize("end", ["start", "end"])
def test_a_bound_that_is_not_a_timestamp_is_refused_by_name(end):
    with pytest.raises(
        TypeError, match=rf"{end} must be a datetime such as datetime\(2026, 1, 1, tzinfo=UTC\), or None, got '2026'"
    ) as caught:
        Shard(listing="runs", **{end: "2026"})
    assert caught.value.parameter == end
    with pytest.raises(ValueError, match=f"{end} must be timezone-aware") as caught:
        Shard(listing="runs", **{end: START.replace(tzinfo=None)})
    assert caught.value.parameter == end


def test_an_empty_interval_is_refused():
    with pytest.raises(ValueError, match="start must be before end, got 2026-01-05") as caught:
        Shard(listing="runs", start=START, end=START)
    assert caught.value.parameter == "start"
