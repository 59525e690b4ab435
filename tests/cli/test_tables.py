"""Procedures as a table for people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from rich.cells import cell_len

from aiotofupilot import Part, PartRevision
from aiotofupilot.cli.formats import TABLES, Column, columns_of, fitted, table_rows
from aiotofupilot.listings import NAMES
from aiotofupilot.models import Procedure, Repository, UserRef
from aiotofupilot.sandbox import make_procedures
from aiotofupilot.testing import make_measurement

COLUMNS = columns_of("procedures")
ID = "550e8400-e29b-41d4-a716-446655440000"
CREATED = datetime(2024, 1, 15, 10, 30, 59, tzinfo=UTC)
LONG = Procedure(ID, "N" * 200, CREATED, UserRef("u", "U" * 200), Repository("r", "r", "R" * 200))


def lines(width, procedures):
    table = table_rows(COLUMNS, width)
    return (table.head + table.page(procedures) + table.tail).decode().split("\n")[:-1]


@pytest.mark.parametrize("width", [1, 2, 7, 19, 20, 38, 39, 40, 76, 80, 90, 108, 120, 200, 500])
def test_no_row_is_wider_than_the_terminal(width):
    """At any width every row fits, wide characters included, and shows something."""
    for line in lines(width, [LONG, *make_procedures(50)]):
        assert 0 < cell_len(line) <= width


@pytest.mark.parametrize("listing", NAMES)
def test_no_table_is_wider_than_the_terminal(listing):
    """Not even one whose last column has a fixed width."""
    for width in range(1, 120):
        assert 0 < cell_len(table_rows(columns_of(listing), width).head.decode().strip("\n")) <= width


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (20, "CREATED"),
        (31, "CREATED NAME"),
        (60, "CREATED NAME CREATED BY"),
        (80, "CREATED NAME CREATED BY LINKED REPOSITORY"),
        (101, "CREATED NAME CREATED BY LINKED REPOSITORY"),
        (102, "ID CREATED NAME CREATED BY LINKED REPOSITORY"),
        (200, "ID CREATED NAME CREATED BY LINKED REPOSITORY"),
    ],
)
def test_columns_that_do_not_fit_are_left_out(width, columns):
    """The ID goes first, and is never cut. Then the last ones go."""
    head, row = lines(width, [LONG])
    assert " ".join(head.split()) == columns
    assert ("ID" in columns) == (ID in row)


def test_a_cut_text_says_so():
    """An ellipsis ends what was cut, and the column's last cell is used."""
    _, row = lines(44, [LONG])
    assert row == f"2024-01-15 10:30Z  {'N' * 24}…"


def test_texts_share_the_width_that_is_left():
    """None gets more than 48 cells, because a table that is too wide is hard to read."""
    widths = [102, 105, 138, 400]
    rows = [lines(width, [LONG])[1] for width in widths]
    assert [(row.count("N"), row.count("U"), row.count("R")) for row in rows] == [
        (11, 11, 16),
        (12, 12, 17),
        (23, 23, 28),
        (47, 47, 47),
    ]


@pytest.mark.parametrize("listing", NAMES)
def test_each_listing_has_its_columns(listing):
    """All of them are in a pipe, and a terminal of 60 columns has room for at least two."""
    columns = columns_of(listing)
    assert 4 <= len(columns) <= 7
    headings = [column.heading for column in columns]
    assert table_rows(columns, None).head.decode().split() == " ".join(headings).split()
    assert len(fitted(columns, 60)) >= 2
    assert "ID" not in [column.heading for column in fitted(columns, 60)]


def test_nothing_is_cut_in_a_pipe():
    """Without a terminal all columns are there, whole."""
    _, row = lines(None, [LONG])
    assert row.split() == [ID, "2024-01-15", "10:30Z", "N" * 200, "U" * 200, "R" * 200]


def test_rows_are_aligned():
    """A column begins at the same cell in every row, however wide its characters."""
    procedures = [Procedure(ID, name, CREATED, UserRef("u", "Ada")) for name in ("山田 花子", "Überprüfung", "👩‍🔧")]
    head, *rows = lines(120, procedures)
    assert {cell_len(row.partition("Ada")[0]) for row in rows} == {head.index("CREATED BY")}


def test_a_dash_stands_for_null():
    """A dash stands for null; a creator without a name is named by email."""
    people = [None, UserRef("u"), *(UserRef("u", name, "ada@example.com") for name in (None, "", "Ada"))]
    rows = lines(None, [Procedure(ID, "", CREATED, user) for user in people])[1:]
    assert [row.split()[3:] for row in rows] == [
        ["-", name, "-"] for name in ("-", "-", "ada@example.com", "ada@example.com", "Ada")
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2024, 1, 15, 10, 30, 59, tzinfo=UTC), "2024-01-15 10:30Z"),
        (datetime(2024, 1, 15, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2024-01-14 23:30Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "0001-01-01 00:00+02:00"),  # UTC has no such year
        (timedelta(seconds=9.25), "0:09.2"),
        (timedelta(seconds=59.96), "1:00.0"),
        (timedelta(minutes=1, seconds=30.732), "1:30.7"),
        (timedelta(hours=26, minutes=3), "26:03:00.0"),
        (None, "-"),
        ("", "-"),
        ((), "-"),
        (("a", "b"), "a, b"),
        (True, "yes"),
        (False, "no"),
        (12345, "12,345"),
    ],
)
def test_a_value_is_shown_by_its_type(value, text):
    """A time is shown to the minute, in UTC."""
    assert Column("HEADING", lambda item: item, 9, is_elastic=True).text(value) == text


def test_the_first_path_counts_that_leads_to_something():
    """A measurement has one value, in the field of its type. An array gives the value of each of its items."""
    (column,) = (each for each in columns_of("measurements") if each.heading == "VALUE")
    measured = [make_measurement(value=1.5), make_measurement(value=None, string_value="on")]
    assert [*map(column.text, [*measured, make_measurement(value=None)])] == ["1.5", "on", "-"]
    (revisions,) = (each for each in columns_of("parts") if each.heading == "REVISIONS")
    part = Part("1", "N", "Name", CREATED, (PartRevision("r", "A", CREATED), PartRevision("s", "B", CREATED)))
    assert revisions.text(part) == "A, B"


def test_a_listing_without_columns_of_its_own_shows_its_first_fields(monkeypatch):
    monkeypatch.delitem(TABLES, "stations")
    headings = [column.heading for column in columns_of("stations")]
    assert headings == ["ID", "NAME", "PROCEDURES COUNT", "METADATA"]
