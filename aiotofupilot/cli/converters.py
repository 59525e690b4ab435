"""What people type for an option, as converters for cyclopts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aiotofupilot.checkpoint import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cyclopts import Token

__all__ = ["checkpoint", "moment"]


def moment(_: object, tokens: Sequence[Token]) -> datetime:
    """Read a date or date-time in ISO 8601.

    Without an offset from UTC it is this machine's local time, as with git, journalctl and docker; a date alone is its
    midnight.

    Raises:
        ValueError: It is neither.
    """
    text = tokens[0].value
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise ValueError(
            f'"{text}" is no date: write 2024-01-31, 2024-01-31T09:30, 2024-01-31T09:30Z or 2024-01-31T09:30+02:00.'
        ) from None


def checkpoint(_: object, tokens: Sequence[Token]) -> Checkpoint:
    """Read a checkpoint, or a position, which is one too.

    Raises:
        ValueError: It is neither.
    """
    text = tokens[0].value
    try:
        return Checkpoint.parse(text)
    except ValueError:
        raise ValueError(f'"{text}" is no place: write 0 or more, or what an earlier run printed.') from None
