"""Objects that items of several listings have, such as users and stations, and procedures with their deployments.

Procedures are not in `items`, so that listing them need not load everything. `runs` has the objects of runs and units.
The classes that are not in ``__all__`` have the fields that several models begin with.

Source: https://www.tofupilot.com/docs/api, and ``v2/models`` of the official Python SDK ``tofupilot`` 2.26.1
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from .display import shown

__all__ = [
    "Commit",
    "Deployment",
    "DeploymentRepository",
    "Metadata",
    "Procedure",
    "ProcedureRef",
    "Repository",
    "StationRef",
    "UserRef",
]

Number = int | float
"""A number, as in JSON."""

Scalar = str | int | float | bool
"""A plain JSON value other than null."""

Expected = Scalar | tuple[Scalar, ...]
"""What a measured value is compared with."""

JSON = Scalar | tuple[Any, ...] | Mapping[str, Any]
"""A JSON value other than null. Arrays are tuples at any depth."""

Metadata = Mapping[str, Scalar]
"""At most 50 names and their values. 4 is an int, and 4.5 a float."""


@frozen
class WithID:
    """An object with an ID."""

    id: str
    """UUID."""


@frozen(kw_only=True)
class WithKeywordID:
    """An object with an ID, and keyword-only fields."""

    id: str
    """UUID."""


@frozen
class Named(WithID):
    """An object with an ID and a name."""

    name: str
    """Display name."""


@frozen
class UserRef(WithID):
    """The user who created an item."""

    name: str | None = None
    """Display name, or None."""
    email: str | None = None
    """E-mail address. None if this listing does not have it, or hides it from this API key."""


@frozen
class ProcedureRef(Named):
    """The procedure that an item belongs to."""


@frozen
class Repository(WithID):
    """The source repository that a procedure is linked to."""

    name: str
    """Short name, such as ``my-repo``."""
    full_name: str = field(metadata={"wire": "fullName"})
    """Name with its owner, such as ``org/my-repo``; ``fullName`` on the wire."""
    provider: str | None = field(default=None, metadata={"null": False})
    """``github``, ``gitlab``, ``bitbucket``, or one added later; None if unknown."""


@frozen
class StationRef(Named):
    """The station that created an item, or to which a procedure was deployed."""


@frozen
class CommitFields:
    """A commit."""

    id: str
    """UUID of TofuPilot's record."""
    sha: str
    """Hash of the commit, in hexadecimal digits."""
    message: str
    """Message of the commit."""
    author_username: str
    """Name of the author's account at the provider."""
    author_avatar_url: str | None
    """URL of the author's picture, or None."""
    committed_at: datetime | None
    """When it was committed, or None if unknown."""


@frozen
class Commit(CommitFields):
    """The commit that was deployed."""

    branch: str | None
    """The branch that was deployed, or None if unknown."""


@frozen
class DeploymentRepository:
    """The repository of the deployed source."""

    provider: str
    """``github``, ``gitlab``, ``bitbucket``, or one added later."""


@frozen(kw_only=True)
class DeploymentFields(WithKeywordID):
    """A build of a procedure, with its state."""

    environment: str
    """``production``, ``preview``, ``development``, or one added later."""
    trigger: str
    """What triggered it: ``auto``, ``manual``, ``cli``, or one added later."""
    status: str
    """State of the build: ``pending``, ``building``, ``ready``, ``failed``, or one added later."""
    started_at: datetime | None
    """When the build began, or None."""
    ended_at: datetime | None
    """When the build ended, or None."""
    deployed_at: datetime
    """When it was deployed."""
    procedure: ProcedureRef | None
    """The procedure that was deployed, or None if unknown."""


@shown
class Procedure(Named):
    """A test sequence. Each run belongs to one."""

    created_at: datetime
    """When it was created."""
    created_by_user: UserRef | None = None
    """The user who created it, or None if unknown."""
    linked_repository: Repository | None = field(default=None, metadata={"wire": "linkedRepository"})
    """The repository of its source, or None; ``linkedRepository`` on the wire."""


@shown(kw_only=True)
class Deployment(DeploymentFields):
    """One build of a procedure, and the stations to which it was deployed."""

    skipped: bool
    """Whether the build was skipped."""
    commit: Commit | None
    """The commit that was deployed, or None if unknown."""
    repository: DeploymentRepository | None
    """The repository of the source, or None."""
    stations: tuple[StationRef, ...]
    """The stations to which it was deployed."""
