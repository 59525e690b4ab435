"""The listings of procedures, deployments, stations and users. The API documents the order of none of them.

Sources: https://www.tofupilot.com/docs/dashboard/api/v2/procedures/list, likewise ``stations`` and ``users``, and the
official Python SDK ``tofupilot`` 2.26.1, ``v2/models/deployment_listop.py``
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import (
    Deployment,
    DeploymentDetails,
    Procedure,
    ProcedureDetails,
    Station,
    StationDetails,
    User,
    VersionDetails,
)

from ._base import Listing
from ._declaration import Bounds
from ._resource import Detailed, get_item, segment
from ._shared import Environment, Options, PageOptions, WithMetadata


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


class DeploymentFilters(PageOptions, total=False):
    """What ``session.deployments.list()`` takes."""

    search_query: Annotated[str | None, "Text to search for. The API does not say in which fields."]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of the procedures that were deployed."]
    environments: Annotated[Sequence[Environment] | None, "Environments that they were deployed to."]
    build_statuses: Annotated[
        Sequence[Literal["pending", "building", "ready", "failed"]] | None, "States of the build."
    ]
    pushed: Annotated[
        bool | None, "Whether only deployments that were pushed to stations are listed, or only the others. None: all."
    ]
    branch_names: Annotated[Sequence[str] | None, "Names of the branches that were deployed."]
    author_usernames: Annotated[Sequence[str] | None, "Account names of the authors of the commits."]
    deployed_after: Annotated[datetime | None, "Only deployments made at this time or later."]
    deployed_before: Annotated[datetime | None, "Only deployments made at this time or earlier."]


class Deployments(Listing[Deployment], Detailed[DeploymentDetails]):
    """The deployments of procedures to stations. The API does not document the length of pages, so 100 is assumed."""

    is_recent: ClassVar[bool] = True
    creation_field: ClassVar[str | None] = "deployed_at"

    def list(self, **arguments: Unpack[DeploymentFilters]) -> Paginator[Deployment]:
        """List deployments.

        The API does not say in which order it lists deployments.
        """
        return self._listed(arguments)


class StationFilters(WithMetadata, PageOptions, total=False):
    """What ``session.stations.list()`` takes."""

    search_query: Annotated[str | None, "Text that the name contains."]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of procedures. A station matches if it runs one of them."]


class Stations(Listing[Station], Detailed[StationDetails]):
    """The test benches of the organization."""

    forbidden: ClassVar[str | None] = (
        "some servers let only the key of a user read a station, and others only that of a station: "
        "session.stations.list() and session.stations.current() may be allowed"
    )

    def list(self, **arguments: Unpack[StationFilters]) -> Paginator[Station]:
        """List stations.

        The API does not say in which order it lists stations. The key of a station may not list them.
        """
        return self._listed(arguments)

    async def current(self) -> StationDetails:
        """Return the station whose key the session has.

        Raises:
            ForbiddenError: The key is a user's.
            NotFoundError: The server is too old to say it.
            TofuPilotError: The server did not respond as it should.
        """
        return await get_item(
            self.connection,
            f"{self.path}/current",
            StationDetails,
            missing="the server is too old to say whose key this is",
            forbidden="only the key of a station has a current station: session.users.current() is for that of a user",
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
