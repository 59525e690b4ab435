"""Items that the server cannot serve: a mirror fails at them, or leaves them out and says so."""

import pytest

from aiotofupilot import RetryPolicy
from aiotofupilot.sandbox import faults

AT_ONCE = RetryPolicy(attempts=3, initial_wait=0)


def test_a_mirror_that_skips_leaves_it_out_and_says_so(pull, sandbox, mirrored, ids):
    """A full update asks for it again."""
    broken = sandbox.runs[7]
    sandbox.faults.always(faults.unreadable(broken.id))
    brought = pull("runs", retry=AT_ONCE, on_unreadable="skip")["runs"]
    assert brought.unreadable == 1
    assert mirrored("runs") == ids(run for run in sandbox.runs if run.id != broken.id)
    sandbox.faults.clear()
    assert pull("runs", full=True)["runs"].new == 1
    assert mirrored("runs") == ids(sandbox.runs)


@pytest.mark.parametrize(("listing", "full"), [("runs", True), ("stations", False)])
def test_what_cannot_be_read_is_not_marked_as_gone(have, pull, sandbox, query, listing, full):
    """Nor is anything else of that listing, because the run cannot tell the one from the other."""
    have(listing)
    rows = getattr(sandbox, listing)
    sandbox.faults.always(faults.unreadable(rows[1].id))
    del rows[3]
    assert pull(listing, full=full, retry=AT_ONCE, on_unreadable="skip")[listing].gone == 0
    sandbox.faults.clear()
    assert query(f"SELECT id FROM {listing} WHERE _gone_at IS NOT NULL") == []  # noqa: S608 - a listing's name
    assert pull(listing, full=full)[listing].gone == 1


def test_measurements_of_a_run_that_cannot_be_read(pull, sandbox, mirrored, ids):
    """They are left out with it, and nothing else is. Those of a procedure come, because its runs tell its ID."""
    broken = sandbox.runs[7]
    sandbox.faults.always(faults.unreadable(broken.id, sandbox.procedures[0].id))
    came = pull("measurements", retry=AT_ONCE, on_unreadable="skip")
    assert (came["runs"].unreadable, came["measurements"].unreadable) == (1, 0)
    assert mirrored("measurements") == ids(item for item in sandbox.measurements if item.run_id != broken.id)


def test_a_measurement_that_cannot_be_read(pull, sandbox, mirrored, ids):
    """The runs are marked as gone nevertheless, and no measurement is."""
    broken = sandbox.measurements[7]
    sandbox.faults.always(faults.unreadable(broken.id))
    came = pull("measurements", retry=AT_ONCE, on_unreadable="skip")
    assert (came["runs"].unreadable, came["measurements"].unreadable) == (0, 1)
    assert mirrored("measurements") == ids(item for item in sandbox.measurements if item.id != broken.id)
    del sandbox.runs[3]
    came = pull("measurements", full=True, retry=AT_ONCE, on_unreadable="skip")
    assert (came["runs"].gone, came["measurements"].gone) == (1, 0)
