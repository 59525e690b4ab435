"""Deployments.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/deployment_listop.py``
"""

from datetime import datetime

from .frozen import frozen
from .procedures import ProcedureRef
from .stations import StationRef

__all__ = ["Commit", "Deployment", "DeploymentRepository"]


@frozen
class Commit:
    """The commit that was deployed."""

    id: str
    """UUID of TofuPilot's record."""
    sha: str
    """Hash of the commit, in hexadecimal digits."""
    message: str
    """Message of the commit."""
    author_username: str
    """Name of the author's account at the provider."""
    author_avatar_url: str | None
    """URL of the author's picture. None: the author has none."""
    committed_at: datetime | None
    """When it was committed; timezone-aware. None: the provider did not say."""
    branch: str | None
    """The branch that was deployed. None: the server names none."""


@frozen
class DeploymentRepository:
    """The repository that was deployed from."""

    provider: str
    """``github``, ``gitlab``, ``bitbucket``, or one that TofuPilot adds later."""


@frozen(kw_only=True)
class Deployment:
    """One build of a procedure, and the stations to which it was deployed."""

    id: str
    """UUID."""
    environment: str
    """``production``, ``preview``, ``development``, or one that TofuPilot adds later."""
    trigger: str
    """What triggered it: ``auto``, ``manual``, ``cli``, or one that TofuPilot adds later."""
    status: str
    """State of the build: ``pending``, ``building``, ``ready``, ``failed``, or one that TofuPilot adds later."""
    skipped: bool
    """Whether the build was skipped."""
    started_at: datetime | None
    """When the build began; timezone-aware. None: it has not begun."""
    ended_at: datetime | None
    """When the build ended; timezone-aware. None: it has not ended."""
    deployed_at: datetime
    """When it was deployed; timezone-aware."""
    procedure: ProcedureRef | None
    """The procedure that was deployed. None: the server names none."""
    commit: Commit | None
    """The commit that was deployed. None: the server names none."""
    repository: DeploymentRepository | None
    """The repository of the source. None: no repository is linked."""
    stations: tuple[StationRef, ...]
    """The stations to which it was deployed."""
