"""The runs of a plan of production, with the attempts at their phases."""

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import attrs
from attrs import field, frozen

from aiotofupilot.models import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from .recipes import Measured, Step

MILLISECOND = timedelta(milliseconds=1)
PREPARATION = 500
"""Milliseconds before the first phase."""

_PAUSE = 100  # milliseconds between phases
_OVERTIME = 45_000  # milliseconds


@frozen(kw_only=True, eq=False)
class DeployedRun(Run):
    """A run that says where it ran.

    The API does not show the environment and the deployment of a run, but clients can filter by them. Such a run equals
    the run that a client reads.
    """

    environment: str | None = field(default=None, metadata={"wire": None})
    """``production``, ``preview``, ``development``, or another one. None: no filter for environments finds it."""
    deployment_id: str | None = field(default=None, metadata={"wire": None})
    """UUID of the deployment. None: no filter for deployments finds it."""

    @classmethod
    def of(cls, run: Run, *, environment: str | None = None, deployment_id: str | None = None) -> DeployedRun:
        """Say of a run where it ran.

        Args:
            run: The run.
            environment: The environment. None: no filter for environments finds the run.
            deployment_id: UUID of the deployment. None: no filter for deployments finds the run.
        """
        told = dict(zip(_NAMES, _told(run), strict=True))
        return cls(**told, environment=environment, deployment_id=deployment_id)

    def __eq__(self, other: object) -> bool:
        return _told(self) == _told(other) if isinstance(other, Run) else NotImplemented

    def __hash__(self) -> int:
        return super().__hash__()


_NAMES = tuple(attribute.name for attribute in attrs.fields(Run))
_told = attrgetter(*_NAMES)


class Attempt(NamedTuple):
    """One attempt at a phase. Times are milliseconds after the run began."""

    step: Step
    retry: int  # how many attempts came before this one
    final: bool  # whether this is the last attempt
    outcome: str
    begin: int
    duration: int | None  # None: it was skipped

    @property
    def end(self) -> int:
        """When it ended. A phase that was skipped ends at once."""
        return self.begin + (self.duration or 0)

    @property
    def measured(self) -> Iterator[tuple[Measured, str]]:
        """The measurements with their outcomes. Only the first one of a phase can fail."""
        if self.outcome == "ERROR":
            yield self.step.measures[0], "UNSET"
        elif self.outcome != "SKIP":
            for index, measured in enumerate(self.step.measures):
                fails = self.outcome == "FAIL" and index == 0
                yield measured, "FAIL" if fails else "PASS" if measured.limits else "UNSET"


class Entry(NamedTuple):
    """One run of the plan."""

    number: int  # 0 is the oldest run
    run: DeployedRun
    retest: int  # how often this procedure tested the unit before
    attempts: tuple[Attempt, ...]  # in the order of their beginning
    bench: str  # the name of the station
    is_verbose: bool  # whether the log has a line for debugging


def plan_attempts(random: Random, steps: Sequence[Step], outcome: str) -> Iterator[Attempt]:
    """Yield the attempts at the phases of a run with an outcome."""
    broken = None if outcome == "PASS" else random.randrange(len(steps))
    clock = PREPARATION
    for index, step in enumerate(steps):
        if broken is not None and index > broken:
            if outcome != "FAIL":
                return
            yield Attempt(step, 0, final=True, outcome="SKIP", begin=clock, duration=None)
            clock += 1
            continue
        last = {"FAIL": "FAIL", "ABORTED": "PASS"}.get(outcome, "ERROR") if index == broken else "PASS"
        tried = random.random() < (0.7 if last == "FAIL" else 0.06)
        for retry, result in enumerate(("FAIL", last) if tried else (last,)):
            duration = int(step.milliseconds * random.uniform(0.9, 1.1))
            if outcome == "TIMEOUT" and result == "ERROR":
                duration += _OVERTIME
            yield Attempt(step, retry, retry == int(tried), result, clock, duration)
            clock += duration + _PAUSE
