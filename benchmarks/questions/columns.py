"""What it costs to get a listing in columns."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.kinds import KINDS, WALKED
from benchmarks.measure import compare

from .walked import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.bench import Bench
    from benchmarks.measure import Row

__all__ = ["columns", "mirror", "parquet"]

_DATA = "new"
"""Everything is new in these data, so anything that is kept grows with them."""


def columns(bench: Bench) -> Iterable[Row]:
    """What a page costs from the request to a table, on one core with the server, for each kind of data."""
    items = 20_000
    for data in WALKED:
        samples = bench.walk(("official-frame", "ours-table"), rounds=5, items=items, data=data, one_core=True)
        yield from compare(
            f"CPU per page of 100 {KINDS[data].title} into a table, µs",
            samples,
            lambda sample: sample["cpu"] / (items / 100) * 1e6,
            titles=TITLES,
            official="official-frame",
        )


def mirror(bench: Bench) -> Iterable[Row]:
    """What a first mirror costs beside a Parquet file of the same items, and whether its memory grows with them."""
    items, many = 20_000, 1_000_000
    run = partial(bench.walk_afresh, data=_DATA)
    samples = run(("ours-parquet", "ours-mirror", "dlt-database"), rounds=5, items=items)
    case = f"{items:,} procedures into a file"
    yield from compare(f"{case}, CPU s", samples, lambda sample: sample["cpu"], titles=TITLES, floor="ours-parquet")
    yield from compare(f"{case}, peak MiB", samples, lambda sample: sample["memory"] / 2**20, titles=TITLES)
    small, large = (run(("ours-mirror",), rounds=1, items=count)["ours-mirror"] for count in (10_000, many))
    more = [sample | {"more": sample["memory"] - less["memory"]} for sample, less in zip(large, small, strict=True)]
    yield from compare(
        f"{many:,} items into a mirror, MiB more than for 10,000",
        {"ours-mirror": more},
        lambda sample: sample["more"] / 2**20,
        titles=TITLES,
    )


def parquet(bench: Bench) -> Iterable[Row]:
    """Whether memory grows with the length of a Parquet file."""
    few, many = 10_000, 1_000_000
    run = partial(bench.walk_afresh, ("ours-parquet",), rounds=3, data=_DATA)
    small, large = (run(items=items)["ours-parquet"] for items in (few, many))
    more = [sample | {"more": sample["memory"] - less["memory"]} for sample, less in zip(large, small, strict=True)]
    yield from compare(
        f"{many:,} items into Parquet, MiB more than for {few:,}",
        {"ours-parquet": more},
        lambda sample: sample["more"] / 2**20,
        titles=TITLES,
    )
