"""What can be listed here, and under which conditions. There are several kinds of data, so no client is tuned to one.

A worker imports this module before it measures memory, so it makes no data. The module `data` does.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from typing import TYPE_CHECKING

from attrs import asdict, field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KEY", "KINDS", "LIMIT", "WALKED", "Kind", "Listing", "Scenario"]

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
    def query(self) -> dict[str, int | str]:
        """The query of every page, but for its cursor."""
        return {"limit": LIMIT, **{name: str(value).lower() for name, value in self.options.items()}}


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


@frozen(kw_only=True)
class Scenario:
    """One listing and its conditions. They are a part of the base URL, so any client can ask for them."""

    run: str
    """Name of the run. Each run has its own counters."""
    items: int = field(converter=int)
    """How many items are listed."""
    data: str = "few"
    """Name of the kind of data that is listed."""
    delay: float = field(default=0.0, converter=float)
    """Seconds from a request to its answer."""
    faults: float = field(default=0.0, converter=float)
    """Share of requests that fail. A 503, a reset connection and half a body are equally likely."""
    refusals: float = field(default=0.0, converter=float)
    """Share of requests that are answered with an error. 429, 500 and 503 are equally likely."""
    points: int = field(default=0, converter=int)
    """How many points the waveform has that each run has by itself. 0: no run has one."""
    seed: int = field(default=0, converter=int)
    """Decides which requests fail."""

    @property
    def path(self) -> str:
        """The scenario as one path segment, such as ``run=cpu-1,items=10000,data=few,delay=0.0`` and so on."""
        return ",".join(f"{name}={value}" for name, value in asdict(self).items())

    @classmethod
    def parse(cls, path: str) -> Scenario:
        """Return the scenario that a path segment stands for."""
        return cls(**dict(pair.split("=", 1) for pair in path.split(",")))
