"""The listing of procedures.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/procedures/list
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - the command reads the types of list() at run time
from typing import ClassVar

from aiotofupilot._paging.paginator import Paginator  # noqa: TC001 - likewise
from aiotofupilot._paging.plan import OnDrift, OnUnreadable  # noqa: TC001 - likewise
from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise
from aiotofupilot.models import Procedure

from . import filters
from .listing import Listing

__all__ = ["Procedures"]


class Procedures(Listing[Procedure], item=Procedure):
    """The procedures that the key may read."""

    name = "procedures"
    path = "/v2/procedures"
    creation_field: ClassVar[str | None] = "created_at"
    creation_filter: ClassVar[str | None] = "created"

    def list(
        self,
        *,
        search_query: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
        on_unreadable: OnUnreadable = "raise",
    ) -> Paginator[Procedure]:
        """List procedures. Nothing is sent before the listing is used.

        The API does not say in which order it lists procedures. Moments are timezone-aware; fractions of a millisecond
        are rounded so that they leave no procedure out.

        Args:
            search_query: Text that the name of a procedure contains. A text of 6 characters or more also matches an ID
                that contains it. At most 100 characters, as UTF-16 counts them. None: all.
            created_after: Only procedures created at this moment or later. None: no bound.
            created_before: Only procedures created at this moment or earlier. None: no bound.
            limit: Procedures per page, 1 to 100.
            cursor: Where to begin, in the server's counting, 0 to 2 ** 53 - 1; or a `Checkpoint`, to resume after the
                last procedure that a walk of the same query yielded. None: at the beginning.
            max_items: Yield at most this many procedures, 0 or more. None: all.
            concurrency: At most this many pages are in flight or waiting to be used, 1 or more. From 2 on, cursors are
                computed ahead, as long as the server's cursors confirm them. None: the session's.
            on_drift: What to do about procedures that come and go during the walk. ``"ignore"`` follows the cursor. It
                drops an item that comes again soon, and a removal can make it miss items. ``"resync"`` asks for each
                page one place early, to see whether the listing has moved, and finds its place again if it has. It
                yields every item that is listed during the whole walk, and yields it once. It asks for at least 2 items
                per page. ``"raise"`` looks in the same way, and raises a `DriftError` if the listing has moved.
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
            *filters.moment_range("created", created_after, created_before),
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
