"""The description of one listing: its parameters, what they select, its sort orders, and how its items are written."""

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
"""A function that takes the value of a parameter and the factory, and returns a predicate."""


@frozen
class Narrowed:
    """The numbers of made-up items that may be asked for. They repeat with the plan of production."""

    period: int
    """The plan repeats after this many numbers."""
    offsets: Sequence[int]
    """The numbers in the first period, in ascending order."""
    settled: frozenset[str]
    """Parameters that need no further test."""


_MILLISECOND = timedelta(milliseconds=1)


@frozen(kw_only=True, eq=False)
class Resource(Generic[T]):
    """One listing."""

    name: str
    """The last segment of the path."""
    parameters: tuple[Parameter[Any], ...] = ()
    """The parameters, in the order of the API's documentation."""
    make: Callable[[World, int], T] | None = None
    """Makes up the item with a number; None: the items are given."""
    count: Callable[[World], int] | None = None
    """How many items the made-up factory has so far; None: the items are given."""
    tests: Mapping[str, Test[T]] = field(factory=dict[str, "Test[T]"])
    """The tests of the parameters that select items."""
    joined: Callable[[Asked, Factory], Predicate[T] | None] | None = None
    """A test of several parameters together; None: there is none."""
    narrow: Callable[[Asked, Factory], Narrowed | None] | None = None
    """Finds made-up items without making them; None: all are made and tested."""
    bounds: tuple[str, str] | None = None
    """The parameters for the earliest and the latest moment of the rows' own order; None: there are none."""
    sorts: Mapping[str, Callable[[T], Any]] = field(factory=dict[str, Callable[[T], Any]])
    """The sort key of an item, for each value of ``sort_by``. None is the largest key, as in PostgreSQL."""
    order: str | None = None
    """The rows are in the descending order of this ``sort_by``. None: the listing has no sort orders."""
    dress: Callable[[T, Asked, Factory], T] | None = None
    """Adds the fields that are listed only on request; None: there are no such fields."""
    document: Callable[[T], Mapping[str, Any]] = document
    """Returns an item as a document with the names of the wire."""
    remembered: bool = False
    """Whether the JSON of items is remembered. This is worth it for items that are given and not made up."""
    paged: bool = True
    """Whether the listing has pages. Otherwise it is a bare array."""

    def json(self, item: T) -> Fragment:
        """Write an item."""
        return item_json(self.document(item))


def everything(_item: object) -> bool:
    """Select every item. No item is made up to be tested by this predicate."""
    return True


def if_asked(holds: Predicate[T]) -> Test[T]:
    """Select by a predicate if the parameter is true. If it is false, select every item."""
    return lambda wanted, _factory: holds if wanted else everything


def equal_to(read: Callable[[T], object]) -> Test[T]:
    """Select the items whose field has the given value."""
    return lambda wanted, _factory: lambda item: read(item) == wanted


def among(read: Callable[[T], object]) -> Test[T]:
    """Select the items whose field has one of the given values."""
    return lambda wanted, _factory: lambda item: read(item) in wanted


def contains(*reads: Callable[[T], str | None]) -> Test[T]:
    """Select the items with a field that contains the given text, in upper or lower case."""

    def test(text: str, _factory: Factory) -> Predicate[T]:
        needle = text.lower()
        return lambda item: any(needle in (read(item) or "").lower() for read in reads)

    return test


def at_least(read: Callable[[T], Any]) -> Test[T]:
    """Select the items with a value that is not less than the given one. None is not a value."""
    return _compared(read, operator.ge)


def at_most(read: Callable[[T], Any]) -> Test[T]:
    """Select the items with a value that is not more than the given one. None is not a value."""
    return _compared(read, operator.le)


def since(read: Callable[[T], datetime | None]) -> Test[T]:
    """Select the items with a moment that is not before the given one. None is not a moment."""
    return at_least(read)


def until(read: Callable[[T], datetime | None]) -> Test[T]:
    """Select the items with a moment that is not after the given one. None is not a moment.

    A moment within the given millisecond is selected, because a client sees moments in whole milliseconds.
    """
    return _compared(read, lambda moment, bound: moment - bound < _MILLISECOND)


def _compared(read: Callable[[T], Any], holds: Callable[[Any, Any], bool]) -> Test[T]:
    def test(bound: object, _factory: Factory) -> Predicate[T]:
        def is_in_bounds(item: T) -> bool:
            value = read(item)
            return value is not None and holds(value, bound)

        return is_in_bounds

    return test
