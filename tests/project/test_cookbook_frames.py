"""The cookbook's recipes for frames compute what their headings say."""

from datetime import timedelta
from statistics import mean
from zoneinfo import ZoneInfo

import pytest
from fakes.guides import COOKBOOK, read_blocks

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve

BERLIN = ZoneInfo("Europe/Berlin")
RECIPES = {block.heading: block for block in read_blocks(COOKBOOK / "frames.md")}


@pytest.fixture(scope="module")
def sandbox():
    with serve(Sandbox(procedures=4, runs=400)) as sandbox:
        yield sandbox


@pytest.fixture
def run(sandbox, monkeypatch, tmp_path):
    """Run a recipe in an empty folder, and return its variables."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
    monkeypatch.chdir(tmp_path)

    def run(words):
        (block,) = [block for heading, block in RECIPES.items() if words in heading]
        names = {"__name__": "__main__"}
        exec(compile(block.numbered, block.guide, "exec", dont_inherit=True), names)  # noqa: S102 - the guide's own text
        return names

    return run


def test_pandas_has_the_first_pass_yield_of_each_day_and_week(sandbox, run):
    first = {}
    for one in sorted(sandbox.runs, key=lambda one: one.started_at):
        if one.unit.sample is None:
            first.setdefault((one.procedure.id, one.unit.id), one)
    days, weeks = {}, {}
    for one in first.values():
        day = one.started_at.astimezone(BERLIN).date()
        monday = day - timedelta(days=day.weekday())
        days.setdefault((one.procedure.name, day), []).append(one.outcome == "PASS")
        weeks.setdefault((one.procedure.name, monday), []).append(one.outcome == "PASS")
    assert any(one.started_at.date() != one.started_at.astimezone(BERLIN).date() for one in first.values())
    names = run("first-pass yield")
    assert names["by_day"].to_dict() == pytest.approx({key: mean(passed) for key, passed in days.items()})
    by_week = {(name, week.start_time.date()): rate for (name, week), rate in names["by_week"].items()}
    assert by_week == pytest.approx({key: mean(passed) for key, passed in weeks.items()})


def test_pandas_has_the_margin_of_each_measurement(sandbox, run):
    """The margin of a run is to the nearer limit, as a share of the distance between the limits."""
    of_this = {one.id for one in sandbox.runs if one.procedure.id == sandbox.procedures[0].id}
    expected = {}
    for one in sandbox.measurements:
        limits = {validator.operator: validator.expected_value for validator in one.validators or ()}
        if one.run_id in of_this and one.is_final_attempt and one.value is not None and {">=", "<="} <= limits.keys():
            lower, upper = limits[">="], limits["<="]
            margin = min(one.value - lower, upper - one.value) / (upper - lower)
            expected.setdefault(f"{one.phase_name}.{one.measurement_name}", []).append(margin)
    margins = run("limits")["margins"]
    assert expected
    assert sorted(margins.columns) == sorted(expected)
    for name, values in expected.items():
        assert sorted(margins[name].dropna()) == pytest.approx(sorted(values))
