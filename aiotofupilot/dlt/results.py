"""What a mirror yields, and what ends it beside what the server says."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from attrs import field, frozen

from aiotofupilot import TofuPilotError

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["DISK_FAILED", "MirrorError", "MirrorResult", "MirrorTimeoutError", "StaleWatermarkError", "Unreadable"]

DISK_FAILED = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT})
"""What a disk may say to a write, and no other path on the same disk would mend."""


@frozen(kw_only=True)
class Unreadable:
    """Items of a listing that were left out because they cannot be read."""

    listing: str
    """The listing. A run is counted among what it wrote, which is left out with it: measurements, phases and logs."""
    count: int
    """How many there are."""
    positions: tuple[int, ...] = field(converter=tuple[int, ...])
    """Where the first 1,000 of them stood, counted from 0. Each is a ``cursor`` of the listing with `since` as
    ``created_after``, in ascending order of ``created_at`` where the API sorts by that. For deployments it is
    ``deployed_after``. Empty: the listing is one of what runs wrote, whose items are requested a hundred runs at a
    time."""
    since: datetime | None = None
    """The time of creation from which on the run asked, in UTC. None: it requested the whole listing."""


@frozen(kw_only=True)
class MirrorResult:
    """What a run did for one listing, such as to load 42 new runs."""

    listing: str
    """Its name, which is that of the table."""
    new: int
    """Rows that the table did not have before."""
    gone: int
    """Rows that the server does not list any more, and that this run marked."""
    rows: int
    """Rows that the table has now, with those that are marked."""
    unreadable: tuple[Unreadable, ...] = field(default=(), converter=tuple["Unreadable", ...])
    """What was left out because it cannot be read, with ``on_unreadable="skip"``."""


class MirrorError(TofuPilotError):
    """A file cannot be used as the database of a mirror. Nothing in it was changed because of this."""


class MirrorTimeoutError(TofuPilotError):
    """The deadline of a mirror has passed. What had come by then is loaded, and the next run goes on after it.

    Attributes:
        seconds: The deadline.
        result: The result for the listing that was not read to its end.
    """

    def __init__(self, message: str, *, seconds: float, result: MirrorResult) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.result = result


class StaleWatermarkError(TofuPilotError):
    """The watermark of an earlier run cannot be used for the listing any more. Read everything again."""
