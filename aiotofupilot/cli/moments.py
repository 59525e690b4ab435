"""Dates as people type them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cyclopts import Token

__all__ = ["moment"]


def moment(_: object, tokens: Sequence[Token]) -> datetime:
    """Read a date or date-time in ISO 8601, as a converter of cyclopts.

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
