"""The guide to the command: each line of its blocks does what the guide says, typed as it stands."""

import re
import shlex

import pytest
from fakes.guides import blocks

from aiotofupilot.cli import command_line, run

GUIDE = "aiotofupilot/cli/README.md"

LINES = [
    line.partition(" | ")[0]
    for block in blocks("sh")
    if str(block.guide).endswith(GUIDE)
    for line in block.text.splitlines()
    if line.startswith("aiotofupilot ")
]

SERVED = [line for line in LINES if line.split()[1] in ("download", "mirror", "sandbox")]
"""What runs until Ctrl-C, and what has tests of its own because it takes long."""


MIRRORS = [
    " ".join(re.findall(r"[\w./:\\-]+", arguments))
    for block in blocks("text")
    if str(block.guide).endswith("aiotofupilot/mirror/README.md")
    for arguments in re.findall(r"\baiotofupilot\W.*?\b(mirror\W.*?7d)", block.text)
]
"""How cron and the Task Scheduler call it every night."""


def test_the_guide_has_lines():
    assert len(LINES) > 8
    assert len(SERVED) == 8


@pytest.mark.parametrize("line", [line for line in LINES if line not in SERVED])
def test_a_line_of_the_guide_lists_something(line, sandbox, tmp_path, monkeypatch, capfd):
    """Nothing is said on standard error, and what is named as a file is there. The sandbox's runs are years old."""
    monkeypatch.chdir(tmp_path)
    del sandbox.runs[200:]
    _, *arguments = shlex.split(line.replace(" ID ", f" {sandbox.procedures[0].id} ").replace(" 7d ", " 9000d "))
    assert run(arguments) == 0
    told, errors = capfd.readouterr()
    assert errors == ""
    files = [argument for argument in arguments if argument.endswith((".csv", ".jsonl", ".parquet", ".xlsx"))]
    assert [path.name for path in tmp_path.iterdir()] == files
    assert all((tmp_path / file).stat().st_size > 1000 for file in files)
    assert bool(told) != bool(files)


@pytest.mark.parametrize("line", MIRRORS)
def test_a_nightly_mirror_is_right_usage(line):
    _, bound, _ = command_line().parse_args(line.replace("\\", "/").split())
    assert bound.arguments


def test_a_mirror_is_made_every_night_in_two_ways():
    assert len(MIRRORS) == 2


@pytest.mark.parametrize("line", SERVED)
def test_another_line_of_the_guide_is_right_usage(line):
    _, *arguments = shlex.split(line)
    command, bound, _ = command_line().parse_args(arguments)
    assert command.__name__ == arguments[0]
    assert bound.arguments
