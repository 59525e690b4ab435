"""Objects that items of several listings have, such as users and stations. `runs` has those of runs and units.

The classes that are not in ``__all__`` have the fields that several models begin with.

Source: https://www.tofupilot.com/docs/api, and ``v2/models`` of the official Python SDK ``tofupilot`` 2.26.1
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

__all__ = [
    "Commit",
    "DeploymentRepository",
    "Metadata",
    "ProcedureRef",
    "Repository",
    "StationRef",
    "UserRef",
]

Number = int | float
"""A number with the type that it has in JSON."""

Scalar = str | int | float | bool
"""A text, a number with the type that it has in JSON, or a truth value."""

Expected = Scalar | tuple[Scalar, ...]
"""What a measured value is compared with."""

JSON = Scalar | tuple[Any, ...] | Mapping[str, Any]
"""A value of JSON apart from null. Arrays are tuples, at any depth, and objects are mappings."""

Metadata = Mapping[str, Scalar]
"""Names and their values, at most 50 of them. A number keeps the type that it has in JSON: 4 is an int, 4.5 a float."""


@frozen
class WithID:
    """An object with an ID."""

    id: str
    """UUID."""


@frozen(kw_only=True)
class WithKeywordID:
    """An object with an ID, which it takes as a keyword, like all other fields."""

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
    """E-mail address, or None if this listing does not have it, or it is hidden from the owner of this API key."""


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
    """When it was committed; timezone-aware, or None if unknown."""


@frozen
class Commit(CommitFields):
    """The commit that was deployed."""

    branch: str | None
    """The branch that was deployed, or None if unknown."""


@frozen
class DeploymentRepository:
    """The repository that was deployed from."""

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
    """When the build began; timezone-aware, or None if it has not."""
    ended_at: datetime | None
    """When the build ended; timezone-aware, or None if it has not."""
    deployed_at: datetime
    """When it was deployed; timezone-aware."""
    procedure: ProcedureRef | None
    """The procedure that was deployed, or None if unknown."""
