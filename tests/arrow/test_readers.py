"""What reads Arrow and Parquet reads these tables as they are."""

from datetime import UTC, datetime, timedelta

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyarrow import parquet

from aiotofupilot import Run
from aiotofupilot.arrow import record_batch, schema
from aiotofupilot.testing import make_run

BEGAN = datetime(2026, 11, 20, 9, 29, 40, 2_000, tzinfo=UTC)
TOOK = timedelta(minutes=1, seconds=30.732)


@pytest.fixture
def table():
    """Two runs: one with all that can be nested, one without."""
    runs = [
        make_run(id="a", started_at=BEGAN, duration=TOOK, outcome="FAIL", metadata={"shift": "B", "humidity": 41.5}),
        make_run(id="b", started_at=BEGAN, duration=TOOK * 2, outcome="PASS", metadata=None, sequences=None),
    ]
    return pa.Table.from_batches([record_batch(runs, Run)])


@pytest.fixture
def file(table, tmp_path):
    path = tmp_path / "runs.parquet"
    parquet.write_table(table, path)
    return path


def test_parquet_gives_the_table_back(table, file):
    found = parquet.read_table(file)
    assert found.equals(table)
    assert found.schema == schema(Run)


@pytest.mark.parametrize("read", ["arrow", "parquet"])
def test_polars_reads_every_type_as_its_own(table, file, read):
    frame = pl.DataFrame(table) if read == "arrow" else pl.read_parquet(file)
    assert frame.schema["started_at"] == pl.Datetime("us", "UTC")
    assert frame.schema["duration"] == pl.Duration("us")
    assert frame["duration"].sum() == TOOK * 3
    assert frame["started_at"].to_list() == [BEGAN, BEGAN]
    serial_numbers = frame.select(pl.col("unit").struct.field("serial_number")).to_series()
    assert serial_numbers.to_list() == [row["serial_number"] for row in table["unit"].to_pylist()]
    assert frame["metadata"].is_null().to_list() == [False, True]


@pytest.mark.parametrize("read", ["arrow", "parquet"])
def test_pandas_reads_timestamps_durations_and_structs(table, file, read):
    frame = table.to_pandas() if read == "arrow" else pd.read_parquet(file)
    assert str(frame.dtypes["started_at"]) == "datetime64[us, UTC]"
    assert frame["duration"].sum() == TOOK * 3
    assert frame["outcome"].tolist() == ["FAIL", "PASS"]
    assert frame["unit"].map(lambda unit: unit["part"]["number"]).tolist() == [
        row["part"]["number"] for row in table["unit"].to_pylist()
    ]


def test_duckdb_reads_maps_and_structs_by_their_names(table):
    query = "SELECT id, duration, metadata['shift'], unit.part.revision.number, started_at FROM runs"
    number = table["unit"][0].as_py()["part"]["revision"]["number"]
    with duckdb.connect() as connection:
        connection.register("runs", table)
        assert connection.execute(query).fetchone() == ("a", TOOK, '"B"', number, BEGAN)


def test_duckdb_reads_durations_of_parquet_as_microseconds(file):
    """Parquet has no type for durations."""
    query = f"SELECT sum(duration), max(started_at) FROM '{file}'"  # noqa: S608 - a path of this test's own
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchone() == (3 * 90_732_000, BEGAN)


def test_delta_lake_takes_flat_tables(tmp_path):
    """It has no type for durations, and a flat table has seconds."""
    run = make_run(id="a", started_at=BEGAN, duration=TOOK)
    for _ in range(2):
        flat = record_batch([run], Run, flat=True)
        write_deltalake(tmp_path / "runs", pa.Table.from_batches([flat]), mode="append")
    found = pa.table(DeltaTable(tmp_path / "runs").to_pyarrow_table())
    assert (found["id"].to_pylist(), found["duration"].to_pylist()) == (["a"] * 2, [90.732] * 2)
