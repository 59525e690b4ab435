"""The listing of users.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/users/list
"""

from __future__ import annotations

from aiotofupilot._paging.paginator import Paginator  # noqa: TC001 - the command reads the types of list() at run time
from aiotofupilot._paging.plan import OnDrift  # noqa: TC001 - likewise
from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise
from aiotofupilot.models import User

from .listing import Listing

__all__ = ["Users"]


class Users(Listing[User], item=User):
    """The users of the organization."""

    name = "users"
    path = "/v2/users"
    is_bare = True

    def list(
        self,
        *,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        on_drift: OnDrift = "ignore",
    ) -> Paginator[User]:
        """List the users of the organization. Nothing is sent before the listing is used.

        The API has no filters and no pages here. It answers with all users at once, in an order that it does not
        document. So the options about pages, which other listings have, do not exist here.

        Args:
            cursor: How many users to leave out, 0 to 2 ** 53 - 1; or a `Checkpoint`, to resume after the last user that
                a walk yielded. None: no user is left out.
            max_items: Yield at most this many users, 0 or more. None: all.
            on_drift: What to do if users have come or gone before a walk is resumed: ``"ignore"``, ``"resync"`` or
                ``"raise"``, as for procedures.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of bounds, or a checkpoint is of another listing.
        """
        return self._paginator((), cursor=cursor, max_items=max_items, on_drift=on_drift)
