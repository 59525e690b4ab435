"""The source, in pipelines into DuckDB and elsewhere."""

import dlt
import duckdb
import pytest
from fakes.budget import NIGHTLY
from fakes.wire_listings import MODELS

from aiotofupilot.dlt import source, tofupilot


@pytest.fixture
def pipeline(tmp_path):
    """A pipeline into a database that is called as its user calls it."""
    pipeline = dlt.pipeline(
        "line",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.duckdb(str(tmp_path / "warehouse.duckdb")),
        dataset_name="test_data",
    )
    yield pipeline
    pipeline.deactivate()


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
    """All resources are read at the same time, and each row is there once."""
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url))
    assert {name: ids(name) for name in MODELS} == {name: listed(getattr(sandbox, name)) for name in MODELS}
    sandbox.produce(3)
    again = [*MODELS] if NIGHTLY else ["runs", "stations", "measurements"]
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, listings=again))
    assert {name: ids(name) for name in again} == {name: listed(getattr(sandbox, name)) for name in again}


def test_a_limit_on_items_is_for_one_run(pipeline, sandbox, ids):
    """Each run goes on where the last one ended. Users are read to the end."""
    sandbox.produce(180)
    source = {"listings": ["runs", "users"], "max_items": 150}
    counts = []
    for _ in range(2):
        pipeline.run(tofupilot(sandbox.api_key, sandbox.url, **source))
        counts.append((len(ids("runs")), len(ids("users"))))
    assert 150 <= counts[0][0] < 220
    assert counts[1:] == [(220, len(sandbox.users))]
    assert counts[0][1] == len(sandbox.users)


def test_a_limit_of_dlts_own_loses_nothing(pipeline, sandbox, ids):
    """What was read and not taken is read again."""
    sandbox.produce(180)
    source = tofupilot(sandbox.api_key, sandbox.url, listings=["runs"], rows=10)
    pipeline.run(source.add_limit(1))
    assert 0 < len(ids("runs")) < 220
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, listings=["runs"]))
    assert ids("runs") == listed(sandbox.runs)


def test_each_request_enters_a_limiter(pipeline, sandbox, limiters):
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, listings=["runs", "stations"], make_limiter=limiters))
    assert limiters.entered == len(sandbox.requests) > 1


def test_full_reads_everything_again(pipeline, sandbox):
    """A run that had changed is updated."""
    source = {"listings": ["procedures"]}
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, **source))
    sandbox.requests.clear()
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, **source))
    assert all("created_after" in dict(request.query) for request in sandbox.requests)
    sandbox.requests.clear()
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, **source, full=True))
    assert not any("created_after" in dict(request.query) for request in sandbox.requests)


def test_a_listing_that_is_empty_has_its_table(pipeline, sandbox, ids):
    del sandbox.runs[:]
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, listings=["runs", "measurements"]))
    assert ids("runs") == ids("measurements") == []


def test_another_destination_takes_the_rows_too(sandbox, tmp_path):
    """Files, for which dlt has neither merge nor nested columns."""
    pipeline = dlt.pipeline(
        "line",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.filesystem(f"file://{tmp_path}/lake"),
        dataset_name="test_data",
    )
    pipeline.run(tofupilot(sandbox.api_key, sandbox.url, listings=["runs"]), loader_file_format="parquet")
    pipeline.deactivate()
    runs = duckdb.read_parquet(f"{tmp_path}/lake/test_data/runs/*.parquet").fetchall()
    assert listed(sandbox.runs) == sorted(row[0] for row in runs)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"listings": ["run"]}, "listings must be one of 'procedures', 'runs', .*, got 'run'"),
        ({"rows": 0}, "rows must be at least 1, got 0"),
        ({"max_items": 0}, "max_items must be at least 1, got 0"),
    ],
)
def test_an_argument_out_of_bounds_is_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        tofupilot("key", "https://tofupilot.example", **options)


def test_an_earlier_batch_that_comes_late_does_not_set_the_place_back(monkeypatch):
    """dlt waits for whichever batch is there first, and so it can take two of them in the wrong order."""
    state = {}
    monkeypatch.setattr(dlt.current, "resource_state", lambda: state)
    note = source.Places().note
    for number in (1, 0, 2):
        note(source.PlacedRows(None, {"watermark": str(number)}, number))
        assert state == {"watermark": str(max(number, 1))}
