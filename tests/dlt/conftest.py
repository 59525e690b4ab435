"""A sandbox in a thread, and databases that are read as their users read them."""

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
