"""The listing of phases. Its ``ids`` are about runs, and its ``outcomes`` are about phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Phase
from aiotofupilot.sandbox.data import uuid
from aiotofupilot.sandbox.resource import (
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

    from aiotofupilot.sandbox.plan import Entry
    from aiotofupilot.sandbox.world import World

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
    source=lambda world: world.entries,
    make=_make,
    filters={
        "procedure_id": of_procedure("run_id"),
        "names": among("name"),
        "outcomes": among("outcome"),
        "sequence_paths": among("sequence_path"),
        "started_after": at_least("started_at"),
        "started_before": until("started_at"),
        "exclude_retries": if_asked("is_final_attempt"),
        "run_outcomes": among("run_outcome"),
        "ids": of_run("ids", "run_id"),
        "duration_min": of_run("duration_min", "run_id"),
        "duration_max": of_run("duration_max", "run_id"),
        "deployment_ids": of_run("deployment_ids", "run_id"),
        "procedure_versions": of_run("procedure_versions", "run_id"),
        "environments": of_run("environments", "run_id"),
        "operated_by_ids": of_run("operated_by_ids", "run_id"),
        "operated_by_names": of_run("operated_by_names", "run_id"),
        "created_by_station_ids": of_run("created_by_station_ids", "run_id"),
        "created_by_user_ids": of_run("created_by_user_ids", "run_id"),
        "serial_numbers": among("serial_number"),
        "part_numbers": of_run("part_numbers", "run_id"),
        "revision_numbers": of_run("revision_numbers", "run_id"),
        "batch_numbers": of_run("batch_numbers", "run_id"),
        "samples": among("sample", missing="production"),
        "sort_by": None,
        "sort_order": None,
        "limit": None,
    },
    sorts=sorting(
        started_at="started_at",
        duration="duration_ms",
        outcome="outcome",
        serial_number="serial_number",
        phase_name="name",
    ),
)
