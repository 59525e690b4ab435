"""The commands and their options, in this process."""

import json
import os
import re
import time
from importlib.metadata import version

import pytest

from aiotofupilot.cli import run


def test_version(capsys):
    """The installed version, as the distribution has it."""
    assert run(["--version"]) == 0
    assert capsys.readouterr() == (f"aiotofupilot {version('aiotofupilot')}\n", "")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help(capsys, arguments):
    """Without a command, what there is to choose from."""
    assert run(arguments) == 0
    told, errors = capsys.readouterr()
    assert re.search(r"procedures +List procedures", told)
    assert "Exit codes: 0 done, 2 wrong usage, 3 key refused" in told
    assert errors == ""


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_of_procedures(start, columns):
    """Every option is explained, within the terminal's width, and the key's place is not the command line."""
    process = start("procedures", "--help", env=os.environ | {"COLUMNS": str(columns)})
    told = process.communicate(timeout=30)[0].decode()
    assert max(map(len, told.splitlines())) <= columns
    if columns == 200:
        for option in ("search", "created-after", "created-before", "max-items", "cursor", "limit", "format", "output"):
            assert re.search(rf"--{option} +[A-Z]+ +[A-Z]", told), option
        assert re.search(r"--api-key +KEY +Discouraged.*set TOFUPILOT_API_KEY", told)
        assert re.search(r"--sandbox +List 250 made-up procedures.*no account", told)
        assert "DATE is ISO 8601" in told


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--limit", "0"], 'Invalid value "0" for --limit. Must be >= 1. See --help.'),
        (["--limit", "101"], 'Invalid value "101" for --limit. Must be <= 100. See --help.'),
        (["--max-items", "-1"], 'Invalid value "-1" for --max-items. Must be >= 0. See --help.'),
        (["--cursor", "-1"], 'Invalid value "-1" for --cursor. Must be >= 0. See --help.'),
        (["--format", "xml"], 'Invalid value "xml" for --format. Choose from: "table", "jsonl", "json", "csv". See'),
        (["--created-after", "soon"], 'Invalid value for --created-after: "soon" is no date: write 2024-01-31, '),
        (["--serch", "x"], "Unknown option: --serch. Did you mean --search? See --help."),
        (["--no-sandbox"], "Unknown option: --no-sandbox."),
        (["stray"], "no such argument: stray; see --help"),
        (["--sandbox", "--api-key", "k"], "--sandbox has an address and a key of its own: leave out"),
        (["--sandbox", "--base-url", "https://x"], "--sandbox has an address and a key of its own: leave out"),
        (["--sandbox", "--search", "x" * 101], "--search must have at most 100 characters, got 101"),
        (
            ["--sandbox", "--created-after", "2025-01-01T00:00Z", "--created-before", "2024-01-01T00:00Z"],
            "--created-after must not be later than --created-before, got 2025-01-01",
        ),
        (["--sandbox", "--output", "/"], "cannot write /: Is a directory"),
        ([], "no API key: set the environment variable TOFUPILOT_API_KEY, or try --sandbox"),
    ],
)
def test_wrong_usage(capsys, arguments, line):
    """One line says what is wrong and what would be right."""
    assert run(["procedures", *arguments]) == 2
    told, errors = capsys.readouterr()
    assert errors.startswith(f"aiotofupilot: {line}")
    assert errors.count("\n") == 1
    assert told == ""


def test_options_reach_the_server(capfd, sandbox, monkeypatch):
    """Each option asks for what its help says."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    dates = ["--created-after", "2024-01-01", "--created-before", "2026-12-31T00:00:00+02:00"]
    arguments = ["--search", "null", "--limit", "7", "--cursor", "5", "--max-items", "5000", *dates, "--format", "csv"]
    assert run(["procedures", *arguments]) == 0
    assert sandbox.requests[0].query == {
        "limit": "7",
        "search_query": "null",
        "created_after": "2023-12-31T15:00:00.000Z",
        "created_before": "2026-12-30T22:00:00.000Z",
        "cursor": "5",
    }
    monkeypatch.undo()
    time.tzset()


def test_key_and_address_as_options(capfd, sandbox, monkeypatch):
    """They are taken before the environment's."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", "wrong")
    monkeypatch.setenv("TOFUPILOT_URL", "https://unreachable.invalid")
    arguments = ["--api-key", sandbox.api_key, "--base-url", sandbox.url, "--format", "json"]
    assert run(["procedures", *arguments]) == 0
    assert [item["id"] for item in json.loads(capfd.readouterr().out)] == [item.id for item in sandbox.procedures]


def test_a_file_is_written_in_silence(capfd, tmp_path):
    """Where nobody watches, a file is all that there is of it; its ending tells the format."""
    output = tmp_path / "list.csv"
    assert run(["procedures", "--sandbox", "--output", str(output)]) == 0
    assert capfd.readouterr() == ("", "")
    assert output.read_bytes().count(b"\r\n") == 251
