"""`cli.help_panels`: the options of a listing in terminals that are narrow."""

import os
import re

import pytest

from aiotofupilot.cli.app import app_for


@pytest.mark.parametrize(
    ("listing", "columns"), [("runs", 30), ("runs", 40), ("runs", 50), ("runs", 60), ("measurements", 40)]
)
def test_every_option_and_every_description_is_whole(start, listing, columns):
    """A line ends where the terminal does, and what follows is on the next one."""
    process = start(listing, "--help", env=os.environ | {"COLUMNS": str(columns)})
    told = process.communicate(timeout=30)[0].decode()
    assert max(map(len, told.splitlines())) <= columns
    lines = [line.strip("│ ") for line in told.splitlines()]
    side_by_side = [re.split(r" {2,}", line)[-1] for line in lines]
    shown = {re.sub(r"\s", "", "".join(rows)) for rows in (lines, side_by_side)}
    arguments = app_for([listing])[listing].assemble_argument_collection()
    options = [argument for argument in arguments if argument.parameter.help]
    assert len(options) > 20
    for argument in options:
        text = re.sub(r"\s", "", argument.parameter.help)
        assert any(text in document for document in shown), argument.name
        assert argument.name in told
