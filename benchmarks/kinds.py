"""What can be listed here: several kinds of data, so that no client can be tuned to one of them.

A worker imports this module before it measures memory, so it makes no data. The folder `data` does.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KEY", "KINDS", "LIMIT", "WALKED", "Kind", "Listing"]

Listing = Callable[[], AsyncIterable[object]]
"""Begins one walk over all items, on a client that is open."""

KEY = "sandbox-user-key"
"""The key that clients send. It is that of a sandbox. The benchmarks' own server does not look at it."""

LIMIT = 100
"""Items per page, the most that the API allows."""


@frozen(kw_only=True)
class Kind:
    """One kind of data, and how clients ask for it."""

    title: str
    """For the table, such as ``procedures, few creators``."""
    listing: str
    """Name of the listing in the API's path, in the official SDK and in this package."""
    options: Mapping[str, bool] = field(factory=dict)
    """Options of the listing that every client sets."""

    @property
    def path(self) -> str:
        """The path of the listing, below the API's base URL."""
        return f"/v2/{self.listing}"

    @property
    def query(self) -> dict[str, str]:
        """The options as the API spells them in a query."""
        return {name: str(value).lower() for name, value in self.options.items()}


KINDS = {
    "few": Kind(title="procedures, few creators", listing="procedures"),
    "new": Kind(title="procedures, all creators new", listing="procedures"),
    "runs": Kind(
        title="runs, everything nested", listing="runs", options={"include_metadata": True, "include_sequences": True}
    ),
    "measurements": Kind(title="measurements with validators", listing="measurements"),
}

WALKED = ("few", "new", "runs")
"""The kinds that clients walk through. Measurements are only decoded."""
