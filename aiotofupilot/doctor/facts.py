"""The result of a diagnosis."""

from importlib.metadata import version
from platform import python_version
from typing import Literal

from attrs import frozen

from aiotofupilot._version import __version__

Filter = Literal["inclusive", "by microseconds", "exclusive", "rounded", "of another time", "ignored"]
Follows = Literal["by value", "by cursor", "unchecked", "one page"]


@frozen(kw_only=True)
class ListingFacts:
    """The facts about one listing that a few requests showed."""

    name: str
    """Name, such as ``runs``."""
    error: str | None = None
    """How the last request failed, such as ``404 NotFoundError at cursor 0``. None if none failed."""
    longest_page: int = 0
    """The number of items on the first page, of 100 requested."""
    has_offsets: bool | None = None
    """Whether a cursor is the number of items before its page. None if the listing has one page."""
    sorted_by: str | None = None
    """The time that sorts the listing, and the direction, such as ``started_at desc``. None if no time sorts it, or if
    all items have the same time."""
    keeps_ties: bool | None = None
    """Whether items with the same time keep their order between requests. None if no two pages shared such items."""
    filter: Filter | None = None
    """How the server compares this time with a bound: ``inclusive``; ``exclusive``; ``by microseconds``, which is finer
    than the times it shows; ``rounded`` down; by ``of another time`` than the one that sorts; or ``ignored``. None if
    the listing has no such filter, or too few items."""
    rounded_to: str | None = None
    """The unit that a bound is rounded down to: ``second``, ``minute``, ``hour`` or ``day``. None if it is not
    rounded."""
    deepest: int = 0
    """The largest cursor that had items."""
    beyond: int | None = None
    """The smallest cursor that had none. None if every page announced more."""
    cap: Literal["ends", "refuses", "repeats"] | None = None
    """How the server hides items from `beyond` on: it ends the listing, refuses the cursor with 400, or repeats a page.
    None if it hides none that are known."""
    head_seconds: float | None = None
    """Seconds that the first page took. None if it did not arrive."""
    deep_seconds: float | None = None
    """Seconds that the page at `deepest` took. None if that is the first page."""
    follows: Follows | None = None
    """How a walk without ``on_drift`` continues after a page: ``by value``, from the time of the last item; ``by
    cursor``, checking each page; ``unchecked``; or not at all, after ``one page``. None if no page arrived."""
    findings: tuple[str, ...] = ()
    """Facts that this package does not expect, each with its consequence."""
    notes: tuple[str, ...] = ()
    """Facts that it can handle, each with its consequence."""


@frozen(kw_only=True)
class Diagnosis:
    """Facts about a server and a key, without names, IDs, keys, addresses or texts of the server."""

    package: str = __version__
    """The version of this package."""
    python: str = python_version()
    """The version of Python."""
    aiohttp: str = version("aiohttp")
    """The version of aiohttp."""
    key: Literal["user", "station", "other"] | None
    """Whose key it is. None if the server did not say."""
    clock_ahead: float | None
    """Whole seconds that the server's clock is ahead of the local one. None if no response had a date."""
    reads: int
    """The number of requests."""
    listings: tuple[ListingFacts, ...]
    """The facts about each listing."""
    findings: tuple[str, ...]
    """Facts that this package does not expect. Each begins with its subject, such as ``runs``.
    """
    notes: tuple[str, ...]
    """Facts that it can handle, in the same form."""
