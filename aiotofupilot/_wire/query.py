"""From a path and its parameters to a request target."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Pairs", "request_target"]

Pairs = tuple[tuple[str, str], ...]
"""Names and values of a query, in order. A name repeats where its parameter takes several values."""


def request_target(path: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return a path and its query, percent-encoded as the official SDK does it: a space becomes ``+``."""
    query = urlencode(list(pairs))
    return f"{path}?{query}" if query else path
