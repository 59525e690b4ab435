"""Creators without their addresses, as in the listings of units and batches."""

from __future__ import annotations

from typing import Any

from aiotofupilot.models import UserRef

__all__ = ["hide_address", "without_address"]


def without_address(user: UserRef | None) -> UserRef | None:
    """Return a user without the address."""
    return None if user is None else UserRef(user.id, user.name)


def hide_address(spelled: dict[str, Any], creator: UserRef | None) -> dict[str, Any]:
    """Remove the address of the creator from the document of an item, and return the document."""
    if creator is not None:
        spelled["created_by_user"] = {"id": creator.id, "name": creator.name}
    return spelled
