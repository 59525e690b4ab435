"""A mirror that is killed again and again while the line goes on ends as one that was never interrupted.

- A mirror continues from its database alone, even if that was moved or restored; one that is killed at any time ends
  like one that was not.
"""

import subprocess
import sys
import threading
from random import Random

import duckdb
import pytest
from fakes.budget import KILLS, NIGHTLY
from fakes.mirrors import updated
from fakes.wire_listings import MODELS

from aiotofupilot import TofuPilotSession
from aiotofupilot.sandbox import BusyLine, Sandbox
from aiotofupilot.testing import serve

NAMES = tuple(MODELS)

KILLS_OF_MIRRORS = 170 if NIGHTLY else KILLS
"""How often a mirror is killed. Each time takes more than half a second."""

FULL = 0.25
"""The share of the updates that read everything again."""


def pulled(sandbox, path, **options):
    """Bring a database up to date without being interrupted."""
    session = TofuPilotSession(sandbox.api_key, base_url=sandbox.url)
    return updated(path, session, listings=NAMES, **options)


def differences(path, other):
    """Return the listings of which two databases hold different rows, whenever those were read."""
    sql = " UNION ALL ".join(
        f"SELECT '{name}', count(*), sum(hash(line)) "  # noqa: S608 - names of tables
        f"FROM (SELECT * EXCLUDE (_seen_at, _gone_at) FROM {name}) AS line"
        for name in NAMES
    )
    here, there = (rows_of(database, sql) for database in (path, other))
    return {name for name, _, _ in {*here} ^ {*there}}


def rows_of(path, sql):
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def ids(path, listing):
    return [key for (key,) in rows_of(path, f"FROM {listing} SELECT id ORDER BY id")]


def check_copy(path):
    """Check that a copy, if there is one, is whole: what its runs wrote is there, and its macros work."""
    if path.exists():
        with duckdb.connect(path, read_only=True) as connection:
            for name in ("measurements", "phases", "logs"):
                run_id = "run__id" if name == "logs" else "run_id"
                sql = f"SELECT count(DISTINCT {run_id}) = (SELECT count(*) FROM runs) FROM {name}"  # noqa: S608 - names of tables
                assert connection.execute(sql).fetchall() == [(True,)], name
            assert connection.execute("FROM tofupilot.first_pass_yield()").fetchall()


@pytest.mark.usefixtures("unmeasured")
def test_killed_again_and_again(tmp_path, monkeypatch):
    """With kill -9, some time after some answer: while it reads, while it stores, or when it is done.

    The processes are not forked from one that has loaded DuckDB, because an older DuckDB aborts at their end.
    """
    random = Random(3)  # noqa: S311 - picks times
    database, copy = tmp_path / "line.duckdb", tmp_path / "shared.duckdb"
    with serve(Sandbox(procedures=4, runs=20)) as sandbox:
        monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
        busy = BusyLine(runs=0.4)
        sandbox.before_response.append(busy)
        killed = 0
        while killed < KILLS_OF_MIRRORS:
            last, answered = len(sandbox.requests) + random.randint(1, 3 * len(NAMES)), threading.Event()

            def count(*_, last=last, answered=answered):
                if len(sandbox.requests) >= last:
                    answered.set()

            sandbox.after_response.append(count)
            options = ["--full"] if random.random() < FULL else []
            command = [sys.executable, "-m", "aiotofupilot", "mirror", database, *NAMES, *options, "--publish", copy]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
            while not answered.wait(0.1) and process.poll() is None:
                pass
            try:
                process.wait(random.uniform(0.0, 0.5))
            except subprocess.TimeoutExpired:
                process.kill()
            sandbox.after_response.remove(count)
            killed += process.wait(60) == -9
            assert process.returncode in (0, -9)
            check_copy(copy)
        sandbox.before_response.remove(busy)
        pulled(sandbox, database)
        for name in NAMES:
            assert ids(database, name) == sorted(item.id for item in getattr(sandbox, name)), name
        pulled(sandbox, tmp_path / "whole.duckdb")
        assert differences(database, tmp_path / "whole.duckdb") <= {"batches", "units"}  # which change
        pulled(sandbox, database, full=True, publish=copy)
        assert differences(database, tmp_path / "whole.duckdb") == set()
        assert differences(copy, tmp_path / "whole.duckdb") == set()
        assert busy.produced
    assert {path.name for path in tmp_path.iterdir()} == {"line.duckdb", "shared.duckdb", "whole.duckdb"}
