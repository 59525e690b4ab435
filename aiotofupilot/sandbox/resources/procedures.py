"""The listing of procedures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.sandbox.parameters import Text
from aiotofupilot.sandbox.quantities import Moment, pages
from aiotofupilot.sandbox.resource import Predicate, Resource, since, until

if TYPE_CHECKING:
    from aiotofupilot.models import Procedure
    from aiotofupilot.sandbox.factory import Factory

__all__ = ["PROCEDURES"]

_SHORTEST_ID_QUERY = 6


def _mentions(query: str, _factory: Factory) -> Predicate[Procedure]:
    """Select by text in the name. A text of 6 characters or more may also be in the id."""
    needle = query.lower()
    if len(query) < _SHORTEST_ID_QUERY:
        return lambda procedure: needle in procedure.name.lower()
    return lambda procedure: needle in procedure.name.lower() or needle in procedure.id.lower()


PROCEDURES: Resource[Procedure] = Resource(
    name="procedures",
    parameters=(
        *pages(safe=False),
        Text("search_query", maximum=100),
        Moment("created_after"),
        Moment("created_before"),
    ),
    tests={
        "search_query": _mentions,
        "created_after": since(lambda procedure: procedure.created_at),
        "created_before": until(lambda procedure: procedure.created_at),
    },
    remembered=True,
)
