"""An update that has to end in time: what has come by then is stored, and the next one goes on after it."""

import asyncio
import pickle
from contextlib import AbstractAsyncContextManager, contextmanager
from types import SimpleNamespace

import pytest
from fakes.budget import NIGHTLY

from aiotofupilot.mirror import MirrorResult, MirrorTimeoutError, update
from aiotofupilot.sandbox import faults, paging


@contextmanager
def passing_after(waits):
    """Let the deadline pass when the update has waited so often."""
    left = [waits]

    def timeout_at(_moment):
        left[0] -= 1
        return asyncio.timeout_at(None if left[0] >= 0 else 0)

    with pytest.MonkeyPatch.context() as patched:
        names = {name: getattr(asyncio, name) for name in dir(asyncio) if not name.startswith("__")}
        patched.setattr(update, "asyncio", SimpleNamespace(**names | {"timeout_at": timeout_at}))
        yield


def test_what_has_come_is_stored(pull, sandbox, mirrored, ids):
    """And a deadline that is far changes nothing."""
    sandbox.paging = paging.capped(10)
    with passing_after(3), pytest.raises(MirrorTimeoutError, match="the deadline of 5 s has passed") as caught:
        pull("runs", "units", deadline=5)
    (result,) = caught.value.results
    assert 10 <= result.new < 40
    assert result == MirrorResult(listing="runs", new=result.new, gone=0, rows=result.new)
    assert pull("runs", deadline=3600)["runs"].new == 40 - result.new
    assert mirrored("runs") == ids(sandbox.runs)


def test_runs_come_with_what_they_wrote_or_not_at_all(pull, sandbox, query, mirrored, ids, monkeypatch):
    """Wherever the deadline passes."""
    monkeypatch.setattr(update, "_RUNS_FIRST", 8)
    for waits in range(1, 8, 1 if NIGHTLY else 3):
        with passing_after(waits), pytest.raises(MirrorTimeoutError):
            pull("runs", "logs", deadline=5, full=True)
        counts = "SELECT count(*) FROM logs GROUP BY run__id HAVING run__id IN (SELECT id FROM runs) ORDER BY 1"
        stored = {key for (key,) in query("SELECT id FROM runs")}
        assert sum(count for (count,) in query(counts)) == sum(log.run.id in stored for log in sandbox.logs)
    pull("runs", "logs")
    assert mirrored("logs") == ids(sandbox.logs)


@pytest.mark.parametrize(("listing", "full"), [("stations", False), ("runs", True)])
def test_what_was_not_read_in_time_is_not_marked_as_gone(have, pull, query, listing, full):
    have(listing)
    with passing_after(1), pytest.raises(MirrorTimeoutError) as caught:
        pull(listing, full=full, deadline=5)
    assert [(result.new, result.gone) for result in caught.value.results] == [(0, 0)]
    assert query(f"SELECT count(*) FROM {listing} WHERE _gone_at IS NOT NULL") == [(0,)]  # noqa: S608 - a listing's name


def test_it_may_pass_before_the_server_has_said_who_asks(pull, sandbox):
    """Then no listing was read."""
    sandbox.faults.next(faults.latency(3600))
    with pytest.raises(MirrorTimeoutError) as caught:
        pull("users", deadline=1e-9)
    assert caught.value.results == ()


def test_a_timeout_of_another_kind_is_not_a_deadline(pull, sandbox):
    """It is an error, wherever it comes from."""

    class Limiter(AbstractAsyncContextManager):
        async def __aenter__(self):
            if sandbox.requests:
                raise TimeoutError("the queue")

        async def __aexit__(self, *_):
            pass

    with pytest.raises(TimeoutError, match="the queue"):
        pull("users", deadline=3600, limiter=Limiter())


def test_the_error_survives_pickling():
    result = MirrorResult(listing="runs", new=1, gone=0, rows=1)
    error = pickle.loads(pickle.dumps(MirrorTimeoutError("late", seconds=2.0, results=(result,))))  # noqa: S301 - our own
    assert (str(error), error.seconds, error.results) == ("late", 2.0, (result,))
