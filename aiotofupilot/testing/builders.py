"""Models for tests: valid, complete, and the same for the same arguments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import NAMESPACE_URL, uuid5

import attrs

from aiotofupilot.models import Page, PageMeta, Procedure, Repository, UserRef

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["make_page", "make_procedure", "make_repository", "make_user"]

T = TypeVar("T")


def _uuid(kind: str, *fields: object) -> str:
    """Return an id that depends on the values given, and on no name of a class."""
    values = tuple(attrs.astuple(field) if isinstance(field, UserRef | Repository) else field for field in fields)
    return str(uuid5(NAMESPACE_URL, f"https://example.com/{kind}?{values!r}"))


def make_user(
    name: str | None = "Ada Park",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    email: str | None = "ada.park@example.com",
) -> UserRef:
    """Make a user, by default one with a name and an address.

    Args:
        name: None: has set none.
        id: None: a UUID that depends on the other arguments.
        email: None: hidden.
    """
    return UserRef(id or _uuid("user", name, email), name, email)


def make_repository(
    full_name: str = "example-energy/eol-tests",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    provider: str | None = "github",
) -> Repository:
    """Make a repository, by default one on GitHub.

    Args:
        full_name: With the owner; the part behind the last slash is the short name.
        id: None: a UUID that depends on the other arguments.
        provider: None: the server does not say.
    """
    return Repository(id or _uuid("repository", full_name, provider), full_name.rpartition("/")[2], full_name, provider)


def make_procedure(
    name: str = "Battery Pack Functional Test",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    created_at: datetime = datetime(2026, 1, 30, 16, 45, tzinfo=UTC),
    created_by_user: UserRef | None = make_user(),  # noqa: B008 - a value
    linked_repository: Repository | None = make_repository(),  # noqa: B008 - a value
) -> Procedure:
    """Make a procedure.

    Procedures made of the same arguments are equal; those made of different ones are different procedures, with ids of
    their own.

    Args:
        name: Display name.
        id: None: a UUID that depends on the other arguments.
        created_at: Timezone-aware.
        created_by_user: None: the server names no creator.
        linked_repository: None: no repository is linked.

    Raises:
        ValueError: `created_at` is naive.
    """
    if created_at.utcoffset() is None:
        raise ValueError(f"created_at must be timezone-aware, got {created_at!r}")
    id = id or _uuid("procedure", name, created_at, created_by_user, linked_repository)  # noqa: A001 - the API's name
    return Procedure(id, name, created_at, created_by_user, linked_repository)


def make_page(data: Iterable[T] = (), *, cursor: int = 0, next_cursor: int | None = None) -> Page[T]:
    """Make a page of items.

    Args:
        data: The items.
        cursor: Where the page begins.
        next_cursor: Where the next one begins; None: it is the last.
    """
    return Page(list(data), PageMeta(has_more=next_cursor is not None, next_cursor=next_cursor), cursor)
