"""The listing of stations. The API does not document its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Station, Team
from aiotofupilot.sandbox.metadata import Conditions
from aiotofupilot.sandbox.parameters import Flag, Text, Texts
from aiotofupilot.sandbox.quantities import pages
from aiotofupilot.sandbox.resource import Resource, contains
from aiotofupilot.sandbox.world import BENCHES, TEAMS

from .described import Described

if TYPE_CHECKING:
    from aiotofupilot.models import Metadata
    from aiotofupilot.sandbox.factory import Factory
    from aiotofupilot.sandbox.resource import Predicate
    from aiotofupilot.sandbox.world import World

__all__ = ["STATIONS"]


def _make(world: World, number: int) -> Station:
    """Make the station with a number."""
    ref, team = world.stations[number], BENCHES[number].team
    lines = [line for line in range(len(world.procedures)) if number in world.cycle.benches_of(line)]
    return Station(
        id=ref.id,
        name=ref.name,
        procedures=tuple(map(world.procedure, lines)),
        procedures_count=len(lines),
        team=None if team is None else Team(world.id("teams", team), TEAMS[team]),
    )


def _metadata(_world: World, station: int) -> Metadata:
    """Return the metadata of a made-up station."""
    return {"location": ("Lyon", "Graz")[station % 2], "bay": station + 1, "worn": BENCHES[station].failure_rate > 0.3}  # noqa: PLR2004 - more than others


_DESCRIBED: Described[Station] = Described("stations", _metadata)


def _runs_procedures(wanted: frozenset[str], _factory: Factory) -> Predicate[Station]:
    """Select stations that run one of the procedures."""
    return lambda station: any(procedure.id in wanted for procedure in station.procedures)


STATIONS: Resource[Station] = Resource(
    name="stations",
    make=_make,
    count=lambda _world: len(BENCHES),
    parameters=(
        *pages(),
        Text("search_query"),
        Texts("procedure_ids"),
        Conditions("metadata"),
        Flag("include_metadata", preset=False),
    ),
    tests={
        "search_query": contains(lambda station: station.name),
        "procedure_ids": _runs_procedures,
        "metadata": _DESCRIBED.test,
    },
    dress=_DESCRIBED.dress,
    document=_DESCRIBED.document,
)
