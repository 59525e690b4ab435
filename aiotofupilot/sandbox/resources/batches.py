"""The listing of batches. A batch is found by its units, too."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import Batch
from aiotofupilot.sandbox.resource import (
    Predicate,
    Resource,
    Snapshot,
    Test,
    among,
    at_least,
    contains,
    sorting,
    until,
)

from .units import without_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiotofupilot.sandbox.plan import PlannedBatch
    from aiotofupilot.sandbox.world import World

__all__ = ["BATCHES"]


def _make(_world: World, planned: PlannedBatch) -> Iterator[Batch]:
    """Make a batch."""
    first = planned.units[0]
    yield Batch(
        id=planned.ref.id,
        number=planned.ref.number,
        created_at=first.created_at - timedelta(minutes=1),
        unit_count=len(planned.units),
        created_by_user=without_address(first.entries[0].run.created_by_user),
        created_by_station=first.entries[0].run.created_by_station,
    )


def _having(test: Test) -> Test:
    """Select batches with a unit that passes a test."""

    def select(wanted: object, snapshot: Snapshot) -> Predicate:
        passes = test(wanted, snapshot)
        return lambda batch: any(map(passes, snapshot.units_of_batches.get(batch.id, ())))

    return select


def _mentions(query: str, snapshot: Snapshot) -> Predicate:
    """Select by text in the number of the batch, or in the serial number of a unit in it."""
    needle, has_unit = query.lower(), _having(contains("serial_number"))(query, snapshot)
    return lambda batch: needle in batch.number.lower() or has_unit(batch)


BATCHES: Resource[Batch] = Resource(
    name="batches",
    source=lambda world: world.batches,
    make=_make,
    hides_addresses=True,
    filters={
        "ids": among("id"),
        "numbers": among("number"),
        "created_after": at_least("created_at"),
        "created_before": until("created_at"),
        "limit": None,
        "search_query": _mentions,
        "part_numbers": _having(among("part.number")),
        "revision_numbers": _having(among("part.revision.number")),
        "sort_by": None,
        "sort_order": None,
    },
    sorts=sorting(number="number", created_at="created_at"),
)
