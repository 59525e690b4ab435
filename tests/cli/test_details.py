"""Everything that the server knows of each item, written as a listing is."""

import asyncio
import json

import pytest

from aiotofupilot import TofuPilotSession, to_wire
from aiotofupilot.cli import run
from aiotofupilot.cli.output import PartFile
from aiotofupilot.listings import NAMES
from aiotofupilot.sandbox.faults import latency, status


def details_of(sandbox, listing, **arguments):
    """Return what the library has of the details, as the command writes them."""

    async def collected():
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            return await getattr(session, listing).list(**arguments).details().collect()

    # Python's own JSON has a tuple as a list, and a point that is NaN is null by now.
    return [json.loads(json.dumps(to_wire(item, with_secrets=False))) for item in asyncio.run(collected())]


def on_run(sandbox, run_id):
    """Return the faults of the requests for one run by itself."""
    return sandbox.faults.on(lambda request: request.path.endswith(f"/runs/{run_id}"))


def remove_when_requested(sandbox, run_id):
    """Let a run be removed after it was listed: when it is requested by itself, and before the response."""

    def remove(_, request):
        if request.path.endswith(f"/runs/{run_id}"):
            sandbox.runs[:] = [run for run in sandbox.runs if run.id != run_id]

    sandbox.before_response.append(remove)


def ids(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


@pytest.fixture
def run_ids(sandbox, capfd):
    assert run(["runs", "-n", "9", "--format", "jsonl"]) == 0
    return ids(capfd.readouterr().out)


@pytest.mark.parametrize("listing", [name for name in NAMES if name not in ("logs", "users")])
def test_each_item_is_what_get_returns(sandbox, capfd, listing):
    """They come in the order of the listing, and without secrets."""
    needed = {"procedure_id": sandbox.procedures[0].id} if listing in ("measurements", "phases") else {}
    wanted = details_of(sandbox, listing, max_items=3, **needed)
    assert len(wanted) == 3
    arguments = [listing, *[f"--procedure-id={value}" for value in needed.values()], "-n", "3", "--details"]
    assert run([*arguments, "--format", "jsonl", "--concurrency", "4"]) == 0
    assert [json.loads(line) for line in capfd.readouterr().out.splitlines()] == wanted


@pytest.mark.parametrize("listing", ["logs", "users"])
def test_a_listing_without_further_details_has_no_such_option(capfd, listing):
    assert run([listing, "--sandbox", "--details"]) == 2
    assert "--details" in capfd.readouterr().err
    assert run([listing, "--help"]) == 0
    assert "--details" not in capfd.readouterr().out


@pytest.mark.parametrize("form", [[], ["--format", "csv"], ["-o", "x.txt"]])
def test_a_row_for_each_item_has_no_place_for_details(capfd, sandbox, form):
    assert run(["runs", "--details", *form]) == 2
    told, error = capfd.readouterr()
    assert error == (
        "aiotofupilot: --details needs the format jsonl, json or parquet, because a table and CSV have one row for "
        "each item\n"
    )
    assert told == ""
    assert not sandbox.requests


@pytest.mark.parametrize(("form", "concurrency"), [("jsonl", 1), ("json", 4), ("parquet", 4)])
def test_a_file_is_resumed_after_the_item_before_the_failure(sandbox, run_ids, tmp_path, capfd, form, concurrency):
    """It is the file of an uninterrupted run."""
    whole, output = tmp_path / f"whole.{form}", tmp_path / f"x.{form}"
    arguments = ["runs", "-n", "9", "--details", "--concurrency", str(concurrency)]
    assert run([*arguments, "-o", str(whole)]) == 0
    on_run(sandbox, run_ids[5]).always(status(500))
    assert run([*arguments, "--retries", "0", "-o", str(output)]) == 4
    line = capfd.readouterr().err
    assert "; 5 runs written, go on with --resume, or elsewhere with --cursor runs." in line
    assert f"; if others can be read, --on-unreadable skip leaves out {run_ids[5]}; " in line
    sandbox.faults.clear()
    before = len(sandbox.requests)
    assert run([*arguments, "--resume", "-o", str(output)]) == 0
    assert output.read_bytes() == whole.read_bytes()
    requested = [request.path.rpartition("/")[2] for request in list(sandbox.requests)[before:]]
    assert set(requested) == {"runs", *run_ids[5:]}


def test_items_are_written_one_by_one(sandbox, run_ids, tmp_path, monkeypatch):
    """One of them can have tens of megabytes. Here the second one is late, and the next ones are at hand before it."""
    on_run(sandbox, run_ids[1]).next(latency(0.1))
    written, write = [], PartFile.write

    async def noted(file, data, *, items=None, checkpoint=None):
        written.append(items)
        await write(file, data, items=items, checkpoint=checkpoint)

    monkeypatch.setattr(PartFile, "write", noted)
    assert run(["runs", "-n", "5", "--details", "--concurrency", "4", "-o", str(tmp_path / "x.jsonl")]) == 0
    assert written == [1, 2, 3, 4, 5, None]


def test_a_file_without_details_is_not_completed_with_them(sandbox, run_ids, tmp_path, capfd):
    output = tmp_path / "x.jsonl"
    on_run(sandbox, run_ids[5]).always(status(401))
    assert run(["runs", "--details", "-o", str(output)]) == 3
    assert run(["runs", "--resume", "-o", str(output)]) == 2
    assert "x.jsonl.part was begun with --details True: give the same again, or" in capfd.readouterr().err


def test_what_is_left_out_is_told_without_a_terminal_too(sandbox, run_ids, tmp_path, capfd):
    """An item whose details cannot be read is named, and one that was removed meanwhile is counted."""
    output = tmp_path / "x.jsonl"
    on_run(sandbox, run_ids[3]).always(status(500))
    remove_when_requested(sandbox, run_ids[4])
    arguments = ["-n", "5", "--details", "--on-unreadable", "skip", "--retries", "0", "-o", str(output)]
    assert run(["runs", *arguments]) == 0
    assert ids(output.read_text()) == [*run_ids[:3], *run_ids[5:7]]
    assert capfd.readouterr().err == (
        f"aiotofupilot: 1 run could not be read and is left out, with ID {run_ids[3]}; 1 run was removed meanwhile\n"
    )


def test_a_run_that_ends_early_tells_what_is_left_out_until_then(sandbox, run_ids, tmp_path, capfd):
    remove_when_requested(sandbox, run_ids[2])
    on_run(sandbox, run_ids[5]).always(status(401))
    assert run(["runs", "--details", "-o", str(tmp_path / "x.jsonl")]) == 3
    assert capfd.readouterr().err.endswith("; 1 run was removed meanwhile\n")


def test_the_bar_counts_details(sandbox, on_terminal, tmp_path):
    """A line says in the end how many there are."""
    assert sandbox.url
    with on_terminal() as shown:
        assert run(["runs", "-n", "8", "--details", "-o", str(tmp_path / "x.jsonl")]) == 0
    assert "of 8 runs" in shown.screen
    assert shown.lines[-2].startswith("8 runs in ")
