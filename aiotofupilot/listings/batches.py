"""The listing of batches.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/batches/list
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Batch, BatchDetails

from ._base import Listing
from ._declaration import Bounds, ServerDefault
from ._resource import Detailed
from ._shared import PageOptions, WithOrder

BatchOrder = Literal["number", "created_at"]
"""What batches can be sorted by."""


class BatchFilters(WithOrder, PageOptions, total=False):
    """What ``session.batches.list()`` takes."""

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
    sort_by: Annotated[BatchOrder | None, "What to sort by.", ServerDefault("created_at")]


class Batches(Listing[Batch], Detailed[BatchDetails]):
    """The batches that units are made in."""

    key: ClassVar[str] = "number"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at"})

    def list(self, **arguments: Unpack[BatchFilters]) -> Paginator[Batch]:
        """List batches, the latest created first."""
        return self._listed(arguments)
