"""The listing of logs. An item's ``created_at`` is ``timestamp`` in the names of the filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Log, LogRun
from aiotofupilot.sandbox.parameters import Choice, Choices, Text, Texts
from aiotofupilot.sandbox.quantities import Moment, pages
from aiotofupilot.sandbox.resource import Resource, among, contains, since, until
from aiotofupilot.sandbox.world import MILLISECOND

from .by_run import of_run
from .enums import ENVIRONMENTS, LEVELS, ORDERS, RUN_OUTCOMES, SAMPLES
from .planned import by_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiotofupilot.sandbox.resource import Test
    from aiotofupilot.sandbox.world import World

__all__ = ["LOGS"]


def _make(world: World, number: int) -> Log:
    """Make the line with a number."""
    place = world.place(number, world.cycle.logs_before)
    line = place.entry.lines[place.item]
    started_at = world.started_at(place.run)
    user, station = world.creator(place.entry)
    return Log(
        id=world.id("logs", number),
        level=line.level,
        message=line.message,
        created_at=started_at + line.at * MILLISECOND,
        source_file=line.file,
        line_number=line.number,
        run=LogRun(world.id("runs", place.run), place.entry.outcome, started_at),
        unit=world.unit_ref(world.unit_of(place.run)),
        procedure=world.procedure(place.entry.line),
        created_by_user=user,
        created_by_station=station,
    )


def _severity(log: Log) -> int:
    """Return the rank of a line's level. An unknown level has the highest rank."""
    return LEVELS.index(log.level) if log.level in LEVELS else len(LEVELS)


def _run_id(log: Log) -> str:
    return log.run.id


_PLANNED: Mapping[str, Test[Log]] = {
    "procedure_ids": among(lambda log: log.procedure.id),
    "search_query": contains(lambda log: log.message),
    "levels": among(lambda log: log.level),
    "source_files": among(lambda log: log.source_file),
    "run_outcomes": among(lambda log: log.run.outcome),
    "created_by_station_ids": among(lambda log: log.created_by_station and log.created_by_station.id),
    "created_by_user_ids": among(lambda log: log.created_by_user and log.created_by_user.id),
}
"""Filters on values that repeat with the plan of production."""


LOGS: Resource[Log] = Resource(
    name="logs",
    make=_make,
    count=lambda world: world.logs,
    parameters=(
        Texts("procedure_ids"),
        Text("search_query"),
        Choices("levels", LEVELS),
        Moment("timestamp_after"),
        Moment("timestamp_before"),
        Texts("source_files"),
        Texts("run_ids"),
        Choices("run_outcomes", RUN_OUTCOMES),
        Texts("procedure_versions"),
        Texts("deployment_ids"),
        Choices("environments", ENVIRONMENTS),
        Texts("serial_numbers"),
        Texts("part_numbers"),
        Texts("revision_numbers"),
        Texts("batch_numbers"),
        Choices("samples", SAMPLES[1:]),  # this listing has no word for units of production
        Texts("created_by_station_ids"),
        Texts("created_by_user_ids"),
        Choice("sort_by", ("created_at", "level", "run_id", "outcome"), preset="created_at"),
        Choice("sort_order", ORDERS, preset="desc"),
        *pages(),
    ),
    tests={
        **_PLANNED,
        "timestamp_after": since(lambda log: log.created_at),
        "timestamp_before": until(lambda log: log.created_at),
        "run_ids": among(_run_id),
        "serial_numbers": among(lambda log: log.unit.serial_number),
        **{
            name: of_run(name, _run_id)
            for name in (
                "procedure_versions",
                "deployment_ids",
                "environments",
                "part_numbers",
                "revision_numbers",
                "batch_numbers",
                "samples",
            )
        },
    },
    bounds=("timestamp_after", "timestamp_before"),
    narrow=by_plan(_PLANNED, _make, lambda world: world.cycle.logs_before[-1]),
    sorts={
        "created_at": lambda log: log.created_at,
        "level": _severity,
        "run_id": _run_id,
        "outcome": lambda log: log.run.outcome,
    },
    order="created_at",
)
