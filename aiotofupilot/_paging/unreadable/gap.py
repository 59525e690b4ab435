"""What lies before a page where items could not be read."""

from __future__ import annotations

import logging
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiotofupilot._otel import WalkSpan
    from aiotofupilot.stats import WalkStats

__all__ = ["Gap", "note_left_out"]

_POSITIONS = 1000
"""At most this many positions of items that were left out are kept."""

_NONE: Mapping[int, str] = MappingProxyType({})

_log = logging.getLogger("aiotofupilot")


@frozen
class Gap:
    """The positions before a page at which nothing could be read; none as a rule."""

    start: int
    """The first position."""
    stop: int
    """The position after the last one, where the page begins."""
    left_out: Mapping[int, str] = _NONE
    """Those of the positions that the walk has not passed before, and why the items there cannot be read."""
    before: str | None = None
    """The ID of the item before the gap, read after the page behind it; None: there is none, or it is not needed."""
    is_confirmed: bool = True
    """Whether both sides of the gap were found where they stood, again and again, after the page behind it was read."""


def note_left_out(gap: Gap, stats: WalkStats, span: WalkSpan) -> None:
    """Count what is left out before a page, and tell it."""
    stats.unreadable += len(gap.left_out)
    stats.unreadable_positions += islice(gap.left_out, _POSITIONS - len(stats.unreadable_positions))
    for position, reason in gap.left_out.items():
        _log.warning("the item at position %d cannot be read and is left out: %s", position, reason)
        span.event("skip", {"position": position})
