"""The listing of deployments.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/deployment_listop.py``
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - the command reads the types of list() at run time
from datetime import datetime  # noqa: TC003 - likewise
from typing import ClassVar, get_args

from aiotofupilot._paging.paginator import Paginator  # noqa: TC001 - likewise
from aiotofupilot._paging.plan import OnDrift, OnUnreadable  # noqa: TC001 - likewise
from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise
from aiotofupilot.models import Deployment

from . import filters
from .choices import BuildStatus, Environment
from .listing import Listing

__all__ = ["Deployments"]


class Deployments(Listing[Deployment], item=Deployment):
    """The deployments of procedures to stations."""

    name = "deployments"
    path = "/v2/deployments"
    creation_field: ClassVar[str | None] = "deployed_at"
    creation_filter: ClassVar[str | None] = "deployed"

    def list(
        self,
        *,
        search_query: str | None = None,
        procedure_ids: Sequence[str] | None = None,
        environments: Sequence[Environment] | None = None,
        build_statuses: Sequence[BuildStatus] | None = None,
        pushed: bool | None = None,
        branch_names: Sequence[str] | None = None,
        author_usernames: Sequence[str] | None = None,
        deployed_after: datetime | None = None,
        deployed_before: datetime | None = None,
        limit: int = 100,
        cursor: int | Checkpoint | None = None,
        max_items: int | None = None,
        concurrency: int | None = None,
        on_drift: OnDrift = "ignore",
        on_unreadable: OnUnreadable = "raise",
    ) -> Paginator[Deployment]:
        """List deployments. Nothing is sent before the listing is used.

        The API does not say in which order it lists deployments.

        Where a filter takes several values, a deployment has to match one of them. An empty list is no filter. Moments
        are timezone-aware; fractions of a millisecond are rounded so that they leave no deployment out.

        Args:
            search_query: Text to search for. The API does not say in which fields.
            procedure_ids: IDs of the procedures that were deployed.
            environments: Environments that they were deployed to.
            build_statuses: States of the build.
            pushed: Whether only deployments that were pushed to stations are listed, or only the others. None: all.
            branch_names: Names of the branches that were deployed.
            author_usernames: Account names of the authors of the commits.
            deployed_after: Only deployments made at this moment or later.
            deployed_before: Only deployments made at this moment or earlier.
            limit: Deployments per page, 1 to 100. The API does not document its upper bound, so 100 is assumed. If a
                server sends fewer, the walk is only slower.
            cursor: Where to begin, in the server's counting, 0 to 2 ** 53 - 1; or a `Checkpoint`, to resume after the
                last deployment that a walk of the same query yielded. None: at the beginning.
            max_items: Yield at most this many deployments, 0 or more. None: all.
            concurrency: At most this many pages are in flight or waiting to be used, 1 or more. None: the session's.
            on_drift: What to do about deployments that come and go during the walk: ``"ignore"``, ``"resync"`` or
                ``"raise"``, as for procedures.
            on_unreadable: What to do about a single item that the server cannot serve, or that is not what the API
                promises. A page with such an item fails. It is asked for in smaller parts until the item is alone.
                ``"raise"`` yields all items before it, and raises an error whose ``position`` is the position of the
                item. ``"skip"`` leaves the item out and goes on. `WalkStats.unreadable` counts such items.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of bounds, a date-time is naive, a range is empty, or a checkpoint is of
                another listing or query.
        """
        pairs = (
            *filters.string("search_query", search_query),
            *filters.strings("procedure_ids", procedure_ids),
            *filters.choices("environments", environments, get_args(Environment)),
            *filters.choices("build_statuses", build_statuses, get_args(BuildStatus)),
            *filters.boolean("pushed", pushed),
            *filters.strings("branch_names", branch_names),
            *filters.strings("author_usernames", author_usernames),
            *filters.moment_range("deployed", deployed_after, deployed_before),
        )
        return self._paginator(
            pairs,
            limit=limit,
            cursor=cursor,
            max_items=max_items,
            concurrency=concurrency,
            on_drift=on_drift,
            on_unreadable=on_unreadable,
        )
