"""Runs clients for the questions. Each client has its own process, and the clients take turns."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define

from .contenders import CONTENDERS
from .measure import Sample, interleave
from .processes import Worker, on_one_core
from .scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .processes import Server

__all__ = ["Bench", "Samples"]

Samples = dict[str, list[Sample]]
"""The samples of each client, by its name. There is one sample per round."""


@define
class Bench:
    """Runs what a question asks for, and shows the progress."""

    server: Server
    show: Callable[[str], None]
    rounds: int | None = None
    """How often each client runs. None: as often as the question asks for."""
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
            refusals: Share of requests that are answered with 429, 500 or 503. Likewise.
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
