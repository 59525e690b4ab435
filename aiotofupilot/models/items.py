"""The items of the listings.

Source: https://www.tofupilot.com/docs/api, and ``v2/models`` of the official Python SDK ``tofupilot`` 2.26.1
"""

from datetime import datetime, timedelta

from attrs import field, frozen

from . import refs
from .display import ShownItem

__all__ = [
    "Batch",
    "Deployment",
    "Log",
    "Measurement",
    "Part",
    "Phase",
    "Procedure",
    "Run",
    "Station",
    "Unit",
    "User",
]


@frozen
class Procedure(ShownItem):
    """A test sequence. Each run belongs to one."""

    id: str
    """UUID, as the server writes it."""
    name: str
    """Display name."""
    created_at: datetime
    """When it was created; timezone-aware."""
    created_by_user: refs.UserRef | None = None
    """The user who created it. None: the server names nobody."""
    linked_repository: refs.Repository | None = field(default=None, metadata={"wire": "linkedRepository"})
    """The repository of its source; ``linkedRepository`` on the wire. None: no repository is linked."""


@frozen(kw_only=True)
class Run(ShownItem):
    """One execution of a procedure on a unit."""

    id: str
    """UUID."""
    created_at: datetime
    """When it was uploaded; timezone-aware."""
    started_at: datetime
    """When it began; timezone-aware."""
    ended_at: datetime
    """When it ended; timezone-aware."""
    duration: timedelta
    """How long it took."""
    outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one that TofuPilot adds later."""
    execution_id: str | None = None
    """The execution that this run is part of. An execution tests several slots together. None: it is part of none."""
    slot_key: str | None = None
    """Key of the slot that the unit was tested in. None: the station has no slots."""
    slot_name: str | None = None
    """Display name of the slot. None: the station has no slots."""
    procedure: refs.RunProcedure
    """The procedure that was run."""
    unit: refs.RunUnit
    """The unit that was tested."""
    docstring: str | None = None
    """The docstring of the test script. None: it has none."""
    created_by_user: refs.UserRef | None = None
    """The user who uploaded it. None: a station did, or the server does not say."""
    created_by_station: refs.StationRef | None = None
    """The station that uploaded it. None: a user did, or the server does not say."""
    operated_by: refs.Operator | None = None
    """The person who operated it. None: the run names nobody."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the run. None: the listing did not request it, or the server is too old to have it."""
    sequences: tuple[refs.RunSequence, ...] | None = field(default=None, metadata={"null": False})
    """Sequences at the top level. None: the listing did not request them, or the server is too old to have them."""


@frozen(kw_only=True)
class Unit(ShownItem):
    """One physical thing with a serial number."""

    id: str
    """UUID."""
    serial_number: str
    """Serial number."""
    created_at: datetime
    """When it was created; timezone-aware."""
    sample: str | None = None
    """``golden``, ``failing``, ``ignored``, or one that TofuPilot adds later. None: a unit of production, or the server
    is too old to say."""
    children: tuple[refs.UnitRef, ...]
    """Units that are built into this one, at most 10 of them."""
    part: refs.PartRef
    """The part that the unit is an instance of."""
    created_by_user: refs.UserRef | None = None
    """The user who created it. None: a station did, or the server does not say. This listing has no e-mail
    addresses."""
    created_by_station: refs.StationRef | None = None
    """The station that created it. None: a user did, or the server does not say."""
    batch: refs.BatchRef | None = None
    """The batch that it was made in. None: it belongs to no batch."""
    parent: refs.UnitRef | None = None
    """The unit that this one is built into. None: it is not built into another unit."""
    last_run: refs.LastRun | None = None
    """The latest run of the unit. None: it was never run."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the unit. None: the listing did not request it, or the server is too old to have it."""


@frozen
class Part(ShownItem):
    """A product or component. Units are instances of it."""

    id: str
    """UUID."""
    number: str
    """Part number, 1 to 60 characters."""
    name: str
    """Display name."""
    created_at: datetime
    """When it was created; timezone-aware."""
    revisions: tuple[refs.Revision, ...]
    """All revisions of the part."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the part. None: the listing did not request it, or the server is too old to have it."""


@frozen
class Batch(ShownItem):
    """A lot of units that were made together."""

    id: str
    """UUID."""
    number: str
    """Batch number, 1 to 60 characters."""
    created_at: datetime
    """When it was created; timezone-aware."""
    unit_count: int
    """How many units the batch holds."""
    created_by_user: refs.UserRef | None = None
    """The user who created it. None: a station did, or the server does not say. This listing has no e-mail
    addresses."""
    created_by_station: refs.StationRef | None = None
    """The station that created it. None: a user did, or the server does not say."""


@frozen
class Station(ShownItem):
    """A test bench."""

    id: str
    """UUID."""
    name: str
    """Display name."""
    procedures: tuple[refs.ProcedureRef, ...]
    """Procedures that the station runs."""
    procedures_count: int | float
    """How many procedures the station runs. The API types it as a number, so 2.0 stays a float."""
    team: refs.Team | None
    """The team of the station. None: it belongs to no team."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the station. None: the listing did not request it, or the server is too old to have it."""


@frozen
class User(ShownItem):
    """A member of the organization."""

    id: str
    """UUID."""
    name: str | None = None
    """Display name. None: the user has set none."""
    email: str | None = None
    """E-mail address. None: it is hidden from the owner of this API key."""
    image: str | None = None
    """URL of a picture. None: the user has none."""
    banned: bool = False
    """Whether the user is banned from the organization."""


@frozen(kw_only=True)
class Deployment(ShownItem):
    """One build of a procedure, and the stations to which it was deployed."""

    id: str
    """UUID."""
    environment: str
    """``production``, ``preview``, ``development``, or one that TofuPilot adds later."""
    trigger: str
    """What triggered it: ``auto``, ``manual``, ``cli``, or one that TofuPilot adds later."""
    status: str
    """State of the build: ``pending``, ``building``, ``ready``, ``failed``, or one that TofuPilot adds later."""
    skipped: bool
    """Whether the build was skipped."""
    started_at: datetime | None
    """When the build began; timezone-aware. None: it has not begun."""
    ended_at: datetime | None
    """When the build ended; timezone-aware. None: it has not ended."""
    deployed_at: datetime
    """When it was deployed; timezone-aware."""
    procedure: refs.ProcedureRef | None
    """The procedure that was deployed. None: the server names none."""
    commit: refs.Commit | None
    """The commit that was deployed. None: the server names none."""
    repository: refs.DeploymentRepository | None
    """The repository of the source. None: no repository is linked."""
    stations: tuple[refs.StationRef, ...]
    """The stations to which it was deployed."""


@frozen(kw_only=True)
class Log(ShownItem):
    """One line that a run wrote to its log."""

    id: str
    """UUID."""
    level: str
    """``DEBUG``, ``INFO``, ``WARNING``, ``ERROR``, ``CRITICAL``, or one that TofuPilot adds later."""
    message: str
    """Text of the line."""
    created_at: datetime
    """When it was written; timezone-aware. The filters of the listing call it ``timestamp``."""
    source_file: str | None
    """The source file that wrote it. None: the server names none."""
    line_number: int | None
    """The line in the source file. None: the server names none."""
    run: refs.LogRun
    """The run that wrote it."""
    unit: refs.UnitRef
    """The unit that was tested."""
    procedure: refs.ProcedureRef
    """The procedure that was run."""
    created_by_user: refs.UserRef | None = None
    """The user who uploaded it. None: a station did, or the server does not say."""
    created_by_station: refs.StationRef | None = None
    """The station that uploaded it. None: a user did, or the server does not say."""


@frozen(kw_only=True)
class Measurement(ShownItem):
    """One measured value of a run.

    `value`, `bool_value` and `string_value` are all None for the types ``multidimensional``, ``json`` and ``empty``.
    """

    id: str
    """UUID."""
    phase_name: str
    """Name of the phase that measured it."""
    measurement_name: str
    """Name of the measurement."""
    started_at: datetime | None
    """When the phase began; timezone-aware. None: the server does not say."""
    value: int | float | None
    """A number, with the type that it has in JSON. None: the measurement is of another type."""
    bool_value: bool | None
    """A truth value. None: the measurement is of another type."""
    string_value: str | None
    """A text. None: the measurement is of another type."""
    units: str | None
    """Unit of the value, such as ``mV``. None: it has none."""
    measurement_outcome: str
    """``PASS``, ``FAIL``, ``UNSET``, or one that TofuPilot adds later."""
    run_id: str
    """UUID of the run."""
    serial_number: str | None
    """Serial number of the unit. None: the server names none."""
    sample: str | None
    """``golden``, ``failing``, ``ignored``, or one that TofuPilot adds later. None: a unit of production."""
    measurement_type: str
    """``numeric``, ``boolean``, ``string``, ``multidimensional``, ``empty``, ``json``, or one that TofuPilot adds
    later."""
    retry_count: int
    """How many attempts at the phase came before this one."""
    is_final_attempt: bool
    """Whether this is the last attempt at the phase."""
    validators: tuple[refs.Validator, ...] | None
    """Checks of the value. None: it was not checked."""


@frozen(kw_only=True)
class Phase(ShownItem):
    """One phase of a run."""

    id: str
    """UUID."""
    name: str
    """Display name."""
    outcome: str
    """``PASS``, ``FAIL``, ``SKIP``, ``ERROR``, or one that TofuPilot adds later."""
    started_at: datetime | None
    """When it began; timezone-aware. None: it did not begin."""
    ended_at: datetime | None
    """When it ended; timezone-aware. None: it did not end."""
    duration_ms: int | None
    """How long it took, in milliseconds. None: it did not end."""
    retry_count: int
    """How many attempts at the phase came before this one."""
    sequence_path: str | None = None
    """Path of the sequence that holds the phase. None: no sequence holds it, or the server is too old to say."""
    is_final_attempt: bool
    """Whether this is the last attempt at the phase."""
    run_id: str
    """UUID of the run."""
    run_outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one that TofuPilot adds later."""
    serial_number: str | None
    """Serial number of the unit. None: the server names none."""
    sample: str | None
    """``golden``, ``failing``, ``ignored``, or one that TofuPilot adds later. None: a unit of production."""
