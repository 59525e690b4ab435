"""The listing of phases. Its ``ids`` are about runs, and its ``outcomes`` are about phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Phase
from aiotofupilot.sandbox.data import uuid
from aiotofupilot.sandbox.parameters import Parameter, pages
from aiotofupilot.sandbox.resource import (
    ENVIRONMENTS,
    RUN_OUTCOMES,
    SAMPLES,
    Resource,
    among,
    at_least,
    if_asked,
    sorting,
    until,
)
from aiotofupilot.sandbox.world import MILLISECOND

from .runs import of_procedure, of_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiotofupilot.sandbox.world import Entry, World

__all__ = ["PHASES"]


def _make(world: World, entry: Entry) -> Iterator[Phase]:
    """Make the phases of a run. Each attempt is one."""
    run, random = entry.run, world.random("phases", entry.index)
    for attempt in entry.attempts:
        started_at = run.started_at + attempt.begin * MILLISECOND
        yield Phase(
            id=uuid(random),
            name=attempt.step.name,
            outcome=attempt.outcome,
            started_at=started_at,
            ended_at=None if attempt.duration is None else started_at + attempt.duration * MILLISECOND,
            duration_ms=attempt.duration,
            retry_count=attempt.retry,
            sequence_path=attempt.step.sequence,
            is_final_attempt=attempt.final,
            run_id=run.id,
            run_outcome=run.outcome,
            serial_number=run.unit.serial_number,
            sample=run.unit.sample,
        )


PHASES: Resource[Phase] = Resource(
    name="phases",
    model=Phase,
    source=lambda world: world.entries,
    make=_make,
    parameters=(
        Parameter("procedure_id", "text", of_procedure("run_id"), required=True),
        Parameter("names", "texts", among("name")),
        Parameter("outcomes", "choices", among("outcome"), options=("PASS", "FAIL", "SKIP", "ERROR")),
        Parameter("sequence_paths", "texts", among("sequence_path")),
        Parameter("started_after", "datetime", at_least("started_at")),
        Parameter("started_before", "datetime", until("started_at")),
        Parameter("exclude_retries", "boolean", if_asked("is_final_attempt"), default=True),
        Parameter("run_outcomes", "choices", among("run_outcome"), options=RUN_OUTCOMES),
        Parameter("ids", "texts", of_run("ids", "run_id")),
        Parameter("duration_min", "duration", of_run("duration_min", "run_id")),
        Parameter("duration_max", "duration", of_run("duration_max", "run_id")),
        Parameter("deployment_ids", "texts", of_run("deployment_ids", "run_id")),
        Parameter("procedure_versions", "texts", of_run("procedure_versions", "run_id")),
        Parameter("environments", "choices", of_run("environments", "run_id"), options=ENVIRONMENTS),
        Parameter("operated_by_ids", "texts", of_run("operated_by_ids", "run_id")),
        Parameter("operated_by_names", "texts", of_run("operated_by_names", "run_id")),
        Parameter("created_by_station_ids", "texts", of_run("created_by_station_ids", "run_id")),
        Parameter("created_by_user_ids", "texts", of_run("created_by_user_ids", "run_id")),
        Parameter("serial_numbers", "texts", among("serial_number")),
        Parameter("part_numbers", "texts", of_run("part_numbers", "run_id")),
        Parameter("revision_numbers", "texts", of_run("revision_numbers", "run_id")),
        Parameter("batch_numbers", "texts", of_run("batch_numbers", "run_id")),
        Parameter("samples", "choices", among("sample", missing="production"), options=SAMPLES),
        Parameter(
            "sort_by",
            "choice",
            options=("started_at", "duration", "outcome", "serial_number", "phase_name"),
            default="started_at",
        ),
        Parameter("sort_order", "choice", options=("asc", "desc"), default="desc"),
        *pages(),
    ),
    sorts=sorting(
        started_at="started_at",
        duration="duration_ms",
        outcome="outcome",
        serial_number="serial_number",
        phase_name="name",
    ),
)
