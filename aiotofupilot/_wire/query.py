"""The query of a request: as pairs, and percent-encoded."""

from __future__ import annotations

from urllib.parse import urlencode

__all__ = ["Pairs", "encoded"]

Pairs = tuple[tuple[str, str], ...]
"""Names and values of a query, in order. A name repeats where its parameter takes several values."""


def encoded(pairs: Pairs) -> str:
    """Return a query percent-encoded, as the official SDK does. A space becomes ``+``."""
    return urlencode(pairs)
