"""The listing of deployments.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/deployment_listop.py``
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Deployment, DeploymentDetails

from ._base import Listing
from ._resource import Detailed
from ._shared import BuildStatus, Environment, PageOptions


class DeploymentFilters(PageOptions, total=False):
    """What ``session.deployments.list()`` takes."""

    search_query: Annotated[str | None, "Text to search for. The API does not say in which fields."]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of the procedures that were deployed."]
    environments: Annotated[Sequence[Environment] | None, "Environments that they were deployed to."]
    build_statuses: Annotated[Sequence[BuildStatus] | None, "States of the build."]
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
