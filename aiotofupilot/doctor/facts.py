"""What a server shows in a few requests, and what follows from it."""

from importlib.metadata import version
from platform import python_version
from typing import Literal

from attrs import frozen

from aiotofupilot._version import __version__

Filter = Literal["inclusive", "by microseconds", "exclusive", "rounded", "of another time", "ignored"]
Follows = Literal["by value", "by cursor", "unchecked", "one page"]


@frozen(kw_only=True)
class ListingFacts:
    """What was seen of one listing."""

    name: str
    """The name of the listing, such as ``runs``."""
    error: str | None = None
    """What a request ended with, such as ``404 NotFoundError at cursor 0``. It was the last one for this listing. None:
    no request failed."""
    longest_page: int = 0
    """The most items of a page, where 100 were requested."""
    has_offsets: bool | None = None
    """Whether a cursor is the number of items before a page. None: there were too few items to see it."""
    sorted_by: str | None = None
    """The time that sorts the listing, and its direction, such as ``started_at desc``. None: there is no such time."""
    keeps_ties: bool | None = None
    """Whether items of one time stand in the same order on another page. None: no page showed such items again."""
    filter: Filter | None = None
    """How the server compares this time with a bound: ``inclusive``; ``by microseconds``, which is finer than what it
    shows; ``exclusive``; ``rounded`` down; ``of another time``; or ``ignored``. None: there is no such filter, or there
    were too few items to see it."""
    rounded_to: str | None = None
    """To what a bound is rounded: ``second``, ``minute``, ``hour`` or ``day``. None: it is not."""
    deepest: int = 0
    """The largest cursor at which items were seen."""
    beyond: int | None = None
    """The smallest cursor at which no more items were seen. None: no page showed that."""
    cap: Literal["ends", "refuses", "repeats"] | None = None
    """What the server does at `beyond` although there are more items: it shows no more, answers 400, or shows a page
    that it showed before. None: that was not seen."""
    head_seconds: float | None = None
    """Seconds that the first page took. None: it did not come."""
    deep_seconds: float | None = None
    """Seconds that the page at `deepest` took. None: that is the first page."""
    follows: Follows | None = None
    """How a walk without ``on_drift`` goes on after a page: ``by value``, which is the time of the item passed last;
    ``by cursor``, where each page is checked; ``unchecked``; or not, because the listing has ``one page``. None: none
    came."""
    findings: tuple[str, ...] = ()
    """What this package does not expect."""
    notes: tuple[str, ...] = ()
    """What it copes with."""


@frozen(kw_only=True)
class Diagnosis:
    """What a server shows with a key, and what follows for this package. It has no names, IDs, keys and addresses."""

    package: str = __version__
    """The version of this package."""
    python: str = python_version()
    """The version of Python."""
    aiohttp: str = version("aiohttp")
    """The version of aiohttp."""
    key: Literal["user", "station", "other"] | None
    """Whose key it is. None: the server did not say it."""
    clock_ahead: float | None
    """By so many whole seconds the server's clock is ahead of the local one. None: no response had a date."""
    reads: int
    """How many requests were made."""
    listings: tuple[ListingFacts, ...]
    """The facts of each listing."""
    findings: tuple[str, ...]
    """What this package does not expect. Each begins with what it is about, such as ``runs``. Empty: all is well."""
    notes: tuple[str, ...]
    """What it copes with, in the same form."""
