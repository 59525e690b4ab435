"""Every listing has its command."""

import csv
import io
import json

import pytest

from aiotofupilot.cli import run
from aiotofupilot.cli.formats import TABLES
from aiotofupilot.listings import NAMES

SANDBOX = ["--sandbox", "--until", "2026-02-04T04:05Z"]
"""A factory that does not depend on the clock."""


@pytest.fixture
def procedure_id(capfd):
    assert run(["procedures", *SANDBOX, "-n", "1", "--format", "jsonl"]) == 0
    return json.loads(capfd.readouterr().out)["id"]


@pytest.fixture
def arguments(request):
    def arguments(listing, *more):
        is_of_one = listing in ("measurements", "phases")
        needed = ["--procedure-id", request.getfixturevalue("procedure_id")] if is_of_one else []
        return [listing, *SANDBOX, *needed, *more]

    return arguments


@pytest.mark.parametrize("listing", NAMES)
def test_a_listing_is_written_in_every_format(capfd, arguments, listing):
    """Each format has the same items. JSON is written as JSON lines are, and Parquet has tests of its own."""
    outputs = {}
    for form in ("jsonl", "csv", "table"):
        assert run(arguments(listing, "-n", "7", "--format", form)) == 0
        outputs[form] = capfd.readouterr().out
    items = [json.loads(line) for line in outputs["jsonl"].splitlines()]
    assert 3 <= len(items) <= 7
    rows = list(csv.DictReader(io.StringIO(outputs["csv"], newline="")))
    assert [row["id"] for row in rows] == [item["id"] for item in items]
    head, *lines = outputs["table"].splitlines()
    assert " ".join(head.split()) == " ".join(column.heading for column in TABLES[listing])
    assert len(lines) == len(items)


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
