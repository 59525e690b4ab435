"""The listing of stations. The API does not document its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Station, Team
from aiotofupilot.sandbox.recipes import BENCHES, TEAMS
from aiotofupilot.sandbox.resource import Predicate, Resource, Snapshot, contains, meets_conditions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiotofupilot.models import Metadata
    from aiotofupilot.sandbox.world import World

__all__ = ["STATIONS"]


def _make(world: World, number: int) -> Iterator[Station]:
    """Make the station with a number."""
    ref, team = world.stations[number], BENCHES[number].team
    lines = [ref for line, ref in enumerate(world.lines) if number in world.benches_of(line)]
    yield Station(
        id=ref.id,
        name=ref.name,
        procedures=tuple(lines),
        procedures_count=len(lines),
        team=None if team is None else Team(world.id("teams", team), TEAMS[team]),
    )


def _metadata(_world: World, number: int) -> Metadata:
    """Return the metadata of a made-up station."""
    return {"location": ("Lyon", "Graz")[number % 2], "bay": number + 1, "worn": BENCHES[number].failure_rate > 0.3}  # noqa: PLR2004 - more than others


def _runs_procedures(wanted: frozenset[str], _snapshot: Snapshot) -> Predicate:
    """Select stations that run one of the procedures."""
    return lambda station: any(procedure.id in wanted for procedure in station.procedures)


STATIONS: Resource[Station] = Resource(
    name="stations",
    source=lambda _world: range(len(BENCHES)),
    make=_make,
    metadata=_metadata,
    filters={
        "limit": None,
        "search_query": contains("name"),
        "procedure_ids": _runs_procedures,
        "metadata": meets_conditions("stations"),
        "include_metadata": None,
    },
)
