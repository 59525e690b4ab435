"""What TofuPilot's REST layer writes: procedures, pages and errors as JSON."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiotofupilot.models import Procedure, Repository, User

__all__ = ["Answer", "error", "page", "procedure_json"]


class Answer(NamedTuple):
    """What the API says to one request, before HTTP."""

    status: int
    """HTTP status code."""
    body: bytes
    """JSON document."""


def page(data: Iterable[orjson.Fragment], *, has_more: bool, next_cursor: int | None) -> Answer:
    """Answer with one page of a listing."""
    document = {"data": list(data), "meta": {"has_more": has_more, "next_cursor": next_cursor}}
    return Answer(200, orjson.dumps(document))


def error(status: int, code: str, message: str, issues: Sequence[dict[str, Any]] = ()) -> Answer:
    """Answer with an error; `issues` is absent from it unless the input failed validation."""
    document: dict[str, Any] = {"message": message, "code": code}
    if issues:
        document["issues"] = issues
    return Answer(status, orjson.dumps(document))


def procedure_json(procedure: Procedure) -> orjson.Fragment:
    """Write one item of a page. Dates are cut, not rounded, to milliseconds, as JavaScript's are."""
    created_at = procedure.created_at.astimezone(UTC).isoformat(timespec="milliseconds")
    return orjson.Fragment(
        orjson.dumps(
            {
                "id": procedure.id,
                "name": procedure.name,
                "created_at": created_at.removesuffix("+00:00") + "Z",
                "created_by_user": user(procedure.created_by_user),
                "linkedRepository": repository(procedure.linked_repository),
            },
        ),
    )


def user(user: User | None) -> dict[str, Any] | None:
    """Write the creator of a procedure."""
    return None if user is None else {"id": user.id, "name": user.name, "email": user.email}


def repository(repository: Repository | None) -> dict[str, Any] | None:
    """Write a linked repository. Servers that knew no `provider` left the key out, so None is written that way."""
    if repository is None:
        return None
    document = {"id": repository.id, "name": repository.name, "fullName": repository.full_name}
    return document if repository.provider is None else {**document, "provider": repository.provider}
