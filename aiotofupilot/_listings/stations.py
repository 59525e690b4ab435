"""The listing of stations.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/stations/list
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - the command reads the types of list() at run time

from aiotofupilot._paging.paginator import Paginator  # noqa: TC001 - likewise
from aiotofupilot._paging.plan import OnDrift, OnUnreadable  # noqa: TC001 - likewise
from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise
from aiotofupilot.models import Station

from . import filters
from .choices import MetadataFilter  # noqa: TC001 - likewise
from .listing import Listing

__all__ = ["Stations"]


class Stations(Listing[Station], item=Station):
    """The test benches of the organization."""

    name = "stations"
    path = "/v2/stations"

    def list(
        self,
        *,
        search_query: str | None = None,
        procedure_ids: Sequence[str] | None = None,
        metadata: MetadataFilter | None = None,
        include_metadata: bool | None = None,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
        on_unreadable: OnUnreadable = "raise",
    ) -> Paginator[Station]:
        """List stations. Nothing is sent before the listing is used.

        The API does not say in which order it lists stations. With the key of a station, this raises a
        `ForbiddenError`.

        Where a filter takes several values, a station has to match one of them. An empty list is no filter.

        Args:
            search_query: Text that the name contains.
            procedure_ids: IDs of procedures. A station matches if it runs one of them.
            metadata: Conditions on the metadata, at most 5 keys, such as ``{"location": {"in": ["Lyon"]}}``.
            include_metadata: Whether stations come with their metadata. None: without.
            limit: Stations per page, 1 to 100.
            cursor: Where to begin, in the server's counting, 0 to 2 ** 53 - 1; or a `Checkpoint`, to resume after the
                last station that a walk of the same query yielded. None: at the beginning.
            max_items: Yield at most this many stations, 0 or more. None: all.
            concurrency: At most this many pages are in flight or waiting to be used, 1 or more. None: the session's.
            on_drift: What to do about stations that come and go during the walk: ``"ignore"``, ``"resync"`` or
                ``"raise"``, as for procedures.
            on_unreadable: What to do about a single item that the server cannot serve, or that is not what the API
                promises. A page with such an item fails. It is asked for in smaller parts until the item is alone.
                ``"raise"`` yields all items before it, and raises an error whose ``position`` is the position of the
                item. ``"skip"`` leaves the item out and goes on. `WalkStats.unreadable` counts such items.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of bounds, or a checkpoint is of another listing or query.
        """
        pairs = (
            *filters.string("search_query", search_query),
            *filters.strings("procedure_ids", procedure_ids),
            *filters.metadata("metadata", metadata),
            *filters.boolean("include_metadata", include_metadata),
        )
        return self._paginator(
            pairs,
            limit=limit,
            cursor=cursor,
            max_items=max_items,
            concurrency=concurrency,
            on_drift=on_drift,
            on_unreadable=on_unreadable,
        )
