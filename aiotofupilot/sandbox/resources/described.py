"""Metadata of items. They are listed only on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import evolve, frozen

from aiotofupilot.sandbox.metadata import matches
from aiotofupilot.sandbox.wire import document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiotofupilot.models import Metadata, Part, Run, Station, Unit
    from aiotofupilot.sandbox.factory import Factory
    from aiotofupilot.sandbox.parameters import Asked
    from aiotofupilot.sandbox.resource import Predicate
    from aiotofupilot.sandbox.world import World

__all__ = ["Described"]

D = TypeVar("D", "Run", "Unit", "Part", "Station")


@frozen
class Described(Generic[D]):
    """The metadata of the items of one listing."""

    listing: str
    """Name of the listing."""
    tell: Callable[[World, int], Metadata]
    """Returns the metadata of the made-up item with a number."""

    def metadata_of(self, item: D, factory: Factory) -> Metadata:
        """Return the metadata of any item. An item that was given without metadata has none."""
        if item.metadata is not None:
            return item.metadata
        number = factory.world.number(self.listing, item.id)
        return {} if number is None else self.tell(factory.world, number)

    def test(self, conditions: Mapping[str, Mapping[str, Any]], factory: Factory) -> Predicate[D]:
        """Select by metadata."""
        return lambda item: matches(self.metadata_of(item, factory), conditions)

    def dress(self, item: D, asked: Asked, factory: Factory) -> D:
        """Add the metadata if they are asked for. Otherwise leave them out."""
        metadata = self.metadata_of(item, factory) if asked["include_metadata"] else None
        return item if metadata is item.metadata else evolve(item, metadata=metadata)

    @staticmethod
    def document(item: D) -> dict[str, Any]:
        """Return the document of an item. Metadata that were not asked for are left out."""
        spelled = document(item)
        if item.metadata is None:
            del spelled["metadata"]
        return spelled
