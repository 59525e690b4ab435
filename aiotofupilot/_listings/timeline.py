"""Divides a query by time. The moment of an item never changes, and a filter bounds it.

The filters of the API include both ends. Its stored moments may be finer than the milliseconds that it shows. So a part
of a query is asked for with a millisecond more at both ends. Items that do not belong to the part are then left out.
The moment that they show decides this.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from aiotofupilot._paging.source import Timeline

from .bounds import bounded, bounds_of
from .fields import moment_in

if TYPE_CHECKING:
    from typing import Any

    from aiotofupilot._paging.source import Identified, Source
    from aiotofupilot._wire.query import Pairs
    from aiotofupilot.models import RawItem

    from .query import Query

__all__ = ["QueryTimeline", "widely_bounded"]

_MILLISECOND = timedelta(milliseconds=1)


def widely_bounded(pairs: Pairs, name: str, start: datetime | None, end: datetime | None) -> Pairs:
    """Return a query for the items between two moments, with a millisecond more at both ends.

    Args:
        pairs: The query. Its own bounds still hold.
        name: The beginning of the names of the parameters that bound the moment, such as ``created``.
        start: Timezone-aware; None: no further bound.
        end: Timezone-aware; None: no further bound.
    """
    return bounded(
        pairs,
        name,
        after=None if start is None else _moved(start, -_MILLISECOND),
        before=None if end is None else _moved(end, _MILLISECOND),
    )


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment.astimezone(UTC) + by
    except OverflowError:  # the first or the last moment of all
        return moment


@frozen(eq=False)
class QueryTimeline(Timeline):
    """The timeline of a query."""

    query: Query[Any]
    """The query that is divided."""
    field: str
    """The field with the moment."""
    name: str
    """The beginning of the names of the parameters that bound this field, such as ``created``."""

    def ordered(self) -> Source[RawItem] | None:
        """Return the query's items as the server sends them, the oldest first; see `Timeline.ordered`."""
        if self.query.listing.oldest_first != self.field:
            return None
        return self.query.raw().narrowed(order="asc")

    def moment(self, item: Identified) -> datetime | None:
        """Return the moment of an item; see `Timeline.moment`."""
        return moment_in(item, self.field)

    def edges(self) -> tuple[Source[RawItem], ...]:
        """Return the query's items near its own bounds; see `Timeline.edges`."""
        pairs = self.query.pairs
        return tuple(
            evolve(
                self.query.raw(),
                pairs=widely_bounded(pairs, self.name, _moved(bound, -_MILLISECOND), _moved(bound, _MILLISECOND)),
            )
            for bound in bounds_of(pairs, self.name)
            if bound is not None
        )
