"""The guide to the SQL of a mirror: its statements give its tables, and its program draws its pictures."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import duckdb
import matplotlib as mpl
import pytest
from fakes.guides import ROOT, read, read_blocks

from aiotofupilot.arrow.rows import database_rows
from aiotofupilot.listings import listing_class
from aiotofupilot.mirror.database import Database
from aiotofupilot.sandbox import Factory

GUIDE = ROOT / "aiotofupilot" / "mirror" / "SQL.md"
PICTURES = ROOT / ".github" / "pictures"
BLOCKS = list(read_blocks(GUIDE))
EXAMPLES = re.findall(r"^```sql\n(.*?)^```\n\n((?:\|[^\n]*\n)+)", read(GUIDE), re.MULTILINE | re.DOTALL)
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "aiotofupilot"}
"""Text stays text, and the same figures are the same picture."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a mirror of the factory that the guide names. The rows did not come by HTTP, which takes longer."""
    assert "`Sandbox(procedures=4, runs=8000)`" in read(GUIDE)
    factory = Factory(procedures=4, runs=8000)
    folder = tmp_path_factory.mktemp("guide")
    filters = {"runs": "", "measurements": ""}
    rows = {name: [database_rows(listing_class(name).model).batch(list(getattr(factory, name)))] for name in filters}
    database = Database(folder / "line.duckdb")
    database.check("https://example.com", None, filters)
    database.prepare("runs", filters)
    database.with_memory(lambda: database.store(rows, datetime(2026, 3, 1, tzinfo=UTC), {}))
    database.finish()
    database.close()
    return folder


def shown(value):
    """Return a value as the guide shows it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


@pytest.mark.parametrize(("sql", "table"), EXAMPLES)
def test_an_example_has_this_result(sql, table, folder):
    with duckdb.connect(folder / "line.duckdb", read_only=True) as connection:
        found = connection.execute(sql)
        rows = [[column[0] for column in found.description], *found.fetchall()]
    lines = ["| " + " | ".join(map(shown, row)) + " |" for row in rows]
    lines.insert(1, "|" + "-|" * len(rows[0]))
    assert table.splitlines() == lines


def test_every_statement_is_an_example():
    """Only that for another program is not over this database."""
    (attached,) = {block.text for block in BLOCKS if block.language == "sql"} - {sql for sql, _ in EXAMPLES}
    assert attached.startswith("ATTACH")
    assert {block.language for block in BLOCKS} == {"sql", "python mirror"}
    assert len(EXAMPLES) == 6


def test_the_statement_of_another_program_works(folder, monkeypatch):
    (sql,) = [block.text for block in BLOCKS if "ATTACH" in block.text]
    monkeypatch.chdir(folder)
    with duckdb.connect() as connection:
        assert len(connection.execute(sql).fetchall()) == 4


def test_the_table_of_macros_is_true(folder):
    """It names each macro of the schema, but for a helper, and all of its parameters in their order."""
    with duckdb.connect(folder / "line.duckdb", read_only=True) as connection:
        macros = connection.execute(
            "SELECT function_name, parameters FROM duckdb_functions() "
            "WHERE schema_name = 'tofupilot' AND function_type = 'table_macro'"
        ).fetchall()
    written = re.findall(r"^\| `(\w+)\((.*?)\)` \|", read(GUIDE), re.MULTILINE)
    assert {name: parameters.split(", ") for name, parameters in written} == dict(macros)


def test_the_table_of_views_is_true(folder):
    """It names each view of the schema that is not that of a table."""
    with duckdb.connect(folder / "line.duckdb", read_only=True) as connection:
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'tofupilot'").fetchall()
    written = re.findall(
        r"`(\w+)`", "".join(re.findall(r"^\| (`(?:yield|tested|capability)_[^|]*)\|", read(GUIDE), re.MULTILINE))
    )
    assert {*written} == {name for (name,) in views} - {"runs", "measurements"}


def test_the_statement_for_dashboards_works(folder):
    _, _, guide = read(GUIDE.with_name("README.md")).partition("## Dashboards and assistants")
    (statement,) = re.findall(r"SELECT [^`]+", guide)
    with duckdb.connect(folder / "line.duckdb", read_only=True) as connection:
        assert len(connection.execute(statement).fetchall()) == 20


def texts(picture):
    return [element.text for element in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 - our own


def test_the_program_draws_the_pictures_that_are_kept(folder, monkeypatch):
    """If the program was changed, copy what it draws here. Not every version of matplotlib draws the same lines."""
    (program,) = [block for block in BLOCKS if block.language == "python mirror"]
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    with mpl.rc_context(STYLE | {"backend": "svg"}):
        exec(compile(program.numbered, program.guide, "exec", dont_inherit=True), {"__name__": "__main__"})  # noqa: S102 - the guide's own text
    kept = sorted(path for path in PICTURES.glob("*.svg") if path.name in read(GUIDE))
    assert [path.name for path in kept] == sorted(path.name for path in folder.glob("*.svg"))
    assert len(kept) == 3
    for path in kept:
        assert texts(path) == texts(folder / path.name)
        assert len(texts(path)) > 8
