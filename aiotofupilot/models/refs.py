"""Objects within items, such as people, parts and batches.

The classes that are not in ``__all__`` have the fields that several models begin with.

Source: https://www.tofupilot.com/docs/api, and ``v2/models`` of the official Python SDK ``tofupilot`` 2.26.1
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import field, frozen

__all__ = [
    "BatchRef",
    "Commit",
    "DeploymentRepository",
    "LastRun",
    "LogRun",
    "Metadata",
    "Operator",
    "PartRef",
    "ProcedureRef",
    "ProcedureVersion",
    "Repository",
    "Revision",
    "RunProcedure",
    "RunSequence",
    "RunUnit",
    "StationRef",
    "Team",
    "UnitRef",
    "UserRef",
    "Validator",
]

Number = int | float
"""A number with the type that it has in JSON."""

Scalar = str | int | float | bool
"""A text, a number with the type that it has in JSON, or a truth value."""

Expected = Scalar | tuple[Scalar, ...]
"""What a measured value is compared with."""

JSON = Scalar | tuple[Any, ...] | Mapping[str, Any]
"""A value of JSON apart from null. Arrays are tuples, at any depth, and objects are mappings."""

Metadata = Mapping[str, Scalar]
"""Names and their values, at most 50 of them. A number keeps the type that it has in JSON: 4 is an int, 4.5 a float."""


@frozen
class WithID:
    """An object with an ID."""

    id: str
    """UUID."""


@frozen(kw_only=True)
class WithKeywordID:
    """An object with an ID, which it takes as a keyword, like all other fields."""

    id: str
    """UUID."""


@frozen
class Named(WithID):
    """An object with an ID and a name."""

    name: str
    """Display name."""


@frozen
class UserRef(WithID):
    """The user who created an item."""

    name: str | None = None
    """Display name, or None."""
    email: str | None = None
    """E-mail address, or None if this listing does not have it, or it is hidden from the owner of this API key."""


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
class ProcedureRef(Named):
    """The procedure that an item belongs to."""


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
class Repository(WithID):
    """The source repository that a procedure is linked to."""

    name: str
    """Short name, such as ``my-repo``."""
    full_name: str = field(metadata={"wire": "fullName"})
    """Name with its owner, such as ``org/my-repo``; ``fullName`` on the wire."""
    provider: str | None = field(default=None, metadata={"null": False})
    """``github``, ``gitlab``, ``bitbucket``, or one added later; None if unknown."""


@frozen
class StationRef(Named):
    """The station that created an item, or to which a procedure was deployed."""


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
    """When it was created; timezone-aware."""
    created_by_user: UserRef | None = None
    """The user who created it, without an e-mail address, or None if a station did or it is unknown."""
    created_by_station: StationRef | None = None
    """The station that created it, or None if a user did or it is unknown."""


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
    """A unit, with what it is an instance of, and its origin."""

    created_at: datetime
    """When it was created; timezone-aware."""
    sample: str | None = None
    """``golden``, ``failing``, ``ignored`` or one added later; None for a unit of production, or if the server is too
    old to say."""
    part: PartRef
    """The part that the unit is an instance of."""
    created_by_user: UserRef | None = None
    """The user who created it, without an e-mail address, or None if a station did or it is unknown."""
    created_by_station: StationRef | None = None
    """The station that created it, or None if a user did or it is unknown."""
    batch: BatchRef | None = None
    """The batch that it was made in, or None."""


@frozen(kw_only=True)
class RunUnit(UnitRef):
    """The unit that was tested."""

    sample: str | None = None
    """``golden``, ``failing``, ``ignored`` or one added later; None for a unit of production, or if the server is too
    old to say."""
    part: PartRef
    """The part that the unit is an instance of."""
    batch: BatchRef | None = None
    """The batch that it was made in, or None."""


@frozen(kw_only=True)
class RunTimes(WithKeywordID):
    """A run, with its times and its outcome."""

    created_at: datetime
    """When it was uploaded; timezone-aware."""
    started_at: datetime
    """When it began; timezone-aware."""
    ended_at: datetime
    """When it ended; timezone-aware."""
    duration: timedelta
    """How long it took."""
    outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one added later."""


@frozen(kw_only=True)
class RunFields(RunTimes):
    """A run, with what was run where."""

    execution_id: str | None = None
    """The execution that this run is part of. An execution tests several slots together. None if it is part of none."""
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
    """The user who uploaded it, or None if a station did or it is unknown."""


@frozen(kw_only=True)
class PhaseFields(Named):
    """A phase, with its times and its outcome."""

    outcome: str
    """``PASS``, ``FAIL``, ``SKIP``, ``ERROR``, or one added later."""
    started_at: datetime | None
    """When it began; timezone-aware, or None if it did not."""
    ended_at: datetime | None
    """When it ended; timezone-aware, or None if it did not."""


@frozen(kw_only=True)
class RunSequence(WithKeywordID):
    """A sequence of a run. A listing has those at the top level, and a run by itself has all."""

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
    """When it began; timezone-aware, or None if it did not."""
    ended_at: datetime | None
    """When it ended; timezone-aware, or None if it did not."""
    duration: timedelta | None
    """How long it took, or None if it did not end."""


@frozen
class StartedRun(WithID):
    """A run, with its outcome and its beginning."""

    outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one added later."""
    started_at: datetime
    """When it began; timezone-aware."""


@frozen
class LogRun(StartedRun):
    """The run that wrote a log line."""


@frozen
class LastRun(StartedRun):
    """The latest run of a unit."""

    ended_at: datetime | None
    """When it ended; timezone-aware, or None if it has not."""
    procedure: ProcedureRef | None
    """The procedure that was run, or None if unknown."""


@frozen(kw_only=True)
class Validator:
    """One check of a measured value."""

    outcome: str
    """``PASS``, ``FAIL``, ``UNSET``, or one added later."""
    operator: str | None
    """How the value is compared, such as ``<=``, or None if the validator has an expression and no operator."""
    expected_value: Expected | None
    """The value to compare with. Numbers keep the type that they have in JSON. None if there is none."""
    expression: str
    """The check as text, such as ``x <= 50``."""
    is_decisive: bool | None
    """Whether the check decides the outcome of the measurement, or None if unknown."""
    is_expression_only: bool
    """Whether the check has an expression and no operator."""
    analytics_expression: str | None
    """The expression that analytics use, or None if unknown."""
    has_custom_expression: bool
    """Whether somebody wrote the expression by hand."""


@frozen
class CommitFields:
    """A commit."""

    id: str
    """UUID of TofuPilot's record."""
    sha: str
    """Hash of the commit, in hexadecimal digits."""
    message: str
    """Message of the commit."""
    author_username: str
    """Name of the author's account at the provider."""
    author_avatar_url: str | None
    """URL of the author's picture, or None."""
    committed_at: datetime | None
    """When it was committed; timezone-aware, or None if unknown."""


@frozen
class Commit(CommitFields):
    """The commit that was deployed."""

    branch: str | None
    """The branch that was deployed, or None if unknown."""


@frozen
class DeploymentRepository:
    """The repository that was deployed from."""

    provider: str
    """``github``, ``gitlab``, ``bitbucket``, or one added later."""


@frozen(kw_only=True)
class DeploymentFields(WithKeywordID):
    """A build of a procedure, with its state."""

    environment: str
    """``production``, ``preview``, ``development``, or one added later."""
    trigger: str
    """What triggered it: ``auto``, ``manual``, ``cli``, or one added later."""
    status: str
    """State of the build: ``pending``, ``building``, ``ready``, ``failed``, or one added later."""
    started_at: datetime | None
    """When the build began; timezone-aware, or None if it has not."""
    ended_at: datetime | None
    """When the build ended; timezone-aware, or None if it has not."""
    deployed_at: datetime
    """When it was deployed; timezone-aware."""
    procedure: ProcedureRef | None
    """The procedure that was deployed, or None if unknown."""
