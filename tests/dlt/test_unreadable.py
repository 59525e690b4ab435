"""Items that the server cannot serve: a mirror fails at them, or leaves them out and says so."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from attrs import evolve
from fakes.budget import NIGHTLY

from aiotofupilot import RetryPolicy, ServerError, TofuPilotSession
from aiotofupilot.dlt import Unreadable
from aiotofupilot.sandbox import faults

AT_ONCE = RetryPolicy(attempts=3, initial_wait=0)


@pytest.fixture
def mirrored(query):
    return lambda listing: [key for (key,) in query(f"SELECT id FROM {listing} ORDER BY id")]  # noqa: S608 - a listing's name


def ids(items, *but):
    return sorted(item.id for item in items if item not in but)


def test_a_mirror_fails_at_it(pull, sandbox):
    sandbox.faults.always(faults.unreadable(sandbox.runs[7].id))
    with pytest.raises(ServerError) as caught:
        pull("runs", retry=AT_ONCE)
    assert caught.value.position is not None


def test_a_mirror_that_skips_leaves_it_out_and_says_so(pull, sandbox, mirrored):
    """The next run does not ask for it again. Only a full one does."""
    broken = sandbox.runs[7]
    position = sorted(sandbox.runs, key=lambda run: run.created_at).index(broken)
    sandbox.faults.always(faults.unreadable(broken.id))
    brought = pull("runs", retry=AT_ONCE, on_unreadable="skip")["runs"]
    assert brought.unreadable == (Unreadable(listing="runs", count=1, positions=[position]),)
    assert mirrored("runs") == ids(sandbox.runs, broken)
    sandbox.faults.clear()
    sandbox.produce(1)
    assert pull("runs")["runs"].new == 1
    assert mirrored("runs") == ids(sandbox.runs, broken)
    assert pull("runs", full=True)["runs"].new == 1
    assert mirrored("runs") == ids(sandbox.runs)


@pytest.mark.parametrize(("listing", "full"), [("runs", True), ("stations", False)])
def test_what_cannot_be_read_is_not_marked_as_gone(pull, sandbox, query, listing, full):
    """Nor is anything else of that listing, because the run cannot tell the one from the other."""
    pull(listing)
    rows = getattr(sandbox, listing)
    sandbox.faults.always(faults.unreadable(rows[1].id))
    del rows[3]
    assert pull(listing, full=full, retry=AT_ONCE, on_unreadable="skip")[listing].gone == 0
    sandbox.faults.clear()
    assert query(f"SELECT id FROM {listing} WHERE _gone_at IS NOT NULL") == []  # noqa: S608 - a listing's name
    assert pull(listing, full=full)[listing].gone == 1


OLDEST_FIRST = {"sort_by": "created_at", "sort_order": "asc"}


@pytest.mark.parametrize(
    ("listing", "order"), [("runs", OLDEST_FIRST), ("procedures", {})] if NIGHTLY else [("runs", OLDEST_FIRST)]
)
async def test_a_position_is_a_cursor_of_what_the_run_asked_for(pull, sandbox, listing, order):
    """So a user can ask for what stands around it."""
    await asyncio.to_thread(pull, listing)
    items = getattr(sandbox, listing)
    newest = items[0]
    moments = [newest.created_at + timedelta(seconds=later) for later in (3, 2, 1)]
    items[:] = [*(evolve(newest, id=f"created at {moment}", created_at=moment) for moment in moments), *items]
    broken = items[1].id
    sandbox.faults.always(faults.unreadable(broken))
    came = await asyncio.to_thread(partial(pull, listing, retry=AT_ONCE, on_unreadable="skip"))
    (unreadable,) = came[listing].unreadable
    (position,) = unreadable.positions
    sandbox.faults.clear()
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        asked = getattr(session, listing).list(created_after=unreadable.since, cursor=position, **order)
        assert (await asked.first()).id == broken


def test_measurements_of_a_run_that_cannot_be_read(pull, sandbox, mirrored):
    """They are left out with it, and nothing else is. Those of a procedure come, because its runs tell its ID."""
    broken = sandbox.runs[7]
    sandbox.faults.always(faults.unreadable(broken.id, sandbox.procedures[0].id))
    brought = pull("measurements", retry=AT_ONCE, on_unreadable="skip")["measurements"]
    assert brought.unreadable == (Unreadable(listing="measurements", count=1, positions=[]),)
    assert mirrored("measurements") == ids(item for item in sandbox.measurements if item.run_id != broken.id)


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"on_unreadable": "ignore"}, ValueError, "on_unreadable must be one of 'raise', 'skip', got 'ignore'"),
        ({"timeout": 0}, ValueError, "timeout must be more than 0 seconds and finite, got 0"),
        ({"retry": 3}, TypeError, "retry must be "),
        ({"deadline": -1}, ValueError, "deadline must be more than 0 seconds and finite, got -1"),
    ],
)
def test_options_out_of_bounds(pull, tmp_path, options, error, complaint):
    with pytest.raises(error, match=complaint):
        pull("runs", **options)
    assert not list(tmp_path.iterdir())
