"""The points of waveforms are one long table, whose batches have whole runs.

- The points of waveforms are one long table, streamed by whole runs, at most 50 bytes a row; failures cost no point.
"""

from math import nan
from xml.etree import ElementTree as ET

import attrs
import matplotlib as mpl
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from fakes.guides import ROOT, read, read_blocks
from fakes.in_process import InProcess
from fakes.waveforms import few_points, measured, run_of
from pyarrow import parquet

from aiotofupilot import DataSeries, ServerError
from aiotofupilot.arrow import series, series_batches, streaming
from aiotofupilot.arrow.waveforms import _points, _schema
from aiotofupilot.listings import Runs, Units
from aiotofupilot.sandbox import Sandbox, faults
from aiotofupilot.testing import serve

COLUMNS = [
    *("run_id", "serial_number", "phase", "retry_count", "measurement_id", "measurement"),
    *("series", "series_name", "index", "value", "units"),
]


@pytest.fixture(scope="module")
def service():
    return Sandbox(procedures=2, runs=20)


@pytest.fixture
def _few_points():
    with few_points():
        yield


@pytest.fixture
def listing(service):
    service.faults.clear()
    return Runs(InProcess(service, attempts=1)).list


def expected(runs):
    """Return the rows, one by one."""
    for run in runs:
        for phase in run.phases:
            for measurement in phase.measurements:
                for number, axis in enumerate(measurement.data_series or ()):
                    for index, value in enumerate(axis.data):
                        yield dict(
                            zip(
                                COLUMNS,
                                (
                                    *(run.id, run.unit.serial_number, phase.name, phase.retry_count),
                                    *(measurement.id, measurement.name, number, axis.name, index),
                                    *(None if value != value else value, axis.units),  # noqa: PLR0124 - NaN
                                ),
                                strict=True,
                            )
                        )


def texts(table):
    """Return a table with texts in the place of numbers that stand for texts."""
    kinds = [pa.string() if pa.types.is_dictionary(kind) else kind for kind in table.schema.types]
    return table.cast(pa.schema(zip(table.column_names, kinds, strict=True)))


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_each_point_is_a_row(listing, concurrency):
    runs = await listing(max_items=5).details().collect()
    rows = pa.Table.from_pylist(list(expected(runs)), schema=texts(await series(listing(max_items=0))).schema)
    arguments = {"concurrency": concurrency, "max_items": 5}
    for of in (listing(**arguments), listing(**arguments).details()):
        table = await series(of)
        table.validate(full=True)
        assert texts(table).equals(rows)
    assert table.num_rows > 5_000
    assert table.nbytes < 50 * table.num_rows


def run(*axes, **changes):
    scalar = attrs.evolve(measured(), measured_value=5, data_series=None)
    return run_of(scalar, measured(*axes), retry_count=1, **changes)


def test_what_has_no_points_has_no_rows_and_no_number_is_null():
    axes = [
        DataSeries(data=(), units="s"),
        DataSeries(data=(1.5, nan), units=None, name="level"),
        DataSeries(data=(3,), units="V"),
    ]
    runs = [run(), run(*axes), run(phases=())]
    batch = _points(_schema(None), runs)
    batch.validate(full=True)
    assert batch.to_pylist() == list(expected(runs))
    assert batch["value"].null_count == 1
    assert batch["series"].to_pylist() == [1, 1, 2]
    assert _points(_schema(["value"]), [run()]).num_rows == 0


async def test_no_runs_have_the_whole_schema(listing):
    table = await series(listing(max_items=0))
    text = pa.dictionary(pa.int32(), pa.string())
    kinds = {"retry_count": pa.int32(), "series": pa.int32(), "index": pa.int32(), "value": pa.float64()}
    assert table.schema == pa.schema([(name, kinds.get(name, text)) for name in COLUMNS])
    assert table.num_rows == 0
    assert (await series(listing(max_items=0), columns=["value", "run_id"])).column_names == ["value", "run_id"]


@pytest.mark.usefixtures("_few_points")
@pytest.mark.parametrize("rows", [1, 200])
async def test_a_batch_has_whole_runs_and_its_checkpoint_stands_after_them(listing, rows):
    whole, passed = await series(listing()), 0
    async with series_batches(listing(concurrency=3), rows=rows) as stream:
        async for batch in stream:
            passed += batch.num_rows
            rest = await series(listing(cursor=stream.checkpoint))
            assert texts(rest).equals(texts(whole.slice(passed)))
            assert batch.num_rows >= min(rows, whole.num_rows - passed)
    assert passed == whole.num_rows


@pytest.mark.usefixtures("_few_points")
async def test_many_points_make_more_batches(listing, monkeypatch, tmp_path):
    """They go to a file as they come, and the file has them all."""
    whole = await series(listing())
    monkeypatch.setattr(streaming, "_BYTES_AT_ONCE", 20_000)
    async with series_batches(listing(), rows=10) as stream:
        with parquet.ParquetWriter(tmp_path / "points.parquet", stream.schema) as writer:
            sizes = [writer.write_batch(batch) or batch.num_rows async for batch in stream]
    assert len(sizes) > 2
    assert sum(sizes) == whole.num_rows
    assert texts(parquet.read_table(tmp_path / "points.parquet")).equals(texts(whole))


@pytest.mark.usefixtures("_few_points")
async def test_a_failure_costs_no_point(service, listing):
    whole, runs = await series(listing()), await listing().collect()
    service.faults.on(lambda request: request.path.endswith(runs[9].id)).next(faults.status(500))
    stream = series_batches(listing(), rows=10**9)
    parts = [await anext(stream)]
    with pytest.raises(ServerError) as failed:
        await anext(stream)
    assert failed.value.checkpoint == stream.checkpoint
    parts += [batch async for batch in stream]
    assert texts(pa.Table.from_batches(parts)).equals(texts(whole))


@pytest.mark.usefixtures("_few_points")
async def test_frames_have_a_category_for_each_text(listing):
    """The dictionaries of all batches are one, so that whatever groups by them need not join them."""
    table = await series(listing(), columns=["run_id", "measurement", "series", "index", "value"])
    frame = table.to_pandas()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "run_id": "category",
        "measurement": "category",
        "series": "int32",
        "index": "int32",
        "value": "float64",
    }
    lengths = frame.groupby(["run_id", "measurement", "series"], observed=True)["value"].count()
    assert lengths.sum() == table.num_rows
    columns = ["run_id", "measurement", "series"]
    counted = pl.DataFrame(table).group_by(columns).len()
    assert sorted(counted["len"]) == sorted(lengths)
    assert table.group_by(columns).aggregate([("value", "count")]).num_rows == len(lengths)
    pivoted = frame[frame["run_id"] == frame["run_id"].iloc[0]].pivot_table(
        index="index", columns="series", values="value", observed=True
    )
    assert isinstance(pivoted, pd.DataFrame)
    assert len(pivoted) == frame["index"][frame["run_id"] == frame["run_id"].iloc[0]].max() + 1


async def test_only_runs_have_series_here(listing, service):
    units = Units(InProcess(service)).list()
    for wrong in (units, units.details(), listing().raw(), listing().raw().details(), [], None):
        with pytest.raises(TypeError, match=r"^listing must (be|have) ") as refused:
            series_batches(wrong)
        assert refused.value.parameter == "listing"
    with pytest.raises(ValueError, match=r"columns must be one of 'run_id', .*, got 'unit'"):
        await series(listing(), columns=["unit"])
    for names in ([], ["run_id", "run_id"]):
        with pytest.raises(ValueError, match="columns must have at least one name, and each name once, got"):
            await series(listing(), columns=names)
    for names in ("run_id", 5):
        with pytest.raises(TypeError, match="columns must be a list or another iterable of names, got"):
            await series(listing(), columns=names)
    with pytest.raises(ValueError, match="rows must be at least 1"):
        series_batches(listing(), rows=0)


def texts_of(picture):
    return [element.text for element in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 - our own


def test_the_program_of_the_guide_draws_the_picture_that_is_kept(monkeypatch, tmp_path):
    """If the program was changed, copy what it draws here. Not every version of matplotlib draws the same lines."""
    guide = ROOT / "aiotofupilot" / "guides" / "frames.md"
    (program,) = [block for block in read_blocks(guide) if "savefig" in block.text]
    assert "`Sandbox(procedures=2, runs=20)`" in read(guide)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    style = {"svg.fonttype": "none", "svg.hashsalt": "aiotofupilot", "backend": "svg"}
    with serve(Sandbox(procedures=2, runs=20)) as sandbox, mpl.rc_context(style):
        monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
        exec(compile(program.numbered, program.guide, "exec", dont_inherit=True), {"__name__": "__main__"})  # noqa: S102 - the guide's own text
    drawn = texts_of(tmp_path / "waveform.svg")
    assert drawn == texts_of(ROOT / ".github" / "pictures" / "waveform.svg")
    assert len(drawn) > 8
