"""The listing of users. It is a bare array, without pages or parameters. The API does not document its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.sandbox.resource import Resource

if TYPE_CHECKING:
    from aiotofupilot.models import User
    from aiotofupilot.sandbox.world import World

__all__ = ["USERS"]


def _make(world: World, number: int) -> User:
    return world.people.users[number]


USERS: Resource[User] = Resource(
    name="users",
    make=_make,
    count=lambda world: len(world.people.users),
    paged=False,
)
