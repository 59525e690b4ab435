"""The listing of procedures.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/procedures/list
"""

from datetime import datetime
from typing import Annotated, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Procedure, ProcedureDetails, VersionDetails

from ._base import Listing
from ._declaration import Bounds
from ._resource import Detailed, get_item, segment
from ._shared import PageOptions


class ProcedureFilters(PageOptions, total=False):
    """What ``session.procedures.list()`` takes."""

    search_query: Annotated[
        str | None,
        "Text that the name contains. A text of 6 characters or more also matches an ID that contains it.",
        Bounds(high=100),
    ]
    created_after: Annotated[datetime | None, "Only procedures created at this time or later."]
    created_before: Annotated[datetime | None, "Only procedures created at this time or earlier."]


class Procedures(Listing[Procedure], Detailed[ProcedureDetails]):
    """The procedures that the key may read."""

    def list(self, **arguments: Unpack[ProcedureFilters]) -> Paginator[Procedure]:
        """List procedures.

        The API does not say in which order it lists procedures.
        """
        return self._listed(arguments)

    async def get_version(self, procedure_id: str, tag: str) -> VersionDetails:
        """Return one version of a procedure.

        Args:
            procedure_id: The ID of the procedure.
            tag: The tag of the version, such as ``v3.2.0``.

        Raises:
            TypeError: An argument is not a string.
            ValueError: An argument is empty, ``.`` or ``..``, which no address can hold. Nothing was sent.
            NotFoundError: There is no such procedure, or it has no such version.
            TofuPilotError: The server did not respond as it should.
        """
        target = f"{self.path}/{segment('procedure_id', procedure_id)}/versions/{segment('tag', tag)}"
        missing = f"{self.name} has no {procedure_id!r}, or this has no version {tag!r}"
        return await get_item(self.connection, target, VersionDetails, missing=missing)
