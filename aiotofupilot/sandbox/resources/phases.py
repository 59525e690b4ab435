"""The listing of phases. Its ``ids`` are about runs, and its ``outcomes`` are about phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Phase
from aiotofupilot.sandbox.parameters import Choice, Choices, Flag, Text, Texts
from aiotofupilot.sandbox.quantities import Moment, Span, pages
from aiotofupilot.sandbox.resource import Resource, among, if_asked, since, until
from aiotofupilot.sandbox.world import MILLISECOND

from .by_run import FILTERS_OF_RUNS, of_procedure, of_run, sample_among
from .enums import ENVIRONMENTS, ORDERS, PHASE_OUTCOMES, RUN_OUTCOMES, SAMPLES
from .planned import by_procedure, each

if TYPE_CHECKING:
    from aiotofupilot.sandbox.world import World

__all__ = ["PHASES"]


def _make(world: World, number: int) -> Phase:
    """Make the phase with a number. It is one attempt."""
    place = world.place(number, world.cycle.phases_before)
    attempt = place.entry.attempts[place.item]
    started_at = world.started_at(place.run) + attempt.begin * MILLISECOND
    unit = world.unit_of(place.run)
    return Phase(
        id=world.id("phases", number),
        name=attempt.step.name,
        outcome=attempt.outcome,
        started_at=started_at,
        ended_at=None if attempt.duration is None else started_at + attempt.duration * MILLISECOND,
        duration_ms=attempt.duration,
        retry_count=attempt.retry,
        sequence_path=attempt.step.sequence,
        is_final_attempt=attempt.final,
        run_id=world.id("runs", place.run),
        run_outcome=place.entry.outcome,
        serial_number=world.serial_number(unit),
        sample=world.planned_unit(unit).sample,
    )


def _run_id(phase: Phase) -> str:
    return phase.run_id


PHASES: Resource[Phase] = Resource(
    name="phases",
    make=_make,
    count=lambda world: world.phases,
    parameters=(
        Text("procedure_id", required=True),
        Texts("names"),
        Choices("outcomes", PHASE_OUTCOMES),
        Texts("sequence_paths"),
        Moment("started_after"),
        Moment("started_before"),
        Flag("exclude_retries", preset=True),
        Choices("run_outcomes", RUN_OUTCOMES),
        Texts("ids"),
        Span("duration_min"),
        Span("duration_max"),
        Texts("deployment_ids"),
        Texts("procedure_versions"),
        Choices("environments", ENVIRONMENTS),
        Texts("operated_by_ids"),
        Texts("operated_by_names"),
        Texts("created_by_station_ids"),
        Texts("created_by_user_ids"),
        Texts("serial_numbers"),
        Texts("part_numbers"),
        Texts("revision_numbers"),
        Texts("batch_numbers"),
        Choices("samples", SAMPLES),
        Choice("sort_by", ("started_at", "duration", "outcome", "serial_number", "phase_name"), preset="started_at"),
        Choice("sort_order", ORDERS, preset="desc"),
        *pages(),
    ),
    tests={
        "procedure_id": of_procedure(_run_id),
        "exclude_retries": if_asked(lambda phase: phase.is_final_attempt),
        "names": among(lambda phase: phase.name),
        "outcomes": among(lambda phase: phase.outcome),
        "sequence_paths": among(lambda phase: phase.sequence_path),
        "started_after": since(lambda phase: phase.started_at),
        "started_before": until(lambda phase: phase.started_at),
        "run_outcomes": among(lambda phase: phase.run_outcome),
        "serial_numbers": among(lambda phase: phase.serial_number),
        "samples": sample_among(lambda phase: phase.sample),
        **{name: of_run(name, _run_id) for name in FILTERS_OF_RUNS},
    },
    bounds=("started_after", "started_before"),
    narrow=by_procedure(lambda world: world.cycle.phases_before, each),
    sorts={
        "started_at": lambda phase: phase.started_at,
        "duration": lambda phase: phase.duration_ms,
        "outcome": lambda phase: phase.outcome,
        "serial_number": lambda phase: phase.serial_number,
        "phase_name": lambda phase: phase.name,
    },
    order="started_at",
)
