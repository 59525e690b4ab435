"""Procedures."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - resolved at run time, to decode by

from msgspec import Struct, field

__all__ = ["Procedure", "User"]


class User(Struct):
    """Who created an item."""

    id: str
    name: str | None = None
    email: str | None = None


class Repository(Struct):
    """Where a procedure's source is."""

    id: str
    name: str
    full_name: str = field(name="fullName")
    provider: str | None = None


class Procedure(Struct):
    """An item."""

    id: str
    name: str
    created_at: datetime
    created_by_user: User | None = None
    linked_repository: Repository | None = field(name="linkedRepository", default=None)
