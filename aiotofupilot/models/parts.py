"""Parts, their revisions, and how other items refer to them.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/parts/list
"""

from datetime import datetime

from attrs import field

from .frozen import frozen
from .metadata import Metadata

__all__ = ["Part", "PartRef", "Revision"]


@frozen
class Revision:
    """A revision of a part."""

    id: str
    """UUID."""
    number: str
    """Revision number, 1 to 60 characters, such as ``C``."""


@frozen
class PartRef:
    """The part that a unit is an instance of, with the unit's revision."""

    id: str
    """UUID."""
    number: str
    """Part number, 1 to 60 characters."""
    name: str
    """Display name."""
    revision: Revision
    """The revision of the unit."""


@frozen
class Part:
    """A product or component. Units are instances of it."""

    id: str
    """UUID."""
    number: str
    """Part number, 1 to 60 characters."""
    name: str
    """Display name."""
    created_at: datetime
    """When it was created; timezone-aware."""
    revisions: tuple[Revision, ...]
    """All revisions of the part."""
    metadata: Metadata | None = field(default=None, hash=False)
    """Metadata of the part. None: the listing did not ask for it, or the server is too old to have it."""
