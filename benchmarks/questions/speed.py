"""How long it takes."""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from benchmarks.measure import compare

from .walked import CONCURRENT, SEQUENTIAL, TITLES, walked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.bench import Bench, Samples
    from benchmarks.measure import Row

__all__ = ["count", "details", "first", "ideal", "walks", "wall"]

_FAR = ("bare", "official", "official-16", "ours", "ours-4", "ours-16", "ours-64", "ours-16-resync")
"""The clients that walk if a response takes its time."""


def first(bench: Bench) -> Iterable[Row]:
    """How long it takes to get the first item."""
    for delay in (0.0, 0.05):
        samples = bench.walk(SEQUENTIAL + CONCURRENT, rounds=7, items=2_000, delay=delay)
        case = f"time to the first item, {delay * 1000:g} ms per response, ms"
        yield from walked(case, samples, lambda sample: sample["first"] * 1000, at=delay * 1000)


def wall(bench: Bench) -> Iterable[Row]:
    """How long it takes, near the server and far from it."""
    for delay, contenders in ((0.0, SEQUENTIAL + CONCURRENT), (0.01, _FAR), (0.05, _FAR), (0.2, _FAR)):
        samples = bench.walk(contenders, rounds=3, items=10_000, delay=delay)
        case = f"10,000 items, {delay * 1000:g} ms per response, s"
        yield from walked(case, samples, lambda sample: sample["wall"], at=delay * 1000)


def count(bench: Bench) -> Iterable[Row]:
    """How long it takes to count the items. Other clients have to list them."""
    for items in (1_000, 20_000):
        samples = bench.walk(("official", "ours-16", "ours-count", "ours-4-count"), rounds=3, items=items, delay=0.05)
        case = f"{items:,} items counted, 50 ms per response"
        compared = partial(compare, titles=TITLES, official="official")
        yield from compared(f"{case}, s", samples, lambda sample: sample["wall"])
        yield from compared(f"{case}, requests", samples, lambda sample: sample["requests"])


def ideal(bench: Bench) -> Iterable[Row]:
    """How close the time with many pages in flight comes to the ideal time."""
    with_16 = ("bare", "official", "official-16", "ours-16")
    for contenders, items, delay, at_once in (
        (with_16, 20_000, 0.05, 16),
        (("bare", "ours-64"), 10_000, 0.2, 64),
    ):
        samples = bench.walk(contenders, rounds=3, items=items, delay=delay)
        case = f"{items:,} items, {delay * 1000:g} ms per response, {at_once} at once, s"
        yield from _ideal(case, samples, responses=1 + ceil(items / 100 / at_once), delay=delay)


def details(bench: Bench) -> Iterable[Row]:
    """The same for runs that are each read by itself, with all of its measurements."""
    items, delay, at_once = 500, 0.05, 16
    contenders = ("bare-details", "official-details", "ours-details", "ours-16-details")
    samples = bench.walk(contenders, rounds=3, items=items, data="runs", delay=delay)
    case = f"{items:,} runs with 40 measurements each, {delay * 1000:g} ms per response, s"
    yield from _ideal(case, samples, responses=1 + ceil((items + items / 100) / at_once), delay=delay, of="-details")


def _ideal(case: str, samples: Samples, *, responses: int, delay: float, of: str = "") -> Iterable[Row]:
    """Compare times with the one that takes so many responses, one after another, and the CPU of the floor."""
    ideal = [{"wall": responses * delay + sample["cpu"]} for sample in samples[f"bare{of}"]]
    return compare(
        case,
        samples | {"ideal": ideal},
        lambda sample: sample["wall"],
        titles=TITLES | {"ideal": f"ideal: {responses} responses, and the CPU of aiohttp + orjson"},
        floor="ideal",
        official=f"official{of}",
    )


def walks(bench: Bench) -> Iterable[Row]:
    """What a service does: many listings at once, on one client."""
    contenders = ("bare", "httpx", "official", "ours", "ours-4", "ours-uvloop")
    samples = bench.walk(contenders, rounds=5, items=1_000, walks=64)
    case = "64 walks of 1,000 items at once"
    yield from walked(f"{case}, s", samples, lambda sample: sample["wall"])
    yield from walked(f"{case}, the last one's first item, ms", samples, lambda sample: sample["first"] * 1000)
