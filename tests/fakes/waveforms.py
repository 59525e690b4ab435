"""Runs by themselves with what is measured in one phase."""

import attrs

from aiotofupilot.models import RunDetails, RunMeasurement, RunPhase
from aiotofupilot.testing import make

__all__ = ["measured", "run_of"]


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
