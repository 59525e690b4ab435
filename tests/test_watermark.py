"""A watermark is spelled compactly, and read strictly."""

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve
from hypothesis import given, strategies as st

from aiotofupilot import Checkpoint, Watermark
from aiotofupilot.positions import OpenRun, digest, sealed

FLOOR = datetime(2026, 2, 1, 12, 30, 15, tzinfo=UTC)
SECOND = int(FLOOR.timestamp())
A, B = digest("a"), digest("b")
LATEST = datetime(2026, 2, 1, 12, 31, 15, 250_000, tzinfo=UTC)
FULL = Watermark(
    "measurements",
    "abcdefgh",
    FLOOR,
    ((SECOND, (A, B)), (SECOND + 7, (A,))),
    (OpenRun("r!=~%/1", SECOND + 7, (B,)),),
    LATEST,
    FLOOR,
)


def test_it_is_written_in_few_characters():
    assert str(Watermark("runs", "abcdefgh")) == sealed("runs.abcdefgh:-/-")
    assert str(Watermark("runs", "abcdefgh", FLOOR)) == sealed("runs.abcdefgh:2026-02-01T12:30:15Z/-")
    times = "2026-02-01T12:30:15Z/2026-02-01T12:31:15.250000Z@2026-02-01T12:30:15Z"
    without_numbers = f"measurements.abcdefgh:{times}+.+.!r%21%3D~%25%2F1=."
    assert len(str(FULL)) == len(without_numbers) + 3 * len(str(SECOND)) + 4 * 8 + 7


def test_a_run_may_have_the_procedure_with_it():
    several = evolve(FULL, seen=(), runs=(OpenRun("r", SECOND, (), "p@/1"),), latest=None, latest_at=None)
    assert str(several) == sealed(f"measurements.abcdefgh:2026-02-01T12:30:15Z/-!r@p%40%2F1={SECOND}.")


def test_it_is_neither_a_checkpoint_nor_the_other_way_round():
    with pytest.raises(ValueError, match="not a checkpoint"):
        Checkpoint.parse(str(FULL))
    with pytest.raises(ValueError, match="not a watermark"):
        Watermark.parse(sealed("runs.abcdefgh:20+3@AAAAAAAA"))


def test_it_can_be_pickled():
    assert pickle.loads(pickle.dumps(FULL)) == FULL  # noqa: S301 - of our own making


digests = st.lists(st.binary(min_size=6, max_size=6), max_size=3).map(tuple)
some_digests = st.lists(st.binary(min_size=6, max_size=6), min_size=1, max_size=3).map(tuple)
seconds = st.integers(-(10**10), 10**11)
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
watermarks = st.builds(
    Watermark,
    listing=st.from_regex(r"[a-z_]+", fullmatch=True),
    query=st.from_regex(r"[A-Za-z0-9_-]{8}", fullmatch=True),
    floor=st.none() | st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
    seen=st.lists(st.tuples(seconds, some_digests), max_size=4).map(tuple),
    runs=st.lists(
        st.builds(OpenRun, id=ids, second=seconds, yielded=digests, procedure_id=st.none() | ids),
        max_size=3,
    ).map(tuple),
)
watermarks |= st.builds(
    evolve, watermarks, latest=st.datetimes(timezones=st.just(UTC)), latest_at=st.datetimes(timezones=st.just(UTC))
)


@given(watermarks)
def test_every_watermark_is_read_back_as_it_was(watermark):
    assert Watermark.parse(str(watermark)) == watermark
    assert str(watermark).isascii()


@given(watermarks)
def test_every_text_that_was_cut_short_is_refused(watermark):
    text = str(watermark)
    for length in range(len(text)):
        with pytest.raises(ValueError, match="not a watermark, or one that was cut short or changed: "):
            Watermark.parse(text[:length])


@given(watermarks, st.characters() | st.sampled_from("aZ09-_.:!=~% é\n"))
def test_every_text_with_a_changed_character_is_refused(watermark, other):
    text = str(watermark)
    for position, before in enumerate(text):
        changed = f"{text[:position]}{other}{text[position + 1 :]}"
        if other != before:
            with pytest.raises(ValueError, match="not a watermark"):
                Watermark.parse(changed)


def test_a_text_that_is_not_a_watermark_is_refused():
    for text in [
        "",
        "runs",
        "runs:-/-",
        "runs.abcdefgh",
        "runs.abcdefgh:",
        "Runs.abcdefgh:-/-",
        "runs.abcdefgh:-/- ",
        "runs.abcdefgh:2026-02-01T12:30:15/-",
        "runs.abcdefgh:2026-02-01T12:30:15.5Z/-",
        "runs.abcdefgh:2026-02-30T12:30:15Z/-",
        "runs.abcdefgh:0000-02-01T12:30:15Z/-",
        "runs.abcdefgh:0001-01-01T00:00:00Z/-",
        "runs.abcdefgh:2026-02-01T12:30:15Z/-~0.AAAAAAAA",  # once, the seconds were counted from the floor
        "runs.abcdefgh:2026-02-01T12:30:15.500000Z/-",
        "runs.abcdefgh:-/2026-02-01T12:30:15Z",
        "runs.abcdefgh:-/2026-02-01T12:30:15Z@-",
        "runs.abcdefgh:-/2026-02-30T12:30:15Z@2026-02-01T12:30:15Z",
        "runs.abcdefgh:-/-+0.",
        "runs.abcdefgh:-/-+0.AAAA",
        "runs.abcdefgh:-/-+00.AAAAAAAA",
        "runs.abcdefgh:-/-+.AAAAAAAA",
        "runs.abcdefgh:-/-+0.AAAAAAAÄ",
        "runs.abcdefgh:-/-!=0.",
        "runs.abcdefgh:-/-!a=0",
        "runs.abcdefgh:-/-!%61=0.",
        "runs.abcdefgh:-/-!%ff=0.",
        "runs.abcdefgh:-/-!a=0.+0.AAAAAAAA",
        "runs.abcdefgh:-/-!a@=0.",
        "runs.abcdefgh:-/-!@a=0.",
        "runs.abcdefgh:-/-!a@b@c=0.",
    ]:
        for given_text in (text, sealed(text)):
            with pytest.raises(ValueError, match="not a watermark"):
                Watermark.parse(given_text)


def test_a_message_quotes_no_more_than_the_beginning():
    with pytest.raises(ValueError, match="not a watermark") as caught:
        Watermark.parse("x" * 100_000)
    assert len(str(caught.value)) < 300


def test_the_floor_is_a_whole_second_in_utc():
    tokyo = timezone(timedelta(hours=9))
    assert Watermark("runs", "abcdefgh", FLOOR.astimezone(tokyo)).floor.utcoffset() == timedelta()
    for floor in (FLOOR.replace(tzinfo=None), FLOOR.replace(microsecond=1), datetime.min.replace(tzinfo=UTC)):
        with pytest.raises(ValueError, match="floor must be") as caught:
            Watermark("runs", "abcdefgh", floor)
        assert caught.value.parameter == "floor"
    with pytest.raises(
        TypeError, match=r"floor must be a datetime such as datetime\(2026, 1, 1, tzinfo=UTC\), or None, got 5"
    ):
        Watermark("runs", "abcdefgh", 5)


def test_the_latest_time_comes_with_when_it_was():
    tokyo = timezone(timedelta(hours=9))
    known = Watermark("runs", "abcdefgh", FLOOR, latest=LATEST.astimezone(tokyo), latest_at=FLOOR.astimezone(tokyo))
    assert (known.latest.utcoffset(), known.latest_at.utcoffset()) == (timedelta(), timedelta())
    for name, times in [
        ("latest", {"latest": LATEST.replace(tzinfo=None), "latest_at": FLOOR}),
        ("latest_at", {"latest": LATEST, "latest_at": FLOOR.replace(tzinfo=None)}),
        ("latest_at", {"latest": LATEST}),
        ("latest_at", {"latest_at": LATEST}),
    ]:
        with pytest.raises(ValueError, match=f"^{name} must be ") as caught:
            Watermark("runs", "abcdefgh", FLOOR, **times)
        assert caught.value.parameter == name
