"""Stations and their teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Station, StationRef, Team

from .identity import identify
from .procedures import make_procedure, make_procedure_ref

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiotofupilot.models import Metadata, Procedure

__all__ = ["make_station", "make_station_ref", "make_team", "station_ref"]


def make_team(
    name: str = "Line 1",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
) -> Team:
    """Make a team.

    Args:
        name: Display name.
        id: None: a UUID that depends on the name.
    """
    return Team(id or identify("team", name), name)


def make_station(
    name: str = "EOL Bench 1",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    procedures: Iterable[Procedure] = (make_procedure(),),
    team: Team | None = make_team(),  # noqa: B008 - a value
    metadata: Metadata | None = None,
) -> Station:
    """Make a station.

    Args:
        name: Display name.
        id: None: a UUID that depends on the other arguments.
        procedures: Procedures that the station runs.
        team: None: the station belongs to no team.
        metadata: None: the listing did not ask for it.
    """
    refs = tuple(map(make_procedure_ref, procedures))
    identity = id or identify("station", name, refs, team, metadata)
    return Station(identity, name, refs, len(refs), team, metadata)


def make_station_ref(station: Station | None = None) -> StationRef:
    """Make the reference of an item to the station that created it.

    Args:
        station: The station. None: the one of `make_station`.
    """
    station = station or make_station()
    return StationRef(station.id, station.name)


def station_ref(station: Station | StationRef | None) -> StationRef | None:
    """Return the reference of an item to the station that created it. None: the item names no station."""
    return None if station is None else StationRef(station.id, station.name)
