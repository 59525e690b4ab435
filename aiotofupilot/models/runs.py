"""Runs.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/runs/list
"""

from datetime import datetime, timedelta

from attrs import field

from .batches import BatchRef
from .frozen import frozen
from .metadata import Metadata
from .parts import PartRef
from .people import Operator, UserRef
from .procedures import ProcedureVersion
from .stations import StationRef

__all__ = ["Run", "RunProcedure", "RunSequence", "RunUnit"]


@frozen
class RunProcedure:
    """The procedure that was run."""

    id: str
    """UUID."""
    name: str
    """Display name."""
    version: ProcedureVersion | None
    """The version that was run. None: the run names no version."""


@frozen(kw_only=True)
class RunUnit:
    """The unit that was tested."""

    id: str
    """UUID."""
    serial_number: str
    """Serial number."""
    sample: str | None = None
    """``golden``, ``failing``, ``ignored``, or one that TofuPilot adds later. None: a unit of production, or the server
    is too old to say."""
    part: PartRef
    """The part that the unit is an instance of."""
    batch: BatchRef | None = None
    """The batch that it was made in. None: it belongs to no batch."""


@frozen(kw_only=True)
class RunSequence:
    """A sequence at the top level of a run."""

    id: str
    """UUID."""
    path: str
    """The keys of the sequences from the top level down to this one."""
    key: str
    """Name of the sequence within its parent."""
    parent_path: str | None
    """Path of the sequence that holds this one. None: it is at the top level."""
    name: str
    """Display name."""
    source: str | None
    """The file that defines it, such as ``./sequences/power_up.yaml``. None: the server names none."""
    outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, ``SKIP``, or one that TofuPilot adds later."""
    started_at: datetime | None
    """When it began; timezone-aware. None: it did not begin."""
    ended_at: datetime | None
    """When it ended; timezone-aware. None: it did not end."""
    duration: timedelta | None
    """How long it took. None: it did not end."""


@frozen(kw_only=True)
class Run:
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
    procedure: RunProcedure
    """The procedure that was run."""
    unit: RunUnit
    """The unit that was tested."""
    docstring: str | None = None
    """The docstring of the test script. None: it has none."""
    created_by_user: UserRef | None = None
    """The user who uploaded it. None: a station did, or the server does not say."""
    created_by_station: StationRef | None = None
    """The station that uploaded it. None: a user did, or the server does not say."""
    operated_by: Operator | None = None
    """The person who operated it. None: the run names nobody."""
    metadata: Metadata | None = field(default=None, hash=False)
    """Metadata of the run. None: the listing did not ask for it, or the server is too old to have it."""
    sequences: tuple[RunSequence, ...] | None = None
    """Sequences at the top level. None: the listing did not ask for them, or the server is too old to have them."""
