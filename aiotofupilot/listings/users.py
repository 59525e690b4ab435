"""The listing of users.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/users/list
"""

from typing import Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import User

from ._base import Listing
from ._shared import Options

__all__ = ["Users"]


class Users(Listing[User]):
    """The users of the organization."""

    def list(self, **arguments: Unpack[Options]) -> Paginator[User]:
        """List the users of the organization.

        The API has no filters here. It returns all users at once, in an order that it does not document.
        """
        return self._listed(arguments)
