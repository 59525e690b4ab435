"""The listing of runs.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/runs/list
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - the command reads the types of list() at run time
from datetime import datetime, timedelta  # noqa: TC003 - likewise
from typing import ClassVar, Literal, get_args

from aiotofupilot._paging.paginator import Paginator  # noqa: TC001 - likewise
from aiotofupilot._paging.plan import OnDrift, OnUnreadable  # noqa: TC001 - likewise
from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise
from aiotofupilot.models import Run

from . import filters
from .choices import Environment, MetadataFilter, RunOutcome, SampleFilter, SortOrder
from .listing import Listing

__all__ = ["RunOrder", "Runs"]

RunOrder = Literal["started_at", "created_at", "duration", "outcome", "serial_number", "part_number", "revision_number"]
"""What runs can be sorted by."""


class Runs(Listing[Run], item=Run):
    """The runs that the key may read."""

    name = "runs"
    path = "/v2/runs"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"started_at", "created_at", "duration"})
    creation_field: ClassVar[str | None] = "created_at"
    creation_filter: ClassVar[str | None] = "created"
    oldest_first: ClassVar[str | None] = "created_at"

    def list(
        self,
        *,
        search_query: str | None = None,
        ids: Sequence[str] | None = None,
        outcomes: Sequence[RunOutcome] | None = None,
        procedure_ids: Sequence[str] | None = None,
        procedure_versions: Sequence[str] | None = None,
        deployment_ids: Sequence[str] | None = None,
        execution_ids: Sequence[str] | None = None,
        slot_keys: Sequence[str] | None = None,
        slot_names: Sequence[str] | None = None,
        environments: Sequence[Environment] | None = None,
        serial_numbers: Sequence[str] | None = None,
        samples: Sequence[SampleFilter] | None = None,
        part_numbers: Sequence[str] | None = None,
        revision_numbers: Sequence[str] | None = None,
        batch_numbers: Sequence[str] | None = None,
        duration_min: timedelta | None = None,
        duration_max: timedelta | None = None,
        started_after: datetime | None = None,
        started_before: datetime | None = None,
        ended_after: datetime | None = None,
        ended_before: datetime | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        created_by_user_ids: Sequence[str] | None = None,
        created_by_station_ids: Sequence[str] | None = None,
        operated_by_ids: Sequence[str] | None = None,
        operated_by_names: Sequence[str] | None = None,
        metadata: MetadataFilter | None = None,
        include_metadata: bool | None = None,
        include_sequences: bool | None = None,
        sort_by: RunOrder | None = None,
        sort_order: SortOrder | None = None,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
        on_unreadable: OnUnreadable = "raise",
    ) -> Paginator[Run]:
        """List runs, the latest started first. Nothing is sent before the listing is used.

        Where a filter takes several values, a run has to match one of them. An empty list is no filter. Moments are
        timezone-aware; fractions of a millisecond are rounded so that they leave no run out.

        Args:
            search_query: Text that the serial number contains, or the beginning of the run's ID, 8 characters or more.
            ids: IDs of runs.
            outcomes: How the run ended.
            procedure_ids: IDs of the procedures that were run.
            procedure_versions: Tags of the procedure's versions.
            deployment_ids: IDs of the deployments that ran.
            execution_ids: IDs of executions. One execution can test several slots together.
            slot_keys: Keys of the slots in which the units were tested.
            slot_names: Names of the slots in which the units were tested.
            environments: Environments of the deployments that ran.
            serial_numbers: Serial numbers of the units tested.
            samples: What the units are samples of; ``production`` stands for units that are not samples.
            part_numbers: Part numbers of the units.
            revision_numbers: Revision numbers of the units.
            batch_numbers: Numbers of the batches that the units belong to.
            duration_min: Only runs that took this long or longer.
            duration_max: Only runs that took this long or shorter.
            started_after: Only runs started at this moment or later.
            started_before: Only runs started at this moment or earlier.
            ended_after: Only runs ended at this moment or later.
            ended_before: Only runs ended at this moment or earlier.
            created_after: Only runs created at this moment or later.
            created_before: Only runs created at this moment or earlier.
            created_by_user_ids: IDs of the users that created the runs.
            created_by_station_ids: IDs of the stations that created the runs.
            operated_by_ids: IDs of the operators.
            operated_by_names: Names of the operators.
            metadata: Conditions on the metadata, at most 5 keys, such as ``{"shift": {"in": ["A", "B"]}}``.
            include_metadata: Whether runs come with their metadata. None: without.
            include_sequences: Whether runs come with the sequences at their top level. None: without.
            sort_by: What to sort by. None: by ``started_at``.
            sort_order: ``asc``: the smallest or oldest first; ``desc``: the largest or newest first. None: ``desc``.
            limit: Runs per page, 1 to 100.
            cursor: Where to begin, in the server's counting, 0 to 2 ** 53 - 1; or a `Checkpoint`, to resume after the
                last run that a walk of the same query yielded. None: at the beginning.
            max_items: Yield at most this many runs, 0 or more. None: all.
            concurrency: At most this many pages are in flight or waiting to be used, 1 or more. None: the session's.
            on_drift: What to do about runs that come and go during the walk: ``"ignore"``, ``"resync"`` or ``"raise"``,
                as for procedures. ``"resync"`` takes no ``sort_by`` but ``started_at``, ``created_at`` and
                ``duration``.
            on_unreadable: What to do about a single item that the server cannot serve, or that is not what the API
                promises. A page with such an item fails. It is asked for in smaller parts until the item is alone.
                ``"raise"`` yields all items before it, and raises an error whose ``position`` is the position of the
                item. ``"skip"`` leaves the item out and goes on. `WalkStats.unreadable` counts such items.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of bounds, a date-time is naive, a range is empty, or a checkpoint is
                of another listing or query.
        """
        pairs = (
            *filters.string("search_query", search_query),
            *filters.strings("ids", ids),
            *filters.choices("outcomes", outcomes, get_args(RunOutcome)),
            *filters.strings("procedure_ids", procedure_ids),
            *filters.strings("procedure_versions", procedure_versions),
            *filters.strings("deployment_ids", deployment_ids),
            *filters.strings("execution_ids", execution_ids),
            *filters.strings("slot_keys", slot_keys),
            *filters.strings("slot_names", slot_names),
            *filters.choices("environments", environments, get_args(Environment)),
            *filters.strings("serial_numbers", serial_numbers),
            *filters.choices("samples", samples, get_args(SampleFilter)),
            *filters.strings("part_numbers", part_numbers),
            *filters.strings("revision_numbers", revision_numbers),
            *filters.strings("batch_numbers", batch_numbers),
            *filters.duration_range("duration", duration_min, duration_max),
            *filters.moment_range("started", started_after, started_before),
            *filters.moment_range("ended", ended_after, ended_before),
            *filters.moment_range("created", created_after, created_before),
            *filters.strings("created_by_user_ids", created_by_user_ids),
            *filters.strings("created_by_station_ids", created_by_station_ids),
            *filters.strings("operated_by_ids", operated_by_ids),
            *filters.strings("operated_by_names", operated_by_names),
            *filters.metadata("metadata", metadata),
            *filters.boolean("include_metadata", include_metadata),
            *filters.boolean("include_sequences", include_sequences),
            *filters.choice("sort_by", sort_by, get_args(RunOrder)),
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
