"""The items of all listings at one time, and how their fields are read.

A field is named by its path, such as ``procedure.version.tag``. A path that leads through None ends in None.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import World

Path = str | Callable[[Any], Any]
"""The path of a field, or a function that reads a value of an item."""


Groups = dict[tuple[str, str], tuple[Sequence[Any], Mapping[Any, Sequence[Any]]]]
"""The items of a listing, and the same by the value of a field, for the name of the listing and the field."""


class Snapshot:
    """The items of all listings at one time."""

    def __init__(self, world: World, changed: Mapping[str, Sequence[Any]], groups: Groups) -> None:
        """Describe the items.

        Args:
            world: The made-up items.
            changed: The items of the listings that may differ from them.
            groups: What snapshots before have grouped. What has not changed since then is not grouped again.
        """
        self._world = world
        self._changed = changed
        self._groups = groups

    def rows(self, listing: str) -> Sequence[Any]:
        """Return the items of a listing, in its order."""
        return self._changed[listing] if listing in self._changed else self._world.listed(listing)

    def grouped(self, listing: str, by: str) -> Mapping[Any, Sequence[Any]]:
        """Return the items of a listing by the value of a field, such as the runs by ``unit.id``."""
        rows, known = self.rows(listing), self._groups.get((listing, by))
        if known is None or known[0] is not rows:
            read, groups = path(by), defaultdict[Any, list[Any]](list)
            for item in rows:
                groups[read(item)].append(item)
            known = self._groups[listing, by] = rows, groups
        return known[1]

    def included(self, listing: str, item: Any, name: str) -> Any:  # noqa: ANN401 - any item and value
        """Return a field that an item has only if a request includes it. An item that was given without it has none."""
        value = getattr(item, name)
        return self._world.included(listing, item.id, name) if value is None else value


def path(read: Path) -> Callable[[Any], Any]:
    """Return a function that reads the field at a path."""
    if not isinstance(read, str):
        return read
    names = read.split(".")
    if len(names) == 1:
        return operator.attrgetter(read)

    def walk(item: Any) -> Any:  # noqa: ANN401 - any model and any value of a field
        for name in names:
            if item is None:
                return None
            item = getattr(item, name)
        return item

    return walk
