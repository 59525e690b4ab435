"""What a walk has done so far, in numbers."""

from __future__ import annotations

from attrs import define

__all__ = ["WalkStats"]


@define
class WalkStats:
    """Counts of one walk, up to now."""

    requests: int = 0
    """Requests sent; redirects that are followed belong to the request that was redirected."""
    retries: int = 0
    """Those of them that asked for a page again after an attempt had failed."""
    pages: int = 0
    """Pages that the walk passed through; pages fetched and thrown away do not count."""
    items: int = 0
    """Items yielded."""
    duplicates: int = 0
    """Items dropped because they had been yielded."""
    resyncs: int = 0
    """How often the listing was found to have moved, with ``on_drift="resync"``."""
    waited: float = 0.0
    """Seconds waited between attempts, in a pause of the session, and for a free connection; added up over all pages in
    flight."""
