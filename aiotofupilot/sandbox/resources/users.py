"""The listing of users. It is a bare array, without pages or parameters. The API does not document its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.sandbox.resource import Resource

if TYPE_CHECKING:
    from aiotofupilot.models import User

__all__ = ["USERS"]

USERS: Resource[User] = Resource(
    name="users",
    source=lambda world: world.users,
    make=lambda _world, user: (user,),
)
