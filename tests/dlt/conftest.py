"""A sandbox in a thread, and databases that are read as their users read them."""

from contextlib import AbstractAsyncContextManager

import duckdb
import pytest

from aiotofupilot.dlt import mirror
from aiotofupilot.dlt.quiet import quieten
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve


@pytest.fixture(autouse=True, scope="session")
def _quiet():
    """No test sends telemetry, or a log line of dlt's."""
    quieten()


@pytest.fixture
def sandbox():
    with serve(Sandbox(procedures=5, runs=40)) as sandbox:
        yield sandbox


@pytest.fixture
def pull(sandbox, tmp_path):
    """Bring a database up to date from the sandbox, and return what came, by listing."""

    def pull(*listings, path=tmp_path / "line.duckdb", **options):
        came = mirror(
            path,
            listings=listings or None,
            api_key=sandbox.api_key,
            base_url=sandbox.url,
            **{"server": "sandbox"} | options,
        )
        return {brought.listing: brought for brought in came}

    return pull


@pytest.fixture
def query(tmp_path):
    """Return the rows that a query of the database gives."""

    def query(sql, *parameters, path=tmp_path / "line.duckdb"):
        with duckdb.connect(path) as connection:
            return connection.execute(sql, parameters).fetchall()

    return query


class Limiters:
    """Makes limiters that let everybody in at once, and counts both."""

    made = entered = 0

    def __call__(self):
        self.made += 1
        return Limiter(self)


class Limiter(AbstractAsyncContextManager):
    """Belongs to some limiters, and counts there."""

    def __init__(self, limiters):
        self.limiters = limiters

    async def __aenter__(self):
        self.limiters.entered += 1

    async def __aexit__(self, *_):
        pass


@pytest.fixture
def limiters():
    return Limiters()
