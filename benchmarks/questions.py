"""The questions. Each is a function from a `Bench` to rows. The first line of its docstring is its help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from math import ceil
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .bench import Sample, compare
from .contenders import CONTENDERS
from .decoders import DECODERS
from .depth import depth
from .instructions import instructions
from .scenario import KINDS, WALKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .bench import Bench, Row, Samples

__all__ = ["IMPORTS", "QUESTIONS"]

TITLES = {name: contender.title for name, contender in CONTENDERS.items()}

SEQUENTIAL = ("bare", "httpx", "official", "ours", "ours-resync", "ours-traced", "ours-uvloop")
CONCURRENT = ("official-16", "ours-4", "ours-16", "ours-64", "ours-16-resync", "ours-16-uvloop")
STREAMING = ("bare", "official", "ours", "ours-16", "ours-16-resync")

NEW = "new"
"""Everything is new in these data, so anything that a client keeps grows with them."""

compared = partial(compare, titles=TITLES)

walked = partial(compared, floor="bare", official="official")
"""Rows of walks. The floor is aiohttp and orjson with nothing around them."""


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
        samples = bench.walk(contenders, rounds=15, items=20_000, data=data, one_core=True)
        yield from walked(case, samples, lambda sample: sample["cpu"] / 200 * 1e6)


def columns(bench: Bench) -> Iterable[Row]:
    """What a page costs from the request to a table, on one core with the server, for each kind of data."""
    items = 20_000
    for data in WALKED:
        samples = bench.walk(("official-frame", "ours-table"), rounds=5, items=items, data=data, one_core=True)
        case = f"CPU per page of 100 {KINDS[data].title} into a table, µs"
        yield from compared(
            case, samples, lambda sample: sample["cpu"] / (items / 100) * 1e6, official="official-frame"
        )


def mirror(bench: Bench) -> Iterable[Row]:
    """What a first mirror costs beside a Parquet file of the same items, and whether its memory grows with them."""
    items, many = 20_000, 1_000_000
    run = partial(bench.walk_afresh, data=NEW)
    samples = run(("ours-parquet", "ours-mirror", "dlt-database"), rounds=5, items=items)
    case = f"{items:,} procedures into a file"
    yield from compared(f"{case}, CPU s", samples, lambda sample: sample["cpu"], floor="ours-parquet")
    yield from compared(f"{case}, peak MiB", samples, lambda sample: sample["memory"] / 2**20)
    small, large = (run(("ours-mirror",), rounds=1, items=count) for count in (10_000, many))
    yield from _more_memory(f"{many:,} items into a mirror, MiB more than for 10,000", small, large)


def parquet(bench: Bench) -> Iterable[Row]:
    """Whether memory grows with the length of a Parquet file."""
    few, many = 10_000, 1_000_000
    run = partial(bench.walk_afresh, ("ours-parquet",), rounds=3, data=NEW)
    small, large = (run(items=items) for items in (few, many))
    yield from _more_memory(f"{many:,} items into Parquet, MiB more than for {few:,}", small, large)


def _more_memory(case: str, small: Samples, large: Samples) -> Iterable[Row]:
    """Compare what the same rounds took more for more items."""
    more = {
        name: [sample | {"memory": sample["memory"] - less["memory"]} for sample, less in zip(*pair, strict=True)]
        for name in large
        for pair in [(large[name], small[name])]
    }
    return compared(case, more, lambda sample: sample["memory"] / 2**20)


_FAR = ("bare", "official", "official-16", "ours", "ours-4", "ours-16", "ours-64", "ours-16-resync")
"""The clients that walk if a response takes its time."""


def wall(bench: Bench) -> Iterable[Row]:
    """How long it takes, near the server and far from it."""
    for delay, contenders in ((0.0, SEQUENTIAL + CONCURRENT), (0.01, _FAR), (0.05, _FAR), (0.2, _FAR)):
        samples = bench.walk(contenders, rounds=3, items=10_000, delay=delay)
        case = f"10,000 items, {delay * 1000:g} ms per response, s"
        yield from walked(case, samples, lambda sample: sample["wall"])


def count(bench: Bench) -> Iterable[Row]:
    """How long it takes to count the items. Other clients have to list them."""
    for items in (1_000, 20_000):
        samples = bench.walk(("official", "ours-16", "ours-count", "ours-4-count"), rounds=3, items=items, delay=0.05)
        case = f"{items:,} items counted, 50 ms per response"
        counted = partial(compared, samples=samples, official="official")
        yield from counted(f"{case}, s", figure=lambda sample: sample["wall"])
        yield from counted(f"{case}, requests", figure=lambda sample: sample["requests"])


def ideal(bench: Bench) -> Iterable[Row]:
    """How close the time with many pages in flight comes to the ideal time."""
    with_16 = ("bare", "official", "official-16", "ours-16")
    for contenders, items, delay, at_once in ((with_16, 20_000, 0.05, 16), (("bare", "ours-64"), 10_000, 0.2, 64)):
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


def faults(bench: Bench) -> Iterable[Row]:
    """What a client achieves on a bad day. A client that fails loses all further items."""
    contenders = ("bare", "httpx", "official", "official-retries", "ours", "ours-16", "ours-16-resync")
    for share in (0.01, 0.1):
        samples = bench.walk(contenders, rounds=5, items=10_000, faults=share)
        case = f"{share:.0%} of requests fail, items per second"
        yield from compared(case, samples, _items_per_second)
    samples = bench.walk(contenders, rounds=5, items=10_000, refusals=0.1)
    yield from compared("10% answer 429, 500 or 503, items per second", samples, _items_per_second)


def _items_per_second(sample: Sample) -> float:
    return sample["items"] / sample["wall"]


def beyond(bench: Bench) -> Iterable[Row]:
    """How many requests ask for pages beyond the end."""
    contenders = ("official", "official-16", "ours", "ours-4", "ours-16", "ours-64", "ours-16-resync")
    for items in (100, 500, 10_000):
        samples = bench.walk(contenders, rounds=1, items=items, delay=0.005)
        yield from compared(f"{items:,} items, requests beyond the end", samples, lambda sample: sample["beyond"])


def drift(bench: Bench) -> Iterable[Row]:
    """What is missed and doubled while procedures come and go."""
    items = 5_000
    contenders = ("httpx", "requests", "bare", "official", "ours-ignore", "ours", "ours-16")
    for created in (0.1, 1.0, 10.0):
        removed = 2 * created
        samples = bench.work("drift", contenders, rounds=11, items=items, created=created, removed=removed)
        case = f"{items:,} items, {created:g} created and {removed:g} removed per request"
        for loss in ("missed", "doubled"):
            yield from compared(f"{case}: {loss}, %", samples, partial(_per_cent, loss))


def _per_cent(loss: str, sample: Sample) -> float:
    return 100 * sample[loss] / sample["stayed"]


def memory(bench: Bench) -> Iterable[Row]:
    """Whether memory grows with the listing."""
    sizes = (10_000, 100_000, 1_000_000)
    samples = {items: bench.walk_afresh(STREAMING, rounds=3, items=items, data=NEW) for items in sizes}
    for items in sizes:
        case = f"{items:,} items, peak MiB"
        yield from walked(case, samples[items], lambda sample: sample["memory"] / 2**20)
    case = f"{sizes[-1]:,} items, MiB more than for {sizes[0]:,}"
    yield from _more_memory(case, samples[sizes[0]], samples[sizes[-1]])


def waveforms(bench: Bench) -> Iterable[Row]:
    """Whether memory grows with the number of runs that have a long waveform."""
    points = 100_000
    contenders = ("official-details", "ours-details", "ours-16-details")
    for items in (200, 2_000):
        samples = bench.walk_afresh(contenders, rounds=1, items=items, data="runs", points=points)
        case = f"{items:,} runs with a waveform of {points:,} points each, peak MiB"
        yield from compared(case, samples, lambda sample: sample["memory"] / 2**20, official="official-details")


IMPORTS = {
    "aiohttp": "import aiohttp",
    "httpx": "import httpx",
    "tofupilot": "from tofupilot.v2 import TofuPilot",
    "aiotofupilot": "from aiotofupilot import TofuPilotSession",
}

_SCRIPT = """
import json
from time import perf_counter, process_time
wall, cpu = perf_counter(), process_time()
{statement}
print(json.dumps({{"wall": perf_counter() - wall, "cpu": process_time() - cpu}}))
"""


def imports(bench: Bench) -> Iterable[Row]:
    """What starting costs, by the clock and in CPU, when the bytecode is compiled already."""
    with TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "DISABLE_TELEMETRY": "true"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(statement: str, _: int) -> Sample:
            command = [sys.executable, "-c", _SCRIPT.format(statement=statement)]
            printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
            sample: Sample = json.loads(printed)
            return sample

        statements = {name: statement for name, statement in IMPORTS.items() if find_spec(name)}
        for statement in statements.values():
            run(statement, 0)  # compiles
        runs = {name: partial(run, statement) for name, statement in statements.items()}
        samples = bench.by_turns("import", runs, rounds=21)
    titles = {name: f"`{statement}`" for name, statement in statements.items()}
    imported = partial(compare, samples=samples, titles=titles, floor="aiohttp", official="tofupilot")
    yield from imported("import, ms by the clock", figure=lambda sample: sample["wall"] * 1000)
    yield from imported("import, CPU ms", figure=lambda sample: sample["cpu"] * 1000)


QUESTIONS: Sequence[Callable[[Bench], Iterable[Row]]] = (
    *(decode, cpu, columns, wall, ideal, details, count, walks),
    *(faults, beyond, drift, depth),
    *(memory, waveforms, parquet, mirror, imports, instructions),
)
