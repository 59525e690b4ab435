"""The listing of parts. The API has no other listing of revisions.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/parts/list
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Part, PartDetails, RevisionDetails

from ._base import Listing
from ._declaration import Bounds, ServerDefault
from ._resource import Detailed, get_item, segment
from ._shared import PageOptions, WithMetadata, WithOrder

PartOrder = Literal["name", "number", "created_at"]
"""What parts can be sorted by."""


class PartFilters(WithMetadata, WithOrder, PageOptions, total=False):
    """What ``session.parts.list()`` takes."""

    search_query: Annotated[str | None, "Text that the name or the number contains.", Bounds(high=100)]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of procedures. A part matches if one of them tests its units."]
    sort_by: Annotated[PartOrder | None, "What to sort by.", ServerDefault("created_at")]


class Parts(Listing[Part], Detailed[PartDetails]):
    """The part numbers that units can have."""

    key: ClassVar[str] = "number"
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at"})

    def list(self, **arguments: Unpack[PartFilters]) -> Paginator[Part]:
        """List parts, the latest created first.

        Each part comes with all of its revisions. The API has no filter by time here.
        """
        return self._listed(arguments)

    async def get_revision(self, part_number: str, revision_number: str) -> RevisionDetails:
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
        missing = f"{self.name} has no {part_number!r}, or this has no revision {revision_number!r}"
        return await get_item(self.connection, f"{self.path}/{steps}", RevisionDetails, missing=missing)
