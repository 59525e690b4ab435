"""What was seen of a listing: everything that was created before the floor, and single items after it.

A moment is a number of seconds since 1970 in UTC here. Items are known by digest.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aiotofupilot.checkpoint import digest

if TYPE_CHECKING:
    from aiotofupilot.watermark import Watermark

__all__ = ["OVERLAP", "Seen", "moment_at", "moment_of"]

OVERLAP = 60
"""An item may become visible this many seconds after it was created."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) + 1
"""The earliest floor. A second before it is a datetime too."""


def moment_of(value: datetime) -> float:
    """Return a moment."""
    return (value - _EPOCH).total_seconds()


def moment_at(moment: float) -> datetime:
    """Return a moment as a datetime in UTC."""
    return _EPOCH + timedelta(seconds=moment)


class Seen:
    """Keeps what was seen, and forgets single items once the floor has passed them.

    Args:
        watermark: What was seen before.
    """

    def __init__(self, watermark: Watermark) -> None:
        self._by_second: dict[int, list[bytes]] = {second: list(digests) for second, digests in watermark.seen}
        self._known = {digested for digests in self._by_second.values() for digested in digests}
        self.floor = None if watermark.floor is None else int(moment_of(watermark.floor))
        """Everything that was created before this second was seen; None: only single items were."""

    def knows(self, item_id: str) -> bool:
        """Return whether an item was seen by itself, unless the floor has passed it."""
        return digest(item_id) in self._known

    def add(self, item_id: str, moment: float | None) -> None:
        """Note that an item was seen, given when it was created; None: it does not tell."""
        digested = digest(item_id)
        self._known.add(digested)
        self._by_second.setdefault(0 if moment is None else math.floor(moment), []).append(digested)

    def settle(self, moment: float) -> None:
        """Raise the floor to a moment, rounded down to a second. It never goes back."""
        floor = max(math.floor(moment), _EARLIEST)
        if self.floor is not None and floor <= self.floor:
            return
        self.floor = floor
        for second in [second for second in self._by_second if second < floor]:
            self._known.difference_update(self._by_second.pop(second))

    @property
    def floor_at(self) -> datetime | None:
        """The floor as a datetime in UTC."""
        return None if self.floor is None else moment_at(self.floor)

    @property
    def items(self) -> tuple[tuple[int, tuple[bytes, ...]], ...]:
        """The digests of single items, by the second of their creation, as a watermark has them."""
        return tuple((second, tuple(sorted(digests))) for second, digests in sorted(self._by_second.items()))
