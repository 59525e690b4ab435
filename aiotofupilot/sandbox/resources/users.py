"""The listing of users. It is a bare array, without pages or parameters. The API does not document its order."""

from __future__ import annotations

from aiotofupilot.models import User
from aiotofupilot.sandbox.resource import Resource

__all__ = ["USERS"]

USERS: Resource[User] = Resource(
    name="users",
    model=User,
    source=lambda world: world.users,
    make=lambda _world, user: (user,),
    paged=False,
)
