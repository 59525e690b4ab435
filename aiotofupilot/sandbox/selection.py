"""Which rows a request asks for, and in which order."""

from __future__ import annotations

from array import array
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .factory import Factory
    from .parameters import Asked
    from .resource import Resource
    from .rows import Pieces

__all__ = ["select"]

T = TypeVar("T")


def select(resource: Resource[T], pieces: Pieces[T], asked: Asked, factory: Factory) -> Sequence[int]:
    """Give the positions of the rows that a request asks for, in its order.

    Nothing is made up and nothing is held where neither a filter nor a sort order needs it.
    """
    chosen: Sequence[int] = range(len(pieces))
    predicates = [resource.tests[name](value, factory) for name, value in asked.items() if name in resource.tests]
    if predicates:
        first, *others = predicates
        matches = [(position, item) for position, item in enumerate(pieces) if first(item)]
        for predicate in others:
            matches = [(position, item) for position, item in matches if predicate(item)]
        chosen = array("q", (position for position, _item in matches))
    if resource.order is None:
        return chosen
    key = resource.sorts[asked["sort_by"]]
    if asked["sort_by"] != resource.order or not _is_descending(pieces, key):
        chosen = array("q", sorted(chosen, key=lambda position: _sortable(key(pieces[position])), reverse=True))
    return chosen if asked["sort_order"] == "desc" else chosen[::-1]


def _sortable(key: Any) -> tuple[bool, Any]:  # noqa: ANN401 - keys of any kind
    """Make a key that sorts None as the largest, as PostgreSQL does."""
    return key is None, key


def _is_descending(pieces: Pieces[T], key: Callable[[T], Any]) -> bool:
    """Say whether rows stand in descending order. Made-up rows do, so only given ones are compared."""
    return all(
        _sortable(key(before)) >= _sortable(key(after))
        for stretch in _given_with_neighbours(pieces)
        for before, after in pairwise(stretch)
    )


def _given_with_neighbours(pieces: Pieces[T]) -> Iterator[Iterator[T]]:
    """Give each stretch of given items, with the items before and behind it."""
    end = 0
    for part in pieces.parts:
        begin, end = end, end + len(part)
        if isinstance(part, tuple):
            yield chain(pieces[max(begin - 1, 0) : begin], part, pieces[end : end + 1])
