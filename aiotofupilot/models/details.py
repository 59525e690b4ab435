"""Single items as TofuPilot returns them outside of listings, with everything that it knows about each.

A single log line is a `Log`, and a single user a `User`, as in their listings.

Source: https://www.tofupilot.com/docs/api, and ``v2/models`` of the official Python SDK ``tofupilot`` 2.26.1
"""

from datetime import datetime, timedelta

from attrs import evolve, field, frozen

from . import refs, runs
from .display import shown
from .fields import immutable

__all__ = [
    "Aggregation",
    "Attachment",
    "BatchDetails",
    "BatchUnit",
    "Branch",
    "BuildLog",
    "CommitRepository",
    "CreationRun",
    "DataSeries",
    "DeployedStation",
    "DeploymentCommit",
    "DeploymentDetails",
    "DeploymentUser",
    "MeasurementDetails",
    "PartDetails",
    "PartRevision",
    "PhaseDetails",
    "PhaseRef",
    "ProcedureDetails",
    "RecentRun",
    "RecentUnit",
    "RelatedPart",
    "RelatedUnit",
    "RevisionDetails",
    "RevisionPart",
    "RunConfig",
    "RunDetails",
    "RunLog",
    "RunMeasurement",
    "RunPhase",
    "RunRef",
    "RunSecret",
    "RunStation",
    "StationCommit",
    "StationDeployment",
    "StationDetails",
    "StationProcedure",
    "StationRepository",
    "SubUnit",
    "UnitDetails",
    "VersionDetails",
]

_FEW = 8
"""A series with at most this many points is shown whole."""


def _points(data: tuple[float, ...]) -> str:
    return repr(data) if len(data) <= _FEW else f"<{len(data)} points>"


@frozen
class RecentUnit:
    """The unit of a recent run."""

    serial_number: str
    """Serial number."""


@frozen
class RecentRun(refs.WithID):
    """One of the latest runs of a procedure."""

    started_at: datetime
    """When it began."""
    outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one added later."""
    unit: RecentUnit | None
    """The unit that was tested, or None if unknown."""


@shown(kw_only=True)
class ProcedureDetails(refs.Named):
    """A procedure, with its latest runs and its stations."""

    created_at: datetime
    """When it was created."""
    created_by_user: refs.UserRef | None
    """The user who created it, or None if unknown."""
    runs_count: int | float
    """How many runs it has, perhaps as a float such as 2.0."""
    recent_runs: tuple[RecentRun, ...]
    """Some of its latest runs; the API documents neither their number nor their order."""
    stations: tuple[refs.StationRef, ...]
    """The stations that run it."""


@shown(kw_only=True)
class VersionDetails(runs.ProcedureVersion):
    """A version of a procedure."""

    created_at: datetime
    """When it was created."""
    procedure: refs.ProcedureRef
    """The procedure that it is a version of."""
    run_count: int
    """How many runs name this version."""
    created_by_user: refs.UserRef | None = None
    """The user who created it, without an e-mail address. None if a station did, or if unknown."""
    created_by_station: refs.StationRef | None = None
    """The station that created it. None if a user did, or if unknown."""


@frozen(kw_only=True)
class Aggregation(refs.WithKeywordID):
    """One value that sums up a measurement or a data series, such as its mean."""

    type: str
    """Free text, such as ``MIN`` or ``avg``."""
    outcome: str | None
    """``PASS``, ``FAIL``, ``UNSET``, or one added later; None if it has no validators."""
    value: int | float | str | bool | None
    """The value, or None."""
    unit: str | None = None
    """Unit of the value, such as ``mV``, or None."""
    validators: tuple[runs.Validator, ...] | None = None
    """Checks of the value, or None."""


@frozen(kw_only=True)
class DataSeries:
    """The values along one axis of a multidimensional measurement, such as a waveform."""

    data: tuple[float, ...] = field(repr=_points)
    """The points. NaN where the server has no number, which is null in JSON."""
    units: str | None
    """Unit of the points, such as ``mV``, or None."""
    name: str | None = None
    """Display name, or None."""
    description: str | None = None
    """What the axis shows, or None."""
    validators: tuple[runs.Validator, ...] | None = None
    """Checks of the points, or None."""
    aggregations: tuple[Aggregation, ...] | None = None
    """Values that sum up the series, or None."""


@shown(kw_only=True)
class RunMeasurement(refs.WithKeywordID):
    """One measurement of a phase. If it is multidimensional it has `data_series`, otherwise a `measured_value`."""

    name: str
    """Name of the measurement."""
    outcome: str
    """``PASS``, ``FAIL``, ``UNSET``, or one added later."""
    validators: tuple[runs.Validator, ...] | None
    """Checks of the value, or None."""
    units: str | None = None
    """Unit of the value, such as ``mV``. None if it has none, or each series has its own."""
    aggregations: tuple[Aggregation, ...] | None = None
    """Values that sum up the measurement, or None."""
    measured_value: refs.JSON | None = field(default=None, hash=False, metadata={"null": False})
    """Any JSON value, with tuples as its arrays. None if there is none, or the measurement is multidimensional."""
    data_series: tuple[DataSeries, ...] | None = field(default=None, metadata={"null": False})
    """The axes of a multidimensional measurement, or None. The API does not mark which one is x."""
    docstring: str | None = field(default=None, metadata={"null": False})
    """The docstring of the measurement. None if there is none, or the measurement was read as a part of its run."""

    def __attrs_post_init__(self) -> None:
        if isinstance(self.measured_value, list | dict):
            object.__setattr__(self, "measured_value", immutable(self.measured_value))


@frozen
class PhaseRef(refs.Named):
    """The phase that made a measurement."""


@frozen
class RunRef(refs.WithID):
    """The run that made a measurement or has a phase."""

    outcome: str | None = None
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one added later. None for a phase, or if unknown."""
    serial_number: str | None = None
    """Serial number of the unit, or None if unknown."""


@shown(kw_only=True)
class MeasurementDetails(RunMeasurement):
    """A measurement, and where it was made."""

    phase: PhaseRef
    """The phase that made it."""
    run: RunRef
    """The run that made it."""
    procedure: refs.ProcedureRef
    """The procedure that was run."""


@shown(kw_only=True)
class RunPhase(runs.PhaseFields):
    """One phase of a run, with its measurements."""

    duration: timedelta | None
    """How long it took, or None if it did not end."""
    retry_count: int
    """How many attempts came before this one."""
    sequence_path: str | None = None
    """Path of the sequence that holds it. None if there is none, or the server is too old."""
    measurements: tuple[RunMeasurement, ...]
    """What the phase measured."""
    docstring: str | None = None
    """The docstring of the phase, or None."""


@shown(kw_only=True)
class PhaseDetails(RunPhase):
    """A phase, with its measurements and its run."""

    run: RunRef
    """The run that has the phase."""
    procedure: refs.ProcedureRef
    """The procedure that was run."""


@frozen(kw_only=True)
class Attachment(refs.WithKeywordID):
    """A file that is attached to a run or a unit."""

    name: str
    """Name of the file, 1 to 255 characters. Not safe as a path, because it may hold slashes."""
    size: int | float | None
    """Size in bytes, or None if unknown. It can be 0 although the file has bytes."""
    content_type: str | None
    """Media type of the file, such as ``image/jpeg``, or None if unknown."""
    is_report: bool = False
    """Whether it is a report of the run. No attachment of a unit is one."""
    download_url: str | None = field(default=None, repr=False, eq=False)
    """The address of the file. Anybody can download the file from it without a key until it expires, so no repr shows
    it. Each request for the run or unit returns another address, so it is not compared. None if the server has no
    address, perhaps because the upload has not ended."""
    owner: tuple[str, str] | None = field(default=None, repr=False, eq=False, metadata={"wire": None})
    """Where to get a new address: ``("runs", id)`` or ``("units", serial_number)``, set by the `RunDetails` or
    `UnitDetails` that holds it, or None. It is not on the wire."""


def _owned(attachments: tuple[Attachment, ...], listing: str, key: str) -> tuple[Attachment, ...]:
    return tuple(evolve(attachment, owner=(listing, key)) for attachment in attachments)


@frozen(kw_only=True)
class RunConfig:
    """A value that configured a run."""

    key: str
    """Name of the value."""
    value: str | int | float | bool
    """The value."""
    variable_id: str | None
    """UUID of its variable, or None."""
    version: int | None
    """Version of the variable, or None."""
    source: str | None
    """``default``, ``shell``, ``dotenv``, ``process``, ``station``, ``procedure``, ``organization``, or one added
    later. None if unknown."""


@frozen(kw_only=True)
class RunSecret:
    """A secret that a run used. The API never sends its value."""

    key: str
    """Name of the secret."""
    variable_id: str | None
    """UUID of its variable, or None."""
    version: int | None
    """Version of the variable, or None."""
    source: str | None
    """As in `RunConfig`, or None if unknown."""


@frozen
class RunStation(refs.WithID):
    """The station that uploaded a run."""

    name: str | None = None
    """Display name, or None if unknown."""


@frozen(kw_only=True)
class RunLog(refs.WithKeywordID):
    """One line that the run wrote to its log."""

    level: str
    """``DEBUG``, ``INFO``, ``WARNING``, ``ERROR``, ``CRITICAL``, or one added later."""
    timestamp: datetime
    """When it was written. In the listing of logs it is ``created_at``."""
    message: str
    """Text of the line."""
    source_file: str | None
    """The source file, or None if unknown."""
    line_number: int | None
    """The line in that file, or None if unknown."""


@frozen
class SubUnit(runs.UnitRef):
    """A unit whose parent changed in a run."""

    part_number: str
    """Number of the part that it is an instance of."""
    part_name: str | None
    """Display name of the part, or None if unknown."""


@shown(kw_only=True)
class RunDetails(runs.RunFields):
    """A run with all its phases, measurements, attachments and logs."""

    config: tuple[RunConfig, ...] = ()
    """The values that configured the run. Empty if there are none, or the server is too old."""
    secrets: tuple[RunSecret, ...] = ()
    """The secrets that it used. Empty if there are none, or the server is too old."""
    created_by_station: RunStation | None = None
    """The station that uploaded it. None if a user did, or if unknown."""
    operated_by: runs.Operator | None = None
    """The person who operated it, or None."""
    phases: tuple[RunPhase, ...] = ()
    """All attempts at its phases, by start, name and attempt. Listings have only the last attempt."""
    sequences: tuple[runs.RunSequence, ...] = ()
    """All sequences, each one before those in it. Empty if there are none, or the server is too old."""
    attachments: tuple[Attachment, ...] = ()
    """Its files, reports included."""
    logs: tuple[RunLog, ...] = ()
    """The lines of its log, in an undocumented order."""
    sub_units: tuple[SubUnit, ...] = ()
    """Units whose parent changed in this run."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the run, or None if the server is too old."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "attachments", _owned(self.attachments, "runs", self.id))


@frozen(kw_only=True)
class RelatedPart(runs.PartFields):
    """The part of a unit that is built into another one, or holds it."""

    revision: runs.Revision | None
    """The revision of the unit, or None if unknown."""


@frozen(kw_only=True)
class RelatedUnit(runs.UnitRef):
    """A unit that is built into another one, or holds it."""

    part: RelatedPart | None
    """The part that it is an instance of, or None if unknown."""


@frozen(kw_only=True)
class CreationRun(runs.RunTimes):
    """The run that created a unit."""

    procedure: refs.ProcedureRef
    """The procedure that was run."""


@shown(kw_only=True)
class UnitDetails(runs.UnitFields):
    """A unit, with the units around it and its attachments."""

    parent: RelatedUnit | None = None
    """The unit that this one is built into, or None."""
    children: tuple[RelatedUnit, ...] = ()
    """All units that are built into this one; the listing of units has at most 10."""
    created_during: CreationRun | None = None
    """The run that created it. None if no run did, or if unknown."""
    attachments: tuple[Attachment, ...] = ()
    """Its files."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the unit, or None if the server is too old."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "attachments", _owned(self.attachments, "units", self.serial_number))


@frozen
class PartRevision(runs.Revision):
    """A revision of a part, with the time of its creation."""

    created_at: datetime
    """When it was created."""


@shown(kw_only=True)
class PartDetails(runs.PartFields):
    """A part, with the user or station that created it."""

    created_at: datetime
    """When it was created."""
    revisions: tuple[PartRevision, ...]
    """All revisions of the part."""
    created_by_user: refs.UserRef | None = None
    """The user who created it, without an e-mail address. None if a station did, or if unknown."""
    created_by_station: refs.StationRef | None = None
    """The station that created it. None if a user did, or if unknown."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the part, or None if the server is too old."""


@frozen
class RevisionPart(runs.PartFields):
    """The part that has a revision."""


@shown(kw_only=True)
class RevisionDetails(runs.Revision):
    """A revision of a part, with its units."""

    created_at: datetime | None
    """When it was created, or None if unknown."""
    created_by_user: refs.UserRef | None
    """The user who created it, without an e-mail address. None if a station did, or if unknown."""
    created_by_station: refs.StationRef | None
    """The station that created it. None if a user did, or if unknown."""
    part: RevisionPart
    """The part that it is a revision of."""
    units: tuple[runs.UnitRef, ...]
    """Its units, perhaps not all."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the revision, or None if the server is too old."""


@frozen(kw_only=True)
class BatchUnit(runs.UnitRef):
    """A unit of a batch."""

    created_at: datetime
    """When it was created."""
    part: runs.PartRef
    """The part that the unit is an instance of."""


@shown(kw_only=True)
class BatchDetails(runs.BatchFields):
    """A batch, with its units."""

    units: tuple[BatchUnit, ...]
    """Its units, perhaps not all."""


@frozen
class StationCommit:
    """The commit that a station runs."""

    sha: str
    """Hash of the commit, in hexadecimal digits."""
    message: str
    """Message of the commit."""
    branch: str | None
    """The branch that was deployed, or None if unknown."""


@frozen(kw_only=True)
class StationRepository:
    """The repository whose source a station runs."""

    owner: str
    """Owner of the repository, such as ``org``."""
    name: str
    """Short name, such as ``my-repo``."""
    provider: str
    """``github``, ``gitlab``, ``bitbucket``, or one added later."""
    gitlab_project_id: int | float | None
    """Number of the project at GitLab, or None if it is not there."""


@frozen(kw_only=True)
class StationDeployment:
    """The deployment of a procedure to a station."""

    deployed_at: str
    """When it was deployed, as the server writes it. This may not be a date-time."""
    commit: StationCommit | None
    """The commit that was deployed, or None if unknown."""
    repository: StationRepository | None
    """The repository of the source, or None."""


@frozen(kw_only=True)
class StationProcedure(refs.Named):
    """A procedure that a station runs."""

    runs_count: int | float
    """How many runs of this procedure the station made in the last seven days, perhaps as a float such as 2.0."""
    deployment: StationDeployment | None = None
    """What is deployed to the station, or None if nothing is."""


@shown(kw_only=True)
class StationDetails(refs.Named):
    """A station, with what is deployed to it."""

    api_key: str | None = field(repr=False)
    """The beginning of the station's key. No repr shows it. None if the station has no key."""
    procedures: tuple[StationProcedure, ...]
    """Procedures that the station runs."""
    organization_slug: str
    """Name of the organization in addresses, such as ``volta``."""
    team: runs.Team | None
    """The team of the station, or None."""
    metadata: refs.Metadata | None = field(default=None, hash=False, metadata={"null": False})
    """Metadata of the station, or None if the server is too old."""


@frozen
class DeploymentUser(refs.Named):
    """The user who deployed a procedure."""

    image: str | None
    """URL of a picture, or None."""


@frozen
class Branch(refs.Named):
    """A branch of a repository, such as ``main``. Its ID names TofuPilot's record."""


@frozen
class CommitRepository:
    """The repository of a commit."""

    full_name: str
    """Name with its owner, such as ``org/my-repo``."""
    provider: str
    """``github``, ``gitlab``, ``bitbucket``, or one added later."""


@frozen(kw_only=True)
class DeploymentCommit(refs.CommitFields):
    """The commit that was deployed, with its branch and repository."""

    branch: Branch | None
    """The branch that was deployed, or None if unknown."""
    repository: CommitRepository | None
    """The repository of the source, or None."""


@frozen(kw_only=True)
class DeployedStation(refs.Named):
    """A station to which a procedure was deployed."""

    image_url: str | None
    """URL of a picture, or None."""
    pushed_at: datetime | None
    """When the build was sent to the station. None if it was not."""


@frozen(kw_only=True)
class BuildLog:
    """One line that a build wrote."""

    seq: int
    """Number of the line in its log."""
    level: str
    """``DEBUG``, ``INFO``, ``WARNING``, ``ERROR``, ``CRITICAL``, or one added later."""
    message: str
    """Text of the line."""
    created_at: datetime
    """When it was written."""


@shown(kw_only=True)
class DeploymentDetails(refs.DeploymentFields):
    """One build of a procedure, with its artifact and its log."""

    artifact_url: str | None = field(repr=False, eq=False)
    """The address of the built artifact, as secret as `Attachment.download_url`. None if there is no artifact."""
    artifact_sha256: str | None
    """SHA-256 of the artifact, in hexadecimal digits. None if there is none, or if unknown."""
    artifact_size_bytes: int | float | None
    """Size of the artifact in bytes. None if there is none, or if unknown."""
    deployment_mode: str
    """``sync``, ``standalone``, or one added later."""
    platform: str | None
    """System that it was built for, such as ``linux-x64``, or None if unknown."""
    language: str | None
    """Programming language, such as ``python``, or None if unknown."""
    runtime_version: str | None
    """Version of the language, such as ``3.12``, or None if unknown."""
    created_by_user: DeploymentUser | None
    """The user who deployed it, or None if unknown."""
    commit: DeploymentCommit | None
    """The commit that was deployed, or None if unknown."""
    stations: tuple[DeployedStation, ...]
    """The stations to which it was deployed."""
    build_logs: tuple[BuildLog, ...]
    """The lines that the build wrote, by their number."""
