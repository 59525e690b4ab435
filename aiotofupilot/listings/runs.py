"""The listing of runs.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/runs/list
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Run, RunDetails

from ._base import Listing
from ._declaration import ServerDefault
from ._resource import Detailed
from ._shared import OfOperatedRun, PageOptions, RunOutcome, UnitSamples, WithMetadata, WithOrder

RunOrder = Literal["started_at", "created_at", "duration", "outcome", "serial_number", "part_number", "revision_number"]
"""What runs can be sorted by."""


class RunFilters(OfOperatedRun, WithMetadata, WithOrder, PageOptions, total=False):
    """What ``session.runs.list()`` takes."""

    search_query: Annotated[
        str | None, "Text that the serial number contains, or the beginning of the run's ID, 8 characters or more."
    ]
    ids: Annotated[Sequence[str] | None, "IDs of runs."]
    outcomes: Annotated[Sequence[RunOutcome] | None, "How the run ended."]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of the procedures that were run."]
    execution_ids: Annotated[Sequence[str] | None, "IDs of executions. One execution can test several slots together."]
    slot_keys: Annotated[Sequence[str] | None, "Keys of the slots in which the units were tested."]
    slot_names: Annotated[Sequence[str] | None, "Names of the slots in which the units were tested."]
    samples: UnitSamples
    duration_min: Annotated[timedelta | None, "Only runs that took this long or longer."]
    duration_max: Annotated[timedelta | None, "Only runs that took this long or shorter."]
    started_after: Annotated[datetime | None, "Only runs started at this time or later."]
    started_before: Annotated[datetime | None, "Only runs started at this time or earlier."]
    ended_after: Annotated[datetime | None, "Only runs ended at this time or later."]
    ended_before: Annotated[datetime | None, "Only runs ended at this time or earlier."]
    created_after: Annotated[datetime | None, "Only runs created at this time or later."]
    created_before: Annotated[datetime | None, "Only runs created at this time or earlier."]
    include_sequences: Annotated[
        bool | None, "Whether runs come with the sequences at their top level.", ServerDefault(False)
    ]
    sort_by: Annotated[RunOrder | None, "What to sort by.", ServerDefault("started_at")]


class Runs(Listing[Run], Detailed[RunDetails]):
    """The runs that the key may read."""

    stable_orders: ClassVar[frozenset[str]] = frozenset({"started_at", "created_at", "duration"})
    sort_paths: ClassVar[dict[str | None, tuple[str, ...]]] = {None: ("started_at",)}

    def list(self, **arguments: Unpack[RunFilters]) -> Paginator[Run]:
        """List runs, the latest started first."""
        return self._listed(arguments)
