"""When a stream asks again for items that it left out because they cannot be read, and where it looks meanwhile.

Each poll of a stream asks for what was created lately. An item among it that cannot be read costs some 50 requests. So
for a while after a poll has left one out, the polls look only behind it, which takes one request. They do not raise the
floor of the watermark. So whatever they do not see is found by the next poll that asks for everything.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from attrs import frozen

from .seen import OVERLAP

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Behind", "LeftOut"]

_LONGEST = 300
"""At most this many seconds lie between two polls that ask for everything."""


@frozen
class Behind:
    """Where the items behind one begin that cannot be read."""

    after: datetime | None
    """The moment of creation after which items are asked for, the oldest first; None: all are."""
    cursor: int
    """The position in what is asked for."""


class LeftOut:
    """Decides for each poll whether it asks for everything.

    A minute after a poll that left something out, the next one asks for everything. The time doubles while nothing new
    comes, up to five minutes.
    """

    def __init__(self) -> None:
        self._behind: Behind | None = None
        self._wait = 0.0
        self._due = -math.inf

    def behind(self, now: float) -> Behind | None:
        """Return where a poll looks that begins now; None: it asks for everything.

        Args:
            now: The time in seconds, by a clock that never goes back.
        """
        return self._behind if now < self._due else None

    def note(self, looked: Behind | None, found: Behind | None, *, has_news: bool, now: float) -> None:
        """Take note of a poll that has ended.

        Args:
            looked: Where it looked; None: it asked for everything.
            found: Where the items begin behind those that it left out; None: it left out none.
            has_news: Whether it brought anything new.
            now: The time in seconds, by the same clock.
        """
        if looked is not None and found is None and not has_news:
            return
        doubles = looked is None and self._behind is not None and not has_news
        self._wait = min(2 * self._wait, _LONGEST) if doubles else OVERLAP
        due = now + self._wait
        self._due = due if looked is None else min(self._due, due)
        if looked is None or found is not None:
            self._behind = found
