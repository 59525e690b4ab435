"""Units, and how other items refer to one.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/units/list
"""

from datetime import datetime

from attrs import field

from .batches import BatchRef
from .frozen import frozen
from .metadata import Metadata
from .parts import PartRef
from .people import UserRef
from .procedures import ProcedureRef
from .stations import StationRef

__all__ = ["LastRun", "Unit", "UnitRef"]


@frozen
class UnitRef:
    """A unit as other items refer to it."""

    id: str
    """UUID."""
    serial_number: str
    """Serial number."""


@frozen
class LastRun:
    """The latest run of a unit."""

    id: str
    """UUID."""
    outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one that TofuPilot adds later."""
    started_at: datetime
    """When it began; timezone-aware."""
    ended_at: datetime | None
    """When it ended; timezone-aware. None: it has not ended."""
    procedure: ProcedureRef | None
    """The procedure that was run. None: the server names none."""


@frozen(kw_only=True)
class Unit:
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
    children: tuple[UnitRef, ...]
    """Units that are built into this one, at most 10 of them."""
    part: PartRef
    """The part that the unit is an instance of."""
    created_by_user: UserRef | None = None
    """The user who created it. None: a station did, or the server does not say. This listing has no e-mail
    addresses."""
    created_by_station: StationRef | None = None
    """The station that created it. None: a user did, or the server does not say."""
    batch: BatchRef | None = None
    """The batch that it was made in. None: it belongs to no batch."""
    parent: UnitRef | None = None
    """The unit that this one is built into. None: it is not built into another unit."""
    last_run: LastRun | None = None
    """The latest run of the unit. None: it was never run."""
    metadata: Metadata | None = field(default=None, hash=False)
    """Metadata of the unit. None: the listing did not ask for it, or the server is too old to have it."""
