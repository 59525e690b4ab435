"""The listing of stations.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/stations/list
"""

from collections.abc import Sequence
from typing import Annotated, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Station

from ._base import Listing
from ._shared import PageOptions, WithMetadata

__all__ = ["StationFilters", "Stations"]


class StationFilters(WithMetadata, PageOptions, total=False):
    """What ``session.stations.list()`` takes."""

    search_query: Annotated[str | None, "Text that the name contains."]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of procedures. A station matches if it runs one of them."]


class Stations(Listing[Station]):
    """The test benches of the organization."""

    def list(self, **arguments: Unpack[StationFilters]) -> Paginator[Station]:
        """List stations.

        The API does not say in which order it lists stations. The key of a station may not list them.
        """
        return self._listed(arguments)
