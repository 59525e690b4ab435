"""What a run has left out because it cannot be read."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiotofupilot import WalkStats

__all__ = ["Unreadable", "noting"]

W = TypeVar("W", bound="_Walk")


@frozen(kw_only=True)
class Unreadable:
    """Items of a listing that were left out because they cannot be read."""

    listing: str
    """The listing. A run is counted among what it wrote, which is left out with it: measurements, phases and logs."""
    count: int
    """How many there are."""
    positions: tuple[int, ...] = field(converter=tuple[int, ...])
    """Where the first 1,000 of them stood in what was asked for, which begins where the last run ended."""


class _Walk(Protocol):
    """A walk of any kind."""

    @property
    def stats(self) -> WalkStats:
        """What it has done so far."""
        ...

    async def aclose(self) -> None:
        """End it."""
        ...


@asynccontextmanager
async def noting(walk: W, listing: str, unreadable: list[Unreadable] | None) -> AsyncGenerator[W]:
    """Walk during a block, and note at its end what the walk has left out.

    Args:
        walk: A walk.
        listing: What it walks.
        unreadable: Where to note it. None: the walk leaves nothing out.
    """
    async with aclosing(walk):
        try:
            yield walk
        finally:
            stats = walk.stats
            if unreadable is not None and stats.unreadable:
                left_out = Unreadable(listing=listing, count=stats.unreadable, positions=stats.unreadable_positions)
                unreadable.append(left_out)
