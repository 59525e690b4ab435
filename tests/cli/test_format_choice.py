"""Which format a listing is written in."""

import sys
from pathlib import Path

import pytest

from aiotofupilot.cli.columns import columns_of
from aiotofupilot.cli.output.format_choice import format_for
from aiotofupilot.cli.output.formats import CSV, JSONArray, JSONLines
from aiotofupilot.cli.output.table import Table
from aiotofupilot.models import Procedure

COLUMNS = columns_of("procedures")


@pytest.mark.parametrize(
    ("name", "output", "kind"),
    [
        ("jsonl", None, JSONLines),
        ("json", None, JSONArray),
        ("csv", None, CSV),
        ("table", "list.csv", Table),
        ("csv", "list.json", CSV),
        (None, None, Table),
        (None, "list", Table),
        (None, "list.txt", Table),
        (None, "list.jsonl", JSONLines),
        (None, "list.ndjson", JSONLines),
        (None, "list.json", JSONArray),
        (None, "dir.d/list.CSV", CSV),
    ],
)
def test_the_name_decides_then_the_ending(name, output, kind):
    """A format that is named is taken; else the file's ending tells, and a table is for everything else."""
    assert isinstance(format_for(name, output and Path(output), COLUMNS, Procedure), kind)


def test_a_table_fits_the_terminal_that_it_is_shown_on(terminal, monkeypatch):
    """Only on standard output is a table cut, and only where that is a terminal."""
    monkeypatch.setenv("COLUMNS", "40")
    whole = Table(COLUMNS.columns, None).head()
    assert format_for("table", None, COLUMNS, Procedure).head() == whole
    with terminal() as shown, open(shown.tty, "w", closefd=False) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert format_for("table", None, COLUMNS, Procedure).head() == Table(COLUMNS.columns, 40).head()
        assert format_for("table", Path("list.txt"), COLUMNS, Procedure).head() == whole
