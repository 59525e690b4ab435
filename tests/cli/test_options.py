"""How the help of the options looks."""

import re

import pytest
from fakes.budget import NIGHTLY

from aiotofupilot.cli import command_line, run
from aiotofupilot.cli.options import unwrapped


@pytest.mark.parametrize(
    ("listing", "columns"),
    [("runs", 70), *([("measurements", 70), ("runs", 100)] if NIGHTLY else [])],
)
def test_every_option_and_every_description_is_whole(capfd, monkeypatch, listing, columns):
    """A line ends where the terminal does, and what follows is on the next one."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([listing, "--help"]) == 0
    told = capfd.readouterr().out
    assert max(map(len, told.splitlines())) <= columns
    lines = [line.strip("│ ") for line in told.splitlines()]
    side_by_side = [re.split(r" {2,}", line)[-1] for line in lines]
    shown = {re.sub(r"\s", "", "".join(rows)) for rows in (lines, side_by_side)}
    arguments = command_line()[listing].assemble_argument_collection(parse_docstring=True)
    options = [argument for argument in arguments if argument.parameter.help]
    assert len(options) > 20
    for argument in options:
        text = re.sub(r"\s", "", argument.parameter.help)
        assert any(text in document for document in shown), argument.name
        assert argument.name in told


def test_paragraphs_and_descriptions_become_one_line_each():
    @unwrapped
    def command():
        """Do something.

        The first paragraph is broken
        where the source is.

        Args:
            one: Its description
                goes on.
            two: Another one.
        """

    assert command.__doc__ == (
        "Do something.\n\nThe first paragraph is broken where the source is.\n\n"
        "Args:\n    one: Its description goes on.\n    two: Another one."
    )
