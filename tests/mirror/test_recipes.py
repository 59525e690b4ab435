"""The macros of a mirror, over rows that are made by hand: each number is computed by hand.

- The macros and views of a mirror compute what their definitions say.
"""

import json
from datetime import UTC, date, datetime
from itertools import pairwise
from statistics import stdev

import duckdb
import pyarrow as pa
import pytest

from aiotofupilot.mirror.database import Database

COLUMNS = (
    "id",
    "procedure__id",
    "procedure__name",
    "unit__id",
    "unit__sample",
    "created_by_station__id",
    "created_by_station__name",
    "started_at",
    "outcome",
    "_seen_at",
    "_gone_at",
)
EARLIER, LATER = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)
FIRST, MOVED, SECOND = ("s1", "Bench 1"), ("s1", "Bench 1, moved"), ("s2", "Bench 2")
FVT, RENAMED = ("p1", "Inverter FVT"), ("p1", "Inverter final test")


def at(day, hour=8, minute=0):
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


RUNS = [
    # The same unit three times. The procedure and the first bench have got other names since.
    ("r01", *FVT, "u1", None, *FIRST, at(5), "FAIL", EARLIER, None),
    ("r02", *FVT, "u1", None, *FIRST, at(5, 9), "PASS", EARLIER, None),
    ("r08", *RENAMED, "u1", None, *MOVED, at(13), "PASS", LATER, None),
    ("r03", *FVT, "u2", None, *FIRST, at(6), "PASS", EARLIER, None),
    # On a Sunday in UTC, and on a Monday in Berlin.
    ("r04", *FVT, "u3", None, *SECOND, at(11, 23, 30), "ERROR", EARLIER, None),
    # Samples, one of which was none later, and a run that the server lists no more.
    ("r15", *FVT, "u2", "golden", *FIRST, at(4), "FAIL", EARLIER, None),
    ("r05", *FVT, "u4", "golden", *FIRST, at(5), "FAIL", EARLIER, None),
    ("r12", *FVT, "u8", "failing", *FIRST, at(5), "FAIL", EARLIER, None),
    ("r13", *FVT, "u9", "ignored", *FIRST, at(5), "FAIL", EARLIER, None),
    ("r06", *FVT, "u5", None, *FIRST, at(5), "FAIL", EARLIER, LATER),
    # The first run of the unit is gone, so its second one is the first that counts.
    ("r14", *FVT, "u6", None, *SECOND, at(10), "FAIL", EARLIER, LATER),
    ("r07", *RENAMED, "u6", None, *SECOND, at(12, 0), "PASS", LATER, None),
    # Two runs of a unit that began at the same time: the ID decides.
    ("r11", *RENAMED, "u7", None, *SECOND, at(14), "PASS", LATER, None),
    ("r10", *RENAMED, "u7", None, *SECOND, at(14), "FAIL", LATER, None),
    # Another procedure of the same name, and a run that no station made.
    ("r09", "p2", "Inverter final test", "u1", None, None, None, at(7), "PASS", LATER, None),
    # Runs of the procedure whose measurements are below, one a day.
    *((f"c{day}", "p3", "Burn-in", f"c{day}", None, *MOVED, at(20 + day), "PASS", LATER, None) for day in range(1, 7)),
    ("c7", "p3", "Burn-in", "c1", None, *MOVED, at(28), "FAIL", LATER, None),
    ("cg", "p3", "Burn-in", "cg", "golden", *MOVED, at(21), "FAIL", LATER, None),
]
PARTS = """
UPDATE runs SET
    unit__part__id = 'a',
    unit__part__number = CASE WHEN id IN ('r07', 'r08', 'r10', 'r11') THEN 'A-200' ELSE 'A-100' END,
    unit__part__revision__id = CASE WHEN unit__id IN ('u1', 'u2') THEN 'a1' ELSE 'a2' END,
    unit__part__revision__number = CASE WHEN unit__id IN ('u1', 'u2') THEN 'A' ELSE 'B' END,
    unit__batch__id = CASE WHEN unit__id IN ('u1', 'u2') THEN 'b1' END,
    unit__batch__number = CASE WHEN unit__id IN ('u1', 'u2') THEN 'B-1' END
WHERE procedure__id = 'p1'
"""
"""The part has got another number, as the runs show that were read last. Two units are of a batch."""

BURN_IN = [f"c{day}" for day in range(1, 7)]


def check(operator, expected, *, decisive=True):
    """Return a validator as it is in the database."""
    return {"outcome": "PASS", "operator": operator, "expected_value": expected, "is_decisive": decisive}


BOTH = [check(">=", 5), check("<=", 15)]
VALUES = (10.0, 12.0, 11.0, 13.0, 9.0, 11.0)
"""Their mean is 11. Their moving ranges are 2, 1, 2, 4 and 2. The squares of their deviations add up to 10."""
SIGMA_WITHIN, SIGMA_OVERALL = 11 / 5 / 1.128, 2**0.5


def measured(name, values, validators, *, runs=BURN_IN, **columns):
    """Yield the rows of a measurement, one for each run."""
    for run, value in zip(runs, values, strict=True):
        yield {
            "id": f"{name} {run}",
            "phase_name": "Load",
            "measurement_name": name,
            "units": "V",
            "run_id": run,
            "value": value,
            "started_at": None,
            "measurement_outcome": "PASS",
            "is_final_attempt": True,
            "validators": None if validators is None else json.dumps(validators),
            "_seen_at": LATER,
            "_gone_at": None,
        } | columns


MEASUREMENTS = [
    # What counts, last first, and beside it what does not.
    *reversed([*measured("output", VALUES, BOTH)]),
    *measured("output", [99.0], BOTH, runs=["c2"], id="retried", is_final_attempt=False, measurement_outcome="FAIL"),
    *measured("output", [98.0], BOTH, runs=["c2"], id="gone", _gone_at=LATER, measurement_outcome="FAIL"),
    *measured("output", [97.0], BOTH, runs=["cg"], measurement_outcome="FAIL"),
    *measured("output", [None], BOTH, runs=["c2"], id="nothing"),
    *measured("output", [14.0], BOTH, runs=["c7"], measurement_outcome="FAIL"),  # the second run of its unit
    *measured("output", [96.0], BOTH, runs=["no such run"]),
    # Measured in another order than the runs, so the order of the values is 9, 10, 12.
    *measured("own time", [10.0], BOTH, runs=["c1"], started_at=at(21, 2)),
    *measured("own time", [12.0], BOTH, runs=["c2"], started_at=at(21, 3)),
    *measured("own time", [9.0], BOTH, runs=["c3"], started_at=at(21, 1)),
    # The kinds of limits.
    *measured("upper only", VALUES, [check("<", 15)]),
    *measured("lower only", VALUES, [check(">", 5)]),
    *measured("several", VALUES, [check(">=", 4), check(">=", 5), check("<=", 16), check("<=", 15)]),
    *measured("range", VALUES, [check("range", [5, 15])]),
    *measured("marginal", VALUES, [*BOTH, check("<=", 12, decisive=False), check(">=", 9, decisive=False)]),
    *measured("marginal only", VALUES, [check("<=", 12, decisive=False)]),
    *measured("untold", VALUES, [check(">=", 5, decisive=None), check("<=", 15, decisive=None)]),
    *measured("no limits", VALUES, [check("==", 11), check("<=", "A"), check(None, None)]),
    *measured("no validators", VALUES, None),
    # The limits were changed after three runs.
    *measured("changed", VALUES[:3], BOTH, runs=BURN_IN[:3]),
    *measured("changed", VALUES[3:], [check(">=", 6), check("<=", 15)], runs=BURN_IN[3:]),
    # The binary fractions of 0.1 do not add up to 0.6.
    *measured("constant", [0.1] * 6, BOTH),
    *measured("overflow", [1.7e308, 1.7e308, -1.7e308, 1.0, 2.0, 3.0], BOTH),
    *(row | {"id": f"many {n}"} for n in range(25) for row in measured("many", [n % 3], BOTH, runs=["c1"])),
    *(row | {"id": f"few {n}"} for n in range(24) for row in measured("few", [n % 3], BOTH, runs=["c1"])),
    # Failures of two procedures, those of one of them before and after it got another name.
    *measured("ripple", [1.0, 1.0, 1.0], None, runs=["r01", "r03", "r07"], measurement_outcome="FAIL"),
    *measured("noise", [1.0, 1.0], None, runs=["r01", "r02"], measurement_outcome="FAIL"),
    *measured("offset", [1.0], None, runs=["r09"], measurement_outcome="FAIL"),
]


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    """A connection to a database with these rows. Its time zone is not UTC."""
    path = tmp_path_factory.mktemp("recipes") / "line.duckdb"
    filters = {"runs": "", "measurements": ""}
    database = Database(path)
    database.check("https://example.com", None, filters)
    database.prepare("runs", filters)
    database.finish()
    database.close()
    with duckdb.connect(path) as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        runs = [dict(zip(COLUMNS, run, strict=True)) for run in RUNS]
        for name, rows in (("runs", runs), ("measurements", MEASUREMENTS)):
            connection.register("rows", pa.Table.from_pylist(rows))
            connection.execute(f"INSERT INTO {name} BY NAME FROM rows")
        connection.execute(PARTS)
        yield connection


@pytest.fixture
def rows(connection):
    """Return what a macro gives, or other rows, as dicts."""

    def rows(source):
        found = connection.execute(f"FROM tofupilot.{source}")
        return [dict(zip([column[0] for column in found.description], row, strict=True)) for row in found.fetchall()]

    return rows


def yields(found, *names):
    """Return the figures of some rows by their columns of these names."""
    return {tuple(row[name] for name in names): (row["units"], row["passed"], row["first_pass_yield"]) for row in found}


def test_first_pass_yield(rows):
    """Of r01, r03, r04, r07 and r10, two passed."""
    found = rows("first_pass_yield()")
    assert [row["procedure"] for row in found if row["procedure_id"] != "p3"] == ["Inverter final test"] * 2
    assert yields(found, "procedure_id") == {("p1",): (5, 2, 0.4), ("p2",): (1, 1, 1.0), ("p3",): (6, 6, 1.0)}


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("since := '2026-01-12'", {("p1",): (2, 1, 0.5)}),
        ("since := '2026-01-12 00:00:01'", {("p1",): (1, 0, 0.0)}),
        ("until := '2026-01-12'", {("p1",): (3, 1, 1 / 3), ("p2",): (1, 1, 1.0)}),
        ("since := '2026-01-06', until := '2026-01-07'", {("p1",): (1, 1, 1.0)}),
        ("'2026-01-06', '2026-01-07'", {("p1",): (1, 1, 1.0)}),
        ("until := '2026-01-01'", {}),
    ],
)
def test_a_window_is_in_utc_and_makes_no_run_the_first(window, expected, rows):
    """A run at the beginning of a window is in it, and one at its end is not. The time zone here is New York's."""
    found = [row for row in rows(f"first_pass_yield({window})") if row["procedure_id"] != "p3"]
    assert yields(found, "procedure_id") == {key: pytest.approx(figures) for key, figures in expected.items()}


VIEWS = {
    "procedure": {(): (5, 2, 0.4, 0.8, 0.4)},
    "day": {
        (date(2026, 1, 5),): (1, 0, 0.0, 1.0, 1.0),
        (date(2026, 1, 6),): (1, 1, 1.0, 1.0, 0.0),
        (date(2026, 1, 11),): (1, 0, 0.0, 0.0, 0.0),
        (date(2026, 1, 12),): (1, 1, 1.0, 1.0, 0.0),
        (date(2026, 1, 14),): (1, 0, 0.0, 1.0, 1.0),
    },
    "week": {
        (date(2026, 1, 5),): (3, 1, 1 / 3, 2 / 3, 1 / 3),
        (date(2026, 1, 12),): (2, 1, 0.5, 1.0, 0.5),
    },
    "station": {
        ("s1", "Bench 1, moved"): (2, 1, 0.5, 1.0, 0.5),
        ("s2", "Bench 2"): (3, 1, 1 / 3, 2 / 3, 1 / 3),
    },
    "part": {("a", "A-200"): (5, 2, 0.4, 0.8, 0.4)},
    "revision": {
        ("a", "A-200", "a1", "A"): (2, 1, 0.5, 1.0, 0.5),
        ("a", "A-200", "a2", "B"): (3, 1, 1 / 3, 2 / 3, 1 / 3),
    },
    "batch": {
        ("b1", "B-1"): (2, 1, 0.5, 1.0, 0.5),
        (None, None): (3, 1, 1 / 3, 2 / 3, 1 / 3),
    },
}
"""The figures of the first procedure: units, those that passed first, both yields and the share that was tested again.

The first unit passed in its last run, and so did the one with two runs that began at the same time.
"""


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_of_yield(name, rows):
    """A unit counts where and when its first run was made. Its final yield is that of its last run."""
    found = rows(f"yield_by_{name}")
    by_hand = {tuple(row.values())[2:-5]: tuple(row.values())[-5:] for row in found if row["procedure_id"] == "p1"}
    assert by_hand == {key: pytest.approx(figures) for key, figures in VIEWS[name].items()}


def test_a_tested_unit_is_one_row(rows):
    (unit,) = [row for row in rows("tested_units") if (row["procedure_id"], row["unit_id"]) == ("p1", "u1")]
    assert (unit["day"], unit["week"], unit["runs"]) == (date(2026, 1, 5), date(2026, 1, 5), 3)
    assert (unit["passed_first"], unit["passed_finally"]) == (False, True)


def test_failures_by_station(rows):
    """All runs of production units count: of four at either bench, one failed, and another one ended in an error."""
    found = rows("failures_by_station(until := '2026-01-20')")
    assert [tuple(row.values()) for row in found] == [
        ("s2", "Bench 2", 4, 1, 1, 0.5),
        ("s1", "Bench 1, moved", 4, 1, 0, 0.25),
        (None, None, 1, 0, 0, 0.0),
    ]


@pytest.fixture
def capability(rows):
    """Return the rows of a measurement with at least two values, without what they are about."""

    def capability(name, arguments="at_least := 2"):
        about = ("procedure_id", "procedure", "station_id", "station", "phase_name", "measurement_name", "units")
        found = [row for row in rows(f"capability({arguments})") if row["measurement_name"] == name]
        assert {tuple(row[key] for key in about) for row in found} <= {("p3", "Burn-in", None, None, "Load", name, "V")}
        return [tuple(value for key, value in row.items() if key not in about) for row in found]

    return capability


def figures(low, high, distance, *, sigma_within=SIGMA_WITHIN, sigma_overall=SIGMA_OVERALL, mean=11.0, count=6):
    """Return a row, whose nearest limit is so far from the mean."""
    cpk, ppk = distance / (3 * sigma_within), distance / (3 * sigma_overall)
    return pytest.approx((low, high, count, mean, sigma_within, sigma_overall, cpk, ppk))


def test_capability(capability):
    """4 between the mean and the upper limit: a Cpk of 4 / (3 x 1.950), and a Ppk of 4 / (3 x 1.414)."""
    assert capability("output") == [figures(5.0, 15.0, 4.0)]
    assert capability("output")[0][-2:] == pytest.approx((0.68364, 0.94281), abs=1e-5)


def test_the_views_of_capability(rows, connection):
    """They are the macro's rows, and those of each station. 25 values have to be there, at each station."""
    (row,) = rows("capability_by_measurement")
    assert row["measurement_name"] == "many"
    (by_station,) = rows("capability_by_station")
    assert (by_station["station_id"], by_station["station"]) == ("s1", "Bench 1, moved")
    assert row.items() <= by_station.items()
    connection.execute("BEGIN")
    connection.execute("UPDATE runs SET created_by_station__id = 's2' WHERE id IN ('c1', 'c2', 'c3')")
    found = rows("capability(at_least := 2, by_station := true)")
    connection.execute("ROLLBACK")
    by_hand = {row["station_id"]: row for row in found if row["measurement_name"] == "output"}
    for station, values in (("s1", VALUES[3:]), ("s2", VALUES[:3])):
        row, mean = by_hand[station], sum(values) / 3
        ranges = [abs(after - before) for before, after in pairwise(values)]
        sigma = stdev(values)
        assert (row["measured"], row["mean"]) == (3, pytest.approx(mean))
        assert row["cpk"] == pytest.approx(min(15 - mean, mean - 5) / (3 * sum(ranges) / 2 / 1.128))
        assert row["ppk"] == pytest.approx(min(15 - mean, mean - 5) / (3 * sigma))


def test_capability_of_all_runs_or_of_a_window(capability):
    """The 14 of another run of the same unit comes after the 11."""
    mean = 80 / 7
    every = figures(
        5.0,
        15.0,
        15 - mean,
        mean=mean,
        count=7,
        sigma_within=14 / 6 / 1.128,
        sigma_overall=(sum((value - mean) ** 2 for value in (*VALUES, 14)) / 6) ** 0.5,
    )
    assert capability("output", "first_runs_only := false, at_least := 2") == [every]
    ((_, _, count, mean, *_),) = capability("output", "since := '2026-01-23', until := '2026-01-26', at_least := 2")
    assert (count, mean) == (3, pytest.approx(11.0))


def test_capability_is_in_the_order_of_time(capability):
    """That is the time of the measurements. Where it is not known, it is that of their runs."""
    ((*_, sigma_within, _, _, _),) = capability("own time")
    assert sigma_within == pytest.approx((1 + 2) / 2 / 1.128)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("upper only", figures(None, 15.0, 4.0)),
        ("lower only", figures(5.0, None, 6.0)),
        ("several", figures(5.0, 15.0, 4.0)),
        ("range", figures(5.0, 15.0, 4.0)),
        ("marginal", figures(5.0, 15.0, 4.0)),
        ("untold", figures(5.0, 15.0, 4.0)),
    ],
)
def test_the_limits_are_the_tightest_that_decide(name, row, capability):
    """A marginal limit does not decide. Of one that the server says nothing of, it is assumed that it does."""
    assert capability(name) == [row]


@pytest.mark.parametrize("name", ["marginal only", "no limits", "no validators"])
def test_without_limits_there_is_no_capability(name, capability):
    assert capability(name) == []


def test_changed_limits_have_a_row_each(capability):
    """The values are 10, 12 and 11, and then 13, 9 and 11."""
    by_limits = {row[0]: row for row in capability("changed")}
    assert by_limits == {
        5.0: figures(5.0, 15.0, 4.0, count=3, sigma_within=1.5 / 1.128, sigma_overall=1.0),
        6.0: figures(6.0, 15.0, 4.0, count=3, sigma_within=3 / 1.128, sigma_overall=2.0),
    }


def test_without_any_deviation_there_is_no_index(capability):
    assert capability("constant") == [(5.0, 15.0, 6, pytest.approx(0.1), 0.0, 0.0, None, None)]


def test_a_number_that_stands_for_an_overflow_ends_no_query(capability):
    ((*_, count, _, _, _, _, _),) = capability("overflow")
    assert count == 6


def test_the_least_capable_comes_first(rows):
    indices = [row["cpk"] for row in rows("capability(at_least := 2)")]
    known = [index for index in indices if index is not None]
    assert indices == [*sorted(known), None]
    assert len(set(known)) > 5


def test_few_values_have_no_capability(capability):
    """Below 25 values, an index says little."""
    assert len(capability("many", "")) == 1
    assert capability("few", "") == []
    assert len(capability("few", "at_least := 24")) == 1


def pareto(found):
    return [tuple(row[key] for key in ("procedure_id", "measurement_name", "failures", "share")) for row in found]


def test_failing_measurements(rows):
    """In the first runs of production units: three times the ripple, once the noise, and once the offset."""
    found = rows("failing_measurements()")
    assert pareto(found) == [("p1", "ripple", 3, 0.6), ("p1", "noise", 1, 0.2), ("p2", "offset", 1, 0.2)]
    assert [row["cumulative_share"] for row in found] == pytest.approx([0.6, 0.8, 1.0])
    assert {row["procedure"] for row in found} == {"Inverter final test"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("procedure_id := 'p2'", [("p2", "offset", 1, 1.0)]),
        ("procedure_id := 'p1'", [("p1", "ripple", 3, 0.75), ("p1", "noise", 1, 0.25)]),
        ("procedure_id := 'p3'", []),
        ("procedure_id := 'p3', first_runs_only := false", [("p3", "output", 1, 1.0)]),
        (
            "procedure_id := 'p1', first_runs_only := false",
            [("p1", "ripple", 3, 0.6), ("p1", "noise", 2, 0.4)],
        ),
        ("since := '2026-01-06', until := '2026-01-07'", [("p1", "ripple", 1, 1.0)]),
    ],
)
def test_failing_measurements_of_a_part(arguments, expected, rows):
    assert pareto(rows(f"failing_measurements({arguments})")) == expected


def test_production_runs_and_measurements_have_all_columns(rows, connection):
    """They are what other queries begin with."""
    assert len(rows("production_runs()")) == 16
    assert len(rows("production_runs('2026-01-05', '2026-01-06')")) == 2
    (run,) = [run for run in rows("production_runs()") if run["id"] == "r01"]
    assert (run["procedure"], run["station"], run["is_first_run"]) == ("Inverter final test", "Bench 1, moved", True)
    columns = {name for (name, *_) in connection.execute("DESCRIBE tofupilot.measurements").fetchall()}
    added = {"procedure_id", "procedure", "station_id", "station", "measured_at"}
    (item, *_) = rows("production_measurements()")
    assert item.keys() == columns | added


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("'2026-01-12'", "2026-01-12 00:00:00+00"),
        ("'2026-01-12 05:06'", "2026-01-12 05:06:00+00"),
        ("'2026-01-12T05:06:07'", "2026-01-12 05:06:07+00"),
        ("'2026-01-12T05:06:07.25Z'", "2026-01-12 05:06:07.25+00"),
        ("'2026-01-12 05:06:07+05:30'", "2026-01-11 23:36:07+00"),
        ("'2026-01-12 05:06:07-01'", "2026-01-12 06:06:07+00"),
        ("'2026-01-12 05:06:07 Europe/Berlin'", "2026-01-12 04:06:07+00"),
        ("DATE '2026-01-12'", "2026-01-12 00:00:00+00"),
        ("TIMESTAMP '2026-01-12 05:06:07'", "2026-01-12 05:06:07+00"),
        ("TIMESTAMPTZ '2026-01-12 05:06:07+01:00'", "2026-01-12 04:06:07+00"),
        ("TIMESTAMPTZ '2026-01-12 05:06:07'", "2026-01-12 10:06:07+00"),
    ],
)
def test_a_time_without_an_offset_is_in_utc(time, expected, connection):
    """A TIMESTAMPTZ was made by somebody else: here, with the time zone of New York."""
    assert connection.execute(f"SELECT tofupilot.utc({time}) = TIMESTAMPTZ '{expected}'").fetchone() == (True,)


def test_no_time_is_none(connection):
    assert connection.execute("SELECT tofupilot.utc(NULL)").fetchone() == (None,)
