"""The listings of units, parts and batches. The API lists revisions only with their parts.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/units/list, and the pages of ``parts`` and ``batches``
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot import models
from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Batch, Part, Unit

from ._arguments import Bounds, PageOptions, RunOutcome, ServerDefault, UnitSamples, WithMetadata, WithOrder
from ._base import Listing
from ._items import Detailed, get_item, segment


class UnitArguments(WithMetadata, WithOrder, PageOptions, total=False):
    """Arguments of ``session.units.list()``."""

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
    outcomes: Annotated[
        Sequence[RunOutcome] | None, "Outcomes of runs. A unit matches if one of its runs has one of them."
    ]
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
    sort_by: Annotated[
        Literal["serial_number", "created_at", "last_run_at", "part_number", "last_run_procedure"] | None,
        "What to sort by. ``last_run_procedure`` is the name of the procedure of a unit's latest run.",
        ServerDefault("created_at"),
    ]


class Units(Listing[Unit], Detailed["models.UnitDetails"]):
    """The units that the key may read."""

    key: ClassVar[str] = "serial_number"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at"})
    other_orders: ClassVar[tuple[str, ...]] = ("serial_number", "part_number")

    def list(self, **arguments: Unpack[UnitArguments]) -> Paginator[Unit]:
        """List units, the latest created first.

        ``procedure_ids``, ``outcomes``, ``started_after``, ``started_before``, ``latest_only`` and the run counts
        filter by the runs of a unit. The other filters select by the unit itself.
        """
        return self._listed(arguments)


class PartArguments(WithMetadata, WithOrder, PageOptions, total=False):
    """Arguments of ``session.parts.list()``."""

    search_query: Annotated[str | None, "Text that the name or the number contains.", Bounds(high=100)]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of procedures. A part matches if one of them tests its units."]
    sort_by: Annotated[Literal["name", "number", "created_at"] | None, "What to sort by.", ServerDefault("created_at")]


class Parts(Listing[Part], Detailed["models.PartDetails"]):
    """The part numbers that units can have."""

    key: ClassVar[str] = "number"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at"})

    def list(self, **arguments: Unpack[PartArguments]) -> Paginator[Part]:
        """List parts, the latest created first.

        Each part comes with all of its revisions. The API has no filter by time here.
        """
        return self._listed(arguments)

    async def get_revision(self, part_number: str, revision_number: str) -> "models.RevisionDetails":
        """Return one revision of a part, with its units.

        Args:
            part_number: The number of the part.
            revision_number: The number of the revision, such as ``C``.

        Raises:
            TypeError: An argument is not a string.
            ValueError: An argument is empty, ``.`` or ``..``, which no address can hold. Nothing was sent.
            NotFoundError: There is no such part, or it has no such revision.
            TofuPilotError: The server did not respond as it should.
        """
        steps = f"{segment('part_number', part_number)}/revisions/{segment('revision_number', revision_number)}"
        missing = f"the {self.name} have no {part_number!r}, or it has no revision {revision_number!r}"
        return await get_item(self.connection, f"{self.path}/{steps}", models.RevisionDetails, missing=missing)


class BatchArguments(WithOrder, PageOptions, total=False):
    """Arguments of ``session.batches.list()``."""

    search_query: Annotated[
        str | None,
        "Text that the number of the batch, or the serial number of a unit in it, contains.",
        Bounds(high=100),
    ]
    ids: Annotated[Sequence[str] | None, "IDs of batches."]
    numbers: Annotated[Sequence[str] | None, "Numbers of batches."]
    part_numbers: Annotated[Sequence[str] | None, "Part numbers. A batch matches if it holds a unit with one of them."]
    revision_numbers: Annotated[
        Sequence[str] | None, "Revision numbers. A batch matches if it holds a unit with one of them."
    ]
    created_after: Annotated[datetime | None, "Only batches created at this time or later."]
    created_before: Annotated[datetime | None, "Only batches created at this time or earlier."]
    sort_by: Annotated[Literal["number", "created_at"] | None, "What to sort by.", ServerDefault("created_at")]


class Batches(Listing[Batch], Detailed["models.BatchDetails"]):
    """The batches that units are made in."""

    key: ClassVar[str] = "number"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at"})
    other_orders: ClassVar[tuple[str, ...]] = ("number",)

    def list(self, **arguments: Unpack[BatchArguments]) -> Paginator[Batch]:
        """List batches, the latest created first."""
        return self._listed(arguments)
