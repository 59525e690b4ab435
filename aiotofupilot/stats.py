"""What was done so far, in numbers: the requests of anything, and what a walk made of them."""

from __future__ import annotations

from attrs import define, field

__all__ = ["RequestCounts", "WalkStats"]


@define
class RequestCounts:
    """Counts of the requests that were sent for one purpose, up to now."""

    requests: int = 0
    """Requests sent. Redirects that are followed belong to the request that was redirected."""
    retries: int = 0
    """Requests among them that asked for a page again after an attempt had failed."""
    waited: float = 0.0
    """Seconds waited between attempts, in a pause of the session, in its limiter, and for a free connection, added up
    over all pages in flight."""
    whole: RequestCounts | None = field(default=None, repr=False, eq=False, kw_only=True)
    """The counts of something that this is a part of, such as a pass of several walks. What is counted here is counted
    there too. None: this is a whole."""

    def add(self, *, requests: int = 0, retries: int = 0, waited: float = 0.0) -> None:
        """Count more requests, or fewer, here and in `whole`.

        Args:
            requests: To be added to `requests`.
            retries: To be added to `retries`.
            waited: To be added to `waited`.
        """
        self.requests += requests
        self.retries += retries
        self.waited += waited
        if self.whole is not None:
            self.whole.add(requests=requests, retries=retries, waited=waited)


@define
class WalkStats:
    """Counts of one walk, up to now."""

    counts: RequestCounts = field(factory=RequestCounts)
    """The requests of the walk."""
    pages: int = 0
    """Pages that the walk passed through; pages fetched and thrown away do not count."""
    items: int = 0
    """Items yielded."""
    duplicates: int = 0
    """Items dropped because they had been yielded."""
    resyncs: int = 0
    """How often the listing was found to have moved, with ``on_drift="resync"``."""
    unreadable: int = 0
    """Items left out because they cannot be read, with ``on_unreadable="skip"``."""
    unreadable_positions: list[int] = field(factory=list[int])
    """Where the first 1,000 of these stood, in the server's counting."""

    @property
    def requests(self) -> int:
        """Requests sent; see `RequestCounts`."""
        return self.counts.requests

    @property
    def retries(self) -> int:
        """Requests that asked for a page again; see `RequestCounts`."""
        return self.counts.retries

    @property
    def waited(self) -> float:
        """Seconds waited; see `RequestCounts`."""
        return self.counts.waited
