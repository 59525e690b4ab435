"""The new items of runs of all procedures, for listings of one procedure at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aiotofupilot._paging.news.incremental import IncrementalWalk, check_watermark
from aiotofupilot._paging.plan import Plan
from aiotofupilot._paging.source import Identified
from aiotofupilot.checkpoint import Checkpoint

from .listing import LIMIT_AT_MOST
from .query import Query

if TYPE_CHECKING:
    from aiotofupilot._paging.plan import OnUnreadable
    from aiotofupilot._wire.query import Pairs
    from aiotofupilot.watermark import Watermark

    from .listing import Listing

__all__ = ["since"]

T = TypeVar("T", bound=Identified)


def since(
    listing: Listing[T], pairs: Pairs, watermark: Watermark | None, *, on_unreadable: OnUnreadable
) -> IncrementalWalk[T]:
    """Return a pass over what runs of all procedures wrote since a watermark, as `Paginator.since` has it.

    The runs of all procedures are one listing, so the new runs are found there. Then the items of the procedures with
    new runs are asked for.

    Args:
        listing: Measurements or phases.
        pairs: Filters, checked and spelled, without a procedure.
        watermark: What has been seen. None: nothing has been seen.
        on_unreadable: As in ``list()``.

    Raises:
        ValueError: The watermark is of another listing, or of other filters.
    """
    query: Query[T] = Query(listing, pairs, listing.decode)
    plan = Plan(
        limit=LIMIT_AT_MOST,
        start=Checkpoint(listing=listing.name, query=query.digest),
        max_items=None,
        concurrency=listing.connection.concurrency,
        on_drift="ignore",
        on_unreadable=on_unreadable,
    )
    return IncrementalWalk(query, plan, check_watermark("watermark", watermark, plan))
