"""The listing of units. A unit is found by its runs, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import LastRun, ProcedureRef, Unit, UserRef
from aiotofupilot.sandbox.resource import (
    Predicate,
    Resource,
    Snapshot,
    among,
    at_least,
    if_asked,
    meets_conditions,
    mentions,
    sorting,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aiotofupilot.models import Metadata
    from aiotofupilot.sandbox.parameters import Asked
    from aiotofupilot.sandbox.plan import PlannedUnit
    from aiotofupilot.sandbox.resource import Test
    from aiotofupilot.sandbox.world import World

__all__ = ["UNITS", "without_address"]

_MOST_CHILDREN = 10


def without_address(user: UserRef | None) -> UserRef | None:
    """Return a user without the address, as the listings of units and batches show their creators."""
    return None if user is None else UserRef(user.id, user.name)


def _make(_world: World, planned: PlannedUnit) -> Iterator[Unit]:
    """Make a unit."""
    ref, first, last = planned.ref, planned.entries[0].run, planned.entries[-1].run
    yield Unit(
        id=ref.id,
        serial_number=ref.serial_number,
        created_at=planned.created_at,
        sample=ref.sample,
        children=tuple(child.unit_ref for child in planned.children[:_MOST_CHILDREN]),
        part=ref.part,
        created_by_user=without_address(first.created_by_user),
        created_by_station=first.created_by_station,
        batch=ref.batch,
        parent=None if planned.parent is None else planned.parent.unit_ref,
        last_run=LastRun(
            last.id, last.outcome, last.started_at, last.ended_at, ProcedureRef(last.procedure.id, last.procedure.name)
        ),
    )


def _metadata(_world: World, planned: PlannedUnit) -> Metadata:
    """Return the metadata of a made-up unit."""
    return {"pcb_lot": f"L{2000 + planned.index // 40}"}


_OF_ITS_RUNS: Mapping[str, Test] = {
    "procedure_ids": among("procedure.id"),
    "outcomes": among("outcome"),
    "started_after": at_least("started_at"),
    "started_before": until("started_at"),
}


def _by_its_runs(asked: Asked, snapshot: Snapshot) -> Predicate | None:
    """Select units by the number of their runs, and by the filters that look at runs.

    With ``latest_only``, this run has to be the latest.
    """
    predicates = [test(asked[name], snapshot) for name, test in _OF_ITS_RUNS.items() if name in asked]
    least, most = asked.get("run_count_min"), asked.get("run_count_max")
    if not predicates and least is None and most is None:
        return None

    def is_asked_for(unit: Unit) -> bool:
        runs = snapshot.runs_of_units.get(unit.id, ())
        if (least is not None and len(runs) < least) or (most is not None and len(runs) > most):
            return False
        if asked["latest_only"] and runs:
            runs = [max(runs, key=lambda run: run.started_at)]
        return not predicates or any(all(predicate(run) for predicate in predicates) for run in runs)

    return is_asked_for


UNITS: Resource[Unit] = Resource(
    name="units",
    source=lambda world: world.units,
    make=_make,
    metadata=_metadata,
    hides_addresses=True,
    filters={
        "search_query": mentions("serial_number", shortest=8),
        "ids": among("id"),
        "serial_numbers": among("serial_number"),
        "part_numbers": among("part.number"),
        "revision_numbers": among("part.revision.number"),
        "batch_numbers": among("batch.number", missing=""),
        "procedure_ids": None,
        "outcomes": None,
        "started_after": None,
        "started_before": None,
        "latest_only": None,
        "run_count_min": None,
        "run_count_max": None,
        "created_after": at_least("created_at"),
        "created_before": until("created_at"),
        "created_by_user_ids": among("created_by_user.id"),
        "created_by_station_ids": among("created_by_station.id"),
        "exclude_units_with_parent": if_asked("parent", expected=False),
        "samples": among("sample", missing="production"),
        "limit": None,
        "sort_by": None,
        "sort_order": None,
        "metadata": meets_conditions("units"),
        "include_metadata": None,
    },
    joined=_by_its_runs,
    sorts=sorting(
        serial_number="serial_number",
        created_at="created_at",
        last_run_at="last_run.started_at",
        part_number="part.number",
        last_run_procedure="last_run.procedure.name",
    ),
)
