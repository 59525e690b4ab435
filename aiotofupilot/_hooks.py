"""The hot path, shaped by hand: a page's array of procedures becomes models in one loop.

cattrs makes a function of each model, which calls one for each field: some 700 calls for a page of 100. What they do is
written out here, at less than half the cost. That the result is the same for any JSON is what
tests/test_codec_agreement.py holds.

A fault raises something, without saying where it is: whoever calls goes over the page again to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from .models import Procedure, Repository, User

__all__ = ["Hook", "procedures_hook"]

Hook = Callable[[Any, Any], Any]
"""From a value as JSON has it, and a type, to a value of that type."""


def procedures_hook(
    find_hook: Callable[[Any], Hook], wire_names: Callable[[Any], Mapping[str, str]], otherwise: Hook
) -> Hook:
    """Return a hook for arrays of procedures.

    Args:
        find_hook: From a model to the hook for one object of it.
        wire_names: From a model to its fields' names in JSON, by field.
        otherwise: Takes an array in which some object lacks a name.
    """
    users = _Shared(User, tuple(wire_names(User).values()), find_hook(User))
    repositories = _Shared(Repository, tuple(wire_names(Repository).values()), find_hook(Repository))
    user_values, repository_values, moment = users.values_of, repositories.values_of, datetime.fromisoformat

    def structure(items: Any, kind: Any) -> Any:
        if items.__class__ is not list:
            raise TypeError("not an array")
        procedures: list[Procedure] = []
        try:
            for item in items:
                procedure_id, name, created_at = item["id"], item["name"], moment(item["created_at"])
                if not (procedure_id.__class__ is str is name.__class__):
                    raise TypeError("not a string")
                if created_at.tzinfo is None:
                    raise ValueError("no UTC offset")
                user, repository = item["created_by_user"], item["linkedRepository"]
                if user is not None:
                    user = users[user_values(user)]
                if repository is not None:
                    repository = repositories[repository_values(repository)]
                procedures.append(Procedure(procedure_id, name, created_at, user, repository))
        except KeyError:
            return otherwise(items, kind)
        return procedures

    return structure


_REMEMBERED_AT_MOST = 1024


class _Shared(dict[tuple[Any, ...], Any]):
    """Models by the values that they were made of, for the procedures of a listing have few of them between them.

    What is in here has passed the checks of its hook, and strings and null equal nothing else in JSON: values that are
    found need no checks.
    """

    def __init__(self, model: Any, names: tuple[str, ...], hook: Hook) -> None:
        super().__init__()
        self.values_of: Callable[[Any], tuple[Any, ...]] = itemgetter(*names)
        self._model = model
        self._names = names
        self._hook = hook

    def __missing__(self, values: tuple[Any, ...]) -> Any:
        if len(self) >= _REMEMBERED_AT_MOST:
            self.clear()
        built = self[values] = self._hook(dict(zip(self._names, values, strict=True)), self._model)
        return built
