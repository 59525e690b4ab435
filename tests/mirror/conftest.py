"""A sandbox in a thread, and databases that are read as their users read them."""

import shutil

import duckdb
import pytest
from fakes.mirrors import updated

from aiotofupilot import TofuPilotSession
from aiotofupilot.sandbox import Sandbox, faults
from aiotofupilot.sandbox.request import Delivery
from aiotofupilot.testing import serve


@pytest.fixture
def line(request):
    """What the sandbox is made with: the ``LINE`` of a module, or this."""
    return getattr(request.module, "LINE", {"procedures": 5, "runs": 40})


@pytest.fixture
def sandbox(line):
    with serve(Sandbox(**line)) as sandbox:
        yield sandbox


@pytest.fixture
def pull(sandbox, tmp_path):
    """Bring a database up to date from the sandbox, and return the results by listing.

    What belongs to a session is given to the session.
    """

    def pull(*listings, path=tmp_path / "line.duckdb", base_url=None, **options):
        of_session = {name: options.pop(name) for name in ("retry", "concurrency", "limiter") if name in options}
        session = TofuPilotSession(sandbox.api_key, base_url=base_url or sandbox.url, **of_session)
        results = updated(path, session, listings=listings or None, **options)
        return {result.listing: result for result in results}

    return pull


@pytest.fixture
def replace(sandbox):
    """Let the sandbox send other bytes in the place of some, such as a value that it cannot write."""

    def replace(old, new):
        def alter(delivery, _request, _random):
            return Delivery.of(delivery.status, delivery.headers, delivery.body.replace(old, new))

        sandbox.faults.always(faults.Fault(f"replace({old!r}, ...)", alter, is_harmless=True))

    return replace


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("mirrors")


@pytest.fixture
def have(line, kept, tmp_path):
    """Begin with a database as an update of the sandbox makes it. Each is made once, and then copied."""

    def have(*listings, **options):
        path = kept / f"{line} {listings} {options}"
        if not path.exists():
            with serve(Sandbox(**line)) as sandbox:
                session = TofuPilotSession(sandbox.api_key, base_url=sandbox.url)
                updated(path, session, listings=listings, **options)
        shutil.copy(path, tmp_path / "line.duckdb")

    return have


@pytest.fixture(scope="session")
def reader():
    """A DuckDB that attaches one database after another, because each DuckDB that begins takes 20 ms."""
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def query(tmp_path, reader):
    """Return the rows that a query of the database gives."""

    def query(sql, *parameters, path=tmp_path / "line.duckdb"):
        quoted = str(path).replace("'", "''")
        reader.execute(f"ATTACH '{quoted}' AS line (TYPE duckdb); USE line")
        try:
            return reader.execute(sql, parameters).fetchall()
        finally:
            reader.execute("USE memory; DETACH line")

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
