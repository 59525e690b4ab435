"""Counts of requests, and counts of a walk."""

from __future__ import annotations

from attrs import define, field

__all__ = ["RequestCounts", "WalkStats"]


@define
class RequestCounts:
    """The requests that were sent so far for one purpose, such as a walk."""

    requests: int = 0
    """Requests sent. A redirect that is followed does not count as another request."""
    retries: int = 0
    """How many of these requests were for a page again, after an attempt had failed."""
    waited: float = 0.0
    """Seconds of waiting between attempts, in a pause of the session, in its limiter, and for a free connection. The
    waits of all pages in flight are added up."""
    whole: RequestCounts | None = field(default=None, repr=False, eq=False, kw_only=True)
    """The counts of the whole that this is a part of, such as a pass of several walks. Each count is added there too.
    None: this is not a part."""

    def add(self, *, requests: int = 0, retries: int = 0, waited: float = 0.0) -> None:
        """Add to the counts, here and in `whole`. A negative number subtracts.

        Args:
            requests: The number to add to `requests`.
            retries: The number to add to `retries`.
            waited: The seconds to add to `waited`.
        """
        self.requests += requests
        self.retries += retries
        self.waited += waited
        if self.whole is not None:
            self.whole.add(requests=requests, retries=retries, waited=waited)


@define
class WalkStats:
    """The counts of one walk so far."""

    counts: RequestCounts = field(factory=RequestCounts)
    """The requests of the walk."""
    pages: int = 0
    """Pages whose items were used. Pages that were fetched and thrown away do not count."""
    items: int = 0
    """Items yielded."""
    duplicates: int = 0
    """Items that were left out because they had been yielded before."""
    resyncs: int = 0
    """How often the listing was found to have moved, and the position of the walk was found again."""
    unreadable: int = 0
    """Items that were left out because they cannot be read, with ``on_unreadable="skip"``. An item that is met again,
    because the listing moved, counts again."""
    unreadable_positions: list[int] = field(factory=list[int])
    """The positions of the first 1,000 of these items, counted from 0 in the server's order."""
    unreadable_ids: list[str] = field(factory=list[str])
    """The IDs of the first 1,000 items of a walk over `Paginator.details` that were left out because their details
    cannot be read."""
    removed: int = 0
    """Items of a walk over `Paginator.details` that were listed, and left out because they were removed before their
    details were requested: they were not found, and the listing, requested again, lacked them too."""
    missing: int = 0
    """Items of a pass of ``details().since()`` that were listed, and left out because they were not found by
    themselves, although they may still be listed. The watermark waits for them, and the next pass requests them."""
    lateness: float = 0.0
    """How late an item became visible that this pass of ``since()`` found, at most: the seconds from its creation to
    the latest time that an earlier pass knew. The ``overlap`` has to be longer. For what runs wrote, this is about the
    runs."""
    is_sequential: bool = False
    """Whether only one page is in flight since some page on, although ``concurrency`` allows more. The server's cursors
    did not lead where they were expected to, so the next page can only be requested once the one before has come."""
    is_unchecked: bool = False
    """Whether items may be missed or doubled since some page on, because pages could not be held to the position of the
    walk. The guide "How pagination loses rows, and how to stop it" says when. A warning said so once. Only a walk
    without ``on_drift`` does this, and a pass over what is new. Other walks raise a `DriftError`."""

    @property
    def requests(self) -> int:
        """Requests sent; see `RequestCounts`."""
        return self.counts.requests

    @property
    def retries(self) -> int:
        """Requests that were for a page again; see `RequestCounts`."""
        return self.counts.retries

    @property
    def waited(self) -> float:
        """Seconds waited; see `RequestCounts`."""
        return self.counts.waited
