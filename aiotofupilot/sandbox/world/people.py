"""Who works in the made-up factory."""

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
        refs: Whoever may create items: the creators of procedures, and two more.
        users: Everybody who has an account: these, and one who is banned.
        numbers: Where each user stands among them, by id.
        operators: Whoever may operate a run; not all of them have an account.
    """

    def __init__(self, procedures: Iterable[Procedure], ids: Identities, *, nulls: bool) -> None:
        """Gather them.

        Args:
            procedures: Whose creators have accounts.
            ids: Gives ids to those who created nothing.
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
