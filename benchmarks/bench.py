"""Runs clients for the questions, and the figures that follow.

Each client has its own process, the clients take turns, and the server has a process too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, Self
from urllib.request import urlopen

from attrs import define, frozen

from .contenders import CONTENDERS
from .scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Bench", "Figure", "Row", "Sample", "Samples", "Server", "Worker", "compare", "interleave", "on_one_core"]

Sample = dict[str, Any]
"""What one run measured, by name."""

Samples = dict[str, list[Sample]]
"""The samples of each client, by its name. There is one sample per round."""


class Child:
    """A Python process that runs a module of this package. It ends when its input ends."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{module}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        """Its process ID."""

    def read(self) -> str:
        """Return the next line that it prints.

        Raises:
            RuntimeError: The process has ended. Its standard error says why.
        """
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return line

    def write(self, line: str) -> None:
        """Send it a line."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


class Worker(Child):
    """A process for one client."""

    def __init__(self) -> None:
        super().__init__("worker")

    def do(self, task: str, **arguments: object) -> dict[str, Any]:
        """Do a task of `worker` in the process, and return what it measured."""
        self.write(json.dumps({"task": task, **arguments}))
        return json.loads(self.read())


class Server(Child):
    """The process of the server."""

    def __init__(self) -> None:
        super().__init__("server")
        self.origin = f"http://127.0.0.1:{int(self.read())}"
        """Its address."""

    def walk(self, worker: Worker, name: str, scenario: Scenario, *, walks: int = 1) -> dict[str, Any]:
        """Let a client walk through a scenario, and return what was measured on both sides.

        The sample of the worker gets the server's counters too. It also gets ``expected``, how many items there were to
        list, and ``busy``, the share of the time in which the server had work to do.
        """
        before = self._counts(scenario)
        sample = worker.do("walk", name=name, url=f"{self.origin}/{scenario.path}/api", data=scenario.data, walks=walks)
        after = self._counts(scenario)
        busy = (after.pop("cpu") - before["cpu"]) / sample["wall"]
        return sample | after | {"busy": busy, "expected": scenario.items * walks}

    def _counts(self, scenario: Scenario) -> dict[str, Any]:
        with urlopen(f"{self.origin}/{scenario.path}/counts") as answer:  # noqa: S310 - our own server
            return json.load(answer)


@contextmanager
def on_one_core(*children: Child) -> Iterator[None]:
    """Keep processes on one core during a block.

    If a client waits on its own core, the core falls asleep, and wakes up with cold caches. This counts as CPU time of
    the client. A client that is slower than the server never waits, so it does not have this cost. A core that client
    and server share does not fall asleep.

    Only Linux offers this. On other systems, nothing changes.
    """
    if sys.platform != "linux":
        yield
        return
    cores = os.sched_getaffinity(0)
    for child in children:
        os.sched_setaffinity(child.pid, {max(cores)})
    try:
        yield
    finally:
        for child in children:
            os.sched_setaffinity(child.pid, cores)


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
    rounds: int = 1
    """How many runs the figures are of."""
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
) -> list[Row]:
    """Turn samples into rows.

    Args:
        case: What was measured, with its unit.
        samples: The samples of each client, by its name.
        figure: Returns what was measured in a sample.
        titles: The title of each client, by its name.
        floor: Name of the client that does the least that could be done. None: there is no such client.
        official: Name of the official SDK. None: there is no comparison with it.
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
            rounds=len(taken),
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


@define
class Bench:
    """Runs what a question asks for, and shows the progress."""

    server: Server
    show: Callable[[str], None]
    rounds: int | None = None
    """How often each client runs. None: as often as the question asks for."""
    against: Path | None = None
    """A checkout whose instructions are counted too. None: there is none."""
    walks_begun: int = 0

    def walk(
        self,
        contenders: Iterable[str],
        *,
        rounds: int,
        items: int,
        data: str = "few",
        delay: float = 0.0,
        faults: float = 0.0,
        refusals: float = 0.0,
        walks: int = 1,
        one_core: bool = False,
    ) -> Samples:
        """Let the installed ones of some contenders walk, each in a process that is warm from a short walk.

        Args:
            contenders: Names of the contenders.
            rounds: How often each of them walks.
            items: How many items are listed.
            data: Name of the kind of data that is listed.
            delay: Seconds from a request to its answer.
            faults: Share of requests that fail in any way. Each round has other faults.
            refusals: Share of requests that are answered with 429, 500 or 503. Each round has others.
            walks: How many walks run at once.
            one_core: Whether server and contenders share a core.
        """
        with ExitStack() as stack:
            workers = {name: stack.enter_context(Worker()) for name in contenders if CONTENDERS[name].installed}
            if one_core:
                stack.enter_context(on_one_core(self.server, *workers.values()))
            for name, worker in workers.items():
                self._walk(worker, name, items=1_000, data=data)

            def run(name: str, number: int) -> Sample:
                conditions = {"delay": delay, "faults": faults, "refusals": refusals, "seed": number}
                return self._walk(workers[name], name, walks=walks, items=items, data=data, **conditions)

            about = f"{walks} × {items:,} items ({data}), {delay * 1000:g} ms, {faults + refusals:.0%} faults"
            return self.by_turns(about, {name: partial(run, name) for name in workers}, rounds)

    def walk_afresh(self, contenders: Iterable[str], *, rounds: int, items: int, data: str, points: int = 0) -> Samples:
        """Let the installed ones of some contenders walk, each time in a new process.

        Args:
            contenders: Names of the contenders.
            rounds: How often each of them walks.
            items: How many items are listed.
            data: Name of the kind of data that is listed.
            points: How many points the waveform has that each run has by itself. 0: no run has one.
        """

        def run(name: str, _: int) -> Sample:
            with Worker() as worker:
                return self._walk(worker, name, items=items, data=data, points=points)

        runs = {name: partial(run, name) for name in contenders if CONTENDERS[name].installed}
        return self.by_turns(f"{items:,} items ({data})", runs, rounds)

    def work(self, task: str, names: Iterable[str], *, rounds: int, **arguments: object) -> Samples:
        """Do a task in a process for each name. The task gets the name, and the number of the round as its seed."""
        with ExitStack() as stack:
            workers = {name: stack.enter_context(Worker()) for name in names}

            def run(name: str, number: int) -> Sample:
                return workers[name].do(task, name=name, seed=number, **arguments)

            about = ", ".join([task, *(f"{name}={value}" for name, value in arguments.items())])
            return self.by_turns(about, {name: partial(run, name) for name in workers}, rounds)

    def by_turns(self, about: str, runs: Mapping[str, Callable[[int], Sample]], rounds: int) -> Samples:
        """Call each function with the number of the round, and show what is running."""
        rounds = self.rounds or rounds
        return interleave(runs, rounds, lambda name, number: self.show(f"{about}: {name}, round {number} of {rounds}"))

    def _walk(self, worker: Worker, name: str, *, walks: int = 1, **scenario: Any) -> Sample:  # noqa: ANN401 - fields of a scenario
        self.walks_begun += 1
        run = f"{name}-{self.walks_begun}"
        return self.server.walk(worker, name, Scenario(run=run, **scenario), walks=walks)
