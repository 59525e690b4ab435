"""What ends a mirror, beside what the server says: what earlier runs have left, and the time."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from aiotofupilot.errors import TofuPilotError

if TYPE_CHECKING:
    from .mirroring import Brought

__all__ = ["DISK_FAILED", "MirrorError", "MirrorTimeoutError", "PlaceError"]

DISK_FAILED = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT})
"""What a disk may say to a write, and no other path on the same disk would mend."""


class MirrorError(TofuPilotError):
    """A file cannot be used as the database of a mirror. Nothing in it was changed on account of this."""


class MirrorTimeoutError(TofuPilotError):
    """The deadline of a mirror has passed. What had come by then is loaded, and the next run goes on after it.

    Attributes:
        seconds: The deadline.
        brought: What came of the listing that was not read to its end.
    """

    def __init__(self, message: str, *, seconds: float, brought: Brought) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.brought = brought


class PlaceError(TofuPilotError):
    """What an earlier run has noted of its place in a listing does not fit the listing. Read everything again."""
