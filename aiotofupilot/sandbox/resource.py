"""The listings and details of the API, and the building blocks of filters."""

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
"""Whether an item is selected."""

Filter = Callable[[Any, Snapshot], Predicate]
"""Turns the value of a parameter into a test of items."""


Comparison = Callable[[Any, Any], bool]
"""Compares the value of a field with the value of a parameter."""


@frozen(eq=False)
class Detail:
    """One kind of detail: a single object at its own path."""

    path: str
    """The path below ``/api/v2/``, such as ``procedures/*/versions/*``. A star stands for a parameter."""
    model: type[object]
    """The model."""
    by: str | Callable[..., object] = "id"
    """The field of the listing's items that equals the parameter; or a function that gets a `Reading` and the
    parameters, and returns the item or None."""
    more: Callable[[Reading, Any], Mapping[str, object]] = lambda _reading, _item: {}
    """Returns the fields that the item lacks, except metadata and sequences."""
    hides: tuple[str, ...] = ()
    """Fields that the API does not show here, such as ``created_by_user.email``."""

    def read(self, reading: Reading, parameters: Iterable[str]) -> object:
        """Make the detail for the parameters of the path as sent, or raise a `Refusal`."""
        listing, texts = self.path.partition("/")[0], map(unquote, parameters)
        item = reading.first(listing, self.by, *texts) if isinstance(self.by, str) else self.by(reading, *texts)
        if item is None:
            raise Refusal(404, "NOT_FOUND", "Not found")
        included = {name: reading.snapshot.included(listing, item, name) for name in EMPTY if hasattr(item, name)}
        return extended(self.model, item, **included, **self.more(reading, item))


@frozen(kw_only=True, eq=False)
class Resource:
    """One listing: its parameters, and how its items are written.

    The client's listing declares the parameters, and most filters follow from their names: ``slot_keys`` reads
    ``slot_key``, and ``started_after`` reads ``started_at``. An underscore may stand for a dot, and a name may leave
    out the first parts of a path: ``created_by_user_ids`` reads ``created_by_user.id``, and ``serial_numbers`` of runs
    reads ``unit.serial_number``.
    """

    name: str
    """The last segment of the path."""
    paths: Mapping[str, Path] = field(factory=dict[str, Path])
    """The fields of other filters and other values of ``sort_by``."""
    filters: Mapping[str, Filter | None] = field(factory=dict[str, "Filter | None"])
    """Filters that do not compare a field with a value. None for a parameter that filters only together with others."""
    otherwise: Callable[[str], Filter] | None = None
    """Returns the filter for a name that is not a field of the items. None if there are no such filters."""
    joined: Callable[[Values, Snapshot], Predicate] | None = None
    """A test of several parameters together, or None."""
    hides: tuple[str, ...] = ()
    """Fields of the model that the listing lacks, such as ``created_by_user.email``."""
    details: tuple[Detail, ...] = ()
    """The details of the items, and of their parts."""

    @cached_property
    def listing(self) -> type[Listing[Any]]:
        """The client's listing. A bare listing is an array without pages."""
        return listing_class(self.name)

    @cached_property
    def readers(self) -> Mapping[str, Reader]:
        """The readers of the parameters: first the paging parameters, then the others in the client's order."""
        of_pages: Mapping[str, Reader] = {} if self.listing.is_bare else PAGES
        return {**of_pages, **{argument.name: declared(argument) for argument in self.listing.filters}}

    @cached_property
    def tests(self) -> Mapping[str, Filter]:
        """The filters by parameter, except for parameters that filter only together with others."""
        return {argument.name: test for argument in self.listing.filters if (test := self._filter(argument))}

    @cached_property
    def sorts(self) -> Mapping[str, Read]:
        """The sort keys by the values of ``sort_by``. Empty if the listing has none."""
        orders = next((argument.choices for argument in self.listing.filters if argument.name == "sort_by"), ())
        return {order: path(self.paths.get(order) or _path_named(self.listing.model, order)) for order in orders}

    def _filter(self, argument: Argument) -> Filter | None:
        """Return the filter of a parameter, or None if it filters only together with others."""
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
            # Items without a value are not selected.
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
        """Return the selected items in the order of the query. None is the largest sort key, as in PostgreSQL."""
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
        """Add the fields that a request includes to an item, and remove other fields that it could include."""
        for name in (name for name in EMPTY if f"include_{name}" in asked):
            value = snapshot.included(self.name, item, name) if asked[f"include_{name}"] else None
            if value is not getattr(item, name):
                item = evolve(item, **{name: value})
        return item

    def json(self, item: object) -> bytes:
        """Write an item. Results are cached, because this makes a response five times as fast."""
        known = _written.get(id(item))
        if known is None:
            if len(_written) >= _MOST_WRITTEN:
                _written.clear()
            known = _written[id(item)] = item, dumps(reduce(without, self.hides, item))
        return known[1]


_MOST_WRITTEN = 10_000
_written: dict[int, tuple[object, bytes]] = {}
"""The JSON of items by ``id()``. The items are kept, too, so that no other object gets the same ``id()``. Equality is
not enough, because equal items may differ in JSON, as 1 and 1.0 do."""


@cache
def _paths(model: type) -> Mapping[str, str]:
    """Return the paths of a model's values. The key of a path has underscores for its dots."""
    paths: dict[str, str] = {}
    for part in fields_of(model):
        if part.model is None:
            paths[part.name] = part.name
        elif not part.is_array:
            paths |= {f"{part.name}_{name}": f"{part.name}.{inner}" for name, inner in _paths(part.model).items()}
    return paths


def _path_named(model: type, name: str) -> str:
    """Return the path of a name, which may lack the first parts: ``part_number`` has the path ``unit.part.number``."""
    paths = _paths(model)
    found = {paths[name]} if name in paths else {paths[full] for full in paths if full.endswith(f"_{name}")}
    if len(found) != 1:
        raise LookupError(f"{name} leads to {len(found)} fields of {model.__name__}: say what is selected or sorted by")
    return found.pop()


def by(field: Path, holds: Comparison = operator.eq) -> Filter:
    """Select the items whose field compares with the parameter, by default as equal."""
    value = path(field)
    return lambda wanted, _snapshot: lambda item: holds(value(item), wanted)


def if_asked(field: Path) -> Filter:
    """Select the items whose field is true, or every item if the parameter is false."""
    return by(field, lambda value, wanted: bool(value) or not wanted)


def among(field: Path, *, missing: str | None = None) -> Filter:
    """Select the items whose field has one of the values. `missing` stands for no value."""
    return by(field, lambda value, wanted: (missing if value is None else value) in wanted)


def contains(*fields: Path, id_from: float = inf, within: bool = False) -> Filter:
    """Select the items with a field that contains a text, ignoring case.

    A text of at least `id_from` characters may instead begin the item's id or, with `within`, be anywhere in it.
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
    """Select the items whose field matches `other` in an item of `listing` that `chosen` selects."""
    value, others = path(field), path(other)

    def select(wanted: object, snapshot: Snapshot) -> Predicate:
        is_chosen = chosen(wanted, snapshot)
        values = {others(item) for item in snapshot.rows(listing) if is_chosen(item)}
        return lambda item: value(item) in values

    return select


_RANGES: Mapping[str, tuple[str, Comparison]] = {
    "after": ("_at", operator.ge),
    # Includes the bound's whole millisecond, because clients see whole milliseconds.
    "before": ("_at", lambda value, bound: value - bound < MILLISECOND),
    "min": ("", operator.ge),
    "max": ("", operator.le),
}
"""By the last word of a range filter: the ending of the field's name, and the comparison."""

_MISSING: Mapping[str, str] = {"samples": "production", "batch_numbers": ""}
"""The values of filters that mean items without a value."""
