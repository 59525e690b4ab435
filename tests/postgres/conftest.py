"""A Postgres for the tests of this folder, and servers in front of tables in it."""

import os
from uuid import uuid4

import pytest
from postgres.server import Server


@pytest.fixture(scope="session")
def shared_database(tmp_path_factory):
    """A database of this process, in a Postgres that all processes of a run share."""
    try:
        from postgres.database import Database, running  # noqa: PLC0415 - it may not be installed
    except ImportError as error:
        message = f"there is no Postgres for these tests: {error}"
        if os.environ.get("AIOTOFUPILOT_POSTGRES") == "required":
            pytest.fail(message)
        pytest.skip(message)
    worker, base = os.environ.get("PYTEST_XDIST_WORKER"), tmp_path_factory.getbasetemp()
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex
    with running(run, base.parent if worker else base) as server:
        yield Database(server, worker or "main")


@pytest.fixture
def database(shared_database):
    """The same, without connections that an earlier test made."""
    yield shared_database
    shared_database.close()


@pytest.fixture
def still(database):
    """Make a server in front of tables that do not change."""

    def still(fill, plan, seed=0):
        return Server(database.still(fill), plan, seed)

    return still


@pytest.fixture
def moving(database):
    """Make a server in front of tables that this test may change. No other test sees that."""

    def moving(fill, plan, seed=0):
        return Server(database.moving(fill), plan, seed)

    return moving
