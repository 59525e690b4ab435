"""The listing of logs. An item's ``created_at`` is ``timestamp`` in the names of the filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Log, LogRun, ProcedureRef
from aiotofupilot.sandbox.data import uuid
from aiotofupilot.sandbox.parameters import Parameter, pages
from aiotofupilot.sandbox.resource import (
    ENVIRONMENTS,
    RUN_OUTCOMES,
    SAMPLES,
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

    from aiotofupilot.sandbox.world import Entry, World

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
    model=Log,
    source=lambda world: world.entries,
    make=_make,
    parameters=(
        Parameter("procedure_ids", "texts", among("procedure.id")),
        Parameter("search_query", "text", contains("message")),
        Parameter("levels", "choices", among("level"), options=_LEVELS),
        Parameter("timestamp_after", "datetime", at_least("created_at")),
        Parameter("timestamp_before", "datetime", until("created_at")),
        Parameter("source_files", "texts", among("source_file")),
        Parameter("run_ids", "texts", among("run.id")),
        Parameter("run_outcomes", "choices", among("run.outcome"), options=RUN_OUTCOMES),
        Parameter("procedure_versions", "texts", of_run("procedure_versions", "run.id")),
        Parameter("deployment_ids", "texts", of_run("deployment_ids", "run.id")),
        Parameter("environments", "choices", of_run("environments", "run.id"), options=ENVIRONMENTS),
        Parameter("serial_numbers", "texts", among("unit.serial_number")),
        Parameter("part_numbers", "texts", of_run("part_numbers", "run.id")),
        Parameter("revision_numbers", "texts", of_run("revision_numbers", "run.id")),
        Parameter("batch_numbers", "texts", of_run("batch_numbers", "run.id")),
        # This listing has no word for units of production.
        Parameter("samples", "choices", of_run("samples", "run.id"), options=SAMPLES[1:]),
        Parameter("created_by_station_ids", "texts", among("created_by_station.id")),
        Parameter("created_by_user_ids", "texts", among("created_by_user.id")),
        Parameter("sort_by", "choice", options=("created_at", "level", "run_id", "outcome"), default="created_at"),
        Parameter("sort_order", "choice", options=("asc", "desc"), default="desc"),
        *pages(),
    ),
    sorts=sorting(created_at="created_at", level=_severity, run_id="run.id", outcome="run.outcome"),
)
