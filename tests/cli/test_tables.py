"""Procedures as a table for people."""

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from rich.cells import cell_len

from aiotofupilot.cli.formats import TABLES, Column, columns_of, table_rows
from aiotofupilot.listings import NAMES
from aiotofupilot.models import Procedure, Repository, UserRef
from aiotofupilot.sandbox import make_procedures

COLUMNS = TABLES["procedures"]
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
        assert 0 < cell_len(table_rows(TABLES[listing], width).head.decode().strip("\n")) <= width


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (20, "NAME"),
        (40, "CREATED NAME"),
        (60, "CREATED NAME CREATED BY"),
        (80, "CREATED NAME CREATED BY REPOSITORY"),
        (108, "CREATED NAME CREATED BY REPOSITORY"),
        (109, "ID CREATED NAME CREATED BY REPOSITORY"),
        (120, "ID CREATED NAME CREATED BY REPOSITORY"),
        (200, "ID CREATED NAME CREATED BY REPOSITORY"),
    ],
)
def test_columns_that_do_not_fit_are_left_out(width, columns):
    """The ID goes first, and is never cut; the less there is room for, the more a table keeps to name and date."""
    head, row = lines(width, [LONG])
    assert " ".join(head.split()) == columns
    assert ("ID" in columns) == (ID in row)


def test_a_cut_text_says_so():
    """An ellipsis ends what was cut, and the column's last cell is used."""
    _, row = lines(51, [LONG])
    assert row == f"2024-01-15 10:30Z  {'N' * 31}…"


def test_spare_room_is_shared_in_proportion_to_what_a_column_can_use():
    """A name can use 28 cells more than it needs, a creator 12, and a repository 32."""
    rows = [lines(width, [LONG])[1] for width in (109, 127, 145, 181, 300)]
    assert [row.count("N") for row in rows] == [19, 26, 33, 47, 47]
    assert [row.count("U") for row in rows] == [11, 14, 17, 23, 23]
    assert [row.count("R") for row in rows] == [15, 23, 31, 47, 47]
    assert [cell_len(row) for row in rows] == [109, 127, 145, 181, 181]
    assert [cell_len(lines(width, [LONG])[1]) for width in range(109, 182)] == [*range(109, 182)]


@pytest.mark.parametrize(
    ("listing", "columns"),
    [
        ("procedures", "CREATED NAME CREATED BY"),
        ("runs", "STARTED OUTCOME SERIAL NUMBER PROCEDURE"),
        ("units", "CREATED LAST RUN SERIAL NUMBER PART"),
        ("parts", "NUMBER NAME REVISIONS"),
        ("batches", "CREATED UNITS NUMBER CREATED BY"),
        ("stations", "NAME TEAM PROCEDURES"),
        ("users", "BANNED NAME EMAIL"),
        ("deployments", "DEPLOYED STATUS ENVIRONMENT PROCEDURE"),
        ("logs", "CREATED LEVEL MESSAGE"),
        ("measurements", "STARTED OUTCOME MEASUREMENT VALUE"),
        ("phases", "STARTED OUTCOME SERIAL NUMBER NAME"),
    ],
)
def test_sixty_columns_have_room_for_what_a_listing_is_about(listing, columns):
    """A name and a moment tell more than an ID does."""
    head = table_rows(TABLES[listing], 60).head.decode()
    assert " ".join(head.split()) == columns


@pytest.mark.parametrize("listing", NAMES)
def test_an_id_goes_first_in_a_terminal_and_never_in_a_pipe(listing):
    columns = TABLES[listing]
    needed = sum(column.width + 2 for column in columns) - 2
    headings = [column.heading for column in columns]
    if "ID" in headings:
        assert table_rows(columns, needed).head.startswith(b"ID ")
        assert table_rows(columns, needed - 1).head.decode().split() == " ".join(headings[1:]).split()
    assert table_rows(columns, None).head.decode().split() == " ".join(headings).split()


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


def text_of(value, path="value"):
    return Column("HEADING", path, 9, 9, leaves=0).text(SimpleNamespace(value=value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2024, 1, 15, 10, 30, 59, tzinfo=UTC), "2024-01-15 10:30Z"),
        (datetime(2024, 1, 15, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2024-01-14 23:30Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "0001-01-01 00:00+02:00"),
    ],
)
def test_a_timestamp_is_shown_to_the_minute_in_utc(value, text):
    """Beyond the years that UTC has, it keeps its offset."""
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(seconds=9.25), "0:09.2"),
        (timedelta(seconds=59.96), "1:00.0"),
        (timedelta(minutes=1, seconds=30.732), "1:30.7"),
        (timedelta(hours=26, minutes=3), "26:03:00.0"),
    ],
)
def test_a_duration_is_shown_in_hours_minutes_and_seconds(value, text):
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        (None, "value", "-"),
        ("", "value", "-"),
        (None, "value.name", "-"),
        (SimpleNamespace(name=None), "value.name", "-"),
        (SimpleNamespace(name="Ada"), "value.name", "Ada"),
        ((), "value.name", "-"),
        ((SimpleNamespace(name="a"), SimpleNamespace(name="b")), "value.name", "a, b"),
        (True, "value", "yes"),
        (False, "value", "no"),
        (12345, "value", "12,345"),
    ],
)
def test_a_value_is_found_by_its_path_and_shown_by_its_type(value, path, text):
    assert text_of(value, path) == text


def test_a_listing_without_columns_of_its_own_shows_its_first_fields(monkeypatch):
    monkeypatch.delitem(TABLES, "stations")
    headings = [column.heading for column in columns_of("stations")]
    assert headings == ["ID", "NAME", "PROCEDURES COUNT", "METADATA"]
