"""The items of the listings, and the `Identity` of a key.

Source: https://www.tofupilot.com/docs/api, and ``v2/models`` of the official Python SDK ``tofupilot`` 2.26.1
"""

from datetime import datetime

from attrs import field, frozen

from . import refs, runs
from .display import shown

__all__ = [
    "Batch",
    "Identity",
    "Log",
    "Measurement",
    "Organization",
    "Part",
    "Phase",
    "Run",
    "Station",
    "Unit",
    "User",
]


@shown(kw_only=True)
class Run(runs.RunFields):
    """One execution of a procedure on a unit."""

    created_by_station: refs.StationRef | None = None
    """The station that uploaded it. None if a user did, or if unknown."""
    operated_by: runs.Operator | None = None
    """The person who operated it, or None."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the run, or None if not requested, or the server is too old."""
    sequences: tuple[runs.RunSequence, ...] | None = field(default=None, metadata={"null": False})
    """Sequences at the top level, or None if not requested, or the server is too old."""


@shown(kw_only=True)
class Unit(runs.UnitFields):
    """One physical thing with a serial number."""

    children: tuple[runs.UnitRef, ...]
    """Units that are built into this one, at most 10 of them."""
    parent: runs.UnitRef | None = None
    """The unit that this one is built into, or None."""
    last_run: runs.LastRun | None = None
    """The latest run of the unit, or None if it was never run."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the unit, or None if not requested, or the server is too old."""


@shown
class Part(runs.PartFields):
    """A product or component. Units are instances of it."""

    created_at: datetime
    """When it was created."""
    revisions: tuple[runs.Revision, ...]
    """All revisions of the part."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the part, or None if not requested, or the server is too old."""


@shown(kw_only=True)
class Batch(runs.BatchFields):
    """A lot of units that were made together."""

    unit_count: int
    """How many units the batch holds."""


@shown
class Station(refs.Named):
    """A test bench."""

    procedures: tuple[refs.ProcedureRef, ...]
    """Procedures that the station runs."""
    procedures_count: int | float
    """How many procedures the station runs, perhaps as a float such as 2.0."""
    team: runs.Team | None
    """The team of the station, or None."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the station, or None if not requested, or the server is too old."""


@shown
class User(refs.WithID):
    """A member of the organization."""

    name: str | None = None
    """Display name, or None."""
    email: str | None = None
    """E-mail address, or None if it is hidden from the owner of this API key."""
    image: str | None = None
    """URL of a picture, or None."""
    banned: bool = False
    """Whether the user is banned from the organization."""


@shown(kw_only=True)
class Log(refs.WithKeywordID):
    """One line that a run wrote to its log."""

    level: str
    """``DEBUG``, ``INFO``, ``WARNING``, ``ERROR``, ``CRITICAL``, or one added later."""
    message: str
    """Text of the line."""
    created_at: datetime
    """When it was written. The filters of the listing call it ``timestamp``."""
    source_file: str | None
    """The source file, or None if unknown."""
    line_number: int | None
    """The line in that file, or None if unknown."""
    run: runs.LogRun
    """The run that wrote it."""
    unit: runs.UnitRef
    """The unit that was tested."""
    procedure: refs.ProcedureRef
    """The procedure that was run."""
    created_by_user: refs.UserRef | None = None
    """The user who uploaded it. None if a station did, or if unknown."""
    created_by_station: refs.StationRef | None = None
    """The station that uploaded it. None if a user did, or if unknown."""


@shown(kw_only=True)
class Measurement(refs.WithKeywordID):
    """One measured value of a run.

    `value`, `bool_value` and `string_value` are all None for the types ``multidimensional``, ``json`` and ``empty``.
    """

    phase_name: str
    """Name of the phase that measured it."""
    measurement_name: str
    """Name of the measurement."""
    started_at: datetime | None
    """When the phase began, or None if unknown."""
    value: int | float | None
    """A number, or None for another type."""
    bool_value: bool | None
    """A truth value, or None for another type."""
    string_value: str | None
    """A text, or None for another type."""
    units: str | None
    """Unit of the value, such as ``mV``, or None."""
    measurement_outcome: str
    """``PASS``, ``FAIL``, ``UNSET``, or one added later."""
    run_id: str
    """UUID of the run."""
    serial_number: str | None
    """Serial number of the unit, or None if unknown."""
    sample: str | None
    """``golden``, ``failing``, ``ignored`` or one added later; None for a unit of production."""
    measurement_type: str
    """``numeric``, ``boolean``, ``string``, ``multidimensional``, ``empty``, ``json``, or one added later."""
    retry_count: int
    """How many attempts came before this one."""
    is_final_attempt: bool
    """Whether this is the last attempt at the phase."""
    validators: tuple[runs.Validator, ...] | None
    """Checks of the value, or None."""


@shown(kw_only=True)
class Phase(runs.PhaseFields):
    """One phase of a run."""

    duration_ms: int | None
    """How long it took, in milliseconds, or None if it did not end."""
    retry_count: int
    """How many attempts came before this one."""
    sequence_path: str | None = None
    """Path of the sequence that holds it. None if there is none, or the server is too old."""
    is_final_attempt: bool
    """Whether this is the last attempt at the phase."""
    run_id: str
    """UUID of the run."""
    run_outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one added later."""
    serial_number: str | None
    """Serial number of the unit, or None if unknown."""
    sample: str | None
    """``golden``, ``failing``, ``ignored`` or one added later; None for a unit of production."""


@frozen
class Organization(refs.WithID):
    """The organization that a key belongs to."""

    slug: str
    """Its name in addresses, such as ``volta``."""
    name: str
    """Display name."""


@shown(kw_only=True)
class Identity:
    """The user or station that a session's key belongs to."""

    type: str
    """``user``, ``station``, or one added later."""
    station: refs.StationRef | None
    """The station whose key it is, or None if it is a user's."""
    user: refs.UserRef | None
    """The user whose key it is, or None if it is a station's."""
    organization: Organization
    """The organization that the user or station belongs to."""
