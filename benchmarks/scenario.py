"""What the server is asked to do. This is a part of the base URL, so any client can ask for it."""

from __future__ import annotations

from attrs import asdict, frozen

__all__ = ["Scenario"]


@frozen(kw_only=True)
class Scenario:
    """One listing and its conditions."""

    run: str
    """Name of the run. Each run has its own counters."""
    items: int
    """How many items are listed."""
    data: str = "few"
    """Name of the kind of data that is listed."""
    delay: float = 0.0
    """Seconds from a request to its answer."""
    faults: float = 0.0
    """Share of requests that fail. A 503, a reset connection and half a body are equally likely."""
    refusals: float = 0.0
    """Share of requests that are answered with an error. 429, 500 and 503 are equally likely."""
    points: int = 0
    """How many points the waveform has that each run has by itself. 0: no run has one."""
    seed: int = 0
    """Decides which requests fail."""

    @property
    def path(self) -> str:
        """The scenario as one path segment, such as ``run=cpu-1,items=10000,data=few,delay=0.0`` and so on."""
        return ",".join(f"{name}={value}" for name, value in asdict(self).items())

    @classmethod
    def parse(cls, path: str) -> Scenario:
        """Return the scenario that a path segment spells."""
        fields = dict(pair.split("=", 1) for pair in path.split(","))
        return cls(
            run=fields["run"],
            items=int(fields["items"]),
            data=fields["data"],
            delay=float(fields["delay"]),
            faults=float(fields["faults"]),
            refusals=float(fields["refusals"]),
            points=int(fields["points"]),
            seed=int(fields["seed"]),
        )
