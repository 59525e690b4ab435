"""Creators as the listings of units and batches name them: without an address."""

from __future__ import annotations

from typing import Any

from aiotofupilot.models import UserRef

__all__ = ["hide_address", "without_address"]


def without_address(user: UserRef | None) -> UserRef | None:
    """Name a user without an address."""
    return None if user is None else UserRef(user.id, user.name)


def hide_address(spelled: dict[str, Any], creator: UserRef | None) -> dict[str, Any]:
    """Leave the address of the creator out of the document of an item, and return the document."""
    if creator is not None:
        spelled["created_by_user"] = {"id": creator.id, "name": creator.name}
    return spelled
