"""Objects that runs, units and parts have. `refs` has the objects of several listings.

Source: https://www.tofupilot.com/docs/api, and ``v2/models`` of the official Python SDK ``tofupilot`` 2.26.1
"""

from datetime import datetime, timedelta

from attrs import frozen

from .refs import Expected, Named, ProcedureRef, StationRef, UserRef, WithID, WithKeywordID

__all__ = [
    "BatchRef",
    "LastRun",
    "LogRun",
    "Operator",
    "PartRef",
    "ProcedureVersion",
    "Revision",
    "RunProcedure",
    "RunSequence",
    "RunUnit",
    "Team",
    "UnitRef",
    "Validator",
]


@frozen
class Operator:
    """The person who operated a run. An operator need not be a user."""

    id: str | None = None
    """UUID of the user, or None if only the name of the operator is known."""
    name: str | None = None
    """Display name, or None if unknown."""
    email: str | None = None
    """E-mail address, or None if unknown."""


@frozen
class ProcedureVersion(WithID):
    """A version of a procedure."""

    tag: str
    """Name of the version, such as ``v3.2.0``."""


@frozen
class RunProcedure(ProcedureRef):
    """The procedure that was run."""

    version: ProcedureVersion | None
    """The version that was run, or None."""


@frozen
class Team(Named):
    """The team that a station belongs to."""


@frozen
class BatchRef(WithID):
    """The batch that a unit was made in."""

    number: str
    """Batch number, 1 to 60 characters, as the server writes it."""


@frozen(kw_only=True)
class BatchFields(BatchRef):
    """A batch."""

    created_at: datetime
    """When it was created."""
    created_by_user: UserRef | None = None
    """The user who created it, without an e-mail address. None if a station did, or if unknown."""
    created_by_station: StationRef | None = None
    """The station that created it. None if a user did, or if unknown."""


@frozen
class Revision(WithID):
    """A revision of a part."""

    number: str
    """Revision number, 1 to 60 characters, such as ``C``, as the server writes it."""


@frozen
class PartFields(WithID):
    """A part."""

    number: str
    """Part number, 1 to 60 characters, as the server writes it."""
    name: str
    """Display name."""


@frozen
class PartRef(PartFields):
    """The part that a unit is an instance of, with the unit's revision."""

    revision: Revision
    """The revision of the unit."""


@frozen
class UnitRef(WithID):
    """A unit as other items refer to it."""

    serial_number: str
    """Serial number, as the server writes it."""


@frozen(kw_only=True)
class UnitFields(UnitRef):
    """A unit, with its part and origin."""

    created_at: datetime
    """When it was created."""
    sample: str | None = None
    """``golden``, ``failing``, ``ignored`` or one added later. None for production, or if the server is too old."""
    part: PartRef
    """The part that the unit is an instance of."""
    created_by_user: UserRef | None = None
    """The user who created it, without an e-mail address. None if a station did, or if unknown."""
    created_by_station: StationRef | None = None
    """The station that created it. None if a user did, or if unknown."""
    batch: BatchRef | None = None
    """The batch that it was made in, or None."""


@frozen(kw_only=True)
class RunUnit(UnitRef):
    """The unit that was tested."""

    sample: str | None = None
    """``golden``, ``failing``, ``ignored`` or one added later. None for production, or if the server is too old."""
    part: PartRef
    """The part that the unit is an instance of."""
    batch: BatchRef | None = None
    """The batch that it was made in, or None."""


@frozen(kw_only=True)
class RunTimes(WithKeywordID):
    """A run, with its times and its outcome."""

    created_at: datetime
    """When it was uploaded."""
    started_at: datetime
    """When it began."""
    ended_at: datetime
    """When it ended."""
    duration: timedelta
    """How long it took."""
    outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one added later."""


@frozen(kw_only=True)
class RunFields(RunTimes):
    """A run, with its procedure, its unit and its slot."""

    execution_id: str | None = None
    """The execution that this run is part of, or None. One execution can test several slots together."""
    slot_key: str | None = None
    """Key of the slot that the unit was tested in, or None."""
    slot_name: str | None = None
    """Display name of the slot, or None."""
    procedure: RunProcedure
    """The procedure that was run."""
    unit: RunUnit
    """The unit that was tested."""
    docstring: str | None = None
    """The docstring of the test script, or None."""
    created_by_user: UserRef | None = None
    """The user who uploaded it. None if a station did, or if unknown."""


@frozen(kw_only=True)
class PhaseFields(Named):
    """A phase, with its times and its outcome."""

    outcome: str
    """``PASS``, ``FAIL``, ``SKIP``, ``ERROR``, or one added later."""
    started_at: datetime | None
    """When it began, or None if it did not."""
    ended_at: datetime | None
    """When it ended, or None if it did not."""


@frozen(kw_only=True)
class RunSequence(WithKeywordID):
    """A sequence of a run. A listing has the top-level ones, and `RunDetails` has them all."""

    path: str
    """The keys of the sequences from the top level down to this one."""
    key: str
    """Name of the sequence within its parent."""
    parent_path: str | None
    """Path of the sequence that holds this one, or None."""
    name: str
    """Display name."""
    source: str | None
    """The file that defines it, such as ``./sequences/power_up.yaml``, or None if unknown."""
    outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, ``SKIP``, or one added later."""
    started_at: datetime | None
    """When it began, or None if it did not."""
    ended_at: datetime | None
    """When it ended, or None if it did not."""
    duration: timedelta | None
    """How long it took, or None if it did not end."""


@frozen
class StartedRun(WithID):
    """A run, with its outcome and its beginning."""

    outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one added later."""
    started_at: datetime
    """When it began."""


@frozen
class LogRun(StartedRun):
    """The run that wrote a log line."""


@frozen
class LastRun(StartedRun):
    """The latest run of a unit."""

    ended_at: datetime | None
    """When it ended, or None if it has not."""
    procedure: ProcedureRef | None
    """The procedure that was run, or None if unknown."""


@frozen(kw_only=True)
class Validator:
    """One check of a measured value."""

    outcome: str
    """``PASS``, ``FAIL``, ``UNSET``, or one added later."""
    operator: str | None
    """How the value is compared, such as ``<=``. None if there is only an expression."""
    expected_value: Expected | None
    """The value to compare with, or None."""
    expression: str
    """The check as text, such as ``x <= 50``."""
    is_decisive: bool | None
    """Whether the check decides the outcome of the measurement, or None if unknown."""
    is_expression_only: bool
    """Whether there is only an expression."""
    analytics_expression: str | None
    """The expression for analytics, or None if unknown."""
    has_custom_expression: bool
    """Whether somebody wrote the expression by hand."""
