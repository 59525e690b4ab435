"""The listing of units.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/units/list
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - the command reads the types of list() at run time
from datetime import datetime  # noqa: TC003 - likewise
from typing import ClassVar, Literal, get_args

from aiotofupilot._paging.paginator import Paginator  # noqa: TC001 - likewise
from aiotofupilot._paging.plan import OnDrift, OnUnreadable  # noqa: TC001 - likewise
from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise
from aiotofupilot.models import Unit

from . import filters
from .choices import MetadataFilter, RunOutcome, SampleFilter, SortOrder
from .listing import Listing

__all__ = ["UnitOrder", "Units"]

UnitOrder = Literal["serial_number", "created_at", "last_run_at", "part_number", "last_run_procedure"]
"""What units can be sorted by. ``last_run_procedure`` is the name of the procedure of a unit's latest run."""


class Units(Listing[Unit], item=Unit):
    """The units that the key may read."""

    name = "units"
    path = "/v2/units"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at"})
    creation_field: ClassVar[str | None] = "created_at"
    creation_filter: ClassVar[str | None] = "created"
    oldest_first: ClassVar[str | None] = "created_at"

    def list(
        self,
        *,
        search_query: str | None = None,
        ids: Sequence[str] | None = None,
        serial_numbers: Sequence[str] | None = None,
        part_numbers: Sequence[str] | None = None,
        revision_numbers: Sequence[str] | None = None,
        batch_numbers: Sequence[str] | None = None,
        procedure_ids: Sequence[str] | None = None,
        outcomes: Sequence[RunOutcome] | None = None,
        started_after: datetime | None = None,
        started_before: datetime | None = None,
        latest_only: bool | None = None,
        run_count_min: int | None = None,
        run_count_max: int | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        created_by_user_ids: Sequence[str] | None = None,
        created_by_station_ids: Sequence[str] | None = None,
        exclude_units_with_parent: bool | None = None,
        samples: Sequence[SampleFilter] | None = None,
        metadata: MetadataFilter | None = None,
        include_metadata: bool | None = None,
        sort_by: UnitOrder | None = None,
        sort_order: SortOrder | None = None,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
        on_unreadable: OnUnreadable = "raise",
    ) -> Paginator[Unit]:
        """List units, the latest created first. Nothing is sent before the listing is used.

        ``procedure_ids``, ``outcomes``, ``started_after``, ``started_before``, ``latest_only`` and the run counts are
        about the runs of a unit. The other filters are about the unit itself.

        Where a filter takes several values, a unit has to match one of them. An empty list is no filter. Moments are
        timezone-aware; fractions of a millisecond are rounded so that they leave no unit out.

        Args:
            search_query: Text that the serial number contains, or the beginning of the unit's ID, 8 characters or more.
            ids: IDs of units.
            serial_numbers: Serial numbers of units.
            part_numbers: Part numbers of the units.
            revision_numbers: Revision numbers of the units.
            batch_numbers: Numbers of the batches that the units belong to. An empty string stands for units without a
                batch.
            procedure_ids: IDs of procedures. A unit matches if one of them was run on it.
            outcomes: Outcomes of runs. A unit matches if one of its runs ended so.
            started_after: Only units with a run that started at this moment or later.
            started_before: Only units with a run that started at this moment or earlier.
            latest_only: Whether the filters about runs look only at the latest run of a unit. None: they look at all of
                its runs.
            run_count_min: Only units that were run this often or more often, 0 or more.
            run_count_max: Only units that were run this often or less often, 0 or more.
            created_after: Only units created at this moment or later.
            created_before: Only units created at this moment or earlier.
            created_by_user_ids: IDs of the users that created the units.
            created_by_station_ids: IDs of the stations that created the units.
            exclude_units_with_parent: Whether units that are built into another unit are left out. None: they are
                listed too.
            samples: What the units are samples of; ``production`` stands for units that are not samples.
            metadata: Conditions on the metadata, at most 5 keys, such as ``{"pcb_lot": {"contains": "L2291"}}``.
            include_metadata: Whether units come with their metadata. None: without.
            sort_by: What to sort by. None: by ``created_at``.
            sort_order: ``asc``: the smallest or oldest first; ``desc``: the largest or newest first. None: ``desc``.
            limit: Units per page, 1 to 100.
            cursor: Where to begin, in the server's counting, 0 to 2 ** 53 - 1; or a `Checkpoint`, to resume after the
                last unit that a walk of the same query yielded. None: at the beginning.
            max_items: Yield at most this many units, 0 or more. None: all.
            concurrency: At most this many pages are in flight or waiting to be used, 1 or more. None: the session's.
            on_drift: What to do about units that come and go during the walk: ``"ignore"``, ``"resync"`` or
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
            *filters.string("search_query", search_query),
            *filters.strings("ids", ids),
            *filters.strings("serial_numbers", serial_numbers),
            *filters.strings("part_numbers", part_numbers),
            *filters.strings("revision_numbers", revision_numbers),
            *filters.strings("batch_numbers", batch_numbers),
            *filters.strings("procedure_ids", procedure_ids),
            *filters.choices("outcomes", outcomes, get_args(RunOutcome)),
            *filters.moment_range("started", started_after, started_before),
            *filters.boolean("latest_only", latest_only),
            *filters.count_range("run_count", run_count_min, run_count_max),
            *filters.moment_range("created", created_after, created_before),
            *filters.strings("created_by_user_ids", created_by_user_ids),
            *filters.strings("created_by_station_ids", created_by_station_ids),
            *filters.boolean("exclude_units_with_parent", exclude_units_with_parent),
            *filters.choices("samples", samples, get_args(SampleFilter)),
            *filters.metadata("metadata", metadata),
            *filters.boolean("include_metadata", include_metadata),
            *filters.choice("sort_by", sort_by, get_args(UnitOrder)),
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
