"""Interleaved runs, and the figures that follow from them."""

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
    """The median of some runs, with the lowest and the highest."""

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
    """What was measured. None: the client failed, as the note says."""
    floor: Figure | None = None
    """The figure divided by that of the least that could be done, in the same round. None: there is no comparison."""
    official: Figure | None = None
    """The figure divided by that of the official SDK, in the same round. None: there is no comparison."""
    at: float | None = None
    """The number that the plots show the figure over, such as the number of items. None: there is none."""
    note: str = ""
    """What a reader must know to judge the figure."""


def interleave(
    runs: Mapping[str, Callable[[int], Sample]], rounds: int, progress: Callable[[str, int], None]
) -> dict[str, list[Sample]]:
    """Call each function once per round. Every other round has the reverse order, so neighbours meet in both orders.

    Args:
        runs: The functions, by name. They take the number of the round.
        rounds: How many rounds there are; at least 1.
        progress: Called before each run, with the name and the number of the round, from 1 on.
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
        samples: The samples of each client, by its name.
        figure: Returns what was measured in a sample.
        titles: The title of each client, by its name.
        floor: Name of the client that does the least that could be done. None: there is no such client.
        official: Name of the official SDK. None: there is no comparison with it.
        at: The number that the plots show the figure over. None: there is none.
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
    """Say which runs did not do all of the work. Their time means nothing."""
    failed = [sample for sample in samples if sample.get("error") or sample.get("items") != sample.get("expected")]
    if not failed:
        return ""
    items = Figure.of([sample["items"] for sample in failed])
    runs = "every run" if len(failed) == len(samples) else f"{len(failed)} of {len(samples)} runs"
    error = (failed[0]["error"] or "without an error").partition(":")[0]
    return f"{runs} failed, at item {items.median:,.0f} of {failed[0]['expected']:,} in the median: {error}"


_BUSY = 0.9


def _bottleneck(samples: Sequence[Sample]) -> str:
    """Say so if the server had no time to spare, because then the server was measured."""
    busy = max(sample.get("busy", 0.0) for sample in samples)
    return f"the server was {busy:.0%} busy, and may have been the bottleneck" if busy > _BUSY else ""
