"""Counts of requests, and counts of a walk."""

from __future__ import annotations

from attrs import define, field

__all__ = ["RequestCounts", "WalkStats"]


@define
class RequestCounts:
    """The requests sent so far for one purpose, such as a walk."""

    requests: int = 0
    """Requests sent. A redirect does not count as another request."""
    retries: int = 0
    """Requests that repeated a failed attempt."""
    waited: float = 0.0
    """Seconds waited between attempts, in pauses, in the limiter, and for a free connection, summed over all pages
    in flight."""
    whole: RequestCounts | None = field(default=None, repr=False, eq=False, kw_only=True)
    """The totals that these counts are also added to, such as those of a pass of several walks. None if there are
    none."""

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
    """Pages whose items were used. Dropped pages do not count."""
    items: int = 0
    """Items yielded."""
    duplicates: int = 0
    """Items left out because they had been yielded before."""
    resyncs: int = 0
    """How often the listing had moved, and the walk found its position again."""
    unreadable: int = 0
    """Items left out by ``on_unreadable="skip"``. An item that is met again, because the listing moved, counts
    again."""
    unreadable_positions: list[int] = field(factory=list[int])
    """The positions of the first 1,000 of these items, counted from 0 in the server's order."""
    unreadable_ids: list[str] = field(factory=list[str])
    """The IDs of the first 1,000 items whose details cannot be read, in a walk over `Paginator.details`."""
    removed: int = 0
    """Items of a walk over `Paginator.details` that were removed before their details were requested: not found, and
    no longer listed."""
    missing: int = 0
    """Items that ``details().since()`` left out because they were not found, although they may still be listed. The
    watermark waits for them, so the next pass requests them."""
    lateness: float = 0.0
    """How late the latest item of this pass of ``since()`` became visible, in seconds: how much older it is than the
    newest item that existed when the pass before began. The ``overlap`` has to be longer. For items of runs, the times
    of their runs count."""
    is_sequential: bool = False
    """Whether only one page is in flight from some page on, although ``concurrency`` allows more, because the
    server's cursors cannot be computed ahead."""
    is_unchecked: bool = False
    """Whether items may be missed or doubled from some page on, because pages could not be checked against the
    walk's position. A warning is given once. The guide "How pagination loses rows, and how to stop it" explains why.
    Only a walk without ``on_drift`` and a pass of ``since()`` continue unchecked; others raise a `DriftError`."""

    @property
    def requests(self) -> int:
        """Requests sent; see `RequestCounts`."""
        return self.counts.requests

    @property
    def retries(self) -> int:
        """Requests that repeated a failed attempt; see `RequestCounts`."""
        return self.counts.retries

    @property
    def waited(self) -> float:
        """Seconds waited; see `RequestCounts`."""
        return self.counts.waited
