"""The hot path, shaped by hand: a page's array of procedures becomes models in one loop.

cattrs makes a function of each model, which calls one for each field: some 700 calls for a page of 100. What they do is
written out here, at less than half the cost. That the result is the same for any JSON is what
tests/test_codec_agreement.py holds.

A fault raises something, without saying where it is: whoever calls goes over the page again to find out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from .models import Procedure, Repository, UserRef

__all__ = ["Hook", "procedures_hook"]

M = TypeVar("M", bound=UserRef | Repository)

Hook = Callable[[Any, Any], Any]
"""From a value as JSON has it, and a type, to a value of that type."""


def procedures_hook(find_hook: Callable[[Any], Hook], otherwise: Hook) -> Hook:
    """Return a hook for arrays of procedures.

    Args:
        find_hook: From a model to the hook for one object of it.
        otherwise: Takes an array in which some object lacks a name.
    """
    users, repositories = _Known(UserRef, find_hook(UserRef)), _Known(Repository, find_hook(Repository))

    def structure(items: Any, kind: Any) -> Any:
        if items.__class__ is not list:
            raise TypeError("not an array")
        try:
            return _procedures(items, users, repositories)
        except KeyError:
            return otherwise(items, kind)

    return structure


def _procedures(items: list[Any], users: _Known[UserRef], repositories: _Known[Repository]) -> list[Procedure]:
    # Few procedures bring a creator or a repository that is new. Of one that is known by its id all else is compared:
    # what is known passed the checks of its hook, and strings and null equal nothing in JSON that would not.
    procedures: list[Procedure] = []
    moment, user_of, repository_of = datetime.fromisoformat, users.get, repositories.get
    for item in items:
        procedure_id, name, created_at = item["id"], item["name"], moment(item["created_at"])
        if not (procedure_id.__class__ is str is name.__class__):
            raise TypeError("not a string")
        if created_at.tzinfo is None:
            raise ValueError("no UTC offset")
        creator, linked = item["created_by_user"], item["linkedRepository"]
        user = repository = None
        if creator is not None:
            user = user_of(creator["id"])
            if user is None or user.name != creator["name"] or user.email != creator["email"]:
                user = users.learn(creator)
        if linked is not None:
            repository = repository_of(linked["id"])
            if (
                repository is None
                or repository.name != linked["name"]
                or repository.full_name != linked["fullName"]
                or repository.provider != linked["provider"]
            ):
                repository = repositories.learn(linked)
        procedures.append(Procedure(procedure_id, name, created_at, user, repository))
    return procedures


_REMEMBERED_AT_MOST = 1024


class _Known(dict[str, M]):
    """Models by their id, as they were last seen, for the procedures of a listing have few of them between them."""

    def __init__(self, model: type[M], hook: Hook) -> None:
        super().__init__()
        self._model = model
        self._hook = hook

    def learn(self, value: Any) -> M:
        """Return the model that an object becomes, and remember it."""
        if len(self) >= _REMEMBERED_AT_MOST:
            self.clear()
        model: M = self._hook(value, self._model)
        self[model.id] = model
        return model
