"""The SQL of the guide, over a mirror of the sandbox's factory: it gives what the models give."""

from collections import defaultdict
from statistics import mean, stdev

import duckdb
import pytest
from fakes.guides import ROOT, blocks

from aiotofupilot.dlt import mirror
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve

SQL = [block.text for block in blocks("sql") if block.guide == ROOT / "aiotofupilot" / "dlt" / "README.md"]


@pytest.fixture(scope="module")
def factory(tmp_path_factory):
    """A factory, and a connection to its mirror."""
    path = tmp_path_factory.mktemp("guide") / "line.duckdb"
    with serve(Sandbox(procedures=4, runs=800)) as sandbox:
        listings = ["runs", "measurements"]
        assert len(list(mirror(path, listings=listings, api_key=sandbox.api_key, base_url=sandbox.url))) == 2
        with duckdb.connect(path, read_only=True) as connection:
            yield sandbox, connection


def rows(connection, sql):
    """Return the rows of a query as dicts."""
    cursor = connection.execute(sql)
    return [dict(zip([column[0] for column in cursor.description], row, strict=True)) for row in cursor.fetchall()]


def test_every_statement_is_tested():
    assert len(SQL) == 3


def test_first_pass_yield(factory):
    sandbox, connection = factory
    first = {}
    for run in sorted(sandbox.runs, key=lambda run: (run.started_at, run.id)):
        if run.unit.sample is None:
            first.setdefault((run.procedure.id, run.unit.id), run)
    passed = defaultdict(list)
    for run in first.values():
        passed[run.procedure.name].append(run.outcome == "PASS")
    found = {row["procedure"]: (row["units"], row["first_pass_yield"]) for row in rows(connection, SQL[0])}
    assert found == {name: (len(runs), pytest.approx(mean(runs))) for name, runs in passed.items()}
    assert len(found) == 4
    assert all(0.5 < share < 1 for _, share in found.values())


def limits_of(measurement):
    """Return the lower and the upper limit; None: there is none."""
    bounds = {check.operator: check.expected_value for check in measurement.validators or ()}
    return bounds.get(">="), bounds.get("<=")


def cpk_of(values, low, high):
    upper = float("inf") if high is None else high - mean(values)
    lower = float("inf") if low is None else mean(values) - low
    return min(upper, lower) / (3 * stdev(values))


def test_cpk_is_that_of_the_final_attempts_within_their_limits(factory):
    sandbox, connection = factory
    procedures = {run.id: run.procedure.name for run in sandbox.runs}
    values = defaultdict(list)
    for item in sandbox.measurements:
        if item.value is not None and item.is_final_attempt and item.sample is None and any(limits_of(item)):
            key = (procedures[item.run_id], item.phase_name, item.measurement_name, *limits_of(item))
            values[key].append(item.value)
    found = {
        (row["procedure"], row["phase_name"], row["measurement_name"], row["low"], row["high"]): row["cpk"]
        for row in rows(connection, SQL[1])
    }
    expected = {key: cpk_of(measured, *key[-2:]) for key, measured in values.items() if len(measured) >= 20}
    assert found == pytest.approx(expected)
    assert len(found) > 10
    assert {None in key for key in found} == {False, True}  # some have one limit, and some have two
    assert all(0 < cpk < 5 for cpk in found.values())


def test_failures_by_station(factory):
    """One bench fails more than the others."""
    sandbox, connection = factory
    failed = defaultdict(list)
    for run in sandbox.runs:
        if run.created_by_station is not None:
            failed[run.created_by_station.name].append(run.outcome != "PASS")
    found = rows(connection, SQL[2])
    assert {row["station"]: (row["runs"], row["failing"]) for row in found} == {
        name: (len(runs), pytest.approx(mean(runs))) for name, runs in failed.items()
    }
    assert found[0]["failing"] > 1.5 * found[1]["failing"]
