"""Users and operators, and how other items refer to them.

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
    """E-mail address. None: it is hidden from the owner of this API key."""
    image: str | None = None
    """URL of a picture. None: the user has none."""
    banned: bool = False
    """Whether the user is banned from the organization."""


@frozen
class UserRef:
    """The user who created an item."""

    id: str
    """UUID."""
    name: str | None = None
    """Display name. None: the user has set none."""
    email: str | None = None
    """E-mail address. None: this listing does not have it, or it is hidden from the owner of this API key."""


@frozen
class Operator:
    """The person who operated a run. An operator need not be a user."""

    id: str | None = None
    """UUID of the user. None: only the name of the operator is known."""
    name: str | None = None
    """Display name. None: the server names none."""
    email: str | None = None
    """E-mail address. None: the server names none."""
