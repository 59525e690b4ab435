"""The commands and their options, in this process."""

from itertools import pairwise

import pytest

from aiotofupilot.cli import run
from aiotofupilot.sandbox.faults import latency, status


@pytest.mark.parametrize("command", ["download", "mirror", "sandbox", "whoami"])
def test_help_is_wrapped_by_the_terminal_alone(capfd, monkeypatch, command):
    """A line is short only where a paragraph or a description ends, or where the next word does not fit."""
    columns = 70
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([command, "--help"]) == 0
    told = capfd.readouterr().out
    assert "ARGS" not in told
    paragraphs = told.partition("╭")[0].splitlines()
    for line, following in pairwise(paragraphs):
        assert not following or not line or len(line) + len(following.split()[0]) + 1 >= columns, line


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_of_another_version_is_not_gone_on_with(capfd, sandbox, tmp_path, monkeypatch, ending):
    """Its model may be older, where nothing else tells it."""
    output = tmp_path / f"list.{ending}"
    sandbox.faults.on(cursor=196).next(status(418))
    with monkeypatch.context() as patch:
        patch.setattr("aiotofupilot.cli.listing.__version__", "0.0.9")
        assert run(["procedures", "--output", str(output)]) == 4
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    capfd.readouterr()
    assert run(["procedures", "--output", str(output), "--resume"]) == 2
    assert capfd.readouterr().err == (
        f"aiotofupilot: {output}.part was begun with aiotofupilot 0.0.9: "
        "give the same options, or leave out --resume to start over\n"
    )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == left


def test_how_to_ask(capfd, sandbox):
    """Concurrency and what to do about drift are the library's."""
    sandbox.faults.always(latency(0.05))
    assert run(["procedures", "--page-size", "20", "--concurrency", "4", "--on-drift", "resync"]) == 0
    assert sandbox.requests.peak_in_flight > 1
    assert "18" in sandbox.requests.cursors
    assert run(["procedures", "--page-size", "20", "--cursor", "230+5", "--format", "jsonl"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 251 + 15


def test_plain_http_beyond_this_machine_has_to_be_allowed(capfd, sandbox):
    """The line that refuses it names the option that allows it; the address is this machine's, and does not look it."""
    elsewhere = ["procedures", "--base-url", sandbox.url.replace("127.0.0.1", "0.0.0.0"), "--format", "jsonl"]  # noqa: S104 - a destination
    assert run(elsewhere) == 2
    told, errors = capfd.readouterr()
    assert told == ""
    assert errors.endswith("use https, or pass --allow-insecure-http\n")
    assert not sandbox.requests

    assert run([*elsewhere, "--allow-insecure-http"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 250
