"""What it takes to read each item of a listing by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measure import compare

from .walked import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.bench import Bench
    from benchmarks.measure import Row

__all__ = ["details", "waveforms"]

_DATA = "runs"


def details(bench: Bench) -> Iterable[Row]:
    """How long it takes to read runs with all of their measurements, and how close that comes to the ideal time."""
    items, delay, concurrency = 500, 0.05, 16
    contenders = ("bare-details", "official-details", "ours-details", "ours-16-details")
    samples = bench.walk(contenders, rounds=3, items=items, data=_DATA, delay=delay)
    responses = 1 + -(-(items + items // 100) // concurrency)
    samples["ideal"] = [{"wall": responses * delay + sample["cpu"]} for sample in samples["bare-details"]]
    yield from compare(
        f"{items:,} runs with 40 measurements each, {delay * 1000:g} ms per response, s",
        samples,
        lambda sample: sample["wall"],
        titles=TITLES | {"ideal": f"ideal: {responses} responses, and the CPU of aiohttp + orjson"},
        floor="ideal",
        official="official-details",
    )


def waveforms(bench: Bench) -> Iterable[Row]:
    """Whether memory grows with the number of runs that have a long waveform."""
    points = 100_000
    contenders = ("official-details", "ours-details", "ours-16-details")
    for items in (200, 2_000):
        samples = bench.walk_afresh(contenders, rounds=1, items=items, data=_DATA, points=points)
        yield from compare(
            f"{items:,} runs with a waveform of {points:,} points each, peak MiB",
            samples,
            lambda sample: sample["memory"] / 2**20,
            titles=TITLES,
            official="official-details",
        )
