"""`--columns` chooses the columns of a table, CSV, Parquet and a workbook, by the names in the header of CSV.

- `--columns` chooses the columns of a table, CSV, Parquet and a workbook.
"""

import csv
from datetime import UTC, datetime

import pytest
from openpyxl import load_workbook
from pyarrow import parquet

from aiotofupilot import Part, PartRevision, Procedure, Repository
from aiotofupilot.cli import run

WHEN = datetime(2024, 1, 1, tzinfo=UTC)
NAMES = ["linkedRepository.fullName", "id"]


@pytest.fixture(autouse=True)
def procedure(sandbox):
    """The only procedure of the sandbox."""
    linked = Repository("r", "line", "org/line", "github")
    sandbox.procedures[:] = [Procedure("1", "Hi-Pot", WHEN, None, linked)]


def listed(path):
    assert run(["procedures", "--columns", ",".join(NAMES), "-o", str(path)]) == 0
    return path


def test_each_format_has_them_in_this_order(tmp_path, capfd):
    """Those of Parquet are flat, with the names of the library."""
    with listed(tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [NAMES, ["org/line", "1"]]
    sheet = load_workbook(listed(tmp_path / "x.xlsx")).active
    assert list(sheet.iter_rows(values_only=True)) == [tuple(NAMES), ("org/line", "1")]
    found = parquet.read_table(listed(tmp_path / "x.parquet"))
    assert found.to_pylist() == [{"linked_repository.full_name": "org/line", "id": "1"}]
    assert listed(tmp_path / "x.txt").read_text().split() == ["LINKEDREPOSITORY", "FULLNAME", "ID", "org/line", "1"]
    assert run(["procedures", "--columns", "created_at,created_by_user.name,linkedRepository.provider"]) == 0
    head, row = capfd.readouterr().out.splitlines()
    assert head.split() == ["CREATED", "AT", "CREATED", "BY", "USER", "NAME", "LINKEDREPOSITORY", "PROVIDER"]
    assert row.split() == ["2024-01-01", "00:00Z", "-", "github"]


def test_a_table_shows_an_array_as_csv_has_it(sandbox, capfd):
    sandbox.parts[:] = [Part("1", "N", "Name", WHEN, (PartRevision("r", "A", WHEN),))]
    assert run(["parts", "--columns", "revisions"]) == 0
    shown = capfd.readouterr().out
    assert run(["parts", "--columns", "revisions", "--format", "csv"]) == 0
    (text,) = next(csv.DictReader(capfd.readouterr().out.splitlines())).values()
    assert text.startswith("[{")
    assert text in shown


@pytest.mark.parametrize("form", ["table", "csv", "parquet", "xlsx"])
@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ("id, name", 'there is no column " name": there are id, name, '),
        ("", 'there is no column "": there are id, name, '),
        ("id,name,id", '"id" is named twice\n'),
    ],
)
def test_a_column_that_cannot_be_written_is_refused(sandbox, tmp_path, capsys, form, columns, complaint):
    """It is one line, and nothing is requested."""
    assert run(["procedures", "--columns", columns, "--format", form, "-o", str(tmp_path / "x")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"aiotofupilot: --columns: {complaint}")
    assert said.count("\n") == 1
    assert sandbox.requests == []


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_has_no_columns(sandbox, capsys, form):
    assert run(["procedures", "--columns", "id", "--format", form]) == 2
    assert capsys.readouterr().err == (
        "aiotofupilot: --columns is for the formats table, csv, parquet and xlsx, because JSON has no columns\n"
    )
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (23, "ID      CR…  N…  LIN…"),
        (60, "ID                     CREATED AT  NAME     LINKEDREPOSITO…"),
        (
            110,
            "ID                                    CREATED AT         NAME                 LINKEDREPOSITORY FULLNAME",
        ),
    ],
)
def test_a_terminal_shows_every_column_that_is_named(on_terminal, width, shown):
    """Where it is too narrow, each of them is cut."""
    with on_terminal(width, streams=("stdout",)) as terminal:
        assert run(["procedures", "--columns", "id,created_at,name,linkedRepository.fullName"]) == 0
    assert terminal.lines[0] == shown
