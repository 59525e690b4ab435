"""The people of the made-up factory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Operator, User, UserRef
from aiotofupilot.sandbox.data import named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiotofupilot.models import Procedure

    from .identity import Identities

__all__ = ["People"]


class People:
    """Users and operators.

    Attributes:
        refs: The people who create items: the creators of procedures, and two more.
        users: The people with an account: those in `refs`, and one who is banned.
        numbers: Where each user stands among them, by id.
        operators: The people who operate runs. Not all of them have an account.
    """

    def __init__(self, procedures: Iterable[Procedure], ids: Identities, *, nulls: bool) -> None:
        """Make the people.

        Args:
            procedures: The procedures whose creators have accounts.
            ids: Makes the ids of people who created no procedure.
            nulls: Whether names and addresses may be missing.
        """
        creators = {user.id: user for procedure in procedures if (user := procedure.created_by_user)}
        refs = [
            *creators.values(),
            UserRef(ids.uuid(0), "Sam Lee", "sam.lee@example.com"),
            UserRef(ids.uuid(1), None, "line-1@example.com"),
        ]
        self.refs = refs if nulls else [named(ref) for ref in refs]
        self.users = [
            *(User(ref.id, ref.name, ref.email) for ref in self.refs),
            User(ids.uuid(2), "Robin Former", "robin.former@example.com", "https://example.com/robin.png", banned=True),
        ]
        self.numbers = {user.id: number for number, user in enumerate(self.users)}
        self.operators = [Operator(ref.id, ref.name, ref.email) for ref in self.refs]
        if nulls:
            self.operators += [Operator(name="Night shift"), Operator(name="Temp worker 7")]
