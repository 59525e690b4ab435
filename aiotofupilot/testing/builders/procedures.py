"""Procedures, their versions and their repositories."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiotofupilot.models import Procedure, ProcedureRef, ProcedureVersion, Repository

from .identity import aware, identify
from .people import make_user, user_ref

if TYPE_CHECKING:
    from aiotofupilot.models import User, UserRef

__all__ = ["make_procedure", "make_procedure_ref", "make_procedure_version", "make_repository"]


def make_repository(
    full_name: str = "example-energy/eol-tests",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    provider: str | None = "github",
) -> Repository:
    """Make a repository, by default one on GitHub.

    Args:
        full_name: Name with the owner. The part after the last slash is the short name.
        id: None: a UUID that depends on the other arguments.
        provider: None: the server does not say.
    """
    identity = id or identify("repository", full_name, provider)
    return Repository(identity, full_name.rpartition("/")[2], full_name, provider)


def make_procedure(
    name: str = "Battery Pack Functional Test",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    created_at: datetime = datetime(2026, 1, 30, 16, 45, tzinfo=UTC),
    created_by_user: User | UserRef | None = make_user(),  # noqa: B008 - a value
    linked_repository: Repository | None = make_repository(),  # noqa: B008 - a value
) -> Procedure:
    """Make a procedure.

    Procedures with the same arguments are equal. Procedures with different arguments have different IDs.

    Args:
        name: Display name.
        id: None: a UUID that depends on the other arguments.
        created_at: Timezone-aware.
        created_by_user: None: the server names no creator.
        linked_repository: None: no repository is linked.

    Raises:
        ValueError: `created_at` is naive.
    """
    creator = user_ref(created_by_user)
    created_at = aware("created_at", created_at)
    identity = id or identify("procedure", name, created_at, creator, linked_repository)
    return Procedure(identity, name, created_at, creator, linked_repository)


def make_procedure_ref(procedure: Procedure | None = None) -> ProcedureRef:
    """Make the reference of an item to its procedure.

    Args:
        procedure: The procedure. None: the one of `make_procedure`.
    """
    procedure = procedure or make_procedure()
    return ProcedureRef(procedure.id, procedure.name)


def make_procedure_version(
    tag: str = "v1.0.0",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    procedure: Procedure | None = None,
) -> ProcedureVersion:
    """Make a version of a procedure.

    Args:
        tag: Name of the version.
        id: None: a UUID that depends on the other arguments.
        procedure: The procedure. None: the one of `make_procedure`.
    """
    return ProcedureVersion(id or identify("version", tag, (procedure or make_procedure()).id), tag)
