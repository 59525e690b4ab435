"""The description of one listing, and the building blocks of its filters.

A field is named by its path, such as ``procedure.version.tag``. A path that leads through None ends in None.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve, field, frozen

from aiotofupilot.listings import listing_class
from aiotofupilot.models.fields import fields_of

from .parameters import declared, matches, pages
from .wire import document, dumps
from .world import Maker, World

if TYPE_CHECKING:
    from aiotofupilot.listings import Argument
    from aiotofupilot.models import Metadata, Run, Unit

    from .parameters import Parameter, Values

__all__ = [
    "Filter",
    "Path",
    "Predicate",
    "Resource",
    "Snapshot",
    "among",
    "at_least",
    "at_most",
    "contains",
    "equal_to",
    "if_asked",
    "mentions",
    "path",
    "until",
]

T = TypeVar("T")

_MILLISECOND = timedelta(milliseconds=1)

Predicate = Callable[[Any], bool]
"""Whether an item is asked for."""

Path = str | Callable[[Any], Any]
"""The path of a field, or a function that reads a value of an item."""


class Snapshot:
    """The items of all listings at one time."""

    def __init__(self, world: World, changed: Mapping[str, Sequence[Any]]) -> None:
        """Describe the items.

        Args:
            world: The made-up factory.
            changed: The items of the listings that are not, or may not be, the made-up ones, by the listing's name.
        """
        self.world = world
        self._changed = changed

    def rows(self, listing: str) -> Sequence[Any]:
        """Return the items of a listing, in its order."""
        return self._changed[listing] if listing in self._changed else self.world.listed(listing)

    @cached_property
    def runs(self) -> Mapping[str, Run]:
        """The runs by their ids. If ids are equal, the first run counts."""
        return {run.id: run for run in reversed(self.rows("runs"))}

    @cached_property
    def runs_of_units(self) -> Mapping[str, Sequence[Run]]:
        """The runs of each unit, by the unit's id."""
        return _grouped(self.rows("runs"), "unit.id")

    @cached_property
    def units_of_batches(self) -> Mapping[str | None, Sequence[Unit]]:
        """The units of each batch, by the batch's id."""
        return _grouped(self.rows("units"), "batch.id")

    def metadata_of(self, listing: str, item: Any) -> Metadata:  # noqa: ANN401 - four models have metadata
        """Return the metadata of an item of a listing. An item that was given without metadata has none."""
        return self.world.metadata_of(listing, item.id) if item.metadata is None else item.metadata


def _grouped(items: Sequence[Any], by: str) -> Mapping[Any, Sequence[Any]]:
    """Group items by the value of a field."""
    read, groups = path(by), defaultdict[Any, list[Any]](list)
    for item in items:
        groups[read(item)].append(item)
    return groups


Filter = Callable[[Any, Snapshot], Predicate]
"""A function that takes the value of a parameter, and returns which items are asked for."""


@frozen(kw_only=True, eq=False)
class Resource(Maker[T]):
    """One listing: how its items are made up, what it can be asked for, and how its items are written.

    The client's listing declares the parameters, and most filters follow from that. A filter reads the field of its
    name, in the singular or without the words about its range: ``slot_keys`` reads ``slot_key``, and ``started_after``
    reads ``started_at``. A dot in a path is an underscore in a name: ``created_by_user_ids`` reads
    ``created_by_user.id``.
    """

    order: str = ""
    """The names of the parameters in the order of the API's documentation, in which errors name them. ``limit`` stands
    for all of `pages`."""
    filters: Mapping[str, Filter | None] = field(factory=dict[str, "Filter | None"])
    """What the other filters select. None: the parameter selects no items by itself."""
    otherwise: Callable[[str], Filter] | None = None
    """Returns the filter of a name that no field of the items has. None: there is no such filter."""
    pages: tuple[Parameter, ...] = pages()
    """The parameters of paging."""
    joined: Callable[[Values, Snapshot], Predicate | None] | None = None
    """A test of several parameters together; None: there is none."""
    sort_paths: Mapping[str, Path] = field(factory=dict[str, Path])
    """What is sorted by, for the values of ``sort_by`` that are not the name of a field."""
    sequences: Callable[[T, Values, Snapshot], T] | None = None
    """Adds the sequences of a run if they are asked for; None: the listing has no sequences."""
    hides_addresses: bool = False
    """Whether the creators of items are written without their addresses."""

    @property
    def model(self) -> type:
        """The model of its items."""
        return listing_class(self.name).model

    @property
    def paged(self) -> bool:
        """Whether the listing has pages. Otherwise it is a bare array."""
        return not listing_class(self.name).is_bare

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in the order of the API's documentation."""
        arguments = {argument.name: argument for argument in listing_class(self.name).filters}
        found: list[Parameter] = []
        for name in self.order.split():
            found += self.pages if name == "limit" else [declared(arguments[name], self._filter(arguments[name]))]
        return tuple(found)

    @cached_property
    def sorts(self) -> Mapping[str, Callable[[Any], Any]]:
        """The sort key of an item, for each value of ``sort_by``; empty: the listing has no sort orders."""
        orders = next(
            (argument.choices for argument in listing_class(self.name).filters if argument.name == "sort_by"), ()
        )
        return {order: path(self.sort_paths.get(order) or _paths(self.model)[order]) for order in orders}

    def _filter(self, argument: Argument) -> Filter | None:
        """Return what a parameter selects; None: it selects no items by itself."""
        name = argument.name
        if name in self.filters:
            return self.filters[name]
        if name == "metadata":
            return lambda wanted, snapshot: lambda item: matches(snapshot.metadata_of(self.name, item), wanted)
        stem, _, end = name.rpartition("_")
        if stem in {"sort", "include"}:
            return None
        if end in _RANGES:
            ending, select = _RANGES[end]
            name = stem + ending
        elif argument.is_repeated:
            name, select = name.removesuffix("s"), among
        else:
            select = equal_to
        read = _paths(self.model).get(name)
        if read is None and self.otherwise is not None:
            return self.otherwise(argument.name)
        return select(_paths(self.model)[name])

    def predicates(self, asked: Values, snapshot: Snapshot) -> list[Predicate]:
        """Return what all items have to meet that a request asks for."""
        tests = [(parameter.test, asked[parameter.name]) for parameter in self.parameters if parameter.name in asked]
        joined = self.joined(asked, snapshot) if self.joined else None
        return [test(value, snapshot) for test, value in tests if test] + ([joined] if joined else [])

    def select(self, asked: Values, snapshot: Snapshot) -> Sequence[T]:
        """Return the items that a request asks for, in its order. None is the largest sort key, as in PostgreSQL."""
        items: Sequence[T] = snapshot.rows(self.name)
        for predicate in self.predicates(asked, snapshot):
            items = list(filter(predicate, items))
        if not self.sorts:
            return items
        key = self.sorts[asked["sort_by"]]
        items = sorted(items, key=lambda item: ((value := key(item)) is None, value), reverse=True)
        return items if asked["sort_order"] == "desc" else items[::-1]

    def shown(self, item: Any, asked: Values, snapshot: Snapshot) -> Any:  # noqa: ANN401 - an item of the listing
        """Add metadata and sequences to an item if they are asked for. Otherwise leave them out."""
        if self.metadata is not None:
            metadata = snapshot.metadata_of(self.name, item) if asked["include_metadata"] else None
            if metadata is not item.metadata:
                item = evolve(item, metadata=metadata)
        return item if self.sequences is None else self.sequences(item, asked, snapshot)

    def json(self, item: T) -> bytes:
        """Write an item. The result is remembered, because a page of known items costs a quarter of a new one."""
        known = _written.get(id(item))
        if known is None:
            written = document(item, self.model)
            if self.hides_addresses and written["created_by_user"]:
                del written["created_by_user"]["email"]
            if len(_written) >= _MOST_WRITTEN:
                _written.clear()
            known = _written[id(item)] = item, dumps(written)
        return known[1]


_MOST_WRITTEN = 10_000
_written: dict[int, tuple[object, bytes]] = {}
"""The JSON of items, by their identity. An item in here stays alive, so its identity is not given to another one."""


@cache
def _paths(model: type) -> Mapping[str, str]:
    """Return the paths of the values in a model, by the paths with underscores."""
    paths: dict[str, str] = {}
    for part in fields_of(model):
        if part.model is None:
            paths[part.name] = part.name
        elif not part.is_array:
            paths |= {f"{part.name}_{name}": f"{part.name}.{inner}" for name, inner in _paths(part.model).items()}
    return paths


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


def if_asked(read: Path, *, expected: bool = True) -> Filter:
    """Select by a field that is a truth value, if the parameter is true. If it is false, select every item."""
    holds = path(read)
    return lambda wanted, _snapshot: lambda item: not wanted or bool(holds(item)) is expected


def equal_to(read: Path) -> Filter:
    """Select the items whose field has the given value."""
    value = path(read)
    return lambda wanted, _snapshot: lambda item: value(item) == wanted


def among(read: Path, *, missing: str | None = None) -> Filter:
    """Select the items whose field has one of the given values.

    Args:
        read: The field.
        missing: The word of the filter for items without a value; None: it has no such word.
    """
    value = path(read)

    def select(wanted: frozenset[str], _snapshot: Snapshot) -> Predicate:
        if missing in wanted:
            return lambda item: (missing if (found := value(item)) is None else found) in wanted
        return lambda item: value(item) in wanted

    return select


def contains(*reads: Path) -> Filter:
    """Select the items with a field that contains the given text, in upper or lower case."""
    values = [path(read) for read in reads]

    def select(text: str, _snapshot: Snapshot) -> Predicate:
        needle = text.lower()
        return lambda item: any(needle in (value(item) or "").lower() for value in values)

    return select


def mentions(read: Path, *, shortest: int, within: bool = False) -> Filter:
    """Select by text in a field. A long text may also be the beginning of the item's id.

    Args:
        read: The field.
        shortest: How many characters a long text has at least.
        within: Whether a long text may be anywhere in the id.
    """
    value = path(read)

    def select(text: str, _snapshot: Snapshot) -> Predicate:
        needle = text.lower()
        if len(text) < shortest:
            return lambda item: needle in value(item).lower()
        found = operator.contains if within else str.startswith
        return lambda item: needle in value(item).lower() or found(item.id.lower(), needle)

    return select


def at_least(read: Path) -> Filter:
    """Select the items with a value that is not less than the given one. None is not a value."""
    return _compared(read, operator.ge)


def at_most(read: Path) -> Filter:
    """Select the items with a value that is not more than the given one. None is not a value."""
    return _compared(read, operator.le)


def until(read: Path) -> Filter:
    """Select the items with a date-time that is not after the given one. None is not a date-time.

    A date-time within the given millisecond is selected, because a client sees date-times in whole milliseconds.
    """
    return _compared(read, lambda value, bound: value - bound < _MILLISECOND)


def _compared(read: Path, holds: Callable[[Any, Any], bool]) -> Filter:
    value = path(read)
    return lambda bound, _snapshot: lambda item: (found := value(item)) is not None and holds(found, bound)


_RANGES: Mapping[str, tuple[str, Callable[[Path], Filter]]] = {
    "after": ("_at", at_least),
    "before": ("_at", until),
    "min": ("", at_least),
    "max": ("", at_most),
}
"""The last words of filters about ranges: how the name of the field ends instead, and the filter."""
