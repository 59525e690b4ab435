"""Which columns a table has: nested or flat, all or chosen ones."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from fakes.in_process import InProcess
from fakes.wire_listings import MODELS

from aiotofupilot import Run, Unit
from aiotofupilot.arrow import batches, record_batch, schema, table
from aiotofupilot.arrow.rows import database_rows
from aiotofupilot.cli.formats import csv_rows
from aiotofupilot.listings import Runs
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import make_run

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
    run = make_run(id="a", started_at=BEGAN, duration=timedelta(seconds=90.5), metadata={"shift": "B", "n": 4})
    (row,) = record_batch([run], Run, flat=True).to_pylist()
    assert row["unit.serial_number"] == run.unit.serial_number
    assert row["procedure.version.tag"] == (run.procedure.version and run.procedure.version.tag)
    assert (row["started_at"], row["duration"]) == (BEGAN, 90.5)
    assert row["metadata"] == '{"shift":"B","n":4}'
    assert row["sequences"] is None or row["sequences"].startswith("[")
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


@pytest.mark.parametrize(
    ("flat", "names"), [(True, ["unit.serial_number", "outcome"]), (False, ["unit", "outcome", "id"])]
)
async def test_columns_are_chosen_in_their_order(listing, flat, names):
    whole, chosen = await table(listing(), flat=flat), await table(listing(), flat=flat, columns=names)
    assert chosen.column_names == names
    assert chosen.equals(whole.select(names))
    assert schema(Run, flat=flat, columns=names) == chosen.schema
    parts = [part async for part in batches(listing(), rows=40, flat=flat, columns=tuple(names))]
    assert [part.num_rows for part in parts] == [40, 40, 40, 30]
    assert pa.Table.from_batches(parts).equals(chosen)


@pytest.mark.parametrize(
    ("flat", "columns", "message"),
    [
        (False, ["outcom"], "columns: Run with flat=False has no column 'outcom': did you mean 'outcome'?"),
        (True, ["unit.serial"], "columns: Run with flat=True has no column 'unit.serial': there are unit.serial_num"),
        (True, ["procedure"], "columns: Run with flat=True has no column 'procedure': there are procedure.id, "),
        (False, ["zzz"], "columns: Run with flat=False has no column 'zzz': there are id, created_at, "),
        (False, [5], "columns: Run with flat=False has no column 5: there are id, "),
        (False, ["id", "outcome", "id"], "columns: 'id' is named twice"),
        (False, [], "columns must not be empty"),
    ],
)
async def test_a_column_that_is_not_there_is_told_with_those_near_it(listing, flat, columns, message):
    for refused in (
        lambda: schema(Run, flat=flat, columns=columns),
        lambda: record_batch([], Run, flat=flat, columns=columns),
        lambda: batches(listing(), flat=flat, columns=columns),
    ):
        with pytest.raises(ValueError, match="column") as caught:
            refused()
        assert str(caught.value).startswith(message)
        assert caught.value.parameter == "columns"


def test_other_arguments_are_refused():
    with pytest.raises(TypeError, match="columns must be several names, got 5"):
        schema(Run, columns=5)
    with pytest.raises(TypeError, match="columns must be several names, got 'id'"):
        schema(Unit, columns="id")
    with pytest.raises(TypeError, match="flat must be"):
        schema(Unit, flat="yes")
