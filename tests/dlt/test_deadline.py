"""A mirror that has to end in time: what has come by then is loaded, and the next run goes on after it."""

import asyncio
import pickle
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from aiotofupilot.dlt import MirrorResult, MirrorTimeoutError, mirroring, reading


@pytest.fixture
def mirrored(query):
    return lambda listing: [key for (key,) in query(f"SELECT id FROM {listing} ORDER BY id")]  # noqa: S608 - a listing's name


def ids(items):
    return sorted(item.id for item in items)


@contextmanager
def passing_after(batches):
    """Let deadlines pass when so many batches have come, of a hundred rows or so."""
    left = [batches]

    def timeout_at(_moment):
        left[0] -= 1
        return asyncio.timeout_at(None if left[0] >= 0 else 0)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading, "asyncio", SimpleNamespace(timeout_at=timeout_at))
        patched.setattr(mirroring, "_ROWS_IN_TIME", 100)
        yield


def test_what_has_come_is_loaded(pull, sandbox, mirrored):
    """And a deadline that is far changes nothing."""
    sandbox.produce(360)
    with passing_after(2), pytest.raises(MirrorTimeoutError, match="the deadline of 5 s has passed") as caught:
        pull("runs", "units", deadline=5)
    came = caught.value.result
    assert 200 <= came.new < 400
    assert came == MirrorResult(listing="runs", new=came.new, gone=0, rows=came.new)
    assert pull("runs", deadline=3600)["runs"].new == 400 - came.new
    assert mirrored("runs") == ids(sandbox.runs)


@pytest.mark.parametrize(("listing", "full"), [("stations", False), ("runs", True)])
def test_what_was_not_read_in_time_is_not_marked_as_gone(pull, query, listing, full):
    pull(listing)
    with pytest.raises(MirrorTimeoutError) as caught:
        pull(listing, full=full, deadline=1e-9)
    assert (caught.value.result.new, caught.value.result.gone) == (0, 0)
    assert query(f"SELECT count(*) FROM {listing} WHERE _gone_at IS NOT NULL") == [(0,)]  # noqa: S608 - a listing's name


async def test_a_timeout_of_another_kind_is_not_a_deadline():
    async def arrivals():
        yield 1
        raise TimeoutError("the disk")

    limit = reading.Deadline(3600)
    with pytest.raises(TimeoutError, match="the disk"):
        _ = [arrived async for arrived in limit.before(arrivals())]
    assert not limit.is_missed


def test_the_error_survives_pickling():
    brought = MirrorResult(listing="runs", new=1, gone=0, rows=1)
    error = pickle.loads(pickle.dumps(MirrorTimeoutError("late", seconds=2.0, result=brought)))  # noqa: S301 - our own
    assert (str(error), error.result) == ("late", brought)
