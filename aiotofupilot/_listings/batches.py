"""The listing of batches.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/batches/list
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - the command reads the types of list() at run time
from datetime import datetime  # noqa: TC003 - likewise
from typing import ClassVar, Literal, get_args

from aiotofupilot._paging.paginator import Paginator  # noqa: TC001 - likewise
from aiotofupilot._paging.plan import OnDrift, OnUnreadable  # noqa: TC001 - likewise
from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise
from aiotofupilot.models import Batch

from . import filters
from .choices import SortOrder
from .listing import Listing

__all__ = ["BatchOrder", "Batches"]

BatchOrder = Literal["number", "created_at"]
"""What batches can be sorted by."""


class Batches(Listing[Batch], item=Batch):
    """The batches that units are made in."""

    name = "batches"
    path = "/v2/batches"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at"})
    creation_field: ClassVar[str | None] = "created_at"
    creation_filter: ClassVar[str | None] = "created"
    oldest_first: ClassVar[str | None] = "created_at"

    def list(
        self,
        *,
        search_query: str | None = None,
        ids: Sequence[str] | None = None,
        numbers: Sequence[str] | None = None,
        part_numbers: Sequence[str] | None = None,
        revision_numbers: Sequence[str] | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        sort_by: BatchOrder | None = None,
        sort_order: SortOrder | None = None,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
        on_unreadable: OnUnreadable = "raise",
    ) -> Paginator[Batch]:
        """List batches, the latest created first. Nothing is sent before the listing is used.

        Where a filter takes several values, a batch has to match one of them. An empty list is no filter. Moments are
        timezone-aware; fractions of a millisecond are rounded so that they leave no batch out.

        Args:
            search_query: Text that the number of the batch, or the serial number of a unit in it, contains; at most 100
                characters, as UTF-16 counts them.
            ids: IDs of batches.
            numbers: Numbers of batches.
            part_numbers: Part numbers. A batch matches if it holds a unit with one of them.
            revision_numbers: Revision numbers. A batch matches if it holds a unit with one of them.
            created_after: Only batches created at this moment or later.
            created_before: Only batches created at this moment or earlier.
            sort_by: What to sort by. None: by ``created_at``.
            sort_order: ``asc``: the smallest or oldest first; ``desc``: the largest or newest first. None: ``desc``.
            limit: Batches per page, 1 to 100.
            cursor: Where to begin, in the server's counting, 0 to 2 ** 53 - 1; or a `Checkpoint`, to resume after the
                last batch that a walk of the same query yielded. None: at the beginning.
            max_items: Yield at most this many batches, 0 or more. None: all.
            concurrency: At most this many pages are in flight or waiting to be used, 1 or more. None: the session's.
            on_drift: What to do about batches that come and go during the walk: ``"ignore"``, ``"resync"`` or
                ``"raise"``, as for procedures. ``"resync"`` takes no ``sort_by`` but ``created_at``.
            on_unreadable: What to do about a single item that the server cannot serve, or that is not what the API
                promises. A page with such an item fails. It is asked for in smaller parts until the item is alone.
                ``"raise"`` yields all items before it, and raises an error whose ``position`` is the position of the
                item. ``"skip"`` leaves the item out and goes on. `WalkStats.unreadable` counts such items.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of bounds, a date-time is naive, a range is empty, or a checkpoint is of
                another listing or query.
        """
        pairs = (
            *filters.string("search_query", search_query, at_most=100),
            *filters.strings("ids", ids),
            *filters.strings("numbers", numbers),
            *filters.strings("part_numbers", part_numbers),
            *filters.strings("revision_numbers", revision_numbers),
            *filters.moment_range("created", created_after, created_before),
            *filters.choice("sort_by", sort_by, get_args(BatchOrder)),
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
