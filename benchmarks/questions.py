"""The questions, each a function from a `Bench` to rows."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from math import ceil
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from attrs import define

from .contenders import CONTENDERS
from .decoders import DECODERS
from .measure import Row, Sample, compare, interleave
from .processes import Worker
from .scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .processes import Server

__all__ = ["QUESTIONS", "Bench"]

TITLES = {name: contender.title for name, contender in CONTENDERS.items()}

SEQUENTIAL = ("bare", "httpx", "official", "ours", "ours-resync", "ours-uvloop")
CONCURRENT = ("official-16", "ours-4", "ours-16", "ours-64", "ours-16-resync", "ours-16-uvloop")
STREAMING = ("bare", "official", "ours", "ours-16", "ours-16-resync")


@define
class Bench:
    """What a question is answered with."""

    server: Server
    progress: Callable[[str], None]
    runs: int = 0
    """Walks begun so far; numbers them."""

    def walk(
        self,
        contenders: Iterable[str],
        *,
        rounds: int,
        items: int,
        delay: float = 0.0,
        faults: float = 0.0,
        walks: int = 1,
        fresh: bool = False,
    ) -> dict[str, list[Sample]]:
        """Walk with each contender that is installed, after one short walk to warm it up.

        Args:
            contenders: Names.
            rounds: How often.
            items: Procedures listed.
            delay: Seconds from a request to its answer.
            faults: Share of requests that fail, others in every round, the same ones for each contender.
            walks: Walks at once.
            fresh: Whether each run has a process of its own, and no walk before it.
        """
        contenders = [name for name in contenders if CONTENDERS[name].installed]
        about = (
            f"{items:,} items" + (f", {delay * 1000:.0f} ms" if delay else "") + (f", {walks} at once" * (walks > 1))
        )
        seeds = dict.fromkeys(contenders, 0)

        def run(name: str, worker: Worker) -> Sample:
            seeds[name] += 1
            return self._walk(worker, name, items=items, delay=delay, faults=faults, seed=seeds[name], walks=walks)

        def run_alone(name: str) -> Sample:
            with Worker() as worker:
                return run(name, worker)

        with ExitStack() as stack:
            runs: dict[str, Callable[[], Sample]] = {}
            for name in contenders:
                if fresh:
                    runs[name] = lambda name=name: run_alone(name)
                else:
                    worker = stack.enter_context(Worker())
                    self._walk(worker, name, items=1_000)
                    runs[name] = lambda name=name, worker=worker: run(name, worker)
            return interleave(
                runs, rounds, lambda name, number: self.progress(f"{about}: {TITLES[name]}, run {number} of {rounds}")
            )

    def _walk(self, worker: Worker, name: str, *, walks: int = 1, **scenario: float) -> Sample:
        self.runs += 1
        return self.server.walk(worker, name, Scenario(run=f"{name}-{self.runs}", **scenario), walks=walks)  # type: ignore[arg-type]


def decode(bench: Bench) -> Iterable[Row]:
    """What a page costs once its bytes are there."""
    pages, rounds = 200, 7
    titles = {name: decoder.title for name, decoder in DECODERS.items()}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker()) for name, decoder in DECODERS.items() if decoder.installed}
        samples = interleave(
            {name: lambda name=name: workers[name].do("decode", decoder=name, pages=pages) for name in workers},
            rounds,
            lambda name, number: bench.progress(f"{titles[name]}, run {number} of {rounds}"),
        )
    yield from compare(
        "decode",
        "CPU to decode a page of 100, µs",
        samples,
        lambda sample: sample["cpu"] / pages * 1e6,
        titles=titles,
        floor="dicts",
        official="official",
    )


def cpu(bench: Bench) -> Iterable[Row]:
    """What a page costs from request to the last item."""
    items = 10_000
    samples = bench.walk(SEQUENTIAL + CONCURRENT, rounds=7, items=items)
    yield from _rows("cpu", "CPU a page of 100, µs", samples, lambda sample: sample["cpu"] / (items / 100) * 1e6)


def first(bench: Bench) -> Iterable[Row]:
    """How soon something comes out."""
    for delay in (0.0, 0.05):
        samples = bench.walk((*SEQUENTIAL, *CONCURRENT), rounds=7, items=2_000, delay=delay)
        case = f"time to the first item, {delay * 1000:.0f} ms a response, ms"
        yield from _rows("first", case, samples, lambda sample: sample["first"] * 1000)


def wall(bench: Bench) -> Iterable[Row]:
    """How long it takes, near the server and far from it."""
    near = (*SEQUENTIAL, *CONCURRENT)
    far = ("bare", "official", "official-16", "ours", "ours-4", "ours-16", "ours-64", "ours-16-resync")
    for delay, contenders, rounds in ((0.0, near, 5), (0.01, far, 3), (0.05, far, 3), (0.2, far, 3)):
        samples = bench.walk(contenders, rounds=rounds, items=10_000, delay=delay)
        case = f"10,000 items, {delay * 1000:.0f} ms a response, s"
        yield from _rows("wall", case, samples, lambda sample: sample["wall"])


def ideal(bench: Bench) -> Iterable[Row]:
    """How near 16 pages in flight come to what 16 pages in flight could be."""
    items, delay, width = 20_000, 0.05, 16
    pages = items // 100
    samples = bench.walk(("bare", "official", "official-16", "ours-16"), rounds=3, items=items, delay=delay)
    responses = 1 + ceil(pages / width)
    ideals = [{"wall": responses * delay + sample["cpu"]} for sample in samples["bare"]]
    case = f"{items:,} items, {delay * 1000:.0f} ms a response, s"
    yield from compare(
        "ideal",
        case,
        samples | {"ideal": ideals},
        lambda sample: sample["wall"],
        titles=TITLES | {"ideal": f"ideal: {responses} responses, and the CPU of aiohttp + orjson"},
        floor="ideal",
        official="official",
    )


def walks(bench: Bench) -> Iterable[Row]:
    """What a service does: many listings at once, on one client."""
    samples = bench.walk(
        ("bare", "httpx", "official", "ours", "ours-4", "ours-uvloop"), rounds=5, items=1_000, walks=64
    )
    case = "64 walks of 1,000 items at once"
    yield from _rows("walks", f"{case}, s", samples, lambda sample: sample["wall"])
    yield from _rows("walks", f"{case}, the last one's first item, ms", samples, lambda sample: sample["first"] * 1000)


def faults(bench: Bench) -> Iterable[Row]:
    """What is left of it on a bad day. What failed has lost all items from there on."""
    contenders = ("bare", "httpx", "official", "official-retries", "ours", "ours-16", "ours-16-resync")
    for share in (0.01, 0.1):
        samples = bench.walk(contenders, rounds=5, items=10_000, faults=share)
        case = f"{share:.0%} of requests fail, items a second"
        yield from _rows("faults", case, samples, lambda sample: sample["items"] / sample["wall"])


def beyond(bench: Bench) -> Iterable[Row]:
    """What is asked for in vain."""
    contenders = ("official", "official-16", "ours", "ours-4", "ours-16", "ours-64", "ours-16-resync")
    for items in (100, 500, 10_000):
        samples = bench.walk(contenders, rounds=1, items=items, delay=0.005)
        case = f"{items:,} items, requests beyond the end"
        yield from compare("beyond", case, samples, lambda sample: sample["beyond"], titles=TITLES)


def memory(bench: Bench) -> Iterable[Row]:
    """Whether it grows with the listing."""
    for items in (10_000, 100_000, 1_000_000):
        samples = bench.walk(STREAMING, rounds=3, items=items, fresh=True)
        yield from _rows("memory", f"{items:,} items, peak MiB", samples, lambda sample: sample["memory"] / 2**20)


def growth(bench: Bench) -> Iterable[Row]:
    """Whether the hundred-thousandth item costs what the first did."""
    for items in (1_000, 3_000, 10_000, 30_000, 100_000):
        samples = bench.walk(STREAMING, rounds=3, items=items)
        yield from _rows("growth", f"{items:,} items, CPU s", samples, lambda sample: sample["cpu"])


IMPORTS = {
    "aiohttp": "import aiohttp",
    "httpx": "import httpx",
    "tofupilot": "from tofupilot.v2 import TofuPilot",
    "aiotofupilot": "from aiotofupilot import TofuPilotSession",
}


def imports(bench: Bench) -> Iterable[Row]:
    """What starting costs, when the bytecode is compiled already."""
    rounds = 15
    with TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "DISABLE_TELEMETRY": "true"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(statement: str) -> Sample:
            script = f"from time import process_time as now; before = now(); {statement}; print(now() - before)"
            command = [sys.executable, "-c", script]
            printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
            return {"cpu": float(printed)}

        runs = {name: partial(run, statement) for name, statement in IMPORTS.items() if find_spec(name)}
        for compile_all in runs.values():
            compile_all()
        samples = interleave(runs, rounds, lambda name, number: bench.progress(f"{name}, run {number} of {rounds}"))
    yield from compare(
        "imports",
        "import, CPU ms",
        samples,
        lambda sample: sample["cpu"] * 1000,
        titles={name: f"`{statement}`" for name, statement in IMPORTS.items()},
        floor="aiohttp",
        official="tofupilot",
    )


def _rows(question: str, case: str, samples: dict[str, list[Sample]], figure: Callable[[Sample], float]) -> list[Row]:
    return compare(question, case, samples, figure, titles=TITLES, floor="bare", official="official")


QUESTIONS: Sequence[Callable[[Bench], Iterable[Row]]] = (
    decode,
    cpu,
    first,
    wall,
    ideal,
    walks,
    faults,
    beyond,
    memory,
    growth,
    imports,
)
