"""What a run has left out because it cannot be read."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

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
    """Where the first 1,000 of them stood, counted from 0. Each is a ``cursor`` of the listing with `since` as
    ``created_after``, in ascending order of ``created_at`` where the API sorts by that. For deployments it is
    ``deployed_after``. Empty: the listing is one of what runs wrote, whose items are asked for a hundred runs at a
    time."""
    since: datetime | None = None
    """The moment of creation from which on the run asked, in UTC. None: it asked for the whole listing."""


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
async def noting(
    walk: W,
    listing: str,
    unreadable: list[Unreadable] | None,
    *,
    since: datetime | None = None,
    has_positions: bool = True,
) -> AsyncGenerator[W]:
    """Walk during a block, and note at its end what the walk has left out.

    Args:
        walk: A walk.
        listing: What it walks.
        unreadable: Where to note it. None: the walk leaves nothing out.
        since: From which moment of creation on it walks. None: it walks the whole listing.
        has_positions: Whether its positions are those of one query.
    """
    async with aclosing(walk):
        try:
            yield walk
        finally:
            stats = walk.stats
            if unreadable is not None and stats.unreadable:
                positions = stats.unreadable_positions if has_positions else ()
                unreadable.append(Unreadable(listing=listing, count=stats.unreadable, positions=positions, since=since))
