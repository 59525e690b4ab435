"""What reaches the output of the command: all of it, once, and where it belongs."""

import json
import os
import pty
import re
import sys
from pathlib import Path

import pytest
from attrs import evolve
from rich.cells import cell_len

from aiotofupilot.cli import run

EVIL = "\x1b]0;title\x07 \x9b31m \x7f \N{RIGHT-TO-LEFT OVERRIDE}\N{LEFT-TO-RIGHT MARK}\N{ARABIC LETTER MARK} end"


def ids(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


def listed(sandbox):
    return [procedure.id for procedure in sandbox.procedures]


def test_table_on_a_terminal(on_terminal):
    """Rows fit, all are there, the bar that was shown meanwhile is gone, and the last line counts them."""
    with on_terminal(80) as shown:
        assert run(["procedures", "--sandbox", "--until", "2026-02-04T04:05Z"]) == 0
    assert "━" in shown.screen
    *lines, after = shown.lines
    assert max(map(cell_len, lines)) <= 80
    assert sum("NAME" in line for line in lines) == 1
    assert sum("2025-" in line or "2026-" in line for line in lines) == 250
    assert lines[-1] == "250 procedures"
    assert after == ""


def test_progress_beside_a_file(on_terminal, capfd):
    """A bar on the terminal, which is gone in the end, and clean lines in the file."""
    with on_terminal(streams=["stderr"]) as shown:
        assert run(["procedures", "--sandbox", "--format", "jsonl"]) == 0
    assert len([json.loads(line) for line in capfd.readouterr().out.splitlines()]) == 250
    assert "procedures" in shown.screen
    assert not any(shown.lines)


@pytest.fixture
def full():
    """What has no room for a byte."""
    with Path("/dev/full").open("w") as full:
        yield full


@pytest.mark.parametrize("arguments", [["procedures", "--sandbox"], ["--help"], ["--version"], []], ids=" ".join)
def test_a_full_disk_ends_with_a_line(capfd, monkeypatch, full, arguments):
    """What cannot be written is a failure, told in a line."""
    monkeypatch.setattr(sys, "stdout", full)
    assert run(arguments) == 4
    assert capfd.readouterr().err == "aiotofupilot: cannot write standard output: No space left on device\n"


@pytest.mark.parametrize("closed", [True, False])
def test_an_error_that_cannot_be_told(capfd, sandbox, monkeypatch, full, closed):
    """The exit code is what it would have been."""
    monkeypatch.setattr(sys, "stderr", None if closed else full)
    assert run(["procedures", "--api-key", "wrong"]) == 3
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def hanging_up(sandbox, monkeypatch):
    """Give one of the standard streams a terminal that goes away when the second page is asked for."""
    shown, tty = pty.openpty()
    sandbox.before_response.append(lambda *_: os.close(shown) if len(sandbox.requests) == 2 else None)

    def hanging_up(name):
        monkeypatch.setattr(sys, name, stream)

    with open(tty, "w") as stream:  # noqa: PTH123 - a descriptor
        yield hanging_up


def test_a_terminal_that_goes_away(sandbox, tmp_path, hanging_up):
    """The bar is a courtesy: without its terminal, the file is written all the same."""
    output = tmp_path / "list.jsonl"
    hanging_up("stderr")
    assert run(["procedures", "--output", str(output)]) == 0
    assert ids(output.read_bytes()) == listed(sandbox)


def test_standard_output_goes_away(capfd, sandbox, hanging_up):
    """If the listing goes to a terminal that goes away, the command fails and says why."""
    hanging_up("stdout")
    assert run(["procedures"]) == 4
    assert capfd.readouterr().err.startswith("aiotofupilot: cannot write standard output: Input/output error; ")


class TestNamesThatSteer:
    """What a server says that would steer a terminal."""

    @pytest.fixture(autouse=True)
    def _evil(self, sandbox):
        sandbox.procedures[:] = [evolve(procedure, name=EVIL) for procedure in sandbox.procedures[:3]]

    @pytest.mark.parametrize("form", ["table", "csv", "jsonl", "json"])
    def test_on_a_terminal(self, on_terminal, form):
        """None of it reaches a terminal in any format."""
        with on_terminal(200, streams=["stdout"]) as shown:
            assert run(["procedures", "--format", form]) == 0
        assert shown.screen.count("title") == 3
        assert all(line.isprintable() for line in re.split("\r?\n", shown.screen))

    @pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
    def test_in_a_pipe(self, capfd, form):
        """Programs get it as it is."""
        assert run(["procedures", "--format", form]) == 0
        name = EVIL if form == "csv" else json.dumps(EVIL, ensure_ascii=False)[1:-1]
        assert capfd.readouterr().out.count(name) == 3
