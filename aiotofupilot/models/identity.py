"""Whose key a session has.

It has its own module because each update of a mirror needs it, and models of details take a while to load.

Source: ``v2/models`` of the official Python SDK ``tofupilot`` 2.26.1
"""

from attrs import frozen

from . import refs
from .display import shown

__all__ = ["Identity", "Organization"]


@frozen
class Organization(refs.WithID):
    """The organization that a key belongs to."""

    slug: str
    """Its name in addresses, such as ``volta``."""
    name: str
    """Display name."""


@shown(kw_only=True)
class Identity:
    """Whose key a session has."""

    type: str
    """``user``, ``station``, or one added later."""
    station: refs.StationRef | None
    """The station whose key it is, or None if it is a user's."""
    user: refs.UserRef | None
    """The user whose key it is, or None if it is a station's."""
    organization: Organization
    """The organization that the user or station belongs to."""
