"""Whether anything grows with the listing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measure import compare

from .walked import STREAMING, TITLES, walked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.bench import Bench
    from benchmarks.measure import Row

__all__ = ["growth", "memory", "waveforms"]

_DATA = "new"
"""Everything is new in these data, so anything that a client keeps grows with them."""


def memory(bench: Bench) -> Iterable[Row]:
    """Whether memory grows with the listing."""
    sizes = (10_000, 100_000, 1_000_000)
    samples = {items: bench.walk_afresh(STREAMING, rounds=3, items=items, data=_DATA) for items in sizes}
    for items in sizes:
        case = f"{items:,} items, peak MiB"
        yield from walked(case, samples[items], lambda sample: sample["memory"] / 2**20, at=items)
    few, many = samples[sizes[0]], samples[sizes[-1]]
    more = {
        name: [
            sample | {"more": sample["memory"] - small["memory"]} for sample, small in zip(runs, few[name], strict=True)
        ]
        for name, runs in many.items()
    }
    case = f"{sizes[-1]:,} items, MiB more than for {sizes[0]:,}"
    yield from compare(case, more, lambda sample: sample["more"] / 2**20, titles=TITLES)


def growth(bench: Bench) -> Iterable[Row]:
    """Whether the hundred-thousandth item costs as much as the first."""
    for items in (1_000, 3_000, 10_000, 30_000, 100_000):
        samples = bench.walk(STREAMING, rounds=3, items=items, data=_DATA)
        yield from walked(f"{items:,} items, CPU s", samples, lambda sample: sample["cpu"], at=items)


def waveforms(bench: Bench) -> Iterable[Row]:
    """Whether memory grows with the number of runs that have a long waveform."""
    points = 100_000
    contenders = ("official-details", "ours-details", "ours-16-details")
    for items in (200, 2_000):
        samples = bench.walk_afresh(contenders, rounds=1, items=items, data="runs", points=points)
        yield from compare(
            f"{items:,} runs with a waveform of {points:,} points each, peak MiB",
            samples,
            lambda sample: sample["memory"] / 2**20,
            titles=TITLES,
            official="official-details",
        )
