"""The listing of parts. The API has no other listing of revisions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import Part
from aiotofupilot.sandbox.metadata import Conditions
from aiotofupilot.sandbox.parameters import Choice, Flag, Text, Texts
from aiotofupilot.sandbox.quantities import pages
from aiotofupilot.sandbox.resource import Resource, contains
from aiotofupilot.sandbox.world import PARTS as PRODUCTS

from .described import Described
from .enums import ORDERS

if TYPE_CHECKING:
    from aiotofupilot.models import Metadata
    from aiotofupilot.sandbox.factory import Factory
    from aiotofupilot.sandbox.resource import Predicate
    from aiotofupilot.sandbox.world import World

__all__ = ["PARTS"]


def _make(world: World, number: int) -> Part:
    """Make the part with a number."""
    return Part(
        id=world.id("parts", number),
        number=PRODUCTS[number].number,
        name=PRODUCTS[number].name,
        created_at=world.begin - timedelta(days=400 - 20 * number),
        revisions=tuple(world.revisions[number]),
    )


def _metadata(_world: World, part: int) -> Metadata:
    """Return the metadata of a made-up part."""
    return {"supplier": ("Acme", "Volta")[part % 2], "layers": 2 + part % 4 * 2, "certified": part % 3 == 0}


_DESCRIBED: Described[Part] = Described("parts", _metadata)


def _tested_by(wanted: frozenset[str], factory: Factory) -> Predicate[Part]:
    """Select parts whose units are tested by one of the procedures."""
    world = factory.world
    numbers = {
        PRODUCTS[world.cycle.part_of(line)].number
        for line, procedure in enumerate(world.procedures)
        if procedure.id in wanted
    }
    numbers |= {run.unit.part.number for run in factory.runs.pieces.given if run.procedure.id in wanted}
    return lambda part: part.number in numbers


PARTS: Resource[Part] = Resource(
    name="parts",
    make=_make,
    count=lambda _world: len(PRODUCTS),
    parameters=(
        *pages(minimum=None),
        Text("search_query", maximum=100),
        Texts("procedure_ids"),
        Choice("sort_by", ("name", "number", "created_at"), preset="created_at"),
        Choice("sort_order", ORDERS, preset="desc"),
        Conditions("metadata"),
        Flag("include_metadata", preset=False),
    ),
    tests={
        "search_query": contains(lambda part: part.name, lambda part: part.number),
        "procedure_ids": _tested_by,
        "metadata": _DESCRIBED.test,
    },
    sorts={
        "name": lambda part: part.name,
        "number": lambda part: part.number,
        "created_at": lambda part: part.created_at,
    },
    order="created_at",
    dress=_DESCRIBED.dress,
    document=_DESCRIBED.document,
)
