"""Interleaved runs, and the figures that they come to."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Figure", "Row", "Sample", "compare", "interleave"]

Sample = dict[str, Any]
"""What one run measured, by name."""


@frozen
class Figure:
    """The median of some runs, and how far they lie apart."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Sum up the values of at least one run."""
        return cls(median(values), min(values), max(values))


@frozen(kw_only=True)
class Row:
    """One line of the results: a client, and what it took."""

    case: str
    """What was measured, with its unit, such as ``CPU per page, ms``."""
    client: str
    """Title of the client."""
    figure: Figure | None
    """None: it failed, as the note says."""
    floor: Figure | None = None
    """This figure over that of the least that could be done, from runs of the same round; None: not comparable."""
    official: Figure | None = None
    """Likewise, over that of the official SDK."""
    at: float | None = None
    """The number that the case is about, such as how many items, to plot by; None: there is none."""
    note: str = ""
    """What a reader must know to judge the figure."""


def interleave(
    runs: Mapping[str, Callable[[int], Sample]], rounds: int, progress: Callable[[str, int], None]
) -> dict[str, list[Sample]]:
    """Run each, round by round, every other round backwards, so that neighbours in time are compared both ways.

    Args:
        runs: By name, what to run, given the number of the round.
        rounds: How often; at least 1.
        progress: Told the name and the round, from 1 on, before each run.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in runs}
    for number in range(1, rounds + 1):
        for name in list(runs) if number % 2 else reversed(runs):
            progress(name, number)
            samples[name].append(runs[name](number))
    return samples


def compare(
    case: str,
    samples: Mapping[str, Sequence[Sample]],
    figure: Callable[[Sample], float],
    *,
    titles: Mapping[str, str],
    floor: str | None = None,
    official: str | None = None,
    at: float | None = None,
) -> list[Row]:
    """Turn samples into rows.

    Args:
        case: What was measured, with its unit.
        samples: By name of the client.
        figure: From a sample to what was measured.
        titles: By name of the client.
        floor: Name of what does the least that could be done; None: there is no such thing.
        official: Name of the official SDK; None: no comparison.
        at: The number that the case is about, to plot by.
    """
    values = {name: [figure(sample) for sample in taken] for name, taken in samples.items() if not _failure(taken)}

    def ratio(name: str, other: str | None) -> Figure | None:
        if other is None or name not in values or other not in values:
            return None
        return Figure.of([one / its for one, its in zip(values[name], values[other], strict=True)])

    return [
        Row(
            case=case,
            client=titles[name],
            figure=Figure.of(values[name]) if name in values else None,
            floor=ratio(name, floor),
            official=ratio(name, official),
            at=at,
            note=_failure(taken) or _bottleneck(taken),
        )
        for name, taken in samples.items()
    ]


def _failure(samples: Sequence[Sample]) -> str:
    """Say which runs did not do all of the work, for then their time means nothing."""
    failed = [sample for sample in samples if sample.get("error") or sample.get("items") != sample.get("expected")]
    if not failed:
        return ""
    items = Figure.of([sample["items"] for sample in failed])
    runs = "every run" if len(failed) == len(samples) else f"{len(failed)} of {len(samples)} runs"
    error = (failed[0]["error"] or "without an error").partition(":")[0]
    return f"{runs} failed, at item {items.median:,.0f} of {failed[0]['expected']:,} in the median: {error}"


_BUSY = 0.9


def _bottleneck(samples: Sequence[Sample]) -> str:
    """Say so if the server had no time to spare, for then it is what was measured."""
    busy = max(sample.get("busy", 0.0) for sample in samples)
    return f"the server was {busy:.0%} busy, and may have been the bottleneck" if busy > _BUSY else ""
