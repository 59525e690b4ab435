"""The listing of parts. The API has no other listing of revisions.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/parts/list
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - the command reads the types of list() at run time
from typing import ClassVar, Literal, get_args

from aiotofupilot._paging.paginator import Paginator  # noqa: TC001 - likewise
from aiotofupilot._paging.plan import OnDrift, OnUnreadable  # noqa: TC001 - likewise
from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise
from aiotofupilot.models import Part

from . import filters
from .choices import MetadataFilter, SortOrder
from .listing import Listing

__all__ = ["PartOrder", "Parts"]

PartOrder = Literal["name", "number", "created_at"]
"""What parts can be sorted by."""


class Parts(Listing[Part], item=Part):
    """The part numbers that units can have."""

    name = "parts"
    path = "/v2/parts"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at"})
    creation_field: ClassVar[str | None] = "created_at"
    oldest_first: ClassVar[str | None] = "created_at"

    def list(
        self,
        *,
        search_query: str | None = None,
        procedure_ids: Sequence[str] | None = None,
        metadata: MetadataFilter | None = None,
        include_metadata: bool | None = None,
        sort_by: PartOrder | None = None,
        sort_order: SortOrder | None = None,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
        on_unreadable: OnUnreadable = "raise",
    ) -> Paginator[Part]:
        """List parts, the latest created first. Nothing is sent before the listing is used.

        Each part comes with all of its revisions. The API has no filter by time here.

        Where a filter takes several values, a part has to match one of them. An empty list is no filter.

        Args:
            search_query: Text that the name or the number contains; at most 100 characters, as UTF-16 counts them.
            procedure_ids: IDs of procedures. A part matches if one of them tests its units.
            metadata: Conditions on the metadata, at most 5 keys, such as ``{"supplier": {"in": ["Acme"]}}``.
            include_metadata: Whether parts come with their metadata. None: without.
            sort_by: What to sort by. None: by ``created_at``.
            sort_order: ``asc``: the smallest or oldest first; ``desc``: the largest or newest first. None: ``desc``.
            limit: Parts per page, 1 to 100.
            cursor: Where to begin, in the server's counting, 0 to 2 ** 53 - 1; or a `Checkpoint`, to resume after the
                last part that a walk of the same query yielded. None: at the beginning.
            max_items: Yield at most this many parts, 0 or more. None: all.
            concurrency: At most this many pages are in flight or waiting to be used, 1 or more. None: the session's.
            on_drift: What to do about parts that come and go during the walk: ``"ignore"``, ``"resync"`` or
                ``"raise"``, as for procedures. ``"resync"`` takes no ``sort_by`` but ``created_at``.
            on_unreadable: What to do about a single item that the server cannot serve, or that is not what the API
                promises. A page with such an item fails. It is asked for in smaller parts until the item is alone.
                ``"raise"`` yields all items before it, and raises an error whose ``position`` is the position of the
                item. ``"skip"`` leaves the item out and goes on. `WalkStats.unreadable` counts such items.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of bounds, or a checkpoint is of another listing or query.
        """
        pairs = (
            *filters.string("search_query", search_query, at_most=100),
            *filters.strings("procedure_ids", procedure_ids),
            *filters.metadata("metadata", metadata),
            *filters.boolean("include_metadata", include_metadata),
            *filters.choice("sort_by", sort_by, get_args(PartOrder)),
            *filters.choice("sort_order", sort_order, get_args(SortOrder)),
        )
        return self._paginator(
            pairs,
            limit=limit,
            cursor=cursor,
            max_items=max_items,
            concurrency=concurrency,
            on_drift=on_drift,
            on_unreadable=on_unreadable,
            sort_by=sort_by,
        )
