"""The listing of phases, of one procedure at a time.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/phase_listop.py``
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - the command reads the types of list() at run time
from datetime import datetime, timedelta  # noqa: TC003 - likewise
from typing import ClassVar, Literal, get_args

from aiotofupilot._paging.paginator import Paginator  # noqa: TC001 - likewise
from aiotofupilot._paging.plan import OnDrift, OnUnreadable  # noqa: TC001 - likewise
from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise
from aiotofupilot.models import Phase

from . import filters
from .choices import Environment, PhaseOutcome, RunOutcome, SampleFilter, SortOrder
from .listing import Listing

__all__ = ["PhaseOrder", "Phases"]

PhaseOrder = Literal["started_at", "duration", "outcome", "serial_number", "phase_name"]
"""What phases can be sorted by."""


class Phases(Listing[Phase], item=Phase):
    """The phases of runs."""

    name = "phases"
    path = "/v2/phases"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"duration", "phase_name", "started_at"})
    oldest_first: ClassVar[str | None] = "started_at"
    shard_field: ClassVar[str | None] = "started_at"
    shard_filter: ClassVar[str | None] = "started"
    run_filter: ClassVar[str | None] = "ids"
    run_field: ClassVar[tuple[str, ...]] = ("run_id",)
    procedure_filter: ClassVar[str | None] = "procedure_id"

    def list(
        self,
        *,
        procedure_id: str,
        names: Sequence[str] | None = None,
        outcomes: Sequence[PhaseOutcome] | None = None,
        run_outcomes: Sequence[RunOutcome] | None = None,
        ids: Sequence[str] | None = None,
        sequence_paths: Sequence[str] | None = None,
        exclude_retries: bool | None = None,
        duration_min: timedelta | None = None,
        duration_max: timedelta | None = None,
        deployment_ids: Sequence[str] | None = None,
        procedure_versions: Sequence[str] | None = None,
        environments: Sequence[Environment] | None = None,
        serial_numbers: Sequence[str] | None = None,
        part_numbers: Sequence[str] | None = None,
        revision_numbers: Sequence[str] | None = None,
        batch_numbers: Sequence[str] | None = None,
        samples: Sequence[SampleFilter] | None = None,
        operated_by_ids: Sequence[str] | None = None,
        operated_by_names: Sequence[str] | None = None,
        created_by_user_ids: Sequence[str] | None = None,
        created_by_station_ids: Sequence[str] | None = None,
        started_after: datetime | None = None,
        started_before: datetime | None = None,
        sort_by: PhaseOrder | None = None,
        sort_order: SortOrder | None = None,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
        on_unreadable: OnUnreadable = "raise",
    ) -> Paginator[Phase]:
        """List phases of a procedure, the latest first. Nothing is sent before the listing is used.

        One procedure has to be named. An attempt at a phase that was followed by another attempt is left out, unless
        ``exclude_retries`` is False. ``ids`` and ``run_outcomes`` are about runs. ``outcomes`` are about the phases
        themselves.

        Where a filter takes several values, a phase has to match one of them. An empty list is no filter. Moments are
        timezone-aware; fractions of a millisecond are rounded so that they leave no phase out.

        Args:
            procedure_id: ID of the procedure whose phases are listed. The API requires it.
            names: Names of phases.
            outcomes: Outcomes of the phases themselves.
            run_outcomes: Outcomes of runs. They do not look at the outcome of the phase.
            ids: IDs of runs, not of phases.
            sequence_paths: Paths of the sequences that hold the phases.
            exclude_retries: Whether earlier attempts are left out. None: they are.
            duration_min: The shortest duration, probably of the run. The API does not say which duration this is.
            duration_max: The longest duration, probably of the run.
            deployment_ids: IDs of the deployments that ran.
            procedure_versions: Tags of the procedure's versions.
            environments: Environments of the deployments that ran.
            serial_numbers: Serial numbers of the units tested.
            part_numbers: Part numbers of the units.
            revision_numbers: Revision numbers of the units.
            batch_numbers: Numbers of the batches that the units belong to.
            samples: What the units are samples of; ``production`` stands for units that are not samples.
            operated_by_ids: IDs of the operators of the runs.
            operated_by_names: Names of the operators of the runs.
            created_by_user_ids: IDs of the users that created the runs.
            created_by_station_ids: IDs of the stations that created the runs.
            started_after: Only phases started at this moment or later.
            started_before: Only phases started at this moment or earlier.
            sort_by: What to sort by. None: by ``started_at``.
            sort_order: ``asc``: the smallest or oldest first; ``desc``: the largest or newest first. None: ``desc``.
            limit: Phases per page, 1 to 100. The API does not document its upper bound, so 100 is assumed. If a server
                sends fewer, the walk is only slower.
            cursor: Where to begin, in the server's counting, 0 to 2 ** 53 - 1; or a `Checkpoint`, to resume after the
                last phase that a walk of the same query yielded. None: at the beginning.
            max_items: Yield at most this many phases, 0 or more. None: all.
            concurrency: At most this many pages are in flight or waiting to be used, 1 or more. None: the session's.
            on_drift: What to do about phases that come and go during the walk: ``"ignore"``, ``"resync"`` or
                ``"raise"``, as for procedures. ``"resync"`` takes no ``sort_by`` but ``started_at``, ``duration`` and
                ``phase_name``.
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
            *filters.string("procedure_id", procedure_id, required=True),
            *filters.strings("names", names),
            *filters.choices("outcomes", outcomes, get_args(PhaseOutcome)),
            *filters.choices("run_outcomes", run_outcomes, get_args(RunOutcome)),
            *filters.strings("ids", ids),
            *filters.strings("sequence_paths", sequence_paths),
            *filters.boolean("exclude_retries", exclude_retries),
            *filters.duration_range("duration", duration_min, duration_max),
            *filters.strings("deployment_ids", deployment_ids),
            *filters.strings("procedure_versions", procedure_versions),
            *filters.choices("environments", environments, get_args(Environment)),
            *filters.strings("serial_numbers", serial_numbers),
            *filters.strings("part_numbers", part_numbers),
            *filters.strings("revision_numbers", revision_numbers),
            *filters.strings("batch_numbers", batch_numbers),
            *filters.choices("samples", samples, get_args(SampleFilter)),
            *filters.strings("operated_by_ids", operated_by_ids),
            *filters.strings("operated_by_names", operated_by_names),
            *filters.strings("created_by_user_ids", created_by_user_ids),
            *filters.strings("created_by_station_ids", created_by_station_ids),
            *filters.moment_range("started", started_after, started_before),
            *filters.choice("sort_by", sort_by, get_args(PhaseOrder)),
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
