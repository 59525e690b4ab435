"""The listing of parts. The API has no other listing of revisions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import Part
from aiotofupilot.sandbox.parameters import pages
from aiotofupilot.sandbox.recipes import PARTS as PRODUCTS
from aiotofupilot.sandbox.resource import Predicate, Resource, Snapshot, contains, meets_conditions, sorting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiotofupilot.models import Metadata
    from aiotofupilot.sandbox.world import World

__all__ = ["PARTS"]


def _make(world: World, number: int) -> Iterator[Part]:
    """Make the part with a number."""
    yield Part(
        id=world.id("parts", number),
        number=PRODUCTS[number].number,
        name=PRODUCTS[number].name,
        created_at=world.begin - timedelta(days=400 - 20 * number),
        revisions=tuple(world.revisions[number]),
    )


def _metadata(_world: World, number: int) -> Metadata:
    """Return the metadata of a made-up part."""
    return {"supplier": ("Acme", "Volta")[number % 2], "layers": 2 + number % 4 * 2, "certified": number % 3 == 0}


def _tested_by(wanted: frozenset[str], snapshot: Snapshot) -> Predicate:
    """Select parts whose units are tested by one of the procedures."""
    numbers = {run.unit.part.number for run in snapshot.rows("runs") if run.procedure.id in wanted}
    return lambda part: part.number in numbers


PARTS: Resource[Part] = Resource(
    name="parts",
    source=lambda _world: range(len(PRODUCTS)),
    make=_make,
    metadata=_metadata,
    filters={
        "limit": None,
        "search_query": contains("name", "number"),
        "procedure_ids": _tested_by,
        "sort_by": None,
        "sort_order": None,
        "metadata": meets_conditions("parts"),
        "include_metadata": None,
    },
    pages=pages(minimum=None),
    sorts=sorting(name="name", number="number", created_at="created_at"),
)
