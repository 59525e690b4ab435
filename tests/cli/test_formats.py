"""Procedures as text for programs, and which format a listing is written in."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given, strategies as st

from aiotofupilot.cli.formats import csv_rows, json_array, json_lines
from aiotofupilot.cli.messages import visible
from aiotofupilot.models import Procedure, Repository, UserRef
from aiotofupilot.sandbox import make_procedures
from aiotofupilot.testing import make_measurement

BARE = Procedure("1", "Bare", datetime(2024, 1, 1, tzinfo=UTC))
FULL = Procedure(
    "2",
    'Hi-Pot, "Line 2"',
    datetime(2024, 1, 15, 10, 30, 0, 7_000, tzinfo=UTC),
    UserRef("u", None, "ada@example.com"),
    Repository("r", "my-repo", "org/my-repo", "github"),
)
FULL_WIRE = {
    "id": "2",
    "name": 'Hi-Pot, "Line 2"',
    "created_at": "2024-01-15T10:30:00.007Z",
    "created_by_user": {"id": "u", "name": None, "email": "ada@example.com"},
    "linkedRepository": {"id": "r", "name": "my-repo", "fullName": "org/my-repo", "provider": "github"},
}
BARE_WIRE = {
    "id": "1",
    "name": "Bare",
    "created_at": "2024-01-01T00:00:00.000Z",
    "created_by_user": None,
    "linkedRepository": None,
}


def written(form_of, *pages):
    return (form_of.head + form_of.between.join(map(form_of.page, pages)) + form_of.tail).decode()


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_json_lines():
    """Each line is what the API sends, key by key, and there is nothing else."""
    lines = written(json_lines(), [BARE], [FULL]).splitlines()
    assert [json.loads(line) for line in lines] == [BARE_WIRE, FULL_WIRE]
    assert list(json.loads(lines[1])) == list(FULL_WIRE)
    assert written(json_lines()) == ""


@pytest.mark.parametrize("pages", [[], [[BARE, FULL]], [[BARE], [FULL]]])
def test_json_array(pages):
    """However the pages are cut, the whole is one JSON array with an item a line."""
    text = written(json_array(), *pages)
    wire = [BARE_WIRE, FULL_WIRE] if any(pages) else []
    assert json.loads(text) == wire
    assert text.count("\n") == len(wire) + 2


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_name_survives(name):
    """Quotes, commas, line ends of every kind and leading spaces come back from each format as they were."""
    named = [Procedure("1", name, BARE.created_at), BARE]
    assert [row["name"] for row in rows(written(csv_rows(Procedure), named))] == [name, "Bare"]
    assert [json.loads(line)["name"] for line in written(json_lines(), named).split("\n")[:-1]] == [name, "Bare"]


STEERING = "\x1b]0;t\x07 \x00 \r\n \x7f \x9b \u061c\u200e\u200f\u202e\u2066 \u2028"


@pytest.mark.parametrize("form_of", [json_lines, json_array, partial(csv_rows, Procedure)])
def test_what_a_terminal_gets(form_of):
    """Nothing in it steers the terminal. JSON stands for the same values, and CSV has the same rows."""
    form = form_of(for_terminal=True)
    procedures = [Procedure("1", STEERING, BARE.created_at, UserRef("u", STEERING)), FULL]
    text = written(form, procedures)
    assert all(line.isprintable() for line in text.replace("\r\n", "\n").split("\n"))
    if isinstance(form_of, partial):
        evil, full = rows(text)
        assert evil["created_by_user.name"] == evil["name"] == visible(STEERING)
        assert evil["linkedRepository.id"] == ""
        assert full == rows(written(csv_rows(Procedure), [FULL]))[0]
    else:
        documents = json.loads(text) if form_of is json_array else list(map(json.loads, text.splitlines()))
        assert [document["name"] for document in documents] == [STEERING, FULL.name]


@pytest.mark.parametrize("form_of", [json_lines, partial(csv_rows, Procedure), json_array])
def test_pages_do_not_show(form_of):
    """One page of all or many pages of few: the bytes are the same."""
    procedures = make_procedures(10)
    assert written(form_of(), procedures) == written(form_of(), procedures[:3], procedures[3:4], procedures[4:])


@pytest.mark.parametrize("form_of", [json_lines, partial(csv_rows, Procedure), json_array])
def test_timestamps(form_of):
    """Microseconds are kept. The first hours of the year 1 in the east have no year in UTC, and keep their offset."""
    whens = datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    text = written(form_of(), [Procedure("1", "x", when) for when in whens])
    assert "2026-01-01T00:00:00.123456Z" in text
    assert "0001-01-01T00:00:00.000+05:00" in text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e-7, "1e-7"),
        (0.00001, "0.00001"),
        (-0.0, "-0.0"),
        (3.0, "3.0"),
        (123456789.125, "123456789.125"),
        (5e-324, "5e-324"),
        (1e22, "1e22"),
    ],
)
def test_numbers_in_json(number, text):
    """They are as short as they can be, and stand for the same number."""
    (line,) = written(json_lines(), [make_measurement(value=number)]).splitlines()
    assert f'"value":{text},' in line
    assert float(text) == number
