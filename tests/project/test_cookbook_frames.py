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
