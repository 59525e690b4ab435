"""What one run reads of a listing, and where it stands after that."""

from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from fakes.wire_listings import MODELS

from aiotofupilot import TofuPilotSession
from aiotofupilot.dlt.reading import read
from aiotofupilot.dlt.results import StaleWatermarkError
from aiotofupilot.positions import sealed
from aiotofupilot.sandbox import Sandbox, make_procedures


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=3, runs=120) as sandbox:
        yield sandbox


@pytest.fixture
async def session(sandbox):
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        yield session


async def read_all(name, session, place, *, rows=50):
    """Return everything that is new since a place, and the place after it."""
    items = []
    async for batch, after in read(name, session, place, rows=rows):
        items += batch
        place = after
    return items, place


def asked(sandbox, path):
    """Return the queries that were asked of a path, and forget them."""
    queries = [dict(request.query) for request in sandbox.requests if request.path.endswith(path)]
    sandbox.requests.clear()
    return queries


@pytest.mark.parametrize("name", MODELS)
async def test_the_first_run_reads_everything(session, sandbox, name):
    items, _ = await read_all(name, session, {})
    assert sorted(item.id for item in items) == sorted(item.id for item in getattr(sandbox, name))


@pytest.mark.parametrize("name", ["runs", "units", "logs", "measurements", "phases"])
async def test_the_next_one_reads_what_is_new(session, sandbox, name):
    before, place = await read_all(name, session, {})
    assert await read_all(name, session, place) == ([], place)
    sandbox.produce(7)
    items, _ = await read_all(name, session, place)
    assert sorted(item.id for item in before + items) == sorted(item.id for item in getattr(sandbox, name))


@pytest.mark.parametrize("name", ["parts", "stations", "users"])
async def test_what_has_no_filter_on_creation_is_read_anew(session, sandbox, name):
    items, place = await read_all(name, session, {})
    assert place == {}
    assert await read_all(name, session, place) == (items, {})


@pytest.mark.parametrize("name", ["runs", "logs", "measurements"])
async def test_each_batch_has_its_place(session, sandbox, name):
    """Whoever stops after a batch goes on after it."""
    seen = []
    async with aclosing(read(name, session, {}, rows=30)) as arrivals:
        async for items, place in arrivals:
            seen += items
            left_at = place
            if len(seen) >= 60:
                break
    items, _ = await read_all(name, session, left_at)
    assert sorted(item.id for item in seen + items) == sorted(item.id for item in getattr(sandbox, name))


async def test_everything_comes_with_what_the_api_leaves_out(session, sandbox):
    """Metadata, sequences, and attempts that were followed by another one."""
    runs, _ = await read_all("runs", session, {})
    assert all(run.metadata is not None and run.sequences is not None for run in runs)
    measurements, _ = await read_all("measurements", session, {})
    assert not all(measurement.is_final_attempt for measurement in measurements)


class TestByProcedure:
    """Measurements and phases, of one procedure at a time."""

    async def test_runs_are_asked_for_once_and_not_for_each_procedure(self, session, sandbox):
        """There may be hundreds of procedures. One without runs costs nothing."""
        sandbox.procedures.extend(make_procedures(200, seed=1))
        items, _ = await read_all("measurements", session, {}, rows=1000)
        assert {request.path for request in sandbox.requests} == {"/api/v2/runs", "/api/v2/measurements"}
        pages = Counter(request.path for request in sandbox.requests)
        assert pages["/api/v2/runs"] == 2
        of_procedures = Counter(query["procedure_id"] for query in asked(sandbox, "/measurements"))
        assert of_procedures.keys() == {run.procedure.id for run in sandbox.runs}
        assert of_procedures.total() <= len(items) / 100 + len(of_procedures)

    async def test_a_procedure_without_new_runs_is_not_asked_for(self, session, sandbox):
        _, place = await read_all("measurements", session, {})
        assert {query["procedure_id"] for query in asked(sandbox, "/measurements")} <= {
            procedure.id for procedure in sandbox.procedures
        }
        sandbox.produce(1)
        await read_all("measurements", session, place)
        assert {query["procedure_id"] for query in asked(sandbox, "/measurements")} == {sandbox.runs[0].procedure.id}

    async def test_a_procedure_that_is_not_listed_comes_all_the_same(self, session, sandbox):
        """Its runs tell its ID."""
        hidden = sandbox.runs[0].procedure.id
        sandbox.procedures[:] = [procedure for procedure in sandbox.procedures if procedure.id != hidden]
        items, _ = await read_all("phases", session, {})
        assert sorted(item.id for item in items) == sorted(item.id for item in sandbox.phases)

    async def test_without_any_run_there_is_nothing(self, session, sandbox):
        del sandbox.runs[:]
        assert (await read_all("measurements", session, {}))[0] == []

    async def test_a_run_from_the_future_hides_none_that_comes_after(self, session, sandbox):
        """A clock that is ahead made it. What counts is the present."""
        latest = sandbox.runs[0]
        sandbox.runs[0] = evolve(latest, created_at=latest.created_at + timedelta(days=36_500))
        before, place = await read_all("phases", session, {})
        sandbox.produce(1)
        sandbox.runs[0] = evolve(sandbox.runs[0], created_at=datetime.now(UTC))
        items, _ = await read_all("phases", session, place)
        assert items
        assert sorted(item.id for item in before + items) == sorted(item.id for item in sandbox.phases)


@pytest.mark.parametrize("name", ["runs", "phases"])
@pytest.mark.parametrize(
    "spelled",
    ["nonsense", "units.AAAAAAAA:2026-01-01T00:00:00Z", "{}.AAAAAAAA:2026-01-01T00:00:00Z"],
    ids=["none", "another listing's", "another query's"],
)
async def test_a_place_that_does_not_fit_is_refused(session, sandbox, name, spelled):
    with pytest.raises(StaleWatermarkError, match="cannot go on where the last run ended, so read everything again: "):
        await read_all(name, session, {"watermark": sealed(spelled.format(name))})
    assert not sandbox.requests


async def test_a_place_that_is_not_a_text_is_refused(session):
    with pytest.raises(StaleWatermarkError, match="not a watermark, or one that was cut short or changed: '7'"):
        await read_all("runs", session, {"watermark": 7})
