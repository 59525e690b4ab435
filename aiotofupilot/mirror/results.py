"""The results of an update of a mirror, and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from aiotofupilot import TofuPilotError

if TYPE_CHECKING:
    from pathlib import Path


@frozen(kw_only=True)
class MirrorResult:
    """The result of an update for one listing, such as 42 new runs."""

    listing: str
    """The name of the listing and of its table."""
    new: int
    """Rows that the table did not have before."""
    gone: int
    """Rows that this update marked because the server no longer lists them."""
    rows: int
    """Rows that the table has now, including marked ones."""
    unreadable: int = 0
    """Items left out with ``on_unreadable="skip"``, because the server cannot serve them or no column can hold them. An
    unreadable run counts only among runs, although its measurements, phases and logs are left out with it."""
    lateness: float = 0.0
    """The most seconds by which an item found now is older than the newest item that existed when the update
    before began. The ``overlap`` has to be longer."""
    is_unchecked: bool = False
    """Whether rows may be missing, because the server's pages could not be checked: more than a page of items have the
    same time and no order tells them apart, or the pages follow no order. Such an update marks a row of this listing
    as gone only if it searched for that row."""
    doubt: str | None = None
    """Why the search for removed rows was incomplete, for example because more than 50 rows are gone. ``full`` finds
    them. None if the search was complete, or not needed."""


class MirrorError(TofuPilotError):
    """A file cannot be used as the database of a mirror. The error changes nothing in it."""


class DatabaseInUseError(MirrorError):
    """The database is open elsewhere.

    Attributes:
        path: The database.
    """

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path
