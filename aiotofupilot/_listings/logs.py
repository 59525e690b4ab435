"""The listing of logs.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/log_listop.py``
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - the command reads the types of list() at run time
from datetime import datetime  # noqa: TC003 - likewise
from typing import ClassVar, Literal, get_args

from aiotofupilot._paging.paginator import Paginator  # noqa: TC001 - likewise
from aiotofupilot._paging.plan import OnDrift, OnUnreadable  # noqa: TC001 - likewise
from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise
from aiotofupilot.models import Log

from . import filters
from .choices import Environment, LogLevel, RunOutcome, Sample, SortOrder
from .listing import Listing

__all__ = ["LogOrder", "Logs"]

LogOrder = Literal["created_at", "level", "run_id", "outcome"]
"""What log lines can be sorted by. ``outcome`` is the outcome of the run."""


class Logs(Listing[Log], item=Log):
    """The lines in the logs of runs."""

    name = "logs"
    path = "/v2/logs"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at", "level", "run_id"})
    creation_field: ClassVar[str | None] = "created_at"
    creation_filter: ClassVar[str | None] = "timestamp"
    oldest_first: ClassVar[str | None] = "created_at"
    run_filter: ClassVar[str | None] = "run_ids"
    run_field: ClassVar[tuple[str, ...]] = ("run", "id")

    def list(
        self,
        *,
        search_query: str | None = None,
        levels: Sequence[LogLevel] | None = None,
        timestamp_after: datetime | None = None,
        timestamp_before: datetime | None = None,
        source_files: Sequence[str] | None = None,
        run_ids: Sequence[str] | None = None,
        run_outcomes: Sequence[RunOutcome] | None = None,
        procedure_ids: Sequence[str] | None = None,
        procedure_versions: Sequence[str] | None = None,
        deployment_ids: Sequence[str] | None = None,
        environments: Sequence[Environment] | None = None,
        serial_numbers: Sequence[str] | None = None,
        part_numbers: Sequence[str] | None = None,
        revision_numbers: Sequence[str] | None = None,
        batch_numbers: Sequence[str] | None = None,
        samples: Sequence[Sample] | None = None,
        created_by_user_ids: Sequence[str] | None = None,
        created_by_station_ids: Sequence[str] | None = None,
        sort_by: LogOrder | None = None,
        sort_order: SortOrder | None = None,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
        on_unreadable: OnUnreadable = "raise",
    ) -> Paginator[Log]:
        """List log lines, the latest written first. Nothing is sent before the listing is used.

        The filters ``timestamp_after`` and ``timestamp_before`` bound the field ``created_at`` of an item.

        Where a filter takes several values, a log line has to match one of them. An empty list is no filter. Moments
        are timezone-aware; fractions of a millisecond are rounded so that they leave no log line out.

        Args:
            search_query: Text that the message contains.
            levels: Levels of the lines.
            timestamp_after: Only lines with a ``created_at`` of this moment or later.
            timestamp_before: Only lines with a ``created_at`` of this moment or earlier.
            source_files: Files that wrote the lines.
            run_ids: IDs of the runs that wrote the lines.
            run_outcomes: How the run ended.
            procedure_ids: IDs of the procedures that were run.
            procedure_versions: Tags of the procedure's versions.
            deployment_ids: IDs of the deployments that ran.
            environments: Environments of the deployments that ran.
            serial_numbers: Serial numbers of the units tested.
            part_numbers: Part numbers of the units.
            revision_numbers: Revision numbers of the units.
            batch_numbers: Numbers of the batches that the units belong to.
            samples: What the units are samples of. This listing has no value for units that are not samples.
            created_by_user_ids: IDs of the users that created the runs.
            created_by_station_ids: IDs of the stations that created the runs.
            sort_by: What to sort by. None: by ``created_at``.
            sort_order: ``asc``: the smallest or oldest first; ``desc``: the largest or newest first. None: ``desc``.
            limit: Log lines per page, 1 to 100. The API does not document its upper bound, so 100 is assumed. If a
                server sends fewer, the walk is only slower.
            cursor: Where to begin, in the server's counting, 0 to 2 ** 53 - 1; or a `Checkpoint`, to resume after the
                last log line that a walk of the same query yielded. None: at the beginning.
            max_items: Yield at most this many log lines, 0 or more. None: all.
            concurrency: At most this many pages are in flight or waiting to be used, 1 or more. None: the session's.
            on_drift: What to do about log lines that come and go during the walk: ``"ignore"``, ``"resync"`` or
                ``"raise"``, as for procedures. ``"resync"`` takes no ``sort_by`` but ``created_at``, ``level`` and
                ``run_id``.
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
            *filters.choices("levels", levels, get_args(LogLevel)),
            *filters.moment_range("timestamp", timestamp_after, timestamp_before),
            *filters.strings("source_files", source_files),
            *filters.strings("run_ids", run_ids),
            *filters.choices("run_outcomes", run_outcomes, get_args(RunOutcome)),
            *filters.strings("procedure_ids", procedure_ids),
            *filters.strings("procedure_versions", procedure_versions),
            *filters.strings("deployment_ids", deployment_ids),
            *filters.choices("environments", environments, get_args(Environment)),
            *filters.strings("serial_numbers", serial_numbers),
            *filters.strings("part_numbers", part_numbers),
            *filters.strings("revision_numbers", revision_numbers),
            *filters.strings("batch_numbers", batch_numbers),
            *filters.choices("samples", samples, get_args(Sample)),
            *filters.strings("created_by_user_ids", created_by_user_ids),
            *filters.strings("created_by_station_ids", created_by_station_ids),
            *filters.choice("sort_by", sort_by, get_args(LogOrder)),
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
