"""Selects the rows that a request asks for, and sorts them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from .resource import everything

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from .factory import Factory
    from .parameters import Asked
    from .pieces import Pieces
    from .resource import Narrowed, Predicate, Resource

__all__ = ["select"]

T = TypeVar("T")


def select(resource: Resource[T], pieces: Pieces[T], asked: Asked, factory: Factory) -> Sequence[int]:
    """Return the positions of the rows that a request asks for, in its order.

    No item is made up unless a filter or a sort order needs it.
    """
    asked_for = {name: resource.tests[name](value, factory) for name, value in asked.items() if name in resource.tests}
    predicates = {name: predicate for name, predicate in asked_for.items() if predicate is not everything}
    joined = resource.joined(asked, factory) if resource.joined else None
    if joined is not None:
        predicates["joined"] = joined
    chosen: Sequence[int] = range(len(pieces))
    if predicates:
        narrowed = resource.narrow(asked, factory) if resource.narrow else None
        chosen = array("q")
        for begin, part in pieces.placed():
            if isinstance(part, range):
                found = _made_matches(part, pieces.make, predicates, narrowed, resource.bounds)
            else:
                found = _matches(enumerate(part), predicates.values())
            chosen.extend(begin + index for index in found)
    if resource.order is None:
        return chosen
    key = resource.sorts[asked["sort_by"]]
    if asked["sort_by"] != resource.order or not _is_descending(pieces, key):
        chosen = array("q", sorted(chosen, key=lambda position: _sortable(key(pieces[position])), reverse=True))
    return chosen if asked["sort_order"] == "desc" else chosen[::-1]


def _made_matches(
    numbers: range,
    make: Callable[[int], T],
    predicates: Mapping[str, Predicate[T]],
    narrowed: Narrowed | None,
    bounds: tuple[str, str] | None,
) -> Iterable[int]:
    """Return the places of made-up items that match, among numbers that count down."""
    within = _cut(numbers, make, *(predicates.get(name, everything) for name in bounds or ()))
    settled = {*(bounds or ()), *(narrowed.settled if narrowed else ())}
    left = [predicate for name, predicate in predicates.items() if name not in settled]
    if not within:
        return ()
    places: Iterable[int] = range(len(within)) if narrowed is None else _narrow(within, narrowed)
    if left:
        places = _matches(((place, make(within[place])) for place in places), left)
    skipped = numbers[0] - within[0]
    return (skipped + place for place in places)


def _cut(
    numbers: range,
    make: Callable[[int], T],
    is_since: Predicate[T] = everything,
    is_until: Predicate[T] = everything,
) -> range:
    """Return the numbers of made-up items between two moments. The items are in the order of these moments."""
    ascending = numbers[::-1]
    first = 0 if is_since is everything else bisect_left(ascending, 1, key=lambda number: is_since(make(number)))
    end = (
        len(ascending)
        if is_until is everything
        else bisect_left(ascending, 1, key=lambda number: not is_until(make(number)))
    )
    return ascending[first:end][::-1]


def _narrow(numbers: range, narrowed: Narrowed) -> Iterator[int]:
    """Yield the places of numbers that may match."""
    newest, oldest = numbers[0], numbers[-1]
    for cycle in range(newest // narrowed.period, oldest // narrowed.period - 1, -1):
        for offset in reversed(narrowed.offsets):
            number = cycle * narrowed.period + offset
            if oldest <= number <= newest:
                yield newest - number


def _matches(items: Iterable[tuple[int, T]], predicates: Collection[Predicate[T]]) -> list[int]:
    """Return the places of items that match."""
    if len(predicates) == 1:
        (predicate,) = predicates
        return [place for place, item in items if predicate(item)]
    return [place for place, item in items if all(predicate(item) for predicate in predicates)]


def _sortable(key: Any) -> tuple[bool, Any]:  # noqa: ANN401 - keys of any kind
    """Return a sort key for which None is the largest, as in PostgreSQL."""
    return key is None, key


def _is_descending(pieces: Pieces[T], key: Callable[[T], Any]) -> bool:
    """Return whether rows are in descending order. Made-up rows are, so only given ones are compared."""
    return all(
        _sortable(key(before)) >= _sortable(key(after))
        for stretch in _given_with_neighbours(pieces)
        for before, after in pairwise(stretch)
    )


def _given_with_neighbours(pieces: Pieces[T]) -> Iterator[Iterator[T]]:
    """Yield each stretch of given items, with the items before and after it."""
    for begin, part in pieces.placed():
        if isinstance(part, tuple):
            end = begin + len(part)
            yield chain(pieces[max(begin - 1, 0) : begin], part, pieces[end : end + 1])
