"""Batches, and how other items refer to one.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/batches/list
"""

from datetime import datetime

from .frozen import frozen
from .people import UserRef
from .stations import StationRef

__all__ = ["Batch", "BatchRef"]


@frozen
class BatchRef:
    """The batch that a unit was made in."""

    id: str
    """UUID."""
    number: str
    """Batch number, 1 to 60 characters."""


@frozen
class Batch:
    """A lot of units that were made together."""

    id: str
    """UUID."""
    number: str
    """Batch number, 1 to 60 characters."""
    created_at: datetime
    """When it was created; timezone-aware."""
    unit_count: int
    """How many units the batch holds."""
    created_by_user: UserRef | None = None
    """The user who created it. None: a station did, or the server does not say. This listing has no e-mail
    addresses."""
    created_by_station: StationRef | None = None
    """The station that created it. None: a user did, or the server does not say."""
