"""The parts of a plan of production: runs with their phases and logs, units, and batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import Factory, define, frozen

if TYPE_CHECKING:
    from .recipes import Measured, Step

__all__ = ["Attempt", "Entry", "Line", "PlannedBatch", "PlannedUnit"]


@frozen
class Attempt:
    """One attempt at a phase."""

    step: Step
    """The phase."""
    retry: int
    """How many attempts came before this one."""
    final: bool
    """Whether this is the last attempt."""
    outcome: str
    """PASS, FAIL, SKIP or ERROR."""
    begin: int
    """When it began, in milliseconds after the run did."""
    duration: int | None
    """How long it took, in milliseconds; None: it was skipped."""
    measured: tuple[tuple[Measured, str], ...]
    """The measurements, with the outcome of each."""


@frozen
class Line:
    """One line of a log."""

    at: int
    """When it was written, in milliseconds after the run began."""
    level: str
    """The level of the line."""
    message: str
    """The text of the line."""
    file: str | None
    """The source file that wrote it; None: it is unknown."""
    number: int | None
    """The line in the source file; None: it is unknown."""


@frozen(kw_only=True)
class Entry:
    """One run of the plan."""

    unit: int
    """The index of the unit in the plan."""
    line: int
    """The index of the procedure, among those with runs."""
    bench: int
    """The index of the station."""
    slot: int | None
    """The slot of the station, counted from 0; None: the station has no slots."""
    execution: int | None
    """The number of the station's execution. An execution tests several slots. None: the station has no slots."""
    environment: str
    """production, preview or development."""
    by_user: int | None
    """A random number that picks the user who uploads it; None: the station uploads it."""
    operator: int | None
    """A random number that picks the operator; None: nobody is named."""
    retest: int
    """How often this procedure tested the unit before."""
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
    """The index of its revision of the part."""
    batch: int | None
    """The index of its batch in the plan; None: it has no batch."""
    sample: str | None
    """golden, failing or ignored; None: a unit of production."""
    children: tuple[int, ...]
    """The indexes of the units that are built into it."""
    parent: int | None = None
    """The index of the unit that it is built into; None: it is not built into another unit."""
    runs: list[int] = Factory(list[int])
    """The indexes of its runs in the plan, in order."""


@define
class PlannedBatch:
    """One batch of the plan."""

    part: int
    """The index of the part of its units."""
    units: list[int] = Factory(list[int])
    """The indexes of its units, in order."""
