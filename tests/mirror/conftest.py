"""A sandbox in a thread, and databases that are read as their users read them."""

import duckdb
import pytest

from aiotofupilot import TofuPilotSession
from aiotofupilot.mirror import mirror_blocking
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve


@pytest.fixture
def sandbox():
    with serve(Sandbox(procedures=5, runs=40)) as sandbox:
        yield sandbox


@pytest.fixture
def pull(sandbox, tmp_path):
    """Bring a database up to date from the sandbox, and return the results by listing.

    What belongs to a session is given to the session.
    """

    def pull(*listings, path=tmp_path / "line.duckdb", base_url=None, **options):
        of_session = {name: options.pop(name) for name in ("retry", "concurrency", "limiter") if name in options}
        session = TofuPilotSession(sandbox.api_key, base_url=base_url or sandbox.url, **of_session)
        results = mirror_blocking(path, session=session, listings=listings or None, **options)
        return {result.listing: result for result in results}

    return pull


@pytest.fixture
def query(tmp_path):
    """Return the rows that a query of the database gives."""

    def query(sql, *parameters, path=tmp_path / "line.duckdb"):
        with duckdb.connect(path) as connection:
            return connection.execute(sql, parameters).fetchall()

    return query


@pytest.fixture
def mirrored(query):
    """Return the IDs in a table, sorted."""

    def mirrored(listing, **options):
        return [key for (key,) in query(f"SELECT id FROM {listing} ORDER BY id", **options)]  # noqa: S608 - a listing's name

    return mirrored


@pytest.fixture
def ids():
    """Return the IDs of items, sorted."""
    return lambda items: sorted(item.id for item in items)
