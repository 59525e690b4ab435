"""What TofuPilot's REST layer writes: procedures, pages and errors as JSON."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiotofupilot.models import PageMeta, Procedure, Repository, UserRef

__all__ = ["Answer", "Refusal", "procedure_json", "write_page"]


class Answer(NamedTuple):
    """What the API says to one request, before HTTP."""

    status: int
    """HTTP status code."""
    body: bytes
    """JSON document."""


class Refusal(Exception):  # noqa: N818 - what the API says, not a failure of the sandbox
    """What the API says instead of a page.

    Args:
        status: HTTP status code.
        code: The API's own code, such as ``BAD_REQUEST``.
        message: In English, for people.
        issues: zod's complaints; empty where the input passed validation.
    """

    def __init__(self, status: int, code: str, message: str, issues: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(status, code, message, issues)
        self.status = status
        self.code = code
        self.message = message
        self.issues = issues

    def answer(self) -> Answer:
        """Write it. The document has the key `issues` only if there are any."""
        document: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.issues:
            document["issues"] = self.issues
        return Answer(self.status, orjson.dumps(document))


def write_page(data: Iterable[orjson.Fragment], meta: PageMeta) -> Answer:
    """Write one page of a listing."""
    document = {"data": list(data), "meta": {"has_more": meta.has_more, "next_cursor": meta.next_cursor}}
    return Answer(200, orjson.dumps(document))


def procedure_json(procedure: Procedure) -> orjson.Fragment:
    """Write one item of a page. Dates are cut, not rounded, to milliseconds, as JavaScript's are."""
    created_at = procedure.created_at.astimezone(UTC).isoformat(timespec="milliseconds")
    return orjson.Fragment(
        orjson.dumps(
            {
                "id": procedure.id,
                "name": procedure.name,
                "created_at": created_at.removesuffix("+00:00") + "Z",
                "created_by_user": _user(procedure.created_by_user),
                "linkedRepository": _repository(procedure.linked_repository),
            },
        ),
    )


def _user(user: UserRef | None) -> dict[str, Any] | None:
    """Write the creator of a procedure."""
    return None if user is None else {"id": user.id, "name": user.name, "email": user.email}


def _repository(repository: Repository | None) -> dict[str, Any] | None:
    """Write a linked repository. Servers that knew no `provider` left the key out, so None is written that way."""
    if repository is None:
        return None
    document = {"id": repository.id, "name": repository.name, "fullName": repository.full_name}
    return document if repository.provider is None else {**document, "provider": repository.provider}
