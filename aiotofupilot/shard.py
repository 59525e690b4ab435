"""A part of a listing: a value that can be sent to another process or machine, and listed there by a session."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

from attrs import field, frozen

from ._arguments import aware, for_parameter
from ._digests import sealed, unsealed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

__all__ = ["Shard"]

T = TypeVar("T")
"""The class of an item."""

_FORMAT = re.compile(r"([a-z_]+):([^/?]+)/([^/?]+)\?(.*)", re.ASCII)

_OPEN = ".."
"""The text of ISO 8601-2 for an end without a bound."""


def _start(value: object) -> datetime | None:
    return aware("start", value)


def _end(value: object) -> datetime | None:
    return aware("end", value)


def _query(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)


@frozen(kw_only=True)
class Shard(Generic[T]):
    """A part of a listing: the items whose timestamp is at or after `start`, and before `end`. It holds no key.

    ``listing.shards(n)`` makes shards. Together they hold every item of the listing once. ``session.list(shard)`` lists
    one. A shard can be pickled. ``str(shard)`` writes it for files, JSON and command lines, and `Shard.parse` reads it
    back. The text ends with a checksum, so that a text that was cut short or changed is refused.

    Raises:
        TypeError: A timestamp is neither a datetime nor None.
        ValueError: A timestamp is naive, or `start` is not before `end`.
    """

    listing: str
    """The name of the listing, such as ``runs``."""
    query: tuple[tuple[str, str], ...] = field(default=(), converter=_query)
    """The filters and the order of the listing, as in the query of a request."""
    start: datetime | None = field(default=None, converter=_start)
    """The earliest time of an item; timezone-aware. None: there is no earliest time."""
    end: datetime | None = field(default=None, converter=_end)
    """All items are before this time; timezone-aware. None: there is no latest time, so new items belong here."""

    def __attrs_post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise for_parameter(ValueError(f"start must be before end, got {self.start} and {self.end}"), "start")

    def __str__(self) -> str:
        start, end = (_OPEN if timestamp is None else timestamp.isoformat() for timestamp in (self.start, self.end))
        return sealed(f"{self.listing}:{start}/{end}?{urlencode(self.query)}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard that a text stands for.

        Args:
            text: What ``str(shard)`` returned.

        Raises:
            ValueError: The text is not a shard, or it was cut short or changed.
        """
        match = _FORMAT.fullmatch(unsealed(text))
        if match is None:
            raise ValueError(f"not a shard, or one that was cut short or changed: {text!r}")
        try:
            listing, start, end, query = match.groups()
            return cls(
                listing=listing,
                query=parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)),
                start=None if start == _OPEN else datetime.fromisoformat(start),
                end=None if end == _OPEN else datetime.fromisoformat(end),
            )
        except ValueError as error:
            raise ValueError(f"not a shard: {text!r}") from error

    def holds(self, timestamp: datetime | None) -> bool:
        """Return whether an item with a timestamp belongs to this shard.

        Args:
            timestamp: The timestamp of the item; timezone-aware. None: it has none. Such items belong to the shard
                without a start.
        """
        if timestamp is None:
            return self.start is None
        return (self.start is None or self.start <= timestamp) and (self.end is None or timestamp < self.end)
