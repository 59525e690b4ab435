"""Updates of a mirror, in any order and ended anywhere, while the line goes on: it ends with what the server has."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

import duckdb
import pytest
from attrs import evolve
from fakes.budget import NIGHTLY
from fakes.wire_listings import MODELS

from aiotofupilot import TofuPilotSession
from aiotofupilot.mirror import Mirror, update
from aiotofupilot.sandbox import Sandbox, paging

STEPS = ("new", "new", "again", "full", "killed", "killed", "made", "changed", "removed")


def run_of(name, item):
    """Return the ID of the run that wrote an item. Without its run, it is not listed. None: no run wrote it."""
    return item.run.id if name == "logs" else getattr(item, "run_id", None)


class Line:
    """A line that goes on, and its mirror."""

    def __init__(self, sandbox, session, path, random):
        self.sandbox, self.session, self.path, self.random = sandbox, session, path, random
        self.names = ["runs", *random.sample(["logs", "measurements", "phases", "units", "stations", "deployments"], 2)]

    async def step(self, what):
        """Do one of the steps."""
        runs, at = self.sandbox.runs, self.random.randrange(len(self.sandbox.runs))
        match what:
            case "new":
                await self.mirror().update()
            case "full":
                await self.mirror().update(full=True)
            case "again":
                await self.mirror().update(again=datetime.now(UTC) - runs[at].created_at + timedelta(seconds=1))
            case "killed":
                await self.kill()
            case "made":
                self.sandbox.produce(self.random.randint(1, 9))
            case "changed":
                runs[at] = evolve(runs[at], docstring=f"changed {self.random.random()}")
            case _:
                del runs[at]

    def mirror(self):
        names = self.random.sample(self.names, self.random.randint(1, len(self.names)))
        return Mirror(self.path, session=self.session, listings=names)

    async def kill(self):
        """Cancel an update somewhere. What its transaction had not committed is not there."""
        task = asyncio.create_task(self.mirror().update(full=self.random.random() < 0.3))
        for _ in range(self.random.randrange(400)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def check(self, *, all_of_it):
        """Compare the mirror with the server.

        Args:
            all_of_it: Whether a full update was the last one. If not, what was changed or removed need not be seen.
        """
        with duckdb.connect(self.path) as connection:
            listed = {run.id for run in self.sandbox.runs}
            tables = {name for (name,) in connection.sql("SELECT table_name FROM duckdb_tables()").fetchall()}
            for name in tables & MODELS.keys():
                rows = connection.sql(f"SELECT id, _gone_at IS NULL FROM {name}").fetchall()  # noqa: S608 - a listing's name
                there = {item.id for item in getattr(self.sandbox, name) if run_of(name, item) in listed | {None}}
                assert len({key for key, _ in rows}) == len(rows), name
                assert there <= {key for key, _ in rows}, name
                assert not there & {key for key, is_there in rows if not is_there}, name
                if all_of_it:
                    assert there == {key for key, is_there in rows if is_there}, name
            if all_of_it:
                changed = connection.sql("SELECT id, docstring FROM runs WHERE _gone_at IS NULL").fetchall()
                assert dict(changed) == {run.id: run.docstring for run in self.sandbox.runs}


SMALL = {"_ROWS": 5, "_ITEMS": 3, "_RUNS_FIRST": 2, "_RUNS_LAST": 4, "APART": timedelta(0)}
"""Sizes with which an update has many transactions, so that more of them are ended in between. Two updates that miss a
row mark it at once."""


@pytest.mark.parametrize("seed", range(60) if NIGHTLY else (7, 9))
async def test_any_order_of_updates_ends_with_what_the_server_has(seed, tmp_path, monkeypatch):
    random = Random(seed)  # noqa: S311 - picks steps
    for name, value in SMALL.items() if random.random() < 0.5 else ():
        monkeypatch.setattr(update, name, value)
    async with (
        Sandbox(procedures=3, runs=9, seed=seed, paging=paging.capped(random.choice([3, 5, 100]))) as sandbox,
        TofuPilotSession(sandbox.api_key, base_url=sandbox.url, concurrency=random.choice([1, 4])) as session,
    ):
        line = Line(sandbox, session, tmp_path / "line.duckdb", random)
        for what in random.choices(STEPS, k=random.randint(2, 8)):
            await line.step(what)
        await Mirror(line.path, session=session, listings=line.names).update()
        line.check(all_of_it=False)
        await Mirror(line.path, session=session, listings=line.names).update(full=True)
        line.check(all_of_it=True)
