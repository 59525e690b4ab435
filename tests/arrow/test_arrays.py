"""Arrays of Python's values are those that pyarrow makes, and nothing that makes them loads pandas.

This holds the private module to pyarrow for each type, because no model has values of all kinds.
"""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, strategies as st

from aiotofupilot.arrow import arrays

INT64 = st.integers(-(2**63), 2**63 - 1)
LISTS = pa.list_(pa.field("element", pa.string()))
STRUCTS = pa.struct([("name", pa.string()), ("number", pa.int64())])


def members(values):
    """Return the members of dicts, as those of a model are made."""
    return [
        make([None if value is None else value[name] for value in values])
        for name, make in (("name", arrays.strings), ("number", arrays.integers))
    ]


KINDS = {
    "string": (pa.string(), arrays.strings, st.text()),
    "bool": (pa.bool_(), arrays.truths, st.booleans()),
    "int64": (pa.int64(), arrays.integers, INT64),
    "int32": (pa.int32(), arrays.small_integers, st.integers(-(2**31), 2**31 - 1)),
    "double": (pa.float64(), arrays.doubles, st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)),
    "duration": (
        pa.duration("us"),
        arrays.durations,
        st.timedeltas(timedelta(microseconds=-(2**63)), timedelta(microseconds=2**63 - 1)),
    ),
    "timestamp": (
        pa.timestamp("us", "UTC"),
        arrays.timestamps,
        st.datetimes(timezones=st.just(UTC) | st.timezones()),
    ),
    "map": (
        pa.map_(pa.string(), pa.string()),
        arrays.maps,
        st.dictionaries(st.text(), st.none() | st.text(), max_size=3),
    ),
    "list": (
        LISTS,
        partial(arrays.lists, LISTS, lambda lists: arrays.strings([text for each in lists for text in each])),
        st.lists(st.none() | st.text(), max_size=3),
    ),
    "struct": (
        STRUCTS,
        partial(arrays.structs, STRUCTS, members),
        st.fixed_dictionaries({"name": st.none() | st.text(), "number": st.none() | INT64}),
    ),
}


@pytest.mark.parametrize(("kind", "make", "values"), KINDS.values(), ids=KINDS)
@given(st.data())
def test_an_array_is_what_pyarrow_makes_of_the_same_values(kind, make, values, data):
    drawn = data.draw(st.lists(values, max_size=20) | st.lists(st.none() | values, max_size=20))
    made = make(drawn)
    made.validate(full=True)
    expected = pa.array(drawn, kind)
    assert (made.type, made.null_count, made.offset) == (kind, expected.null_count, 0)
    assert made.equals(expected)
    assert made.nbytes <= 1.2 * expected.nbytes + 8  # pyarrow leaves out bits that say that nothing is null


@pytest.mark.parametrize(("kind", "make", "values"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("length", [0, 1, 8, 9, 1000])
def test_values_that_are_all_none_are_nulls(kind, make, values, length):
    made = make([None] * length)
    made.validate(full=True)
    assert made.type == kind
    assert made.to_pylist() == [None] * length


@given(st.integers(-(10**300), 10**300))
@example(2**53 + 1)
def test_an_integer_becomes_the_nearest_double(number):
    assert arrays.doubles([number, None]).to_pylist() == [float(number), None]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 7),
        ("string", b"x"),
        ("bool", 1),
        ("bool", "true"),
        ("int64", 1.5),
        ("int64", "1"),
        ("int64", True),
        ("int32", 1.5),
        ("int32", False),
        ("double", True),
        ("double", "1.5"),
        ("duration", 7),
        ("timestamp", "2026-01-01"),
        ("timestamp", datetime(2026, 1, 1)),  # noqa: DTZ001 - it would be taken for UTC
        ("list", 7),
        ("list", [7]),
        ("map", 7),
        ("map", {None: "text"}),
        ("map", {"key": 7}),
    ],
)
@pytest.mark.parametrize("others", [[], [None]])
def test_a_value_of_another_type_is_refused(kind, value, others):
    with pytest.raises(TypeError):
        KINDS[kind][1]([value, *others])


@pytest.mark.parametrize(("kind", "value"), [("int64", 2**63), ("int32", 2**31), ("double", 10**400)])
def test_a_number_that_does_not_fit_is_an_overflow(kind, value):
    with pytest.raises(OverflowError):
        KINDS[kind][1]([None, value])


def test_more_than_an_array_can_hold_is_an_overflow():
    """Otherwise its offsets would be wrong. A range has a length, and takes no memory."""
    with pytest.raises(OverflowError, match=r"holds 2,147,483,647 bytes or elements, got 2,147,483,648: take"):
        KINDS["list"][1]([range(2**31 - 1), None, range(1)])


STREAMS = """
import asyncio, sys
from pathlib import Path

import duckdb

from aiotofupilot import TofuPilotSession, arrow
from aiotofupilot.cli import run
from aiotofupilot.mirror import Mirror
from aiotofupilot.models import Run
from aiotofupilot.sandbox import Sandbox

async def stream(folder):
    async with Sandbox(procedures=2, runs=20) as sandbox:
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            runs = session.runs.list()
            procedure = (await session.procedures.list()).data[0]
            for table in (
                await arrow.table(runs),
                await arrow.table(runs, flat=True),
                await arrow.table(runs.details()),
                await arrow.wide(session.measurements.list(procedure_id=procedure.id), limits=True),
                await arrow.series(runs),
            ):
                assert table.num_rows, table.schema

async def mirrored(folder):
    async with Sandbox(procedures=2, runs=20) as sandbox:
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            async with Mirror(folder / "line.duckdb", session=session, details=True) as mirror:
                for full in (False, False, True):
                    for result in await mirror.update(full=full):
                        assert result.rows, result


assert arrow.record_batch([], Run).schema == arrow.schema(Run)
assert "pyarrow.compute" not in sys.modules, "an update of a mirror that brings nothing new makes such rows"
folder = Path(sys.argv[1])
asyncio.run(stream(folder))
assert run(["procedures", "--sandbox", "--output", str(folder / "procedures.parquet")]) == 0
assert "pandas" not in sys.modules
asyncio.run(mirrored(folder))
assert "pandas" not in sys.modules or duckdb.__version__ < "2", "DuckDB 1.4 loads it for parameters"
assert len(arrow.record_batch([], Run).to_pandas()) == 0
assert "pandas" in sys.modules, "it is not installed, so this shows nothing"
"""


def test_nothing_loads_pandas_before_a_user_does(tmp_path):
    """It takes more than a second."""
    subprocess.run([sys.executable, "-W", "error", "-c", STREAMS, str(tmp_path)], check=True)  # noqa: S603 - our own
    assert pq.read_metadata(tmp_path / "procedures.parquet").num_rows > 0
