"""Everything that the server knows of an item, by itself, or written as a listing is."""

import asyncio
import json

import pytest
from fakes.listings import required
from pyarrow import parquet

from aiotofupilot import DetailsWalk, TofuPilotSession, to_wire
from aiotofupilot.cli import run
from aiotofupilot.cli.output import PartFile
from aiotofupilot.listings import NAMES
from aiotofupilot.sandbox.faults import latency

KEYS = {"units": "serial_number", "parts": "number", "batches": "number"}
"""What identifies an item, where that is not its ID."""


def read(sandbox, listing, **arguments):
    """Return the first items of a listing as the library gets each of them, as the command writes it."""

    async def items():
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            resource = getattr(session, listing)
            listed = await resource.list(**arguments, max_items=3).collect()
            return [await resource.get(getattr(item, KEYS.get(listing, "id"))) for item in listed]

    # Python's own JSON has a tuple as a list, and a point that is NaN is null by now.
    return [json.loads(json.dumps(to_wire(item, with_secrets=False))) for item in asyncio.run(items())]


@pytest.mark.parametrize("listing", [name for name in NAMES if name not in ("users", "logs")])
def test_an_item_is_what_the_library_gets(sandbox, capfd, listing):
    """It is a line with everything but secrets, in the order of the listing."""
    needed = required(listing, sandbox.procedures[0].id)
    wanted = read(sandbox, listing, **needed)
    assert len(wanted) == 3
    options = [f"--procedure-id={value}" for value in needed.values()]
    options += ["-n", "3", "--details", "--format", "jsonl", "--concurrency", "4"]
    assert run([listing, *options]) == 0
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
