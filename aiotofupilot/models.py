"""The values that TofuPilot's listings are made of.

Field names are the API's own, in snake case where the wire has camel case (`linkedRepository`, `fullName`). All
models are attrs classes with slots and compare and hash by value. They are frozen for the type checker alone: a frozen
``__init__`` at run time would triple the cost of a page, which is the hot path.

Source: https://www.tofupilot.com/docs/api
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - resolved at run time, to structure by
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from attrs import frozen
else:
    from functools import partial

    from attrs import define

    frozen = partial(define, unsafe_hash=True)

__all__ = ["Page", "PageMeta", "Procedure", "Repository", "User"]

T = TypeVar("T")


@frozen
class User:
    """Who created a procedure."""

    id: str
    """UUID."""
    name: str | None = None
    """None: the user has set no name."""
    email: str | None = None
    """None: hidden from this key's owner, such as a viewer restricted to access groups."""


@frozen
class Repository:
    """The source repository that a procedure is linked to."""

    id: str
    """UUID."""
    name: str
    """Short name, such as ``my-repo``."""
    full_name: str
    """Name with its owner, such as ``org/my-repo``; ``fullName`` on the wire."""
    provider: str | None = None
    """``github``, ``gitlab``, ``bitbucket``, or one that TofuPilot adds later; None: the server did not say."""


@frozen
class Procedure:
    """A test sequence that runs are filed under."""

    id: str
    """UUID, in the server's spelling."""
    name: str
    """Display name."""
    created_at: datetime
    """When it was created; timezone-aware."""
    created_by_user: User | None = None
    """None: the server names no creator."""
    linked_repository: Repository | None = None
    """None: no repository is linked; ``linkedRepository`` on the wire."""


@frozen
class PageMeta:
    """What a page says of the listing behind it."""

    has_more: bool
    """Whether the server announces more items."""
    next_cursor: int | None = None
    """Where the next page begins, in the server's own counting; None: nowhere."""


@frozen
class Page(Generic[T]):
    """One answer of a listing, as the server cut it."""

    data: list[T]
    """The items, in the server's order."""
    meta: PageMeta
    """What follows."""
    cursor: int = 0
    """Where the page began: the cursor that it was asked for, 0 for the listing's beginning."""

    @property
    def following(self) -> int | None:
        """Where the server says that the next page begins; None: this is the last page, or the server does not say."""
        return self.meta.next_cursor if self.meta.has_more else None
