"""The listings of procedures and of their deployments. The API documents the order of neither.

Sources: https://www.tofupilot.com/docs/dashboard/api/v2/procedures/list, and the official Python SDK ``tofupilot``
2.26.1, ``v2/models/deployment_listop.py``
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot import models
from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Deployment, Procedure

from ._arguments import Bounds, Environment, PageOptions
from ._base import Listing
from ._items import Detailed, get_item, segment


class ProcedureArguments(PageOptions, total=False):
    """Arguments of ``session.procedures.list()``."""

    search_query: Annotated[
        str | None,
        "Text that the name contains. A text of 6 characters or more also matches an ID that contains it.",
        Bounds(high=100),
    ]
    created_after: Annotated[datetime | None, "Only procedures created at this time or later."]
    created_before: Annotated[datetime | None, "Only procedures created at this time or earlier."]


class Procedures(Listing[Procedure], Detailed["models.ProcedureDetails"]):
    """The procedures that the key may read."""

    def list(self, **arguments: Unpack[ProcedureArguments]) -> Paginator[Procedure]:
        """List procedures.

        The API does not say in which order it lists procedures.
        """
        return self._listed(arguments)

    async def get_version(self, procedure_id: str, tag: str) -> "models.VersionDetails":
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
        missing = f"the {self.name} have no {procedure_id!r}, or it has no version {tag!r}"
        return await get_item(self.connection, target, models.VersionDetails, missing=missing)


class DeploymentArguments(PageOptions, total=False):
    """Arguments of ``session.deployments.list()``."""

    search_query: Annotated[str | None, "Text to search for. The API does not say in which fields."]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of the procedures that were deployed."]
    environments: Annotated[Sequence[Environment] | None, "Environments that they were deployed to."]
    build_statuses: Annotated[
        Sequence[Literal["pending", "building", "ready", "failed"]] | None, "States of the build."
    ]
    pushed: Annotated[
        bool | None,
        "Whether to list only deployments that were pushed to stations, or only the others. If None, all.",
    ]
    branch_names: Annotated[Sequence[str] | None, "Names of the branches that were deployed."]
    author_usernames: Annotated[Sequence[str] | None, "Account names of the authors of the commits."]
    deployed_after: Annotated[datetime | None, "Only deployments made at this time or later."]
    deployed_before: Annotated[datetime | None, "Only deployments made at this time or earlier."]


class Deployments(Listing[Deployment], Detailed["models.DeploymentDetails"]):
    """The deployments of procedures to stations. The API does not document the length of pages, so 100 is assumed."""

    is_recent: ClassVar[bool] = True
    creation_field: ClassVar[str | None] = "deployed_at"

    def list(self, **arguments: Unpack[DeploymentArguments]) -> Paginator[Deployment]:
        """List deployments.

        The API does not say in which order it lists deployments.
        """
        return self._listed(arguments)
