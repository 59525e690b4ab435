"""What one run reads of a listing until its deadline, and the position in it after each batch of items.

A position is a dict of JSON's types. It is kept in dlt's state of the resource, which dlt commits with the rows.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

from aiotofupilot import Watermark
from aiotofupilot._arguments import one_of
from aiotofupilot.listings import NAMES, listing_class

from .results import StaleWatermarkError, Unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
    from datetime import datetime

    from aiotofupilot import Paginator, TofuPilotSession, WalkStats

__all__ = ["Arrived", "Deadline", "chosen", "is_compared", "read"]

T = TypeVar("T")
W = TypeVar("W", bound="_Walk")

_MILLISECOND = timedelta(milliseconds=1)
"""`Paginator.since` requests what was created so much before its watermark's floor, or later."""


def is_compared(name: str) -> bool:
    """Return whether a listing has no filter on creation. Each run reads it from beginning to end."""
    declared = listing_class(name)
    return declared.creation_filter is None and declared.by_run is None


class Arrived(NamedTuple):
    """Items of one batch, and the position after them."""

    items: list[Any]
    place: dict[str, Any]


def chosen(listings: Iterable[str] | None) -> list[str]:
    """Return the names of some listings, each once, in the order in which listings are read.

    Args:
        listings: The names. None: all of them.

    Raises:
        ValueError: There is no such listing.
    """
    names = NAMES if listings is None else [one_of("listings", name, NAMES) for name in listings]
    return [name for name in NAMES if name in names]


async def read(
    name: str,
    session: TofuPilotSession,
    place: Mapping[str, Any],
    *,
    rows: int,
    unreadable: list[Unreadable] | None = None,
) -> AsyncGenerator[Arrived]:
    """Read what is new since a position, in batches. A batch may be empty, if only the position is new.

    Args:
        name: The listing.
        session: Whom to ask.
        place: Where an earlier run ended. Empty: nothing was read yet.
        rows: Items of a batch, about.
        unreadable: Where to note items that cannot be read, which are left out. None: such an item is an error.

    Raises:
        StaleWatermarkError: The position does not hold a watermark, or that of a query with other filters.
        TofuPilotError: The server did not respond as it should.
    """
    if is_compared(name):
        arrivals = _compared(name, session, rows, unreadable)
    else:
        arrivals = _new(name, session, place, rows, unreadable)
    async with aclosing(arrivals):
        async for arrived in arrivals:
            yield arrived


def listing_of(name: str, session: TofuPilotSession, on_unreadable: Literal["raise", "skip"]) -> Paginator[Any]:
    """Return a listing with all that the API can tell of its items."""
    listing = getattr(session, name)
    options: dict[str, Any] = {} if listing.is_bare else {"on_unreadable": on_unreadable}
    if is_compared(name):
        options["on_drift"] = "resync"
    for argument in listing.filters:  # without which the API leaves something out
        if argument.name.startswith("include_"):
            options[argument.name] = True
    paginator: Paginator[Any]
    if listing.by_run and listing.by_run.procedure_id:
        paginator = listing.of_every_procedure(**options, exclude_retries=False)
    else:
        paginator = listing.list(**options)
    return paginator


def _on_unreadable(unreadable: list[Unreadable] | None) -> Literal["raise", "skip"]:
    return "raise" if unreadable is None else "skip"


async def _compared(
    name: str, session: TofuPilotSession, rows: int, unreadable: list[Unreadable] | None
) -> AsyncGenerator[Arrived]:
    listing = listing_of(name, session, _on_unreadable(unreadable))
    async with (
        _noting(listing.walk(), name, unreadable) as walk,
        aclosing(_gathered(walk.batches(), rows)) as gathered,
    ):
        async for items in gathered:
            yield Arrived(items, {})


async def _new(
    name: str, session: TofuPilotSession, place: Mapping[str, Any], rows: int, unreadable: list[Unreadable] | None
) -> AsyncGenerator[Arrived]:
    text = place.get("watermark")
    try:
        watermark = None if text is None else Watermark.parse(str(text))
        news = listing_of(name, session, _on_unreadable(unreadable)).since(watermark)
    except ValueError as error:
        raise StaleWatermarkError(
            f"cannot go on where the last run ended, so read everything again: {error}"
        ) from error
    floor, is_of_runs = news.watermark.floor, listing_class(name).by_run is not None
    since = None if floor is None or is_of_runs else floor - _MILLISECOND
    async with (
        _noting(news, name, unreadable, since=since, has_positions=not is_of_runs) as walk,
        aclosing(_gathered(walk.batches(), rows)) as gathered,
    ):
        async for items in gathered:
            yield Arrived(items, {"watermark": str(walk.watermark)})


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
async def _noting(
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
        since: From which time of creation on it walks. None: it walks the whole listing.
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


async def _gathered(pages: AsyncIterator[list[Any]], rows: int) -> AsyncGenerator[list[Any]]:
    """Yield items of several pages together. What is yielded last may be empty."""
    items: list[Any] = []
    async for page in pages:
        items += page
        if len(items) >= rows:
            yield items
            items = []
    yield items


class Deadline:
    """A time from now on in which reading has to end.

    Args:
        seconds: How long it is, more than 0. None: there is no limit.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.is_missed: bool = False
        """Whether it has ended the reading of something."""
        self._at = None if seconds is None else time.monotonic() + seconds  # which is the clock of event loops

    async def before(self, arrivals: AsyncIterator[T]) -> AsyncGenerator[T]:
        """Yield what arrives in time. What is waited for when the time is over is cancelled."""
        while True:
            scope = asyncio.timeout_at(self._at)
            try:
                async with scope:
                    arrived = await anext(arrivals)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not scope.expired():
                    raise
                self.is_missed = True
                return
            yield arrived
