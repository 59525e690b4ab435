"""A walk that is left or refused goes on at its checkpoint, and the whole of it is exact."""

import json

import pytest
from postgres import data
from postgres.plans import CHANGING, INDEX, SORT
from postgres.server import serve
from postgres.walking import check, walk_and_resume
from postgres.writers import Writer, stored

from aiotofupilot.cli import run

PIECES = (1, 57, 100, 33, 88)
"""After how many items a walk is left."""


@pytest.mark.parametrize(("plan", "concurrency"), [(INDEX, 16), (SORT, 1), (SORT, 16), (CHANGING, 1)], ids=str)
@pytest.mark.parametrize("fill", [data.runs, data.dozens], ids=["runs", "dozens"])
async def test_a_still_listing(fill, plan, concurrency, still):
    listing = "runs" if fill is data.runs else "measurements"
    server = still(fill, plan)
    check(await walk_and_resume(server, listing, PIECES, concurrency=concurrency), stored(server, listing))


@pytest.mark.parametrize(("plan", "concurrency"), [(INDEX, 1), (INDEX, 16), (SORT, 1), (SORT, 16)], ids=str)
@pytest.mark.parametrize("fill", [data.runs, data.dozens], ids=["runs", "dozens"])
async def test_beside_writers(fill, plan, concurrency, moving):
    listing = "runs" if fill is data.runs else "measurements"
    server = moving(fill, plan)
    writer = Writer(server, listing, "started_at", created=2, removed=5)
    check(await walk_and_resume(server, listing, PIECES, concurrency=concurrency), writer.stayed)


@pytest.mark.parametrize("concurrency", [1, 16])
async def test_after_an_error(concurrency, still):
    """If there is one, the walk goes on where the error says, as the guide has it."""
    server = still(data.runs, SORT)
    check(await walk_and_resume(server, "runs", (), concurrency=concurrency), stored(server, "runs"))


@pytest.mark.parametrize("plan", [INDEX, SORT], ids=str)
def test_the_command_goes_on_and_its_receipt_tells_the_truth(plan, still, tmp_path, monkeypatch, capfd):
    server = still(data.runs, plan)
    output, receipt = tmp_path / "runs.jsonl", tmp_path / "receipt.jsonl"
    with serve(server) as url:
        monkeypatch.setenv("TOFUPILOT_API_KEY", server.api_key)
        monkeypatch.setenv("TOFUPILOT_URL", url)
        command = ["runs", "--output", str(output), "--receipt", str(receipt)]
        codes = [run(command)]
        while codes[-1] and len(codes) < 10:
            codes.append(run([*command, "--resume"]))
    capfd.readouterr()
    assert codes[-1] == 0, codes
    assert run(["check", str(receipt)]) == 0
    assert capfd.readouterr().out == "exact: 2500 items\n"
    check([json.loads(line)["id"] for line in output.read_text().splitlines()], stored(server, "runs"))
