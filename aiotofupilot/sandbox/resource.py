"""What one listing is: its parameters, what each of them selects, its sort orders, and how an item is written."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import field, frozen

from .wire import document, item_json

if TYPE_CHECKING:
    from datetime import datetime

    from orjson import Fragment

    from .factory import Factory
    from .parameters import Asked, Parameter
    from .world import World

__all__ = [
    "Narrowed",
    "Predicate",
    "Resource",
    "Test",
    "among",
    "at_least",
    "at_most",
    "contains",
    "equal_to",
    "everything",
    "if_asked",
    "since",
    "until",
]

T = TypeVar("T")

Predicate = Callable[[T], bool]
"""Whether an item is asked for."""

Test = Callable[[Any, "Factory"], Predicate[T]]
"""From a parameter's value, and all that is listed, to whether an item has what is asked for."""


@frozen
class Narrowed:
    """Made-up items that may be asked for. Their numbers repeat with the plan of production."""

    period: int
    """After how many numbers the plan repeats."""
    offsets: Sequence[int]
    """Numbers of the first period, in ascending order."""
    settled: frozenset[str]
    """Parameters that need no further test."""


_MILLISECOND = timedelta(milliseconds=1)


@frozen(kw_only=True, eq=False)
class Resource(Generic[T]):
    """One listing."""

    name: str
    """The last segment of its path."""
    parameters: tuple[Parameter[Any], ...] = ()
    """In the order of the API's documents."""
    make: Callable[[World, int], T] | None = None
    """Makes up the item with a number; None: the items are given."""
    count: Callable[[World], int] | None = None
    """How many items the made-up factory has so far; None: the items are given."""
    tests: Mapping[str, Test[T]] = field(factory=dict[str, "Test[T]"])
    """What a parameter selects, for each parameter that selects."""
    joined: Callable[[Asked, Factory], Predicate[T] | None] | None = None
    """What several parameters select together; None: each selects for itself."""
    narrow: Callable[[Asked, Factory], Narrowed | None] | None = None
    """Finds made-up items without making them; None: they are made to be tested."""
    bounds: tuple[str, str] | None = None
    """The parameters for the earliest and the latest moment of the rows' own order; None: there are none."""
    sorts: Mapping[str, Callable[[T], Any]] = field(factory=dict[str, Callable[[T], Any]])
    """What an item is sorted by, for each value of ``sort_by``. None is the largest key, as PostgreSQL has it."""
    order: str | None = None
    """The ``sort_by`` in whose descending order the rows stand; None: the listing has no sort orders."""
    dress: Callable[[T, Asked, Factory], T] | None = None
    """Adds to an item what is listed on request alone; None: nothing is."""
    document: Callable[[T], Mapping[str, Any]] = document
    """Spells an item with the names of the wire."""
    remembered: bool = False
    """Whether items that were written are remembered, by value: worth it where an item is given, not made up."""
    paged: bool = True
    """Whether the listing comes in pages; otherwise it is a bare array."""

    def json(self, item: T) -> Fragment:
        """Write an item."""
        return item_json(self.document(item))


def everything(_item: object) -> bool:
    """Select every item. Nothing is made up for this predicate."""
    return True


def if_asked(holds: Predicate[T]) -> Test[T]:
    """Select by a predicate if the parameter is true. If it is false, select every item."""
    return lambda wanted, _factory: holds if wanted else everything


def equal_to(read: Callable[[T], object]) -> Test[T]:
    """Select by a field that must have the value that is asked for."""
    return lambda wanted, _factory: lambda item: read(item) == wanted


def among(read: Callable[[T], object]) -> Test[T]:
    """Select by a field whose value must be among those that are asked for."""
    return lambda wanted, _factory: lambda item: read(item) in wanted


def contains(*reads: Callable[[T], str | None]) -> Test[T]:
    """Select by text that one of several fields must contain, in any case."""

    def test(text: str, _factory: Factory) -> Predicate[T]:
        needle = text.lower()
        return lambda item: any(needle in (read(item) or "").lower() for read in reads)

    return test


def at_least(read: Callable[[T], Any]) -> Test[T]:
    """Select by a value that must not be less than the one that is asked for. None is no value."""
    return _compared(read, operator.ge)


def at_most(read: Callable[[T], Any]) -> Test[T]:
    """Select by a value that must not be more than the one that is asked for. None is no value."""
    return _compared(read, operator.le)


def since(read: Callable[[T], datetime | None]) -> Test[T]:
    """Select by a moment that must not be before the one that is asked for. None is no moment."""
    return at_least(read)


def until(read: Callable[[T], datetime | None]) -> Test[T]:
    """Select by a moment that must not be after the one that is asked for. None is no moment.

    The whole millisecond counts: a client cannot name a moment more exactly than the wire shows it.
    """
    return _compared(read, lambda moment, bound: moment - bound < _MILLISECOND)


def _compared(read: Callable[[T], Any], holds: Callable[[Any, Any], bool]) -> Test[T]:
    def test(bound: object, _factory: Factory) -> Predicate[T]:
        def is_in_bounds(item: T) -> bool:
            value = read(item)
            return value is not None and holds(value, bound)

        return is_in_bounds

    return test
