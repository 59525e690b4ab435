"""Runs by themselves with what is measured in one phase, and sandboxes whose waveforms are short."""

from contextlib import contextmanager

import attrs
import pytest

from aiotofupilot.models import RunDetails, RunMeasurement, RunPhase
from aiotofupilot.sandbox.factory import measured as made_up
from aiotofupilot.testing import make


@contextmanager
def few_points():
    """Let the waveforms of sandboxes have some 30 points, where the usual thousands would show nothing more."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(made_up, "_LEAST_POINTS", 20)
        patched.setattr(made_up, "_MOST_POINTS", 40)
        yield


def measured(*series, identity="m"):
    """Return a measurement with some series."""
    return RunMeasurement(id=identity, name="sweep", outcome="PASS", validators=None, data_series=series)


def run_of(*measurements, retry_count=0, **changes):
    """Return a run with one phase, which has some measurements."""
    phase = RunPhase(
        id="p",
        name="RF",
        outcome="PASS",
        started_at=None,
        ended_at=None,
        duration=None,
        retry_count=retry_count,
        measurements=measurements,
    )
    return attrs.evolve(make(RunDetails), **{"phases": (phase,)} | changes)
