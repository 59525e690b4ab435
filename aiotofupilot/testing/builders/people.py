"""People: users, references to them, and operators."""

from __future__ import annotations

from typing import overload

from aiotofupilot.models import Operator, User, UserRef

from .identity import identify

__all__ = ["make_operator", "make_user", "make_user_ref", "user_ref"]


def make_user(
    name: str | None = "Ada Park",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    email: str | None = "ada.park@example.com",
    image: str | None = None,
    banned: bool = False,
) -> User:
    """Make a user, by default one with a name and an address.

    Args:
        name: Display name. None: the user has set none.
        id: None: a UUID that depends on the name and the address.
        email: E-mail address. None: it is hidden.
        image: URL of a picture. None: the user has none.
        banned: Whether the user is banned from the organization.
    """
    return User(id or identify("user", name, email), name, email, image, banned)


def make_user_ref(user: User | None = None) -> UserRef:
    """Make the reference of an item to the user who created it.

    Args:
        user: The user. None: the one of `make_user`.
    """
    return user_ref(user or make_user())


def make_operator(
    name: str | None = "Night shift",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    email: str | None = None,
) -> Operator:
    """Make the operator of a run. By default the operator has no account.

    Args:
        name: Display name. None: the server names none.
        id: ID of the user. None: only the name of the operator is known.
        email: E-mail address. None: the server names none.
    """
    return Operator(id, name, email)


@overload
def user_ref(user: User | UserRef) -> UserRef: ...
@overload
def user_ref(user: User | UserRef | None) -> UserRef | None: ...
def user_ref(user: User | UserRef | None) -> UserRef | None:
    """Return the reference of an item to the user who created it. None: the item names nobody."""
    return None if user is None else UserRef(user.id, user.name, user.email)
