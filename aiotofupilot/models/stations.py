"""Stations, and how other items refer to one.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/stations/list
"""

from attrs import field

from .frozen import frozen
from .metadata import Metadata
from .procedures import ProcedureRef

__all__ = ["Station", "StationRef", "Team"]


@frozen
class StationRef:
    """The station that created an item, or to which a procedure was deployed."""

    id: str
    """UUID."""
    name: str
    """Display name."""


@frozen
class Team:
    """The team that a station belongs to."""

    id: str
    """UUID."""
    name: str
    """Display name."""


@frozen
class Station:
    """A test bench."""

    id: str
    """UUID."""
    name: str
    """Display name."""
    procedures: tuple[ProcedureRef, ...]
    """Procedures that the station runs."""
    procedures_count: int | float
    """How many procedures the station runs. The API types it as a number, so 2.0 stays a float."""
    team: Team | None
    """The team of the station. None: it belongs to no team."""
    metadata: Metadata | None = field(default=None, hash=False)
    """Metadata of the station. None: the listing did not ask for it, or the server is too old to have it."""
