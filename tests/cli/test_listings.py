"""Every listing has its command."""

import csv
import io
import json
import re
from datetime import datetime, timedelta

import pytest
from fakes.listings import required
from fakes.wire_listings import MODELS
from openpyxl import load_workbook
from pyarrow import parquet

from aiotofupilot.arrow import schema
from aiotofupilot.cli import run
from aiotofupilot.cli.formats import columns_of
from aiotofupilot.listings import NAMES

SANDBOX = ["--sandbox", "--until", "2026-02-04T04:05Z"]
"""A factory that does not depend on the clock."""


def as_text(value, text):
    """Return the text that CSV has for the value of a cell, whose types have several texts."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float():
            return text if float(text) == pytest.approx(value, rel=1e-15) else value
        case datetime():
            when = datetime.fromisoformat(text).replace(tzinfo=None)
            return text if abs(value - when) < timedelta(milliseconds=1) else value
        case timedelta():
            parts = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", text).groups("0")
            hours, minutes, seconds = map(float, parts)
            when = timedelta(hours=hours, minutes=minutes, seconds=seconds)
            return text if abs(value - when) < timedelta(milliseconds=1) else value
        case _:
            return value


@pytest.mark.parametrize("listing", NAMES)
def test_a_listing_is_written_in_every_format(sandbox, tmp_path, listing):
    """Each format has the same items. JSON is written as JSON lines are.

    In a workbook, what is a number, a truth value, a date or a duration is one, and the rest is text.
    """
    needed = required(listing, sandbox.procedures[0].id).items()
    files = {ending: tmp_path / f"list.{ending}" for ending in ("jsonl", "csv", "txt", "parquet", "xlsx")}
    for file in files.values():
        options = [f"--{name.replace('_', '-')}={value}" for name, value in needed]
        assert run([listing, *options, "-n", "30", "-o", str(file)]) == 0
    ids = [json.loads(line)["id"] for line in files["jsonl"].read_text("utf-8").splitlines()]
    assert 1 < len(ids) <= 30
    with files["csv"].open(newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    assert [row[names.index("id")] for row in rows] == ids
    head, *lines = files["txt"].read_text("utf-8").splitlines()
    assert " ".join(head.split()) == " ".join(column.heading for column in columns_of(listing))
    assert len(lines) == len(ids)
    table = parquet.read_table(files["parquet"])
    assert (table.schema, table["id"].to_pylist()) == (schema(MODELS[listing]), ids)
    first, *cells = load_workbook(files["xlsx"]).active.iter_rows(values_only=True)
    assert list(first) == names
    for row, texts in zip(cells, rows, strict=True):
        assert list(map(as_text, row, texts)) == texts
    assert sorted(tmp_path.iterdir()) == sorted(files.values())


def test_a_csv_has_every_field_of_a_run(capfd):
    """Names of nested objects are joined with dots; arrays and metadata are JSON."""
    included = ["--include-metadata", "--include-sequences"]
    assert run(["runs", *SANDBOX, "-n", "2", "--format", "csv", *included]) == 0
    row, *_ = csv.DictReader(io.StringIO(capfd.readouterr().out, newline=""))
    assert run(["runs", *SANDBOX, "-n", "1", "--format", "jsonl", *included]) == 0
    item = json.loads(capfd.readouterr().out)
    assert row["unit.part.revision.number"] == item["unit"]["part"]["revision"]["number"]
    assert row["duration"] == item["duration"]
    assert json.loads(row["metadata"]) == item["metadata"]
    assert json.loads(row["sequences"]) == item["sequences"]
    assert row["docstring"] == (item["docstring"] or "")


def test_the_factory_of_a_sandbox_ends_now(capfd):
    """So an age finds something. Another end can be chosen."""
    counts = []
    for options in (["--started-after", "7d"], ["--started-after", "1d"], ["--started-after", "1d", *SANDBOX[1:]]):
        assert run(["runs", "--sandbox", "--format", "jsonl", *options]) == 0
        counts.append(len(capfd.readouterr().out.splitlines()))
    assert counts[0] == 1000
    assert 280 < counts[1] < 295
    assert counts[2] == 0


def test_one_loop_lists_every_listing(sandbox, tmp_path):
    """How it is requested can be said for each, also for the users, of whom one response has all."""
    how = ["--concurrency", "2", "--on-unreadable", "skip", "--page-size", "50", "--on-drift", "resync", "-n", "2"]
    for listing in NAMES:
        output = tmp_path / f"{listing}.jsonl"
        needed = required(listing, sandbox.procedures[0].id).items()
        options = [f"--{name.replace('_', '-')}={value}" for name, value in needed]
        assert run([listing, *options, *how, "-o", str(output)]) == 0
        assert len(output.read_text("utf-8").splitlines()) == 2
