"""`--output x.xlsx`: a workbook whose cells have the values of the CSV file, with their types.

- A workbook has the values of CSV with their types; no text in it is a formula or a link; more rows than a sheet
  holds are refused.
"""

import asyncio
import errno
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from io import BufferedWriter
from zipfile import ZipFile

import pytest
from attrs import evolve
from openpyxl import load_workbook
from xlsxwriter import workbook

from aiotofupilot import Procedure
from aiotofupilot.cli import output as part_files, run, xlsx  # a million rows would take long, and a disk is not full
from aiotofupilot.cli.formats import format_for  # what is cancelled at a given row is no process
from aiotofupilot.cli.output import PartFile
from aiotofupilot.sandbox import make_procedures

WHEN = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "list.xlsx"


def cells(path):
    """The values of a sheet, row by row, and the sheet itself."""
    sheet = load_workbook(path).active
    return [list(row) for row in sheet.iter_rows(values_only=True)], sheet


def ids(path):
    return [row[0] for row in cells(path)[0][1:]]


def beside(output):
    return sorted(path.name.removeprefix(output.name) for path in output.parent.iterdir() if path != output)


def test_types_of_cells(sandbox, output):
    assert run(["runs", "-n", "1", "-o", str(output), "--columns", "started_at,duration,outcome"]) == 0
    (_, (started_at, duration, outcome)), _ = cells(output)
    newest = max(sandbox.runs, key=lambda one: one.started_at)
    assert abs(started_at - newest.started_at.astimezone(UTC).replace(tzinfo=None)) < timedelta(milliseconds=1)
    assert abs(duration - newest.duration) < timedelta(milliseconds=1)
    assert outcome == newest.outcome
    assert run(["users", "-n", "1", "-o", str(output), "--columns", "banned"]) == 0
    assert cells(output)[0][1] == [sandbox.users[0].banned]
    first = sandbox.procedures[0].id
    assert run(["measurements", "--procedure-id", first, "-n", "99", "-o", str(output), "--columns", "value"]) == 0
    assert float in {type(value) for (value,) in cells(output)[0][1:]}


def test_the_header_is_frozen_and_has_a_filter(sandbox, output):
    assert run(["procedures", "-o", str(output), "--columns", "id,name"]) == 0
    _, sheet = cells(output)
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:B251")
    created = datetime(1980, 1, 1)  # noqa: DTZ001 - as Excel has it
    assert sheet.parent.properties.created == created  # so the same items are the same bytes at any time


def test_an_empty_listing_has_a_header(sandbox, output):
    sandbox.procedures.clear()
    assert run(["procedures", "-o", str(output)]) == 0
    found, sheet = cells(output)
    assert (len(found), found[0][0], sheet.freeze_panes) == (1, "id", "A2")


def texts_in(path):
    """The texts of a sheet as the file has them, without the escapes of XML and of Excel."""
    with ZipFile(path) as file:
        document = file.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in document
    assert "hyperlink" not in document
    found = []
    for cell in re.findall(r"<is>(.*?)</is>", document, re.DOTALL):
        text = "".join(re.findall(r"<t[^>]*>(.*?)</t>", cell, re.DOTALL))
        for name, character in (("lt", "<"), ("gt", ">"), ("amp", "&")):
            text = text.replace(f"&{name};", character)
        found.append(re.sub(r"_x([0-9A-Fa-f]{4})_", lambda code: chr(int(code[1], 16)), text))
    return found


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "{=1}",
        "@x",
        "https://example.com/?a=1&b=2",
        "mailto:ada@example.com",
        "007",
        "1e5",
        "TRUE",
        " leads ",
        "two\nlines",
        "\x1b]0;t\x07",
        "_x0041_",
        "<r><t>markup</t></r>",
        "<r>",
        "😀" * 16_383,
    ],
)
def test_a_text_is_that_text(sandbox, output, text):
    """It is not a formula, a link, a number or markup, and each character is there."""
    sandbox.procedures[:] = [Procedure("1", text, WHEN)]
    assert run(["procedures", "-o", str(output), "--columns", "id,name"]) == 0
    assert texts_in(output) == ["id", "name", "1", text]


@pytest.mark.parametrize(("text", "kept"), [("a" * 40_000, "a" * 32_766), ("😀" * 16_384, "😀" * 16_383)])
def test_a_text_that_no_cell_holds_is_cut(sandbox, output, text, kept):
    """That can be seen. Excel counts the code units of UTF-16."""
    sandbox.procedures[:] = [Procedure("1", text, WHEN)]
    assert run(["procedures", "-o", str(output), "--columns", "name"]) == 0
    assert texts_in(output) == ["name", f"{kept}…"]


@pytest.mark.parametrize(
    ("when", "found"),
    [
        (datetime(2024, 1, 15, 12, 30, tzinfo=timezone(timedelta(hours=2))), datetime(2024, 1, 15, 10, 30)),  # noqa: DTZ001 - as Excel has it
        (datetime(1901, 1, 1, tzinfo=UTC), datetime(1901, 1, 1)),  # noqa: DTZ001 - as Excel has it
        (datetime(1900, 12, 31, tzinfo=UTC), "1900-12-31T00:00:00+00:00"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00+00:00"),
    ],
)
def test_a_date_is_in_utc_and_one_that_excel_does_not_have_is_text(sandbox, output, when, found):
    sandbox.procedures[:] = [Procedure("1", "x", when)]
    assert run(["procedures", "-o", str(output), "--columns", "created_at"]) == 0
    assert cells(output)[0][1] == [found]


def test_without_xlsxwriter_it_says_what_to_install(sandbox, output, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "aiotofupilot.cli.xlsx")
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    assert run(["procedures", "-o", str(output)]) == 2
    assert capsys.readouterr().err == "aiotofupilot: xlsx needs xlsxwriter: install the extra 'xlsx'\n"
    assert sandbox.requests == []
    assert list(output.parent.iterdir()) == []


TOO_MANY = "there are more procedures than the 100 that a sheet of xlsx can hold: write csv or parquet, or list fewer"


def test_more_rows_than_a_sheet_holds_are_refused(sandbox, output, monkeypatch, capsys):
    monkeypatch.setattr(xlsx, "ROWS", 100)
    assert run(["procedures", "-o", str(output)]) == 2
    assert capsys.readouterr().err == f"aiotofupilot: {TOO_MANY}\n"
    assert not output.exists()


@pytest.mark.parametrize(("arguments", "rows"), [(["-n", "100"], 100), (["--cursor", "150"], 100), (["-n", "0"], 0)])
def test_as_many_rows_as_a_sheet_holds_are_written(sandbox, output, monkeypatch, arguments, rows):
    monkeypatch.setattr(xlsx, "ROWS", 100)
    assert run(["procedures", *arguments, "-o", str(output)]) == 0
    assert len(ids(output)) == rows


class Full(BufferedWriter):
    """A file on a full disk."""

    def write(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")


def full(*_, **__):
    """Open no archive, because the disk is full."""
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("module", "name", "disk"), [(part_files, "BufferedWriter", Full), (workbook, "ZipFile", full)]
)
def test_a_disk_that_is_full_while_the_workbook_is_made(sandbox, output, capsys, monkeypatch, module, name, disk):
    """It is one line, and what has arrived is kept."""
    with monkeypatch.context() as patch:
        patch.setattr(module, name, disk)
        assert run(["procedures", "-o", str(output)]) == 4
    said = capsys.readouterr().err
    said_first = (
        f"aiotofupilot: cannot write {output}.part.whole: No space left on device; 250 procedures written, continue"
    )
    assert said.startswith(said_first)
    assert said.count("\n") == 1
    assert beside(output) == [".part", ".part.state"]
    assert run(["procedures", "-o", str(output), "--resume"]) == 0
    assert len(ids(output)) == 250


async def test_a_workbook_that_is_cancelled_while_it_is_made_leaves_what_has_arrived(tmp_path, output, monkeypatch):
    """The event loop gets its turn after some rows, and no other file is left."""
    monkeypatch.setattr(xlsx, "_AT_ONCE", 10)
    procedures, form = make_procedures(100), format_for("xlsx", output, "procedures", Procedure)
    file = PartFile(output, {"--format": "xlsx"}, resume=False)
    await file.write(form.page(procedures), items=100, checkpoint="100")
    task = asyncio.ensure_future(file.finish(form.remake))
    for _ in range(4):
        await asyncio.sleep(0)
    assert not task.done()
    assert beside(output) == [".part", ".part.making", ".part.state", ".part.whole"]
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    file.leave()
    assert beside(output) == [".part", ".part.state"]


@pytest.mark.usefixtures("sandbox")
def test_a_workbook_needs_no_other_folder(output, monkeypatch):
    """Not that for temporary files, which a container may not have. What a killed process has left is removed."""
    monkeypatch.setattr("tempfile.tempdir", str(output.parent / "missing"))
    making = output.with_name(f"{output.name}.part.making")
    making.mkdir()
    (making / "rows").write_text("of a process that was killed")
    assert run(["procedures", "-o", str(output)]) == 0
    assert len(ids(output)) == 250
    assert beside(output) == []


@pytest.mark.parametrize(
    ("number", "found"),
    [(10**15 - 1, 10**15 - 1), (-(10**15), str(-(10**15))), (9 * 10**399, str(9 * 10**399)), (1.5e300, 1.5e300)],
    ids=["15 digits", "16 digits", "400 digits", "a fraction"],
)
def test_a_number_of_more_digits_than_excel_has_is_text(sandbox, output, number, found):
    sandbox.stations[:] = [evolve(sandbox.stations[0], procedures_count=number)]
    assert run(["stations", "-o", str(output), "--columns", "procedures_count"]) == 0
    assert cells(output)[0][1] == [found]
