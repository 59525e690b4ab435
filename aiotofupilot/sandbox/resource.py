"""What the API has at its paths: listings, with the building blocks of their filters, and what it returns by itself."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property, partial, reduce
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from attrs import evolve, field, frozen

from aiotofupilot.listings import Argument, Listing, listing_class
from aiotofupilot.models.fields import fields_of

from .factory.recipes import MILLISECOND
from .factory.world import EMPTY, Path, Read, Snapshot, path
from .rest import PAGES, Reader, Refusal, Values, declared, dumps, extended, read, without

if TYPE_CHECKING:
    from .factory import Reading

Predicate = Callable[[Any], bool]
"""Whether an item is asked for."""

Filter = Callable[[Any, Snapshot], Predicate]
"""A function that takes the value of a parameter, and returns which items are asked for."""


Comparison = Callable[[Any, Any], bool]
"""Whether the value of a field and that of a parameter pass a test."""


@frozen(eq=False)
class Detail:
    """One kind of what the API returns by itself."""

    path: str
    """The path below the root of the API, such as ``procedures/*/versions/*``. A star stands for a parameter."""
    model: type[object]
    """Its model."""
    by: str | Callable[..., object] = "id"
    """The field of an item of the listing in the path whose value is the parameter; or a function that takes a
    `Reading` and the parameters, and returns what the detail is made of, or None if there is no such thing."""
    more: Callable[[Reading, Any], Mapping[str, object]] = lambda _reading, _item: {}
    """Returns the fields that the item does not have. Metadata and sequences need not be there."""
    hides: tuple[str, ...] = ()
    """Fields that the API does not have here, with dots, such as ``created_by_user.email``."""

    def read(self, reading: Reading, parameters: Iterable[str]) -> object:
        """Make one, of the parameters of the path as they were sent, or refuse them."""
        listing, texts = self.path.partition("/")[0], map(unquote, parameters)
        item = reading.first(listing, self.by, *texts) if isinstance(self.by, str) else self.by(reading, *texts)
        if item is None:
            raise Refusal(404, "NOT_FOUND", "Not found")
        included = {name: reading.snapshot.included(listing, item, name) for name in EMPTY if hasattr(item, name)}
        return extended(self.model, item, **included, **self.more(reading, item))


@frozen(kw_only=True, eq=False)
class Resource:
    """One listing: what it can be asked for, and how its items are written.

    The client's listing declares the parameters, and most filters follow from that. A filter reads the field of its
    name, in the singular or without the words about its range: ``slot_keys`` reads ``slot_key``, and ``started_after``
    reads ``started_at``. A dot in a path is an underscore in a name, and the first parts of a path may be left out:
    ``created_by_user_ids`` reads ``created_by_user.id``, and of runs, ``serial_numbers`` reads ``unit.serial_number``.
    """

    name: str
    """The last segment of the listing's path."""
    paths: Mapping[str, Path] = field(factory=dict[str, Path])
    """What the other filters and the other values of ``sort_by`` read."""
    filters: Mapping[str, Filter | None] = field(factory=dict[str, "Filter | None"])
    """What filters select that do not compare a field with a value. None: the parameter selects no items by itself."""
    otherwise: Callable[[str], Filter] | None = None
    """Returns the filter of a name that no field of the items has. None: there is no such filter."""
    joined: Callable[[Values, Snapshot], Predicate] | None = None
    """A test of several parameters together; None: there is none."""
    hides: tuple[str, ...] = ()
    """Fields of the model that the listing does not have, with dots, such as ``created_by_user.email``."""
    details: tuple[Detail, ...] = ()
    """What the API returns by itself of the items, and of what belongs to them."""

    @cached_property
    def listing(self) -> type[Listing[Any]]:
        """The client's listing. If it is bare, it is an array without pages."""
        return listing_class(self.name)

    @cached_property
    def readers(self) -> Mapping[str, Reader]:
        """What reads the parameters: those of paging, and the others in the order in which the client declares them."""
        of_pages: Mapping[str, Reader] = {} if self.listing.is_bare else PAGES
        return {**of_pages, **{argument.name: declared(argument) for argument in self.listing.filters}}

    @cached_property
    def tests(self) -> Mapping[str, Filter]:
        """What the parameters select, by name. A parameter that selects no items by itself has no test."""
        return {argument.name: test for argument in self.listing.filters if (test := self._filter(argument))}

    @cached_property
    def sorts(self) -> Mapping[str, Read]:
        """The sort key of an item, for each value of ``sort_by``; empty: the listing has no sort orders."""
        orders = next((argument.choices for argument in self.listing.filters if argument.name == "sort_by"), ())
        return {order: path(self.paths.get(order) or _path_named(self.listing.model, order)) for order in orders}

    def _filter(self, argument: Argument) -> Filter | None:
        """Return what a parameter selects; None: it selects no items by itself."""
        name = argument.name
        if name in self.filters:
            return self.filters[name]
        if name == "metadata":
            return lambda meets, snapshot: lambda item: meets(snapshot.included(self.name, item, name))
        stem, _, end = name.rpartition("_")
        if stem in {"sort", "include"}:
            return None
        select: Callable[[Path], Filter] = by
        if end in _RANGES:
            ending, compare = _RANGES[end]
            # An item without a value is not selected.
            select = partial(by, holds=lambda value, bound: value is not None and compare(value, bound))
            name = stem + ending
        elif argument.is_repeated:
            select = partial(among, missing=_MISSING.get(name))
            name = name.removesuffix("s")
        known = self.paths.get(argument.name)
        if known is None and self.otherwise is not None and name not in _paths(self.listing.model):
            return self.otherwise(argument.name)
        return select(known or _path_named(self.listing.model, name))

    def select(self, pairs: Sequence[tuple[str, str]], snapshot: Snapshot) -> Sequence[object]:
        """Return the items that a query asks for, in its order. None is the largest sort key, as in PostgreSQL."""
        asked = read(self.readers, pairs)
        predicates = [self.tests[name](value, snapshot) for name, value in asked.items() if name in self.tests]
        if self.joined:
            predicates.append(self.joined(asked, snapshot))
        items = snapshot.rows(self.name)
        for predicate in predicates:
            items = list(filter(predicate, items))
        if not self.sorts:
            return items
        key = self.sorts[asked["sort_by"]]
        items = sorted(items, key=lambda item: ((value := key(item)) is None, value), reverse=True)
        return items if asked["sort_order"] == "desc" else items[::-1]

    def shown(self, item: Any, asked: Values, snapshot: Snapshot) -> object:  # noqa: ANN401 - an item of the listing
        """Add the fields to an item that the request includes, and leave out the others that it could include."""
        for name in (name for name in EMPTY if f"include_{name}" in asked):
            value = snapshot.included(self.name, item, name) if asked[f"include_{name}"] else None
            if value is not getattr(item, name):
                item = evolve(item, **{name: value})
        return item

    def json(self, item: object) -> bytes:
        """Write an item. The result is remembered, because a response of known items takes a fifth of the time."""
        known = _written.get(id(item))
        if known is None:
            if len(_written) >= _MOST_WRITTEN:
                _written.clear()
            known = _written[id(item)] = item, dumps(reduce(without, self.hides, item))
        return known[1]


_MOST_WRITTEN = 10_000
_written: dict[int, tuple[object, bytes]] = {}
"""The JSON of items, by their identity. An item in here stays alive, so its identity is not given to another one. Equal
items may differ in JSON, as 1 and 1.0 do."""


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


def _path_named(model: type, name: str) -> str:
    """Return the path of a name, which may leave out the first parts: ``part_number`` is ``unit.part.number``."""
    paths = _paths(model)
    found = {paths[name]} if name in paths else {paths[full] for full in paths if full.endswith(f"_{name}")}
    if len(found) != 1:
        raise LookupError(f"{name} leads to {len(found)} fields of {model.__name__}: say what is selected or sorted by")
    return found.pop()


def by(field: Path, holds: Comparison = operator.eq) -> Filter:
    """Select the items for which the value of a field and the value of the parameter pass a test, or are equal."""
    value = path(field)
    return lambda wanted, _snapshot: lambda item: holds(value(item), wanted)


def if_asked(field: Path) -> Filter:
    """Select the items whose field is true, if the parameter is true. If it is false, select every item."""
    return by(field, lambda value, wanted: bool(value) or not wanted)


def among(field: Path, *, missing: str | None = None) -> Filter:
    """Select the items whose field has one of the given values. `missing` stands for items without a value."""
    return by(field, lambda value, wanted: (missing if value is None else value) in wanted)


def contains(*fields: Path, id_from: float = inf, within: bool = False) -> Filter:
    """Select the items with a field that contains the given text, in upper or lower case.

    A text of `id_from` characters or more may also be the beginning of the item's id, or `within` the id.
    """
    values, finds = [path(field) for field in fields], operator.contains if within else str.startswith

    def select(text: str, _snapshot: Snapshot) -> Predicate:
        needle, may_be_id = text.lower(), len(text) >= id_from
        return lambda item: (
            any(needle in (value(item) or "").lower() for value in values)
            or (may_be_id and finds(item.id.lower(), needle))
        )

    return select


def related(field: Path, listing: str, other: str, chosen: Filter) -> Filter:
    """Select the items whose field has the value of another field in an item of a listing that a filter selects."""
    value, others = path(field), path(other)

    def select(wanted: object, snapshot: Snapshot) -> Predicate:
        is_chosen = chosen(wanted, snapshot)
        values = {others(item) for item in snapshot.rows(listing) if is_chosen(item)}
        return lambda item: value(item) in values

    return select


_RANGES: Mapping[str, tuple[str, Comparison]] = {
    "after": ("_at", operator.ge),
    # A date-time within the given millisecond is selected, because a client sees date-times in whole milliseconds.
    "before": ("_at", lambda value, bound: value - bound < MILLISECOND),
    "min": ("", operator.ge),
    "max": ("", operator.le),
}
"""The last words of filters about ranges: how the name of the field ends instead, and how its value compares."""

_MISSING: Mapping[str, str] = {"samples": "production", "batch_numbers": ""}
"""The words of filters for items without a value."""
