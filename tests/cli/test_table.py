"""Procedures as a table for people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from rich.cells import cell_len

from aiotofupilot.cli.columns import columns_of
from aiotofupilot.cli.output.table import Table
from aiotofupilot.models import Procedure, Repository, UserRef
from aiotofupilot.sandbox import make_procedures

COLUMNS = columns_of("procedures")
ID = "550e8400-e29b-41d4-a716-446655440000"
CREATED = datetime(2024, 1, 15, 10, 30, 59, tzinfo=UTC)
LONG = Procedure(ID, "N" * 200, CREATED, UserRef("u", "U" * 200), Repository("r", "r", "R" * 200))


def lines(width, procedures):
    table = Table(COLUMNS.columns, width)
    return (table.head() + table.page(procedures) + table.tail()).decode().split("\n")[:-1]


@pytest.mark.parametrize("width", [1, 2, 7, 19, 20, 38, 39, 40, 76, 80, 90, 108, 120, 200, 500])
def test_no_row_is_wider_than_the_terminal(width):
    """At any width every row fits, wide characters included, and shows something."""
    for line in lines(width, [LONG, *make_procedures(50)]):
        assert 0 < cell_len(line) <= width


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (20, "NAME"),
        (40, "CREATED NAME"),
        (80, "ID CREATED NAME"),
        (100, "ID CREATED NAME CREATED BY"),
        (120, "ID CREATED NAME CREATED BY REPOSITORY"),
        (200, "ID CREATED NAME CREATED BY REPOSITORY"),
    ],
)
def test_columns_that_do_not_fit_are_left_out(width, columns):
    """The less a narrow terminal has room for, the more it keeps to name and date; an ID is never cut."""
    head, row = lines(width, [LONG])
    assert " ".join(head.split()) == columns
    assert ("ID" in columns) == (ID in row)


def test_a_cut_text_says_so():
    """An ellipsis ends what was cut, and the column's last cell is used."""
    _, row = lines(80, [LONG])
    assert row == f"{ID}  2024-01-15 10:30Z  {'N' * 22}…"


def test_spare_room_goes_to_the_name_first():
    """A wider terminal shows more of the name before it shows more of the rest."""
    assert [lines(width, [LONG])[1].count("N") for width in (109, 119, 137, 300)] == [19, 29, 47, 47]
    assert [lines(width, [LONG])[1].count("R") for width in (109, 137, 149, 181, 300)] == [15, 15, 15, 47, 47]


def test_nothing_is_cut_in_a_pipe():
    """Without a terminal all columns are there, whole."""
    _, row = lines(None, [LONG])
    assert row.split() == [ID, "2024-01-15", "10:30Z", "N" * 200, "U" * 200, "R" * 200]


def test_rows_are_aligned():
    """A column begins at the same cell in every row, however wide its characters."""
    procedures = [Procedure(ID, name, CREATED, UserRef("u", "Ada")) for name in ("山田 花子", "Überprüfung", "👩‍🔧")]
    head, *rows = lines(120, procedures)
    assert {cell_len(row.partition("Ada")[0]) for row in rows} == {head.index("CREATED BY")}


def test_what_is_null():
    """A dash stands for null; a creator without a name is named by email."""
    people = [None, UserRef("u"), UserRef("u", None, "ada@example.com"), UserRef("u", "Ada", "ada@example.com")]
    rows = lines(None, [Procedure(ID, "", CREATED, user) for user in people])[1:]
    assert [row.split()[3:] for row in rows] == [["-", name, "-"] for name in ("-", "-", "ada@example.com", "Ada")]


def test_names_do_nothing_to_the_terminal():
    """Escape sequences and line ends from the server are made visible."""
    (row,) = lines(80, [Procedure(ID, "a\x1b[2J\nb", CREATED)])[1:]
    assert row.endswith("a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}b")


def test_a_moment_that_utc_has_no_year_for_shows_its_offset():
    """The first hours of the year 1 in the east lie before the first year in UTC."""
    created = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    (row,) = lines(None, [Procedure(ID, "x", created)])[1:]
    assert row.split()[1:3] == ["0001-01-01", "00:00+05:00"]
