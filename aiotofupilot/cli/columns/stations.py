"""Stations as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .column import Column, Columns

if TYPE_CHECKING:
    from aiotofupilot import Station

__all__ = ["COLUMNS"]


def _team(station: Station) -> str | None:
    return None if station.team is None else station.team.name


def _procedures(station: Station) -> str | None:
    return ", ".join(procedure.name for procedure in station.procedures) or None


COLUMNS = Columns(
    "station",
    (
        Column("ID", lambda station: station.id, width=36, enough=36, leaves=0),
        Column("NAME", lambda station: station.name, width=16, enough=32, leaves=3),
        Column("TEAM", _team, width=12, enough=24, leaves=1),
        Column("PROCEDURES", _procedures, width=16, enough=60, leaves=2),
    ),
)
