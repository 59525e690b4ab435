"""What a page costs in CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.decoders import DECODERS
from benchmarks.kinds import KINDS, WALKED
from benchmarks.measure import compare

from .walked import CONCURRENT, SEQUENTIAL, walked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.bench import Bench
    from benchmarks.measure import Row

__all__ = ["cores", "cpu", "decode"]

_SHORT = ("bare", "httpx", "official", "ours", "ours-16")
"""The clients that walk through all kinds of data. The others walk through the first kind."""


def decode(bench: Bench) -> Iterable[Row]:
    """What it costs to decode a page, for each kind of data."""
    pages = 200
    names = [name for name, decoder in DECODERS.items() if decoder.installed]
    titles = {name: decoder.title for name, decoder in DECODERS.items()}
    for data, kind in KINDS.items():
        yield from compare(
            f"CPU to decode a page of 100 {kind.title}, µs",
            bench.work("decode", names, rounds=7, data=data, pages=pages),
            lambda sample: sample["cpu"] / pages * 1e6,
            titles=titles,
            floor="dicts",
            official="official",
        )


def cpu(bench: Bench) -> Iterable[Row]:
    """What a page costs from the request to the last item, on one core with the server, for each kind of data."""
    for data in WALKED:
        contenders = SEQUENTIAL + CONCURRENT if data == "few" else _SHORT
        case = f"CPU per page of 100 {KINDS[data].title}, µs"
        yield from _cpu(bench, case, contenders, data=data, one_core=True)


def cores(bench: Bench) -> Iterable[Row]:
    """What a page costs if client and server have a core each, including the time to wake up."""
    case = f"CPU per page of 100 {KINDS['few'].title}, on a core each, µs"
    yield from _cpu(bench, case, SEQUENTIAL, data="few", one_core=False)


def _cpu(bench: Bench, case: str, contenders: Iterable[str], *, data: str, one_core: bool) -> Iterable[Row]:
    items = 20_000
    samples = bench.walk(contenders, rounds=15, items=items, data=data, one_core=one_core)
    return walked(case, samples, lambda sample: sample["cpu"] / (items / 100) * 1e6)
