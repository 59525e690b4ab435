"""`--output x.parquet`: the library's own table in a file, whatever interrupts the run that writes it."""

import asyncio
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from fakes.budget import NIGHTLY
from pyarrow import parquet

from aiotofupilot import Procedure
from aiotofupilot.arrow import record_batch, schema, streaming
from aiotofupilot.cli import run
from aiotofupilot.cli.formats import format_for
from aiotofupilot.cli.output import PartFile
from aiotofupilot.sandbox import BusyLine, make_procedures


def beside(output):
    """What lies beside a file, and is not the file."""
    return sorted(path.name.removeprefix(output.name) for path in output.parent.iterdir() if path != output)


def table_of(procedures):
    return pa.Table.from_batches([record_batch(procedures, Procedure)])


@pytest.fixture
def output(tmp_path):
    return tmp_path / "list.parquet"


def test_the_file_holds_what_the_library_has(sandbox, output):
    assert run(["procedures", "--output", str(output), "--page-size", "7", "--concurrency", "4"]) == 0
    assert parquet.read_table(output).equals(table_of(sandbox.procedures))
    assert run(["procedures", "--output", str(output), "-n", "9"]) == 0
    assert parquet.read_table(output).equals(table_of(sandbox.procedures[:9]))


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_an_empty_listing_has_all_columns(sandbox, output, resume):
    sandbox.procedures.clear()
    assert run(["procedures", "--output", str(output), *resume]) == 0
    found = parquet.read_table(output)
    assert (found.num_rows, found.schema) == (0, schema(Procedure))


def test_without_pyarrow_it_says_what_to_install(sandbox, output, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("aiotofupilot.arrow")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert run(["procedures", "--output", str(output)]) == 2
    assert capsys.readouterr().err == "aiotofupilot: aiotofupilot.arrow needs pyarrow: install the extra 'arrow'\n"
    assert sandbox.requests == []
    assert list(output.parent.iterdir()) == []


def test_what_a_killed_run_made_is_made_again(sandbox, output):
    """Whatever the file was that it did not finish."""
    output.with_name("list.parquet.part.whole").write_bytes(b"x" * 1_000_000)
    assert run(["procedures", "--output", str(output)]) == 0
    assert parquet.read_table(output).num_rows == 250
    assert output.stat().st_size < 1_000_000
    assert beside(output) == []


@pytest.mark.parametrize(
    ("make", "kept"),
    [(Path.mkdir, [".part.whole"]), (lambda path: path.symlink_to("elsewhere"), [])],
    ids=["folder", "link"],
)
def test_something_else_in_the_place_of_what_is_made(sandbox, output, capsys, make, kept):
    """It is named, a link is not followed, and what has arrived is kept."""
    made = output.with_name("list.parquet.part.whole")
    make(made)
    assert run(["procedures", "--output", str(output)]) == 4
    assert capsys.readouterr().err.startswith(f"aiotofupilot: cannot write {made}: ")
    assert beside(output) == [".part", ".part.state", *kept]
    assert not output.with_name("elsewhere").exists()


async def test_the_file_can_be_made_in_several_groups_and_cancelled_between_them(tmp_path, monkeypatch):
    """The event loop gets its turn after each, and what is cancelled leaves what has arrived."""
    procedures, form = make_procedures(100), format_for("parquet", tmp_path / "x.parquet", "procedures", Procedure)
    monkeypatch.setattr(streaming, "_GROUP_SIZE", table_of(procedures).nbytes // 4)
    file = PartFile(tmp_path / "x.parquet", {"--format": "parquet"}, resume=False)
    await file.write(form.head, items=0, checkpoint=None)
    for at in range(0, 100, 10):
        await file.write(form.page(procedures[at : at + 10]), items=at + 10, checkpoint=str(at + 10))
    task = asyncio.ensure_future(file.finish(form.remake))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    file.leave()
    assert beside(tmp_path / "x.parquet") == [".part", ".part.state"]

    file = PartFile(tmp_path / "x.parquet", {"--format": "parquet"}, resume=True)
    assert file.state.items == 100
    await file.finish(form.remake)
    found = parquet.ParquetFile(tmp_path / "x.parquet")
    assert found.num_row_groups == 4
    assert found.read().equals(table_of(procedures))


@pytest.mark.parametrize("concurrency", [1, 4] if NIGHTLY else [4])
def test_killed_again_and_again_while_the_line_is_busy(killed, sandbox, output, concurrency):
    """Each procedure that is listed all the time is in the file once, in its place, and none is there twice."""
    listed, line = [*sandbox.procedures], BusyLine(inserts=0.5, removals=0.5)
    sandbox.before_response.append(line)
    arguments = ["procedures", "--page-size", 16, "--on-drift", "resync", "--concurrency", concurrency]
    for _ in killed(*arguments, "--output", output, "--resume", seed=0, requests=(2, 7)):
        output.unlink(missing_ok=True)  # a finished file is not gone on with
    ids = parquet.read_table(output, columns=["id"])["id"].to_pylist()
    assert len(ids) == len(set(ids))
    gone = {procedure.id for procedure in line.removed}
    kept = [procedure.id for procedure in listed if procedure.id not in gone]
    wanted = set(kept)
    assert [found for found in ids if found in wanted] == kept
    assert beside(output) == []
