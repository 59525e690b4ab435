"""Procedures and their deployments, as listings have them.

They are not in `items`, so that listing procedures need not load everything.

Source: https://www.tofupilot.com/docs/api, and ``v2/models`` of the official Python SDK ``tofupilot`` 2.26.1
"""

from datetime import datetime

from attrs import field

from . import refs
from .display import shown

__all__ = ["Deployment", "Procedure"]


@shown
class Procedure(refs.Named):
    """A test sequence. Each run belongs to one."""

    created_at: datetime
    """When it was created."""
    created_by_user: refs.UserRef | None = None
    """The user who created it, or None if unknown."""
    linked_repository: refs.Repository | None = field(default=None, metadata={"wire": "linkedRepository"})
    """The repository of its source, or None; ``linkedRepository`` on the wire."""


@shown(kw_only=True)
class Deployment(refs.DeploymentFields):
    """One build of a procedure, and the stations to which it was deployed."""

    skipped: bool
    """Whether the build was skipped."""
    commit: refs.Commit | None
    """The commit that was deployed, or None if unknown."""
    repository: refs.DeploymentRepository | None
    """The repository of the source, or None."""
    stations: tuple[refs.StationRef, ...]
    """The stations to which it was deployed."""
