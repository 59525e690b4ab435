"""What one run reads of a listing, and the place in it after each batch of items.

A place is a dict of JSON's types. It is kept in dlt's state of the resource, which dlt commits with the rows.
"""

from __future__ import annotations

from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from aiotofupilot._arguments import one_of
from aiotofupilot._listings import every_procedure
from aiotofupilot.models import MODELS
from aiotofupilot.watermark import Watermark

from .errors import PlaceError
from .unreadable import Unreadable, noting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping

    from aiotofupilot import IncrementalWalk, Paginator, TofuPilotSession

__all__ = ["COMPARED", "Arrived", "chosen", "read"]

COMPARED = frozenset({"parts", "stations", "users"})
"""Listings without a filter on creation. Each run reads them from beginning to end."""

_BY_PROCEDURE = frozenset({"measurements", "phases"})
"""Listings of one procedure at a time."""

_OF_RUNS = _BY_PROCEDURE | {"logs"}
"""Listings of what runs wrote."""

_MILLISECOND = timedelta(milliseconds=1)
"""`Paginator.since` asks for what was created so much before its watermark's floor, or later."""

_ALL_ATTEMPTS = (("exclude_retries", "false"),)
"""The filters with which they are asked for."""

_EVERYTHING: Mapping[str, Mapping[str, bool]] = {
    "runs": {"include_metadata": True, "include_sequences": True},
    "units": {"include_metadata": True},
    "parts": {"include_metadata": True},
    "stations": {"include_metadata": True},
}
"""Arguments without which the API leaves something out."""


class Arrived(NamedTuple):
    """Items of one batch, and the place after them."""

    items: list[Any]
    place: dict[str, Any]


def chosen(listings: Iterable[str] | None) -> list[str]:
    """Return the names of some listings, each once, in the order in which listings are read.

    Args:
        listings: The names. None: all of them.

    Raises:
        ValueError: There is no such listing.
    """
    names = MODELS if listings is None else [one_of("listings", name, tuple(MODELS)) for name in listings]
    return [name for name in MODELS if name in names]


async def read(
    name: str,
    session: TofuPilotSession,
    place: Mapping[str, Any],
    *,
    rows: int,
    unreadable: list[Unreadable] | None = None,
) -> AsyncGenerator[Arrived]:
    """Read what is new since a place, in batches. A batch may be empty, where only the place is new.

    Args:
        name: The listing.
        session: Whom to ask.
        place: Where an earlier run ended. Empty: nothing was read yet.
        rows: Items of a batch, about.
        unreadable: Where to note items that cannot be read, which are left out. None: such an item is an error.

    Raises:
        PlaceError: The place holds no watermark, or that of a query with other filters.
        TofuPilotError: The server did not answer as it should.
    """
    if name in COMPARED:
        arrivals = _compared(name, session, rows, unreadable)
    else:
        arrivals = _new(name, session, place, rows, unreadable)
    async with aclosing(arrivals):
        async for arrived in arrivals:
            yield arrived


def listing_of(name: str, session: TofuPilotSession, **options: Any) -> Paginator[Any]:  # noqa: ANN401 - of any type
    """Return a listing with all that the API can tell of its items."""
    on_drift = {"on_drift": "resync"} if name in COMPARED else {}
    found = getattr(session, name)
    if found.is_bare:  # it has no pages, and so no options about them
        options.pop("on_unreadable", None)
    listing: Paginator[Any] = found.list(**_EVERYTHING.get(name, {}), **options, **on_drift)
    return listing


def _on_unreadable(unreadable: list[Unreadable] | None) -> Literal["raise", "skip"]:
    return "raise" if unreadable is None else "skip"


async def _compared(
    name: str, session: TofuPilotSession, rows: int, unreadable: list[Unreadable] | None
) -> AsyncGenerator[Arrived]:
    listing = listing_of(name, session, on_unreadable=_on_unreadable(unreadable))
    async with (
        noting(listing.walk(), name, unreadable) as walk,
        aclosing(_gathered(walk.batches(), rows)) as gathered,
    ):
        async for items in gathered:
            yield Arrived(items, {})


async def _new(
    name: str, session: TofuPilotSession, place: Mapping[str, Any], rows: int, unreadable: list[Unreadable] | None
) -> AsyncGenerator[Arrived]:
    spelled = place.get("watermark")
    try:
        news = _since(name, session, None if spelled is None else Watermark.parse(str(spelled)), unreadable)
    except ValueError as error:
        raise PlaceError(f"cannot go on where the last run ended, so read everything again: {error}") from error
    floor, is_of_runs = news.watermark.floor, name in _OF_RUNS
    since = None if floor is None or is_of_runs else floor - _MILLISECOND
    async with (
        noting(news, name, unreadable, since=since, has_positions=not is_of_runs) as walk,
        aclosing(_gathered(walk.batches(), rows)) as gathered,
    ):
        async for items in gathered:
            yield Arrived(items, {"watermark": str(walk.watermark)})


def _since(
    name: str, session: TofuPilotSession, watermark: Watermark | None, unreadable: list[Unreadable] | None
) -> IncrementalWalk[Any]:
    how = _on_unreadable(unreadable)
    if name in _BY_PROCEDURE:
        return every_procedure.since(getattr(session, name), _ALL_ATTEMPTS, watermark, on_unreadable=how)
    return listing_of(name, session, on_unreadable=how).since(watermark)


async def _gathered(pages: AsyncIterator[list[Any]], rows: int) -> AsyncGenerator[list[Any]]:
    """Yield items of several pages together. What is yielded last may be empty."""
    items: list[Any] = []
    async for page in pages:
        items += page
        if len(items) >= rows:
            yield items
            items = []
    yield items
