"""The listing of runs, and its filters for the listings of what runs wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from aiotofupilot.models import Run, RunSequence
from aiotofupilot.sandbox.resource import Path, Predicate, Resource, Snapshot, among, mentions, path
from aiotofupilot.sandbox.world import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aiotofupilot.models import Metadata
    from aiotofupilot.sandbox.parameters import Values
    from aiotofupilot.sandbox.plan import Attempt, Entry
    from aiotofupilot.sandbox.resource import Filter
    from aiotofupilot.sandbox.world import World

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


def _with_sequences(run: Run, asked: Values, snapshot: Snapshot) -> Run:
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
    source=lambda world: world.entries,
    make=_make,
    metadata=_metadata,
    sequences=_with_sequences,
    order="search_query ids outcomes procedure_ids procedure_versions deployment_ids execution_ids slot_keys "
    "slot_names environments serial_numbers samples part_numbers revision_numbers batch_numbers duration_min "
    "duration_max started_after started_before ended_after ended_before created_after created_before "
    "created_by_user_ids created_by_station_ids operated_by_ids operated_by_names limit sort_by sort_order "
    "metadata include_metadata include_sequences",
    filters={
        "search_query": mentions("unit.serial_number", shortest=8),
        "procedure_versions": among("procedure.version.tag"),
        "deployment_ids": among(lambda run: getattr(run, "deployment_id", None)),
        "environments": among(lambda run: getattr(run, "environment", None)),
        "serial_numbers": among("unit.serial_number"),
        "samples": among("unit.sample", missing="production"),
        "part_numbers": among("unit.part.number"),
        "revision_numbers": among("unit.part.revision.number"),
        "batch_numbers": among("unit.batch.number", missing=""),
    },
    sort_paths={
        "serial_number": "unit.serial_number",
        "part_number": "unit.part.number",
        "revision_number": "unit.part.revision.number",
    },
)


def of_run(run_id: Path) -> Callable[[str], Filter]:
    """Return filters of another listing: by its name, what a filter of runs selects.

    Args:
        run_id: The id of an item's run.
    """
    read = path(run_id)

    def named(name: str) -> Filter:
        def select(wanted: object, snapshot: Snapshot) -> Predicate:
            (predicate,) = RUNS.predicates({name: wanted}, snapshot)
            chosen = {identity for identity, run in snapshot.runs.items() if predicate(run)}
            return lambda item: read(item) in chosen

        return select

    return named


def of_procedure(run_id: Path) -> Filter:
    """Select items of another listing by the one procedure of their run. `run_id` is the id of an item's run."""
    select = of_run(run_id)("procedure_ids")
    return lambda wanted, snapshot: select(frozenset({wanted}), snapshot)
