"""The faults of a bad day."""

import pytest

from aiotofupilot.sandbox import faults


@pytest.mark.parametrize("fault", faults.TRANSIENT, ids=repr)
def test_transient_faults_are_quick_and_real(met, fault):
    """None of them waits, and none leaves the answer as it was."""
    altered = met(fault)
    assert altered.seconds == 0
    assert (altered.status, altered.body, altered.complete) != (200, b"0123456789", True)


def test_every_fault_has_a_name_here():
    """The public names are all there, one for each kind."""
    assert {name for name in faults.__all__ if name.islower()} == {
        "chunked",
        "cut",
        "empty",
        "gzip",
        "gzip_bomb",
        "hang_up",
        "header_flood",
        "html",
        "json",
        "latency",
        "malformed",
        "oversized",
        "quota",
        "redirect",
        "reset",
        "stall",
        "status",
        "unreadable",
    }
    assert all(callable(getattr(faults, name)) for name in faults.__all__ if name.islower())
