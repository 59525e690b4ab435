"""Which columns a table has: nested or flat ones.

- A flat table has the columns of CSV and plain values only.
"""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from fakes.in_process import InProcess
from fakes.wire_listings import MODELS

from aiotofupilot import Run, RunSequence, Unit
from aiotofupilot.arrow import record_batch, schema, table
from aiotofupilot.arrow.rows import database_rows
from aiotofupilot.cli.formats import csv_rows
from aiotofupilot.listings import Runs
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import make, make_run

BEGAN = datetime(2026, 11, 20, 9, 29, 40, 2_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def listing():
    return Runs(InProcess(Sandbox(procedures=2, runs=150))).list


def test_flat_columns_are_those_of_csv():
    """CSV has the names of the wire, and a table those of the attributes."""
    for model in MODELS.values():
        names = schema(model, flat=True).names
        assert [name.lower().replace("_", "") for name in names] == (
            csv_rows(model).head.decode().strip().lower().replace("_", "").split(",")
        )
        assert [name.replace(".", "__") for name in names] == database_rows(model).schema.names
        assert all(field.type == pa.string() for field in schema(model, flat=True) if field.metadata)


def test_a_flat_row_has_plain_values():
    took, sequence = timedelta(seconds=90.5), make(RunSequence, duration=timedelta(seconds=1.5))
    run = make_run(id="a", started_at=BEGAN, duration=took, metadata={"shift": "B", "n": 4}, sequences=[sequence])
    (row,) = record_batch([run], Run, flat=True).to_pylist()
    assert row["unit.serial_number"] == run.unit.serial_number
    assert row["procedure.version.tag"] == (run.procedure.version and run.procedure.version.tag)
    assert (row["started_at"], row["duration"]) == (BEGAN, 90.5)
    assert row["metadata"] == '{"shift":"B","n":4}'
    assert json.loads(row["sequences"])[0]["duration"] == 1.5
    assert not any(isinstance(value, dict | list) for value in row.values())


async def test_frames_have_plain_columns(listing):
    found = await table(listing(include_metadata=True), flat=True)
    assert found.num_rows == 150
    frame = found.to_pandas()
    assert str(frame.dtypes["started_at"]) == "datetime64[us, UTC]"
    assert frame.dtypes["duration"] == "float64"
    text = str(frame.dtypes["outcome"])  # object before pandas 3
    assert {str(kind) for kind in frame.dtypes} == {text, "float64", "datetime64[us, UTC]"}
    assert not frame.map(lambda value: isinstance(value, dict | list | tuple)).any(axis=None)
    assert frame.groupby("unit.part.number")["duration"].mean().notna().all()
    pd.testing.assert_frame_equal(frame, pd.DataFrame(found.to_pandas()))
    kinds = set(pl.DataFrame(found).dtypes)
    assert kinds == {pl.String(), pl.Float64(), pl.Datetime("us", "UTC")}


def test_other_arguments_are_refused():
    with pytest.raises(TypeError, match="flat must be"):
        schema(Unit, flat="yes")
