"""The listing of logs. An item's ``created_at`` is ``timestamp`` in the names of the filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Log, LogRun, ProcedureRef
from aiotofupilot.sandbox.data import uuid
from aiotofupilot.sandbox.resource import (
    Resource,
    among,
    at_least,
    contains,
    sorting,
    until,
)
from aiotofupilot.sandbox.world import MILLISECOND

from .runs import of_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiotofupilot.sandbox.plan import Entry
    from aiotofupilot.sandbox.world import World

__all__ = ["LOGS"]

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def _make(world: World, entry: Entry) -> Iterator[Log]:
    """Make the log of a run."""
    run, random = entry.run, world.random("logs", entry.index)
    run_ref, unit_ref = LogRun(run.id, run.outcome, run.started_at), entry.unit.unit_ref
    procedure_ref = ProcedureRef(run.procedure.id, run.procedure.name)
    for line in entry.lines:
        yield Log(
            id=uuid(random),
            level=line.level,
            message=line.message,
            created_at=run.started_at + line.at * MILLISECOND,
            source_file=line.file,
            line_number=line.number,
            run=run_ref,
            unit=unit_ref,
            procedure=procedure_ref,
            created_by_user=run.created_by_user,
            created_by_station=run.created_by_station,
        )


def _severity(log: Log) -> int:
    """Return the rank of a line's level. An unknown level has the highest rank."""
    return _LEVELS.index(log.level) if log.level in _LEVELS else len(_LEVELS)


LOGS: Resource[Log] = Resource(
    name="logs",
    source=lambda world: world.entries,
    make=_make,
    filters={
        "procedure_ids": among("procedure.id"),
        "search_query": contains("message"),
        "levels": among("level"),
        "timestamp_after": at_least("created_at"),
        "timestamp_before": until("created_at"),
        "source_files": among("source_file"),
        "run_ids": among("run.id"),
        "run_outcomes": among("run.outcome"),
        "procedure_versions": of_run("procedure_versions", "run.id"),
        "deployment_ids": of_run("deployment_ids", "run.id"),
        "environments": of_run("environments", "run.id"),
        "serial_numbers": among("unit.serial_number"),
        "part_numbers": of_run("part_numbers", "run.id"),
        "revision_numbers": of_run("revision_numbers", "run.id"),
        "batch_numbers": of_run("batch_numbers", "run.id"),
        "samples": of_run("samples", "run.id"),
        "created_by_station_ids": among("created_by_station.id"),
        "created_by_user_ids": among("created_by_user.id"),
        "sort_by": None,
        "sort_order": None,
        "limit": None,
    },
    sorts=sorting(created_at="created_at", level=_severity, run_id="run.id", outcome="run.outcome"),
)
