"""The server and the workers, as seen from the process that asks the questions."""

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
    """A Python process that runs a module of this package. It ends when its input ends."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{module}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

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
