"""The listing of users.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/users/list
"""

from typing import Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import User

from ._base import Listing
from ._resource import get_item
from ._shared import Options


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
            NotFoundError: The server is too old to say it.
            TofuPilotError: The server did not respond as it should.
        """
        return await get_item(
            self.connection,
            f"{self.path}/current",
            User,
            missing="the server is too old to say whose key this is: session.users.list() has all users",
            forbidden="only the key of a user has a current user: session.stations.current() is for that of a station",
        )
