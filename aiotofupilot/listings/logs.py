"""The listing of logs.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/log_listop.py``
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Log

from ._base import Listing
from ._declaration import ServerDefault
from ._query import ByRun
from ._resource import Detailed
from ._shared import LogLevel, OfRun, PageOptions, RunOutcome, Sample, WithOrder
from .runs import Runs

LogOrder = Literal["created_at", "level", "run_id", "outcome"]
"""What log lines can be sorted by. ``outcome`` is the outcome of the run."""


class LogFilters(OfRun, WithOrder, PageOptions, total=False):
    """What ``session.logs.list()`` takes."""

    search_query: Annotated[str | None, "Text that the message contains."]
    levels: Annotated[Sequence[LogLevel] | None, "Levels of the lines."]
    timestamp_after: Annotated[datetime | None, "Only lines with a ``created_at`` of this time or later."]
    timestamp_before: Annotated[datetime | None, "Only lines with a ``created_at`` of this time or earlier."]
    source_files: Annotated[Sequence[str] | None, "Files that wrote the lines."]
    run_ids: Annotated[Sequence[str] | None, "IDs of the runs that wrote the lines."]
    run_outcomes: Annotated[Sequence[RunOutcome] | None, "How the run ended."]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of the procedures that were run."]
    samples: Annotated[
        Sequence[Sample] | None,
        "What the units are samples of. This listing has no value for units that are not samples.",
    ]
    sort_by: Annotated[LogOrder | None, "What to sort by.", ServerDefault("created_at")]


class Logs(Listing[Log], Detailed[Log]):
    """The lines in the logs of runs. The API does not document the length of pages, so 100 is assumed."""

    is_recent: ClassVar[bool] = True
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at", "level", "run_id"})
    creation_filter: ClassVar[str | None] = "timestamp"
    sort_paths: ClassVar[dict[str | None, tuple[str, ...]]] = {"run_id": ("run", "id")}
    by_run: ClassVar[ByRun | None] = ByRun(Runs, run_ids="run_ids", run_id=("run", "id"))

    def list(self, **arguments: Unpack[LogFilters]) -> Paginator[Log]:
        """List log lines, the latest written first.

        ``timestamp_after`` and ``timestamp_before`` are about what a line, and ``sort_by``, call ``created_at``.
        """
        return self._listed(arguments)
