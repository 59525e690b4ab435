"""The listings of units, of batches and of parts. A unit is found by its runs, too, and a batch by its units."""

from __future__ import annotations

from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING

from aiotofupilot.models import Batch, LastRun, Metadata, Part, ProcedureRef, Unit, UserRef
from aiotofupilot.sandbox.parameters import Values, pages
from aiotofupilot.sandbox.recipes import PARTS as PRODUCTS
from aiotofupilot.sandbox.resource import (
    Filter,
    Predicate,
    Resource,
    Snapshot,
    among,
    contains,
    if_asked,
    mentions,
    related,
)

from .runs import RUNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiotofupilot.sandbox.plan import PlannedBatch, PlannedUnit
    from aiotofupilot.sandbox.world import World

__all__ = ["BATCHES", "PARTS", "UNITS"]

_MOST_CHILDREN = 10


def _without_address(user: UserRef | None) -> UserRef | None:
    """Return a user without the address, as the listings of units and batches show their creators."""
    return None if user is None else UserRef(user.id, user.name)


def _unit(_world: World, planned: PlannedUnit) -> Iterator[Unit]:
    """Make a unit."""
    ref, first, last = planned.ref, planned.entries[0].run, planned.entries[-1].run
    procedure = ProcedureRef(last.procedure.id, last.procedure.name)
    yield Unit(
        id=ref.id,
        serial_number=ref.serial_number,
        created_at=planned.created_at,
        sample=ref.sample,
        children=tuple(child.unit_ref for child in planned.children[:_MOST_CHILDREN]),
        part=ref.part,
        created_by_user=_without_address(first.created_by_user),
        created_by_station=first.created_by_station,
        batch=ref.batch,
        parent=None if planned.parent is None else planned.parent.unit_ref,
        last_run=LastRun(last.id, last.outcome, last.started_at, last.ended_at, procedure),
    )


def _metadata_of_unit(_world: World, planned: PlannedUnit) -> Metadata:
    """Return the metadata of a made-up unit."""
    return {"pcb_lot": f"L{2000 + planned.index // 40}"}


_OF_ITS_RUNS = ("procedure_ids", "outcomes", "started_after", "started_before")


def _by_its_runs(asked: Values, snapshot: Snapshot) -> Predicate | None:
    """Select units by the number of their runs, and by the filters that look at runs.

    One run has to meet all of these filters. With ``latest_only``, it has to be the latest.
    """
    predicates = [RUNS.filter_named(name)(asked[name], snapshot) for name in _OF_ITS_RUNS if name in asked]
    least, most = asked.get("run_count_min", 0), asked.get("run_count_max", inf)
    if not predicates and least <= 0 and most == inf:
        return None
    runs_of_units = snapshot.grouped("runs", "unit.id")

    def is_asked_for(unit: Unit) -> bool:
        runs = runs_of_units.get(unit.id, ())
        if not least <= len(runs) <= most:
            return False
        if asked["latest_only"] and runs:
            runs = [max(runs, key=lambda run: run.started_at)]
        return not predicates or any(all(predicate(run) for predicate in predicates) for run in runs)

    return is_asked_for


UNITS: Resource[Unit] = Resource(
    name="units",
    source=lambda world: world.units,
    make=_unit,
    included={"metadata": _metadata_of_unit},
    hides_addresses=True,
    order="search_query ids serial_numbers part_numbers revision_numbers batch_numbers procedure_ids outcomes "
    "started_after started_before latest_only run_count_min run_count_max created_after created_before "
    "created_by_user_ids created_by_station_ids exclude_units_with_parent samples limit sort_by sort_order metadata "
    "include_metadata",
    filters={
        **dict.fromkeys((*_OF_ITS_RUNS, "latest_only", "run_count_min", "run_count_max")),
        "search_query": mentions("serial_number", shortest=8),
        "exclude_units_with_parent": if_asked("parent", expected=False),
    },
    joined=_by_its_runs,
    sort_paths={"last_run_at": "last_run.started_at", "last_run_procedure": "last_run.procedure.name"},
)


def _batch(_world: World, planned: PlannedBatch) -> Iterator[Batch]:
    """Make a batch."""
    first = planned.units[0]
    yield Batch(
        id=planned.ref.id,
        number=planned.ref.number,
        created_at=first.created_at - timedelta(minutes=1),
        unit_count=len(planned.units),
        created_by_user=_without_address(first.entries[0].run.created_by_user),
        created_by_station=first.entries[0].run.created_by_station,
    )


def _of_units(chosen: Filter) -> Filter:
    """Select batches with a unit that a filter of units selects."""
    return related("id", "units", "batch.id", chosen)


def _mentions(query: str, snapshot: Snapshot) -> Predicate:
    """Select by text in the number of the batch, or in the serial number of a unit in it."""
    by_number, by_unit = (by(query, snapshot) for by in (contains("number"), _of_units(contains("serial_number"))))
    return lambda batch: by_number(batch) or by_unit(batch)


BATCHES: Resource[Batch] = Resource(
    name="batches",
    source=lambda world: world.batches,
    make=_batch,
    hides_addresses=True,
    order="ids numbers created_after created_before limit",
    filters={
        "search_query": _mentions,
        "part_numbers": _of_units(among("part.number")),
        "revision_numbers": _of_units(among("part.revision.number")),
    },
)


def _part(world: World, number: int) -> Iterator[Part]:
    """Make the part with a number."""
    yield Part(
        id=world.id("parts", number),
        number=PRODUCTS[number].number,
        name=PRODUCTS[number].name,
        created_at=world.begin - timedelta(days=400 - 20 * number),
        revisions=tuple(world.revisions[number]),
    )


def _metadata_of_part(_world: World, number: int) -> Metadata:
    """Return the metadata of a made-up part."""
    return {"supplier": ("Acme", "Volta")[number % 2], "layers": 2 + number % 4 * 2, "certified": number % 3 == 0}


PARTS: Resource[Part] = Resource(
    name="parts",
    source=lambda _world: range(len(PRODUCTS)),
    make=_part,
    included={"metadata": _metadata_of_part},
    order="limit search_query procedure_ids sort_by sort_order metadata include_metadata",
    filters={
        "search_query": contains("name", "number"),
        "procedure_ids": related("number", "runs", "unit.part.number", among("procedure.id")),
    },
    pages=pages(minimum=None),
)
