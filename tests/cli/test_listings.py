"""Every listing has its command."""

import csv
import io
import json

import pytest

from aiotofupilot.cli import run
from aiotofupilot.cli.formats import TABLES
from aiotofupilot.listings import NAMES
from aiotofupilot.sandbox.faults import status

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


def test_a_filter_that_takes_several_values_is_given_several_times(capfd, sandbox):
    outcomes = []
    for options in (["FAIL"], ["ERROR"], ["FAIL", "ERROR"]):
        given = [argument for outcome in options for argument in ("--outcomes", outcome)]
        assert run(["runs", "--format", "jsonl", *given]) == 0
        outcomes.append([json.loads(line)["outcome"] for line in capfd.readouterr().out.splitlines()])
    assert {*outcomes[0]} == {"FAIL"}
    assert len(outcomes[2]) == len(outcomes[0]) + len(outcomes[1])


@pytest.mark.parametrize(
    ("options", "query"),
    [
        (["--duration-min", "1m30s"], {"duration_min": "PT1M30S"}),
        (["--include-metadata"], {"include_metadata": "true"}),
        (["--metadata", "shift=A"], {"metadata": '{"shift":{"in":["A"]}}'}),
        (["--metadata", '{"humidity": {"gte": 40}}'], {"metadata": '{"humidity":{"gte":40.0}}'}),
        (
            ["--metadata", "shift=A", "--metadata", '{"humidity": {"gte": 40}}', "--metadata", "note=a=b"],
            {"metadata": '{"humidity":{"gte":40.0},"shift":{"in":["A"]},"note":{"in":["a=b"]}}'},
        ),
        (["--metadata", "shift=A", "--metadata=shift=B"], {"metadata": '{"shift":{"in":["A","B"]}}'}),
        (["--sort-by", "duration", "--sort-order", "asc"], {"sort_by": "duration", "sort_order": "asc"}),
    ],
)
def test_options_are_sent_as_the_api_has_them(capfd, sandbox, options, query):
    assert run(["runs", "--page-size", "7", "-n", "3", *options]) == 0
    assert sandbox.requests[0].query == {"limit": "3", **query}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["runs", "--outcomes", "BAD"], 'Invalid value "BAD" for --outcomes. Choose from: "PASS", "FAIL", "ERROR"'),
        (["runs", "--duration-min", "soon"], 'Invalid value for --duration-min: "soon" is not a duration: write 90s'),
        (["runs", "--metadata", "x"], 'Invalid value for --metadata: "x" is not a metadata filter: write KEY=TEXT'),
        (["runs", "--metadata", "a=b", "--metadata", "x"], '"x" is not a metadata filter: write KEY=TEXT, or '),
        (
            ["runs", "--metadata", '{"a": {"gte": 1}}', "--metadata", '{"b": {"gte": 1}}'],
            "give --metadata one JSON object, with the conditions on all keys. See --help.",
        ),
        (
            ["runs", "--metadata", '{"a": {"gte": 1}}', "--metadata", "a=b"],
            '"a" is given to --metadata both as KEY=TEXT and in JSON: write both in JSON. See --help.',
        ),
        (["runs", "--no-include-metadata"], "Unknown option: --no-include-metadata."),
        (["runs", "--sandbox", "--metadata", '{"a": 1}'], "wrong --metadata: metadata['a'] must be a mapping, got 1"),
        (
            ["runs", "--sandbox", "--sort-by", "outcome", "--on-drift", "resync"],
            "wrong --sort-by: sort_by must be one of 'created_at', 'duration', 'started_at' where on_drift is 'resync'",
        ),
        (
            ["measurements", "--sandbox"],
            "--procedure-id ID is missing: 'aiotofupilot procedures --format jsonl' shows the IDs. See --help.",
        ),
        (["phases", "--procedure-id"], "--procedure-id ID is missing: 'aiotofupilot procedures --format jsonl' shows"),
        (
            ["runs", "--sandbox", "--cursor", "units.abcdefgh:20:NHavqg"],
            "wrong --cursor: cursor is a checkpoint of units",
        ),
    ],
)
def test_wrong_usage_names_the_option(capsys, arguments, line):
    assert run(arguments) == 2
    assert capsys.readouterr().err.startswith(f"aiotofupilot: {line}")


def test_an_interrupted_file_of_another_query_is_not_resumed(capfd, tmp_path, sandbox):
    """The state of the file names the listing and its filters."""
    output = tmp_path / "runs.csv"
    common = ["--output", str(output), "--page-size", "10"]
    sandbox.faults.on(cursor=18).always(status(418))
    assert run(["runs", *common, "--outcomes", "PASS"]) == 4
    assert "19 runs written, go on with --resume" in capfd.readouterr().err
    sandbox.faults.clear()
    assert run(["runs", *common, "--outcomes", "FAIL", "--resume"]) == 2
    assert "--outcomes" in capfd.readouterr().err
    assert run(["units", *common, "--resume"]) == 2
    assert "listing" in capfd.readouterr().err
    assert run(["runs", *common, "--outcomes", "PASS", "--resume"]) == 0
    assert len(output.read_text().splitlines()) > 100
