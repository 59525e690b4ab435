"""The listing of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from aiotofupilot.models import ProcedureVersion, Run, RunProcedure, RunSequence, RunUnit
from aiotofupilot.sandbox.metadata import Conditions
from aiotofupilot.sandbox.parameters import Choice, Choices, Flag, Text, Texts
from aiotofupilot.sandbox.quantities import Moment, Span, pages
from aiotofupilot.sandbox.resource import Resource, since, until
from aiotofupilot.sandbox.world import LENGTH, MILLISECOND

from .by_run import RUN_TESTS, mentions_unit
from .described import Described
from .enums import ENVIRONMENTS, ORDERS, RUN_OUTCOMES, SAMPLES
from .planned import by_plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from aiotofupilot.models import Metadata
    from aiotofupilot.sandbox.factory import Factory
    from aiotofupilot.sandbox.parameters import Asked
    from aiotofupilot.sandbox.world import Attempt, World

__all__ = ["RUNS"]

T = TypeVar("T")

_LINES = 100
"""A number that is larger than the number of procedures with runs. It is used to number their versions."""


def _make(world: World, number: int) -> Run:
    """Make the run with a number."""
    entry = world.entry(number)
    started_at = world.started_at(number)
    duration = world.duration(number)
    ended_at = started_at + duration
    user, station = world.creator(entry)
    execution = slot_key = slot_name = None
    if entry.execution is not None and entry.slot is not None:
        execution = world.id("executions", world.execution(number))
        slot_key = f"slot_{entry.slot + 1}"
        slot_name = f"{world.stations[entry.bench].name}, slot {entry.slot + 1}"
    return Run(
        id=world.id("runs", number),
        created_at=ended_at + world.chance(number, 3) % 2000 * MILLISECOND,
        started_at=started_at,
        ended_at=ended_at,
        duration=duration,
        outcome=entry.outcome,
        execution_id=execution,
        slot_key=slot_key,
        slot_name=slot_name,
        procedure=_procedure(world, number),
        unit=_unit(world, world.unit_of(number)),
        docstring=None if entry.retest == 0 else f"Test number {entry.retest + 1} of this unit.",
        created_by_user=user,
        created_by_station=station,
        operated_by=world.operator(entry),
    )


def _procedure(world: World, run: int) -> RunProcedure:
    """Return the procedure of a run, with its version."""
    entry, wave = world.entry(run), world.wave(run)
    ref = world.procedure(entry.line)
    if entry.environment == "development":
        return RunProcedure(ref.id, ref.name, None)
    preview = entry.environment == "preview"
    tag = f"v1.{wave + 1}.0-rc.1" if preview else f"v1.{wave}.0"
    number = (wave * _LINES + entry.line) * 2 + preview
    return RunProcedure(ref.id, ref.name, ProcedureVersion(world.id("versions", number), tag))


def _unit(world: World, unit: int) -> RunUnit:
    """Return the unit of a run."""
    planned = world.planned_unit(unit)
    return RunUnit(
        id=world.id("units", unit),
        serial_number=world.serial_number(unit),
        sample=planned.sample,
        part=world.parts[planned.part][planned.revision],
        batch=world.batch_ref(unit),
    )


def _metadata(world: World, run: int) -> Metadata:
    """Return the metadata of a made-up run."""
    return {
        "shift": "ABC"[world.started_at(run).hour // 8],
        "humidity": 30.5 + world.chance(run, 4) % 200 / 10,
        "rework": world.entry(run).retest > 0,
    }


def _sequences(world: World, run: int) -> tuple[RunSequence, ...]:
    """Return the sequences of a made-up run."""
    paths = dict.fromkeys(attempt.step.sequence for attempt in world.entry(run).attempts)
    return tuple(_sequence(world, run, path, number) for number, path in enumerate(paths))


def _sequence(world: World, run: int, path: str, number: int) -> RunSequence:
    """Return one sequence of a run."""
    entry = world.entry(run)
    attempts = [attempt for attempt in entry.attempts if attempt.step.sequence == path]
    done = [attempt for attempt in attempts if attempt.duration is not None]
    started_at = world.started_at(run) + done[0].begin * MILLISECOND if done else None
    duration = (done[-1].begin - done[0].begin + (done[-1].duration or 0)) * MILLISECOND if done else None
    return RunSequence(
        id=world.id("sequences", run * 10 + number),
        path=path,
        key=path,
        parent_path=None,
        name=path.capitalize(),
        source=None if entry.environment == "development" else f"./sequences/{path}.yaml",
        outcome=_sequence_outcome(attempts, entry.outcome),
        started_at=started_at,
        ended_at=None if started_at is None or duration is None else started_at + duration,
        duration=duration,
    )


def _sequence_outcome(attempts: Sequence[Attempt], run: str) -> str:
    """Return the outcome of a sequence, from its phases and the outcome of the run."""
    outcomes = {attempt.outcome for attempt in attempts if attempt.final}
    if "ERROR" in outcomes:
        return "TIMEOUT" if run == "TIMEOUT" else "ERROR"
    if "FAIL" in outcomes:
        return "FAIL"
    return "SKIP" if outcomes == {"SKIP"} else "PASS"


_DESCRIBED: Described[Run] = Described("runs", _metadata)


def _dress(run: Run, asked: Asked, factory: Factory) -> Run:
    """Add metadata and sequences if they are asked for. Otherwise leave them out."""
    run = _DESCRIBED.dress(run, asked, factory)
    sequences = None
    if asked["include_sequences"]:
        number = factory.runs.number_of(run.id)
        sequences = run.sequences or (() if number is None else _sequences(factory.world, number))
    return run if run.sequences is sequences else evolve(run, sequences=sequences)


def _document(run: Run) -> dict[str, Any]:
    """Return the document of a run. Sequences are left out if they were not asked for."""
    spelled = _DESCRIBED.document(run)
    if run.sequences is None:
        del spelled["sequences"]
    return spelled


_PLANNED = {
    name: RUN_TESTS[name]
    for name in (
        "outcomes",
        "procedure_ids",
        "slot_keys",
        "slot_names",
        "environments",
        "samples",
        "part_numbers",
        "revision_numbers",
        "created_by_user_ids",
        "created_by_station_ids",
        "operated_by_ids",
        "operated_by_names",
    )
}
"""Filters on values that repeat with the plan of production."""


RUNS: Resource[Run] = Resource(
    name="runs",
    make=_make,
    count=lambda world: world.runs,
    parameters=(
        Text("search_query"),
        Texts("ids"),
        Choices("outcomes", RUN_OUTCOMES),
        Texts("procedure_ids"),
        Texts("procedure_versions"),
        Texts("deployment_ids"),
        Texts("execution_ids"),
        Texts("slot_keys"),
        Texts("slot_names"),
        Choices("environments", ENVIRONMENTS),
        Texts("serial_numbers"),
        Choices("samples", SAMPLES),
        Texts("part_numbers"),
        Texts("revision_numbers"),
        Texts("batch_numbers"),
        Span("duration_min"),
        Span("duration_max"),
        Moment("started_after"),
        Moment("started_before"),
        Moment("ended_after"),
        Moment("ended_before"),
        Moment("created_after"),
        Moment("created_before"),
        Texts("created_by_user_ids"),
        Texts("created_by_station_ids"),
        Texts("operated_by_ids"),
        Texts("operated_by_names"),
        *pages(),
        Choice(
            "sort_by",
            ("started_at", "created_at", "duration", "outcome", "serial_number", "part_number", "revision_number"),
            preset="started_at",
        ),
        Choice("sort_order", ORDERS, preset="desc"),
        Conditions("metadata"),
        Flag("include_metadata", preset=False),
        Flag("include_sequences", preset=False),
    ),
    tests={
        **RUN_TESTS,
        "search_query": mentions_unit(lambda run: run.id, lambda run: run.unit.serial_number),
        "started_after": since(lambda run: run.started_at),
        "started_before": until(lambda run: run.started_at),
        "ended_after": since(lambda run: run.ended_at),
        "ended_before": until(lambda run: run.ended_at),
        "created_after": since(lambda run: run.created_at),
        "created_before": until(lambda run: run.created_at),
        "metadata": _DESCRIBED.test,
    },
    sorts={
        "started_at": lambda run: run.started_at,
        "created_at": lambda run: run.created_at,
        "duration": lambda run: run.duration,
        "outcome": lambda run: run.outcome,
        "serial_number": lambda run: run.unit.serial_number,
        "part_number": lambda run: run.unit.part.number,
        "revision_number": lambda run: run.unit.part.revision.number,
    },
    order="started_at",
    bounds=("started_after", "started_before"),
    narrow=by_plan(_PLANNED, _make, lambda _world: LENGTH),
    dress=_dress,
    document=_document,
)
