"""The listing of units.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/units/list
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Unit, UnitDetails

from ._base import Listing
from ._declaration import Bounds, ServerDefault
from ._resource import Detailed
from ._shared import PageOptions, RunOutcome, UnitSamples, WithMetadata, WithOrder

UnitOrder = Literal["serial_number", "created_at", "last_run_at", "part_number", "last_run_procedure"]
"""What units can be sorted by. ``last_run_procedure`` is the name of the procedure of a unit's latest run."""


class UnitFilters(WithMetadata, WithOrder, PageOptions, total=False):
    """What ``session.units.list()`` takes."""

    search_query: Annotated[
        str | None, "Text that the serial number contains, or the beginning of the unit's ID, 8 characters or more."
    ]
    ids: Annotated[Sequence[str] | None, "IDs of units."]
    serial_numbers: Annotated[Sequence[str] | None, "Serial numbers of units."]
    part_numbers: Annotated[Sequence[str] | None, "Part numbers of the units."]
    revision_numbers: Annotated[Sequence[str] | None, "Revision numbers of the units."]
    batch_numbers: Annotated[
        Sequence[str] | None,
        "Numbers of the batches that the units belong to. An empty string stands for units without a batch.",
    ]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of procedures. A unit matches if one of them was run on it."]
    outcomes: Annotated[Sequence[RunOutcome] | None, "Outcomes of runs. A unit matches if one of its runs ended so."]
    started_after: Annotated[datetime | None, "Only units with a run that started at this time or later."]
    started_before: Annotated[datetime | None, "Only units with a run that started at this time or earlier."]
    latest_only: Annotated[
        bool | None, "Whether the filters about runs look only at the latest run of a unit.", ServerDefault(False)
    ]
    run_count_min: Annotated[int | None, "Only units that were run this often or more often.", Bounds(0)]
    run_count_max: Annotated[int | None, "Only units that were run this often or less often.", Bounds(0)]
    created_after: Annotated[datetime | None, "Only units created at this time or later."]
    created_before: Annotated[datetime | None, "Only units created at this time or earlier."]
    created_by_user_ids: Annotated[Sequence[str] | None, "IDs of the users that created the units."]
    created_by_station_ids: Annotated[Sequence[str] | None, "IDs of the stations that created the units."]
    exclude_units_with_parent: Annotated[
        bool | None, "Whether units that are built into another unit are left out.", ServerDefault(False)
    ]
    samples: UnitSamples
    sort_by: Annotated[UnitOrder | None, "What to sort by.", ServerDefault("created_at")]


class Units(Listing[Unit], Detailed[UnitDetails]):
    """The units that the key may read."""

    key: ClassVar[str] = "serial_number"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at"})

    def list(self, **arguments: Unpack[UnitFilters]) -> Paginator[Unit]:
        """List units, the latest created first.

        ``procedure_ids``, ``outcomes``, ``started_after``, ``started_before``, ``latest_only`` and the run counts are
        about the runs of a unit. The other filters are about the unit itself.
        """
        return self._listed(arguments)
