"""The listing of batches."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import Batch
from aiotofupilot.sandbox.parameters import Choice, Text, Texts
from aiotofupilot.sandbox.quantities import Moment, pages
from aiotofupilot.sandbox.resource import Resource, among, since, until
from aiotofupilot.sandbox.wire import document

from .creators import hide_address, without_address
from .enums import ORDERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from aiotofupilot.models import Unit
    from aiotofupilot.sandbox.factory import Factory
    from aiotofupilot.sandbox.resource import Predicate
    from aiotofupilot.sandbox.world import World

__all__ = ["BATCHES"]


def _make(world: World, number: int) -> Batch:
    """Make the batch with a number."""
    units = world.units_in(number)
    user, station = world.creator(world.entry(world.runs_of(units[0])[0]))
    return Batch(
        id=world.id("batches", number),
        number=world.batch_number(number),
        created_at=world.unit_created_at(units[0]) - timedelta(minutes=1),
        unit_count=len(units),
        created_by_user=without_address(user),
        created_by_station=station,
    )


def _document(batch: Batch) -> dict[str, Any]:
    """Return the document of a batch. Its creator has no address."""
    return hide_address(document(batch), batch.created_by_user)


def _units_of(factory: Factory) -> Callable[[Batch], list[Unit]]:
    """Return a function that returns the units of a batch, as they are listed now."""
    pieces = factory.units.pieces
    given: dict[str, list[Unit]] = defaultdict(list)
    for unit in pieces.given:
        if unit.batch is not None:
            given[unit.batch.id].append(unit)

    def units_of(batch: Batch) -> list[Unit]:
        number = factory.world.number("batches", batch.id)
        made = [] if number is None else factory.world.units_in(number)
        return [*(pieces.make(unit) for unit in made if pieces.holds(unit)), *given[batch.id]]

    return units_of


def _mentions(query: str, factory: Factory) -> Predicate[Batch]:
    """Select by text in the number of the batch, or in the serial number of a unit in it."""
    needle = query.lower()
    units_of = _units_of(factory)
    return lambda batch: (
        needle in batch.number.lower() or any(needle in unit.serial_number.lower() for unit in units_of(batch))
    )


def _of_parts(wanted: frozenset[str], factory: Factory) -> Predicate[Batch]:
    """Select batches with units of one of the parts."""
    units_of = _units_of(factory)
    return lambda batch: any(unit.part.number in wanted for unit in units_of(batch))


def _of_revisions(wanted: frozenset[str], factory: Factory) -> Predicate[Batch]:
    """Select batches with units of one of the revisions."""
    units_of = _units_of(factory)
    return lambda batch: any(unit.part.revision.number in wanted for unit in units_of(batch))


BATCHES: Resource[Batch] = Resource(
    name="batches",
    make=_make,
    count=lambda world: world.batches,
    parameters=(
        Texts("ids"),
        Texts("numbers"),
        Moment("created_after"),
        Moment("created_before"),
        *pages(),
        Text("search_query", maximum=100),
        Texts("part_numbers"),
        Texts("revision_numbers"),
        Choice("sort_by", ("number", "created_at"), preset="created_at"),
        Choice("sort_order", ORDERS, preset="desc"),
    ),
    tests={
        "ids": among(lambda batch: batch.id),
        "numbers": among(lambda batch: batch.number),
        "created_after": since(lambda batch: batch.created_at),
        "created_before": until(lambda batch: batch.created_at),
        "search_query": _mentions,
        "part_numbers": _of_parts,
        "revision_numbers": _of_revisions,
    },
    bounds=("created_after", "created_before"),
    sorts={"number": lambda batch: batch.number, "created_at": lambda batch: batch.created_at},
    order="created_at",
    document=_document,
)
