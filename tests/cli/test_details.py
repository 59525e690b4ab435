"""Everything that the server knows of each item, written as a listing is."""

import asyncio
import json

import pytest
from pyarrow import parquet

from aiotofupilot import DetailsWalk, TofuPilotSession, to_wire
from aiotofupilot.cli import run
from aiotofupilot.cli.output import PartFile
from aiotofupilot.listings import NAMES
from aiotofupilot.sandbox.faults import latency


def details_of(sandbox, listing, **arguments):
    """Return what the library has of the details, as the command writes them."""

    async def collected():
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            return await getattr(session, listing).list(**arguments).details().collect()

    # Python's own JSON has a tuple as a list, and a point that is NaN is null by now.
    return [json.loads(json.dumps(to_wire(item, with_secrets=False))) for item in asyncio.run(collected())]


@pytest.mark.parametrize("listing", [name for name in NAMES if name not in ("logs", "users")])
def test_each_item_is_what_get_returns(sandbox, capfd, listing):
    """They come in the order of the listing, and without secrets."""
    needed = {"procedure_id": sandbox.procedures[0].id} if listing in ("measurements", "phases") else {}
    wanted = details_of(sandbox, listing, max_items=3, **needed)
    assert len(wanted) == 3
    arguments = [listing, *[f"--procedure-id={value}" for value in needed.values()], "-n", "3", "--details"]
    assert run([*arguments, "--format", "jsonl", "--concurrency", "4"]) == 0
    assert [json.loads(line) for line in capfd.readouterr().out.splitlines()] == wanted


def test_items_are_written_one_by_one(sandbox, tmp_path, monkeypatch):
    """One of them can have tens of megabytes. Here the second one is late, and the next ones are at hand before it."""
    second = sandbox.runs[1].id
    sandbox.faults.on(lambda request: request.path.endswith(second)).next(latency(0.1))
    written, write = [], PartFile.write

    async def noted(file, data, *, items=None, checkpoint=None):
        written.append(items)
        await write(file, data, items=items, checkpoint=checkpoint)

    monkeypatch.setattr(PartFile, "write", noted)
    assert run(["runs", "-n", "5", "--details", "--concurrency", "4", "-o", str(tmp_path / "x.jsonl")]) == 0
    assert written == [1, 2, 3, 4, 5, None]


def test_columns_are_made_of_several_items_at_once(sandbox, tmp_path, monkeypatch):
    """Ten runs cost hardly more than one. No row waits for others: they are taken if they have come."""
    asked, take = set(), DetailsWalk.take

    async def noted(walk, at_most):
        asked.add(at_most)
        return await take(walk, at_most)

    monkeypatch.setattr(DetailsWalk, "take", noted)
    assert run(["runs", "-n", "15", "--details", "--concurrency", "4", "-o", str(tmp_path / "x.parquet")]) == 0
    assert asked == {10}
    assert parquet.read_table(tmp_path / "x.parquet")["id"].to_pylist() == [run.id for run in sandbox.runs[:15]]


def test_the_bar_counts_details(sandbox, on_terminal, tmp_path):
    """A line says in the end how many there are."""
    assert sandbox.url
    with on_terminal() as shown:
        assert run(["runs", "-n", "8", "--details", "-o", str(tmp_path / "x.jsonl")]) == 0
    assert "of 8 runs" in shown.screen
    assert shown.lines[-2].startswith("8 runs in ")
