"""The listing of runs, and the filters that the listings of what runs wrote have in common with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from aiotofupilot.models import Run, RunSequence
from aiotofupilot.sandbox.parameters import Asked, Parameter, pages
from aiotofupilot.sandbox.resource import (
    ENVIRONMENTS,
    RUN_OUTCOMES,
    SAMPLES,
    Path,
    Predicate,
    Resource,
    Snapshot,
    among,
    at_least,
    at_most,
    meets_conditions,
    mentions,
    path,
    sorting,
    until,
)
from aiotofupilot.sandbox.world import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aiotofupilot.models import Metadata
    from aiotofupilot.sandbox.resource import Test
    from aiotofupilot.sandbox.world import Attempt, Entry, World

__all__ = ["RUNS", "of_procedure", "of_run"]


def _make(_world: World, entry: Entry) -> Iterator[Run]:
    """Make a run."""
    yield entry.run


def _metadata(world: World, entry: Entry) -> Metadata:
    """Return the metadata of a made-up run."""
    return {
        "shift": "ABC"[entry.run.started_at.hour // 8],
        "humidity": 30.5 + world.random("humidity", entry.index).randrange(200) / 10,
        "rework": entry.retest > 0,
    }


def _with_sequences(run: Run, asked: Asked, snapshot: Snapshot) -> Run:
    """Add the sequences of a run if they are asked for. Otherwise leave them out."""
    sequences = None
    if asked["include_sequences"]:
        entry = snapshot.world.planned("runs", run.id)
        sequences = run.sequences or (() if entry is None else tuple(_sequences(snapshot.world, entry)))
    return run if run.sequences is sequences else evolve(run, sequences=sequences)


def _sequences(world: World, entry: Entry) -> Iterator[RunSequence]:
    """Yield the sequences of a made-up run."""
    paths = dict.fromkeys(attempt.step.sequence for attempt in entry.attempts)
    for number, name in enumerate(paths):
        attempts = [attempt for attempt in entry.attempts if attempt.step.sequence == name]
        done = [attempt for attempt in attempts if attempt.duration is not None]
        begin = entry.run.started_at + done[0].begin * MILLISECOND if done else None
        end = entry.run.started_at + (done[-1].begin + (done[-1].duration or 0)) * MILLISECOND if done else None
        yield RunSequence(
            id=world.id("sequences", entry.index, number),
            path=name,
            key=name,
            parent_path=None,
            name=name.capitalize(),
            source=None if entry.run.environment == "development" else f"./sequences/{name}.yaml",
            outcome=_outcome(attempts, entry.run.outcome),
            started_at=begin,
            ended_at=end,
            duration=None if begin is None or end is None else end - begin,
        )


def _outcome(attempts: Sequence[Attempt], run: str) -> str:
    """Return the outcome of a sequence, from its phases and the outcome of the run."""
    outcomes = {attempt.outcome for attempt in attempts if attempt.final}
    if "ERROR" in outcomes:
        return "TIMEOUT" if run == "TIMEOUT" else "ERROR"
    if "FAIL" in outcomes:
        return "FAIL"
    return "SKIP" if outcomes == {"SKIP"} else "PASS"


RUNS: Resource[Run] = Resource(
    name="runs",
    model=Run,
    source=lambda world: world.entries,
    make=_make,
    metadata=_metadata,
    sequences=_with_sequences,
    parameters=(
        Parameter("search_query", "text", mentions("unit.serial_number", shortest=8)),
        Parameter("ids", "texts", among("id")),
        Parameter("outcomes", "choices", among("outcome"), options=RUN_OUTCOMES),
        Parameter("procedure_ids", "texts", among("procedure.id")),
        Parameter("procedure_versions", "texts", among("procedure.version.tag")),
        Parameter("deployment_ids", "texts", among(lambda run: getattr(run, "deployment_id", None))),
        Parameter("execution_ids", "texts", among("execution_id")),
        Parameter("slot_keys", "texts", among("slot_key")),
        Parameter("slot_names", "texts", among("slot_name")),
        Parameter(
            "environments", "choices", among(lambda run: getattr(run, "environment", None)), options=ENVIRONMENTS
        ),
        Parameter("serial_numbers", "texts", among("unit.serial_number")),
        Parameter("samples", "choices", among("unit.sample", missing="production"), options=SAMPLES),
        Parameter("part_numbers", "texts", among("unit.part.number")),
        Parameter("revision_numbers", "texts", among("unit.part.revision.number")),
        Parameter("batch_numbers", "texts", among("unit.batch.number", missing="")),
        Parameter("duration_min", "duration", at_least("duration")),
        Parameter("duration_max", "duration", at_most("duration")),
        Parameter("started_after", "datetime", at_least("started_at")),
        Parameter("started_before", "datetime", until("started_at")),
        Parameter("ended_after", "datetime", at_least("ended_at")),
        Parameter("ended_before", "datetime", until("ended_at")),
        Parameter("created_after", "datetime", at_least("created_at")),
        Parameter("created_before", "datetime", until("created_at")),
        Parameter("created_by_user_ids", "texts", among("created_by_user.id")),
        Parameter("created_by_station_ids", "texts", among("created_by_station.id")),
        Parameter("operated_by_ids", "texts", among("operated_by.id")),
        Parameter("operated_by_names", "texts", among("operated_by.name")),
        *pages(),
        Parameter(
            "sort_by",
            "choice",
            options=(
                "started_at",
                "created_at",
                "duration",
                "outcome",
                "serial_number",
                "part_number",
                "revision_number",
            ),
            default="started_at",
        ),
        Parameter("sort_order", "choice", options=("asc", "desc"), default="desc"),
        Parameter("metadata", "conditions", meets_conditions("runs")),
        Parameter("include_metadata", "boolean", default=False),
        Parameter("include_sequences", "boolean", default=False),
    ),
    sorts=sorting(
        started_at="started_at",
        created_at="created_at",
        duration="duration",
        outcome="outcome",
        serial_number="unit.serial_number",
        part_number="unit.part.number",
        revision_number="unit.part.revision.number",
    ),
)

_TESTS: Mapping[str, Test] = {
    parameter.name: parameter.test for parameter in RUNS.parameters if parameter.test is not None
}


def of_run(name: str, run_id: Path) -> Test:
    """Select items of another listing by a filter of runs.

    Args:
        name: The filter.
        run_id: The id of an item's run.
    """
    read = path(run_id)

    def test(wanted: object, snapshot: Snapshot) -> Predicate:
        predicate = _TESTS[name](wanted, snapshot)
        chosen = {identity for identity, run in snapshot.runs.items() if predicate(run)}
        return lambda item: read(item) in chosen

    return test


def of_procedure(run_id: Path) -> Test:
    """Select items of another listing by the one procedure of their run. `run_id` is the id of an item's run."""
    test = of_run("procedure_ids", run_id)
    return lambda wanted, snapshot: test(frozenset({wanted}), snapshot)
