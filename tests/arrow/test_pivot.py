"""Measurements become a table with a row for each run.

- A wide table has every value of a run, and its limits, in one row.
"""

from datetime import UTC, datetime, timedelta

import attrs
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from fakes.in_process import InProcess

from aiotofupilot import Validator
from aiotofupilot.arrow import wide
from aiotofupilot.arrow.pivot import _in_order, _table
from aiotofupilot.listings import Measurements, Runs
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import make, make_measurement, make_phase, make_run

YES = True
BEGAN = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def service():
    return Sandbox(procedures=2, runs=300)


@pytest.fixture
def listing(service):
    measurements = Measurements(InProcess(service))
    return lambda **arguments: measurements.list(procedure_id=service.procedures[0].id, **arguments)


def limited(operator, expected, **changes):
    return attrs.evolve(make(Validator), operator=operator, expected_value=expected, **{"is_decisive": True} | changes)


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_it_is_what_pandas_makes_of_the_measurements(listing, concurrency):
    items = await listing().collect()
    table = await wide(listing(concurrency=concurrency))
    table.validate(full=True)
    frame = table.to_pandas()
    assert table.column("run_id").to_pylist() == list(dict.fromkeys(item.run_id for item in items))
    measured = pd.DataFrame(
        {"run_id": item.run_id, "name": f"{item.phase_name}.{item.measurement_name}", "value": item.value}
        for item in items
        if item.value is not None
    )
    numbers = measured.pivot_table(index="run_id", columns="name", values="value").reindex(frame["run_id"])
    assert len(numbers.columns) > 3
    for name in numbers.columns:
        assert frame[name].dtype == "float64"
        assert frame[name].fillna(-1).tolist() == numbers[name].fillna(-1).tolist()
    texts = {f"{item.phase_name}.{item.measurement_name}" for item in items if item.string_value is not None}
    truths = {f"{item.phase_name}.{item.measurement_name}" for item in items if item.bool_value is not None}
    assert {name for name in table.column_names[3:] if table.schema.field(name).type == pa.string()} == texts
    assert {name for name in table.column_names[3:] if table.schema.field(name).type == pa.bool_()} == truths
    assert set(table.column_names[3:]) == texts | truths | set(numbers.columns)
    assert texts
    assert truths
    assert table["serial_number"].to_pylist() == [
        next(item.serial_number for item in items if item.run_id == run) for run in frame["run_id"]
    ]
    assert set(pl.DataFrame(table).dtypes) == {pl.String(), pl.Float64(), pl.Boolean(), pl.Datetime("us", "UTC")}
    assert str(frame["started_at"].dtype) == "datetime64[us, UTC]"


async def test_it_takes_a_request_for_each_page_of_measurements(service):
    connection = InProcess(service)
    page = Measurements(connection).list(procedure_id=service.procedures[0].id)
    items = await page.collect()
    connection.cursors.clear()
    await wide(page)
    pages = -(-(len(items) - 2) // 98)  # they overlap by two items
    assert pages <= len(connection.cursors) <= pages + 2  # with a second query, and a look at the end


def measured(name, value, *, at=0, attempt=0, phase="RF", run="a", **changes):
    made = make_measurement(name, value, phase=make_phase(phase, run=make_run(id=run)))
    began = None if at is None else BEGAN + timedelta(minutes=at)
    return attrs.evolve(made, retry_count=attempt, started_at=began, **changes)


def table_of(*runs, with_limits=False):
    return _table([_in_order(run) for run in runs], with_limits=with_limits)


def test_several_of_one_name_have_numbers_in_the_order_of_their_start():
    first, again = measured("power", 1.0, at=2), measured("power", 3, at=2, attempt=1)
    last, alone = measured("power", 5.0, at=7), measured("power", 9.5, run="b")
    table = table_of([last, again, first], [alone])
    assert table.drop_columns(["serial_number"]).to_pylist() == [
        {
            "run_id": "a",
            "started_at": BEGAN + timedelta(minutes=2),
            "RF.power": 1.0,
            "RF.power.2": 3.0,
            "RF.power.3": 5,
        },
        {"run_id": "b", "started_at": BEGAN, "RF.power": 9.5, "RF.power.2": None, "RF.power.3": None},
    ]


def test_names_with_dots_lose_nothing():
    same = [measured("c", 1.0, phase="a.b"), measured("b.c", 2.0, at=1, phase="a"), measured("c.2", 3.0, phase="a.b")]
    row = table_of(same).to_pylist()[0]
    assert sorted(value for name, value in row.items() if name.startswith("a.b.c")) == [1.0, 2.0, 3.0]


def test_values_of_several_types_are_json_and_what_is_missing_is_null():
    runs = [
        [measured("x", 1, run="a"), measured("never", None, run="a"), measured("ok", YES, run="a")],
        [measured("x", "PASS", run="b", at=None)],
        [measured("x", YES, run="c"), measured("x", None, run="c", at=1)],
    ]
    table = table_of(*runs)
    assert set(table.column_names) == {"run_id", "serial_number", "started_at", "RF.x", "RF.ok"}
    assert table["RF.x"].to_pylist() == ["1", '"PASS"', "true"]
    assert table["RF.ok"].to_pylist() == [True, None, None]
    assert table["started_at"].to_pylist() == [BEGAN, None, BEGAN]


async def test_an_empty_listing_has_the_first_columns(listing):
    table = await wide(listing(max_items=0), limits=True)
    assert table.schema == pa.schema(
        {"run_id": pa.string(), "serial_number": pa.string(), "started_at": pa.timestamp("us", "UTC")}
    )


@pytest.mark.parametrize(
    ("validators", "lower", "upper"),
    [
        (None, None, None),
        ([], None, None),
        ([limited(">=", 1), limited("<", 5.5)], 1.0, 5.5),
        ([limited(">", 1), limited(">=", 3), limited("<", 9), limited("<=", 7)], 3.0, 7.0),
        ([limited("range", (2, 8))], 2.0, 8.0),
        ([limited("range", (2, 8)), limited("<=", 6)], 2.0, 6.0),
        ([limited("==", 4), limited("!=", 4), limited(None, None)], None, None),
        ([limited(">=", 4, is_decisive=False), limited(">=", 2, is_decisive=None)], 2.0, None),
        ([limited(">=", "a"), limited("<=", YES), limited("<", (1, 2)), limited("range", 4)], None, None),
        ([limited("range", (1, 2, 3)), limited("range", ()), limited("range", ("a", "b"))], None, None),
    ],
)
def test_limits_are_the_tightest_that_decide(validators, lower, upper):
    item = measured("x", 4.0, validators=None if validators is None else tuple(validators))
    row = table_of([item, measured("ok", YES)], with_limits=True).to_pylist()[0]
    assert (row["RF.x.lower_limit"], row["RF.x.upper_limit"]) == (lower, upper)
    assert "RF.ok.lower_limit" not in row


def test_a_limit_is_that_of_its_run_and_takes_no_other_name():
    checked = measured("x", 4.0, validators=(limited(">=", 1),))
    others = [measured("x", 5.0, run="b"), measured("x.lower_limit", 7.0, run="b")]
    table = table_of([checked], others, with_limits=True)
    assert table["RF.x.lower_limit.2"].to_pylist() == [1.0, None]
    assert table["RF.x.lower_limit"].to_pylist() == [None, 7.0]


async def test_limits_of_a_listing(listing):
    table = await wide(listing(), limits=True)
    plain = await wide(listing())
    limits = [name for name in table.column_names if name.endswith((".lower_limit", ".upper_limit"))]
    assert table.drop_columns(limits).equals(plain)
    assert any(table[name].null_count < table.num_rows for name in limits)


async def test_only_measurements_are_taken(listing, service):
    runs = Runs(InProcess(service)).list()
    for wrong in (runs, runs.details(), listing().raw(), listing().details(), None):
        with pytest.raises(TypeError, match="listing must be one of measurements, got ") as refused:
            await wide(wrong)
        assert refused.value.parameter == "listing"
    with pytest.raises(TypeError, match="limits must be"):
        await wide(listing(), limits="yes")
