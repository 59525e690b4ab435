"""The listing of runs, and its filters for the listings of what runs wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Run, RunSequence
from aiotofupilot.sandbox.detail import Detail
from aiotofupilot.sandbox.measured import run_details
from aiotofupilot.sandbox.resource import Filter, Predicate, Resource, among, equal_to, mentions, related
from aiotofupilot.sandbox.world import MILLISECOND, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiotofupilot.sandbox.plan import Attempt, Entry
    from aiotofupilot.sandbox.snapshot import Snapshot

__all__ = ["RUNS", "of_run"]


def _sequences(world: World, entry: Entry) -> tuple[RunSequence, ...]:
    paths = dict.fromkeys(attempt.step.sequence for attempt in entry.attempts)
    return tuple(_sequence(world, entry, number, path) for number, path in enumerate(paths))


def _sequence(world: World, entry: Entry, number: int, path: str) -> RunSequence:
    attempts = [attempt for attempt in entry.attempts if attempt.step.sequence == path]
    done = [attempt for attempt in attempts if attempt.duration is not None]
    begin = entry.run.started_at + done[0].begin * MILLISECOND if done else None
    end = entry.run.started_at + done[-1].end * MILLISECOND if done else None
    return RunSequence(
        id=world.id("sequences", entry.index, number),
        path=path,
        key=path,
        parent_path=None,
        name=path.capitalize(),
        source=None if entry.run.environment == "development" else f"./sequences/{path}.yaml",
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
    make=lambda _world, entry: (entry.run,),
    included={
        "metadata": lambda world, entry: {
            "shift": "ABC"[entry.run.started_at.hour // 8],
            "humidity": 30.5 + world.random("humidity", entry.index).randrange(200) / 10,
            "rework": entry.retest > 0,
        },
        "sequences": _sequences,
    },
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
    },
    details=(Detail("runs/*", run_details, by="id"),),
)


def of_run(run_id: str) -> Callable[[str], Filter]:
    """Return filters of another listing: by its name, what a filter of runs selects.

    Args:
        run_id: The path of the id of an item's run.
    """

    def named(name: str) -> Filter:
        def chosen(wanted: object, snapshot: Snapshot) -> Predicate:
            by = equal_to("procedure.id") if name == "procedure_id" else RUNS.filter_named(name)
            return by(wanted, snapshot)

        return related(run_id, "runs", "id", chosen)

    return named
