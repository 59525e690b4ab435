"""The listing of procedures.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/procedures/list
"""

from datetime import datetime
from typing import Annotated, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Procedure

from ._base import Listing
from ._declaration import Bounds
from ._shared import PageOptions

__all__ = ["ProcedureFilters", "Procedures"]


class ProcedureFilters(PageOptions, total=False):
    """What ``session.procedures.list()`` takes."""

    search_query: Annotated[
        str | None,
        "Text that the name contains. A text of 6 characters or more also matches an ID that contains it.",
        Bounds(high=100),
    ]
    created_after: Annotated[datetime | None, "Only procedures created at this time or later."]
    created_before: Annotated[datetime | None, "Only procedures created at this time or earlier."]


class Procedures(Listing[Procedure]):
    """The procedures that the key may read."""

    def list(self, **arguments: Unpack[ProcedureFilters]) -> Paginator[Procedure]:
        """List procedures.

        The API does not say in which order it lists procedures.
        """
        return self._listed(arguments)
