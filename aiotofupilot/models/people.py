"""People: the items of the listing of users, and how other items refer to a person.

Source: https://www.tofupilot.com/docs/dashboard/api/v2/users/list
"""

from .frozen import frozen

__all__ = ["Operator", "User", "UserRef"]


@frozen
class User:
    """A member of the organization."""

    id: str
    """UUID."""
    name: str | None = None
    """Display name. None: the user has set none."""
    email: str | None = None
    """Address. None: hidden from the owner of this API key."""
    image: str | None = None
    """URL of a picture. None: the user has none."""
    banned: bool = False
    """Whether the user is locked out."""


@frozen
class UserRef:
    """The user who created an item."""

    id: str
    """UUID."""
    name: str | None = None
    """Display name. None: the user has set none."""
    email: str | None = None
    """Address. None: this listing does not tell it, or it is hidden from the owner of this API key."""


@frozen
class Operator:
    """The person who operated a run, who need not be a user."""

    id: str | None = None
    """UUID of the user. None: the operator is known by name alone."""
    name: str | None = None
    """Display name."""
    email: str | None = None
    """Address."""
