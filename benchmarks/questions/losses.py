"""What is lost, doubled, or asked for in vain."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import compare

from .walked import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.bench import Bench
    from benchmarks.measure import Row, Sample

__all__ = ["beyond", "drift", "faults"]


def faults(bench: Bench) -> Iterable[Row]:
    """What a client achieves on a bad day. A client that fails loses all further items."""
    contenders = ("bare", "httpx", "official", "official-retries", "ours", "ours-16", "ours-16-resync")
    for share in (0.01, 0.1):
        samples = bench.walk(contenders, rounds=5, items=10_000, faults=share)
        case = f"{share:.0%} of requests fail, items per second"
        yield from compare(case, samples, _items_per_second, titles=TITLES)
    samples = bench.walk(contenders, rounds=5, items=10_000, refusals=0.1)
    yield from compare("10% answer 429, 500 or 503, items per second", samples, _items_per_second, titles=TITLES)


def _items_per_second(sample: Sample) -> float:
    return sample["items"] / sample["wall"]


def beyond(bench: Bench) -> Iterable[Row]:
    """How many requests ask for pages beyond the end."""
    contenders = ("official", "official-16", "ours", "ours-4", "ours-16", "ours-64", "ours-16-resync")
    for items in (100, 500, 10_000):
        samples = bench.walk(contenders, rounds=1, items=items, delay=0.005)
        yield from compare(
            f"{items:,} items, requests beyond the end", samples, lambda sample: sample["beyond"], titles=TITLES
        )


def drift(bench: Bench) -> Iterable[Row]:
    """What is missed and doubled while procedures come and go."""
    items = 5_000
    for created in (0.1, 1.0, 10.0):
        removed = 2 * created
        samples = bench.work(
            "drift",
            ("httpx", "requests", "bare", "official", "ours-ignore", "ours", "ours-16"),
            rounds=11,
            items=items,
            created=created,
            removed=removed,
        )
        case = f"{items:,} items, {created:g} created and {removed:g} removed per request"
        for loss in ("missed", "doubled"):
            of_those = partial(_per_cent, loss)
            yield from compare(f"{case}: {loss}, %", samples, of_those, titles=TITLES)


def _per_cent(loss: str, sample: Sample) -> float:
    return 100 * sample[loss] / sample["stayed"]
