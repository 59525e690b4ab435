"""What an update of a mirror returns, and what ends it beside what the server says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from aiotofupilot import TofuPilotError

if TYPE_CHECKING:
    from pathlib import Path


@frozen(kw_only=True)
class MirrorProgress:
    """How far an update has come with a listing."""

    listing: str
    """Its name."""
    rows: int
    """How many of its rows the update has read so far."""
    total: int | None
    """About how many it will have read at its end. None: that cannot be told."""


@frozen(kw_only=True)
class MirrorResult:
    """The work of an update for one listing, such as 42 new runs."""

    listing: str
    """Its name, which is that of the table."""
    new: int
    """Rows that the table did not have before."""
    gone: int
    """Rows that the server does not list any more, and that this update marked."""
    rows: int
    """Rows that the table has now, with those that are marked."""
    unreadable: int = 0
    """Items that were left out because the server cannot serve them, or no column can hold them, with
    ``on_unreadable="skip"``. An unreadable run counts among runs alone, although its measurements, phases and logs are
    left out with it."""
    lateness: float = 0.0
    """How many seconds before the latest time that an earlier update knew an item was created that this one found, at
    most. The ``overlap`` has to be longer."""
    is_unchecked: bool = False
    """Whether the server's pages did not show that nothing was missed, so that rows may be missing: more than a page of
    items have one time, and no order tells them apart, or the pages follow no order. Such an update marks no row of
    this listing as gone, unless it finds single ones."""
    is_account_checked: bool = True
    """Whether the server said that its organization is the one that the database is a mirror of. False: the server is
    too old to say it."""
    doubt: str | None = None
    """Why not all rows that are gone were looked for, such as because more than 50 are. ``full`` finds them. None: all
    were, or none had to be."""


class MirrorError(TofuPilotError):
    """A file cannot be used as the database of a mirror. Nothing in it was changed because of this."""


class DatabaseInUseError(MirrorError):
    """Something else has the database open. Its path is in `path`.

    Attributes:
        path: The database.
    """

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path


class MirrorTimeoutError(TofuPilotError):
    """The deadline of an update has passed. What had come by then is stored, and the next update goes on after it.

    Attributes:
        seconds: The deadline.
        results: The results for the listings that the update had come to. The last one may not be complete.
    """

    def __init__(self, message: str, *, seconds: float, results: tuple[MirrorResult, ...]) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.results = results


class StaleWatermarkError(TofuPilotError):
    """The watermark that the database holds cannot be used any more. Read everything again, with ``full=True``."""
