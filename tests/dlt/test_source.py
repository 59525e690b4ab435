"""The source, in pipelines into DuckDB and elsewhere."""

import importlib
import sys
from functools import partial

import dlt
import duckdb
import pytest
from attrs import evolve
from dlt.extract.pipe_iterator import PipeIterator
from dlt.pipeline.exceptions import PipelineStepFailed
from fakes.budget import NIGHTLY
from fakes.wire_listings import MODELS

import aiotofupilot.dlt
from aiotofupilot import TofuPilotSession
from aiotofupilot.arrow.rows import database_rows
from aiotofupilot.dlt import tofupilot
from aiotofupilot.sandbox import paging


@pytest.fixture
def ids(tmp_path):
    """Return the IDs in a table of the database, sorted."""

    def ids(listing):
        with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
            return [key for (key,) in connection.execute(f"SELECT id FROM test_data.{listing} ORDER BY id").fetchall()]  # noqa: S608 - a listing's name

    return ids


def listed(rows):
    return sorted(item.id for item in rows)


def test_one_run_brings_all_listings_and_the_next_one_what_is_new(pipeline, sandbox, ids):
    """All resources are read at the same time, and each row is there once. An empty listing has its table.

    The state goes on, whether the same source is run again or another one.
    """
    names = [*MODELS] if NIGHTLY else ["runs", "stations", "measurements", "batches"]
    del sandbox.batches[:]
    source, watermarks = tofupilot(sandbox.api_key, sandbox.url, listings=names), set()
    for _ in range(2):
        pipeline.run(source)
        assert {name: ids(name) for name in names} == {name: listed(getattr(sandbox, name)) for name in names}
        watermarks.add(pipeline.state["sources"]["tofupilot"]["resources"]["runs"]["watermark"])
        sandbox.produce(3)
        del sandbox.batches[:]
        sandbox.requests.clear()
    assert len(watermarks) == 2
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, listings=["runs", "stations"]))
    assert {"created_after" in request.query for request in sandbox.requests if request.path.endswith("/runs")} == {
        True
    }


def test_a_part_from_a_start_on(pipeline, sandbox, ids, tmp_path):
    """Also with another session than its own. dlt can begin anew, which brings what had changed."""
    start = sandbox.runs[9].created_at.replace(microsecond=0)
    part = partial(
        tofupilot,
        sandbox.api_key,
        sandbox.url,
        listings=["runs"],
        filters={"outcomes": ["PASS"]},
        start=start,
        make_session=partial(TofuPilotSession, concurrency=2),
    )
    pipeline.run(part())
    assert ids("runs") == listed(run for run in sandbox.runs if run.created_at >= start and run.outcome == "PASS")
    at = next(at for at, run in enumerate(sandbox.runs) if run.outcome == "PASS")
    sandbox.runs[at] = evolve(sandbox.runs[at], docstring="Changed.")
    pipeline.run(part(), refresh="drop_data")
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        found = connection.sql("SELECT count(*) FROM test_data.runs WHERE docstring = 'Changed.'")
        assert found.fetchall() == [(1,)]


def test_a_limit_of_dlts_own_loses_nothing(pipeline, sandbox, ids, monkeypatch):
    """What was read and not taken is read again."""
    sandbox.paging = paging.capped(10)
    monkeypatch.setattr(aiotofupilot.dlt, "_ROWS", 10)
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, listings=["runs"]).add_limit(2))
    assert 0 < len(ids("runs")) < 40
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, listings=["runs"]))
    assert ids("runs") == listed(sandbox.runs)


def test_a_batch_that_comes_after_a_limit_is_not_noted(monkeypatch, sandbox):
    """dlt has one more batch on its way when a limit is reached, and drops it."""
    state = {}
    monkeypatch.setattr(dlt.current, "resource_state", lambda: state)
    resource = tofupilot(sandbox.api_key, sandbox.url, listings=["users"]).add_limit(2).resources["users"]
    (pipe,), _ = PipeIterator.clone_pipes([resource._pipe])
    pipe.evaluate_gen()
    rows = database_rows(MODELS["users"]).batch(sandbox.users)
    got = []
    for number in range(4):
        item = (number, rows, str(number))
        for step in pipe.steps[1:]:
            item = item if item is None else step(item)
        got.append(item)
    assert got == [rows, rows, None, None]
    assert state == {"watermark": "1"}


def test_another_destination_takes_the_rows_too(sandbox, tmp_path):
    """Files, for which dlt has neither merge nor nested columns. A source can be used again."""
    pipeline = dlt.pipeline(
        "line",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.filesystem(f"file://{tmp_path}/lake"),
        dataset_name="test_data",
    )
    source = tofupilot(sandbox.api_key, sandbox.url, listings=["users"])
    for times in (1, 2):
        pipeline.run(source, loader_file_format="parquet", write_disposition="append")
        users = duckdb.read_parquet(f"{tmp_path}/lake/test_data/users/*.parquet").fetchall()
        assert sorted(row[0] for row in users) == sorted(listed(sandbox.users) * times)
    pipeline.deactivate()


@pytest.mark.parametrize("key", ["given", "found", None])
def test_a_session_of_ones_own_is_made_of_plain_values(pipeline, sandbox, ids, key, monkeypatch):
    """The key is given, found in dlt's configuration, or absent, and then another place may have it."""
    if key == "found":
        monkeypatch.setenv("SOURCES__TOFUPILOT__API_KEY", sandbox.api_key)
    got = []

    def make_session(api_key, base_url):
        got.append((api_key, base_url))
        assert isinstance(api_key, str | None)
        return TofuPilotSession(api_key or sandbox.api_key, base_url=base_url)

    given = {"api_key": sandbox.api_key} if key == "given" else {}
    pipeline.run(tofupilot(**given, base_url=sandbox.url, listings=["users"], make_session=make_session))
    assert got == [(sandbox.api_key if key else None, sandbox.url)]
    assert ids("users") == listed(sandbox.users)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"listings": ["run"]}, ValueError, "listings must be one of 'procedures', 'runs', .*, got 'run'"),
        (
            {"start": "2026-01-01"},
            TypeError,
            r"start must be a datetime such as .*, or None, got '2026-01-01'",
        ),
    ],
)
def test_an_argument_out_of_bounds_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        tofupilot("key", "https://tofupilot.example", **options)


def test_a_value_that_no_column_can_hold_ends_a_run_and_is_named(pipeline, sandbox):
    sandbox.stations[1] = evolve(sandbox.stations[1], procedures_count=10**400)
    with pytest.raises(PipelineStepFailed, match=f"procedures_count of '{sandbox.stations[1].id}': int too large"):
        pipeline.run(tofupilot(sandbox.api_key, sandbox.url, listings=["stations"]))


def test_an_earlier_batch_that_comes_late_does_not_set_the_watermark_back(monkeypatch, sandbox):
    """dlt waits for whichever batch is there first. So it can take two of them in the wrong order, and drop one.

    The state is never ahead of the rows.
    """
    state = {}
    monkeypatch.setattr(dlt.current, "resource_state", lambda: state)
    run = aiotofupilot.dlt._ProgressStep()
    rows = database_rows(MODELS["users"]).batch(sandbox.users)
    for number, latest in ((0, "0"), (2, "0"), (1, "2"), (3, "3")):
        assert run.take(number, rows, str(number)) is rows
        assert state == {"watermark": latest}


@pytest.mark.parametrize("missing", ["dlt", "pyarrow"])
def test_without_the_extra(monkeypatch, missing):
    """What is missing is named, and what to do."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else object())
    monkeypatch.delitem(sys.modules, "aiotofupilot.dlt")
    with pytest.raises(ModuleNotFoundError, match=rf"aiotofupilot\.dlt needs {missing}: install the extra 'dlt'"):
        importlib.import_module("aiotofupilot.dlt")
