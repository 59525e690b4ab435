"""Whose key a session has.

A mirror asks for it at each update, so it does not load the models of all details for this.

Source: ``v2/models`` of the official Python SDK ``tofupilot`` 2.26.1
"""

from attrs import frozen

from .display import ShownItem
from .refs import StationRef, UserRef

__all__ = ["Identity", "Organization"]


@frozen
class Organization:
    """The organization that a key belongs to."""

    id: str
    """UUID."""
    slug: str
    """Its name in addresses, such as ``volta``."""
    name: str
    """Display name."""


@frozen(kw_only=True)
class Identity(ShownItem):
    """Whose key a session has."""

    type: str
    """``user``, ``station``, or one that TofuPilot adds later."""
    station: StationRef | None
    """The station whose key it is. None: it is a user's."""
    user: UserRef | None
    """The user whose key it is. None: it is a station's."""
    organization: Organization
    """The organization that the user or station belongs to."""
