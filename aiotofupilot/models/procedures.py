"""Procedures, and how other items refer to one.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/procedures/list
"""

from datetime import datetime

from attrs import field

from .frozen import frozen
from .people import UserRef

__all__ = ["Procedure", "ProcedureRef", "ProcedureVersion", "Repository"]


@frozen
class Repository:
    """The source repository that a procedure is linked to."""

    id: str
    """UUID."""
    name: str
    """Short name, such as ``my-repo``."""
    full_name: str = field(metadata={"wire": "fullName"})
    """Name with its owner, such as ``org/my-repo``; ``fullName`` on the wire."""
    provider: str | None = None
    """``github``, ``gitlab``, ``bitbucket``, or one that TofuPilot adds later. None: the server did not say."""


@frozen
class Procedure:
    """A test sequence. Each run belongs to one."""

    id: str
    """UUID, in the server's spelling."""
    name: str
    """Display name."""
    created_at: datetime
    """When it was created; timezone-aware."""
    created_by_user: UserRef | None = None
    """The user who created it. None: the server names nobody."""
    linked_repository: Repository | None = field(default=None, metadata={"wire": "linkedRepository"})
    """The repository of its source; ``linkedRepository`` on the wire. None: no repository is linked."""


@frozen
class ProcedureRef:
    """The procedure that an item belongs to."""

    id: str
    """UUID."""
    name: str
    """Display name."""


@frozen
class ProcedureVersion:
    """A version of a procedure."""

    id: str
    """UUID."""
    tag: str
    """Name of the version, such as ``v3.2.0``."""
