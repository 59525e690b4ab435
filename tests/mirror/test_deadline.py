"""An update that is cancelled, as by a timeout: what has come by then is stored, and the next one goes on after it."""

import asyncio

import pytest
from fakes.budget import NIGHTLY

from aiotofupilot.mirror import update
from aiotofupilot.sandbox import faults, paging


@pytest.fixture
def cancelled(pull, sandbox):
    """Cancel an update during a request for a listing."""

    def cancelled(path, number, *listings, **options):
        found, updates = [], []

        def note(*_):
            updates.append((asyncio.get_running_loop(), asyncio.current_task()))

        def stop(_, request):
            found.extend([request] * request.path.endswith(path))
            if len(found) == number and request is found[-1]:
                sandbox.faults.next(faults.stall(3600))
                loop, task = updates[0]
                loop.call_soon_threadsafe(task.cancel)

        sandbox.before_response.append(stop)
        with pytest.raises(asyncio.CancelledError):
            pull(*listings, on_progress=note, **options)
        sandbox.before_response.remove(stop)

    return cancelled


def test_what_has_come_is_stored(cancelled, pull, sandbox, mirrored, ids):
    sandbox.paging = paging.capped(10)
    cancelled("/runs", 3, "runs", "units")
    stored = len(mirrored("runs"))
    assert 10 <= stored < 40
    assert pull("runs")["runs"].new == 40 - stored
    assert mirrored("runs") == ids(sandbox.runs)


def test_runs_come_with_what_they_wrote_or_not_at_all(cancelled, pull, sandbox, query, mirrored, ids, monkeypatch):
    """Wherever the update is cancelled."""
    monkeypatch.setattr(update, "_RUNS_FIRST", 8)
    for number in range(1, 4, 1 if NIGHTLY else 2):
        cancelled("/logs", number, "runs", "logs", full=True)
        counts = "SELECT count(*) FROM logs GROUP BY run__id HAVING run__id IN (SELECT id FROM runs) ORDER BY 1"
        stored = {key for (key,) in query("SELECT id FROM runs")}
        assert sum(count for (count,) in query(counts)) == sum(log.run.id in stored for log in sandbox.logs)
    pull("runs", "logs")
    assert mirrored("logs") == ids(sandbox.logs)


def test_what_came_of_a_run_that_is_removed_before_it_is_stored_is_gone(cancelled, pull, sandbox, query):
    cancelled("/measurements", 1, "runs", "logs", "measurements")
    assert query("SELECT count(*) FROM runs") == [(0,)]
    came = {key for (key,) in query("SELECT id FROM logs")}
    removed = sandbox.runs.pop()
    assert {log.id for log in sandbox.logs if log.run.id == removed.id} & came
    sandbox.logs[:] = [log for log in sandbox.logs if log.run.id != removed.id]
    sandbox.measurements[:] = [measurement for measurement in sandbox.measurements if measurement.run_id != removed.id]
    listed = {log.id for log in sandbox.logs}
    assert pull("runs", "logs", "measurements")["logs"].gone == len(came - listed)
    assert {key for (key,) in query("SELECT id FROM logs WHERE _gone_at IS NULL")} == listed


@pytest.mark.parametrize(("listing", "full"), [("stations", False), ("runs", True)])
def test_what_was_not_read_is_not_marked_as_gone(have, cancelled, query, listing, full):
    have(listing)
    cancelled(f"/{listing}", 1, listing, full=full)
    assert query(f"SELECT count(*) FROM {listing} WHERE _gone_at IS NOT NULL") == [(0,)]  # noqa: S608 - a listing's name
