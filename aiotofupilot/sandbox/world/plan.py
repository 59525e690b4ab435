"""What a plan of production consists of: runs with their phases and logs, units, and batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import Factory, define, frozen

if TYPE_CHECKING:
    from .recipes import Measured, Step

__all__ = ["Attempt", "Entry", "Line", "PlannedBatch", "PlannedUnit"]


@frozen
class Attempt:
    """One attempt of a phase."""

    step: Step
    """The phase."""
    retry: int
    """How many attempts came before."""
    final: bool
    """Whether none came after."""
    outcome: str
    """PASS, FAIL, SKIP or ERROR."""
    begin: int
    """When it began, in milliseconds after the run did."""
    duration: int | None
    """How long it took, in milliseconds; None: it was skipped."""
    measured: tuple[tuple[Measured, str], ...]
    """What was measured, and the outcome of each measurement."""


@frozen
class Line:
    """One line of a log."""

    at: int
    """When it was written, in milliseconds after the run began."""
    level: str
    """How much it matters."""
    message: str
    """What it says."""
    file: str | None
    """What wrote it; None: unknown."""
    number: int | None
    """Line of the file; None: unknown."""


@frozen(kw_only=True)
class Entry:
    """One run of the plan."""

    unit: int
    """Which of the plan's units is tested."""
    line: int
    """Which of the procedures with runs."""
    bench: int
    """Which station."""
    slot: int | None
    """Which slot of the station, counted from 0; None: it has no slots."""
    execution: int | None
    """Which execution of several slots; None: the station has no slots."""
    environment: str
    """production, preview or development."""
    by_user: int | None
    """Chance that picks the user who uploads it; None: the station does."""
    operator: int | None
    """Chance that picks the operator; None: nobody is named."""
    retest: int
    """How often the unit was tested by this procedure before."""
    outcome: str
    """PASS, FAIL, ERROR, TIMEOUT or ABORTED."""
    attempts: tuple[Attempt, ...]
    """Phases in the order of their beginning."""
    duration: int
    """How long it takes, in milliseconds."""
    lines: tuple[Line, ...]
    """The log, in order."""


@define
class PlannedUnit:
    """One unit of the plan."""

    part: int
    """What it is made as."""
    revision: int
    """Which of the part's revisions."""
    batch: int | None
    """Which of the plan's batches; None: none."""
    sample: str | None
    """golden, failing or ignored; None: a unit of production."""
    children: tuple[int, ...]
    """Which of the plan's units are built into it."""
    parent: int | None = None
    """Which of the plan's units it is built into; None: none."""
    runs: list[int] = Factory(list[int])
    """Its entries, in order."""


@define
class PlannedBatch:
    """One batch of the plan."""

    part: int
    """What its units are made as."""
    units: list[int] = Factory(list[int])
    """Its units, in order."""
