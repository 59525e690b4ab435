"""The questions, each a function from a `Bench` to rows."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from math import ceil
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .contenders import CONTENDERS
from .decoders import DECODERS
from .measure import Row, Sample, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .bench import Bench

__all__ = ["QUESTIONS"]

TITLES = {name: contender.title for name, contender in CONTENDERS.items()}

SEQUENTIAL = ("bare", "httpx", "official", "ours", "ours-resync", "ours-uvloop")
CONCURRENT = ("official-16", "ours-4", "ours-16", "ours-64", "ours-16-resync", "ours-16-uvloop")
STREAMING = ("bare", "official", "ours", "ours-16", "ours-16-resync")

walked = partial(compare, titles=TITLES, floor="bare", official="official")
"""Rows of walks. The floor is aiohttp and orjson with nothing around them."""


def decode(bench: Bench) -> Iterable[Row]:
    """What a page costs once its bytes are there."""
    pages = 200
    names = [name for name, decoder in DECODERS.items() if decoder.installed]
    samples = bench.work("decode", names, rounds=7, pages=pages)
    titles = {name: decoder.title for name, decoder in DECODERS.items()}
    yield from compare(
        "CPU to decode a page of 100, µs",
        samples,
        lambda sample: sample["cpu"] / pages * 1e6,
        titles=titles,
        floor="dicts",
        official="official",
    )


def cpu(bench: Bench) -> Iterable[Row]:
    """What a page costs from request to the last item, on one core with the server."""
    yield from _cpu(bench, "CPU a page of 100, µs", SEQUENTIAL + CONCURRENT, one_core=True)


def cores(bench: Bench) -> Iterable[Row]:
    """What it costs on a core each, waking up included."""
    yield from _cpu(bench, "CPU a page of 100 on a core each, µs", SEQUENTIAL)


def _cpu(bench: Bench, case: str, contenders: Iterable[str], *, one_core: bool = False) -> Iterable[Row]:
    items = 20_000
    samples = bench.walk(contenders, rounds=15, items=items, one_core=one_core)
    return walked(case, samples, lambda sample: sample["cpu"] / (items / 100) * 1e6)


def first(bench: Bench) -> Iterable[Row]:
    """How soon something comes out."""
    for delay in (0.0, 0.05):
        samples = bench.walk(SEQUENTIAL + CONCURRENT, rounds=7, items=2_000, delay=delay)
        case = f"time to the first item, {delay * 1000:g} ms a response, ms"
        yield from walked(case, samples, lambda sample: sample["first"] * 1000, at=delay * 1000)


def wall(bench: Bench) -> Iterable[Row]:
    """How long it takes, near the server and far from it."""
    far = ("bare", "official", "official-16", "ours", "ours-4", "ours-16", "ours-64", "ours-16-resync")
    for delay, contenders in ((0.0, SEQUENTIAL + CONCURRENT), (0.01, far), (0.05, far), (0.2, far)):
        samples = bench.walk(contenders, rounds=3, items=10_000, delay=delay)
        case = f"10,000 items, {delay * 1000:g} ms a response, s"
        yield from walked(case, samples, lambda sample: sample["wall"], at=delay * 1000)


def ideal(bench: Bench) -> Iterable[Row]:
    """How near 16 pages in flight come to the best that 16 pages in flight can do."""
    items, delay, width = 20_000, 0.05, 16
    responses = 1 + ceil(items / 100 / width)
    samples = bench.walk(("bare", "official", "official-16", "ours-16"), rounds=3, items=items, delay=delay)
    samples["ideal"] = [{"wall": responses * delay + sample["cpu"]} for sample in samples["bare"]]
    yield from compare(
        f"{items:,} items, {delay * 1000:g} ms a response, s",
        samples,
        lambda sample: sample["wall"],
        titles=TITLES | {"ideal": f"ideal: {responses} responses, and the CPU of aiohttp + orjson"},
        floor="ideal",
        official="official",
    )


def walks(bench: Bench) -> Iterable[Row]:
    """What a service does: many listings at once, on one client."""
    contenders = ("bare", "httpx", "official", "ours", "ours-4", "ours-uvloop")
    samples = bench.walk(contenders, rounds=5, items=1_000, walks=64)
    case = "64 walks of 1,000 items at once"
    yield from walked(f"{case}, s", samples, lambda sample: sample["wall"])
    yield from walked(f"{case}, the last one's first item, ms", samples, lambda sample: sample["first"] * 1000)


def faults(bench: Bench) -> Iterable[Row]:
    """What is left on a bad day. Who fails has lost all items from there on."""
    contenders = ("bare", "httpx", "official", "official-retries", "ours", "ours-16", "ours-16-resync")
    for share in (0.01, 0.1):
        samples = bench.walk(contenders, rounds=5, items=10_000, faults=share)
        case = f"{share:.0%} of requests fail, items a second"
        yield from compare(case, samples, lambda sample: sample["items"] / sample["wall"], titles=TITLES)


def beyond(bench: Bench) -> Iterable[Row]:
    """What is asked for in vain."""
    contenders = ("official", "official-16", "ours", "ours-4", "ours-16", "ours-64", "ours-16-resync")
    for items in (100, 500, 10_000):
        samples = bench.walk(contenders, rounds=1, items=items, delay=0.005)
        yield from compare(
            f"{items:,} items, requests beyond the end", samples, lambda sample: sample["beyond"], titles=TITLES
        )


def drift(bench: Bench) -> Iterable[Row]:
    """What is missed and doubled while procedures come and go. Other clients are a plain loop over the cursor."""
    titles = TITLES | {"bare": "a plain loop over the cursor"}
    items = 5_000
    for inserts in (0.1, 1.0, 10.0):
        removals = 2 * inserts
        samples = bench.work(
            "drift",
            ("bare", "ours", "ours-resync", "ours-16-resync"),
            rounds=5,
            items=items,
            inserts=inserts,
            removals=removals,
        )
        case = f"{items:,} items, {inserts:g} come and {removals:g} go a request"
        yield from compare(f"{case}: missed", samples, lambda sample: sample["missed"], titles=titles)
        yield from compare(f"{case}: doubled", samples, lambda sample: sample["doubled"], titles=titles)


def memory(bench: Bench) -> Iterable[Row]:
    """Whether it grows with the listing."""
    sizes = (10_000, 100_000, 1_000_000)
    samples = {items: bench.walk_afresh(STREAMING, rounds=3, items=items) for items in sizes}
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
    """Whether the hundred-thousandth item costs what the first did."""
    for items in (1_000, 3_000, 10_000, 30_000, 100_000):
        samples = bench.walk(STREAMING, rounds=3, items=items)
        yield from walked(f"{items:,} items, CPU s", samples, lambda sample: sample["cpu"], at=items)


IMPORTS = {
    "aiohttp": "import aiohttp",
    "httpx": "import httpx",
    "tofupilot": "from tofupilot.v2 import TofuPilot",
    "aiotofupilot": "from aiotofupilot import TofuPilotSession",
}


def imports(bench: Bench) -> Iterable[Row]:
    """What starting costs, when the bytecode is compiled already."""
    with TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "DISABLE_TELEMETRY": "true"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(statement: str, _: int) -> Sample:
            script = f"from time import process_time as now; before = now(); {statement}; print(now() - before)"
            command = [sys.executable, "-c", script]
            printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
            return {"cpu": float(printed)}

        statements = {name: statement for name, statement in IMPORTS.items() if find_spec(name)}
        for statement in statements.values():
            run(statement, 0)  # compiles
        runs = {name: partial(run, statement) for name, statement in statements.items()}
        samples = bench.by_turns("import", runs, rounds=15)
    yield from compare(
        "import, CPU ms",
        samples,
        lambda sample: sample["cpu"] * 1000,
        titles={name: f"`{statement}`" for name, statement in statements.items()},
        floor="aiohttp",
        official="tofupilot",
    )


QUESTIONS: Sequence[Callable[[Bench], Iterable[Row]]] = (
    *(decode, cpu, cores, first, wall, ideal, walks),
    *(faults, beyond, drift),
    *(memory, growth, imports),
)
