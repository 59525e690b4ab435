"""The processes that measure, as seen from the one that asks: the server and the workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .scenario import Scenario

__all__ = ["Child", "Server", "Worker", "on_one_core"]


class Child:
    """A Python process that runs a module of this package, and ends when its input does."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{module}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def pid(self) -> int:
        """Its number, as the system has it."""
        return self._process.pid

    def read(self) -> str:
        """Return the next line that it prints.

        Raises:
            RuntimeError: It has ended; its standard error says why.
        """
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return line

    def write(self, line: str) -> None:
        """Give it a line."""
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
        """Have a task of `worker` done, and return what it measured."""
        self.write(json.dumps({"task": task, **arguments}))
        return json.loads(self.read())


class Server(Child):
    """The process that serves."""

    def __init__(self) -> None:
        super().__init__("server")
        self.origin = f"http://127.0.0.1:{int(self.read())}"
        """Where it serves."""

    def walk(self, worker: Worker, name: str, scenario: Scenario, *, walks: int = 1) -> dict[str, Any]:
        """Have a client walk through a scenario, and return what was measured on both sides.

        To what the worker returns it adds the server's counters; ``expected``, how many items there were to list; and
        ``busy``, the share of the time in which the server had work to do.
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
    """Keep processes on one core, and let them go again.

    On a core of its own, a client that waits is charged for its core's falling asleep and waking up, with caches gone
    cold; one that is slower than the server is not, for it never waits. On one core none of them sleeps.

    Only Linux can be asked for this; elsewhere they stay where they are.
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
