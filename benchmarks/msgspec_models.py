"""The models of a page as msgspec has them. A module of its own, for msgspec may not be installed."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - resolved at run time, to decode by

from msgspec import Struct, field

__all__ = ["Page"]


class User(Struct):
    """Who created a procedure."""

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


class Meta(Struct):
    """What follows."""

    has_more: bool
    next_cursor: int | None = None


class Page(Struct):
    """An answer."""

    data: list[Procedure]
    meta: Meta
