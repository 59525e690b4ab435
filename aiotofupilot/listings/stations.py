"""The listings of stations and users. The API documents the order of neither.

Sources: https://www.tofupilot.com/docs/dashboard/api/v2/stations/list, and ``users``
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Unpack

from aiotofupilot import models
from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Station, User

from ._arguments import Options, PageOptions, WithMetadata
from ._base import Listing
from ._items import Detailed, get_item


class StationArguments(WithMetadata, PageOptions, total=False):
    """Arguments of ``session.stations.list()``."""

    search_query: Annotated[str | None, "Text that the name contains."]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of procedures. A station matches if it runs one of them."]


class Stations(Listing[Station], Detailed["models.StationDetails"]):
    """The test benches of the organization."""

    forbidden: ClassVar[str | None] = (
        "some servers let only a user's key read a station, and others only a station's key: "
        "session.stations.list() or session.stations.current() may be allowed"
    )

    def list(self, **arguments: Unpack[StationArguments]) -> Paginator[Station]:
        """List stations.

        The API does not say in which order it lists stations. The key of a station may not list them.
        """
        return self._listed(arguments)

    async def current(self) -> "models.StationDetails":
        """Return the station whose key the session has.

        Raises:
            ForbiddenError: The key is a user's.
            NotFoundError: The server is too old for this request.
            TofuPilotError: The server did not respond as it should.
        """
        return await get_item(
            self.connection,
            f"{self.path}/current",
            models.StationDetails,
            missing="the server is too old to say whose key this is",
            forbidden="only a station's key has a current station: use session.users.current() for a user's key",
        )


class Users(Listing[User]):
    """The users of the organization."""

    def list(self, **arguments: Unpack[Options]) -> Paginator[User]:
        """List the users of the organization.

        The API has no filters here. It returns all users at once, in an order that it does not document.
        """
        return self._listed(arguments)

    async def current(self) -> User:
        """Return the user whose key the session has.

        Raises:
            ForbiddenError: The key is a station's.
            NotFoundError: The server is too old for this request.
            TofuPilotError: The server did not respond as it should.
        """
        return await get_item(
            self.connection,
            f"{self.path}/current",
            User,
            missing="the server is too old to say whose key this is: session.users.list() has all users",
            forbidden="only a user's key has a current user: use session.stations.current() for a station's key",
        )
