"""The listing of parts. The API has no other listing of revisions.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/parts/list
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Part

from ._base import Listing
from ._declaration import Bounds, ServerDefault
from ._shared import PageOptions, WithMetadata, WithOrder

__all__ = ["PartFilters", "PartOrder", "Parts"]

PartOrder = Literal["name", "number", "created_at"]
"""What parts can be sorted by."""


class PartFilters(WithMetadata, WithOrder, PageOptions, total=False):
    """What ``session.parts.list()`` takes."""

    search_query: Annotated[str | None, "Text that the name or the number contains.", Bounds(high=100)]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of procedures. A part matches if one of them tests its units."]
    sort_by: Annotated[PartOrder | None, "What to sort by.", ServerDefault("created_at")]


class Parts(Listing[Part]):
    """The part numbers that units can have."""

    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at"})

    def list(self, **arguments: Unpack[PartFilters]) -> Paginator[Part]:
        """List parts, the latest created first.

        Each part comes with all of its revisions. The API has no filter by time here.
        """
        return self._listed(arguments)
