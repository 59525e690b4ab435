"""One item, for people and for programs."""

import asyncio
import json
import signal
import threading

import pytest

from aiotofupilot import TofuPilotSession, to_wire
from aiotofupilot.cli import run
from aiotofupilot.cli.messages import DeadlineError
from aiotofupilot.cli.progress import Progress
from aiotofupilot.listings import NAMES
from aiotofupilot.sandbox.faults import stall

KEYS = {"units": "serial_number", "parts": "number", "batches": "number"}
"""What identifies an item, where that is not its ID."""


def read(sandbox, request, key=None):
    """Return what a request of the library returns, as the command writes it."""

    async def item():
        async with TofuPilotSession(key or sandbox.api_key, base_url=sandbox.url) as session:
            return to_wire(await request(session), with_secrets=False)

    return json.loads(json.dumps(asyncio.run(item())))


def first(sandbox, listing):
    """Return what identifies an item of a listing."""
    needed = {"procedure_id": sandbox.procedures[0].id} if listing in ("measurements", "phases") else {}
    item = read(sandbox, lambda session: getattr(session, listing).list(**needed).first())
    return item[KEYS.get(listing, "id")]


@pytest.mark.parametrize("listing", [name for name in NAMES if name != "users"])
def test_a_pipe_gets_json_of_every_kind_of_item(sandbox, capfd, listing):
    """It is one line, with everything but secrets."""
    key = first(sandbox, listing)
    assert run(["get", listing, key]) == 0
    told, errors = capfd.readouterr()
    assert json.loads(told) == read(sandbox, lambda session: getattr(session, listing).get(key))
    assert (told.count("\n"), errors) == (1, "")


def test_interrupt(start, sandbox):
    """It ends at once, and has nothing to say."""
    sandbox.faults.always(stall(3600))
    came = threading.Event()
    sandbox.before_response.append(lambda *_: came.set())
    process = start("get", "runs", "x")
    assert came.wait(20)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 130


async def test_a_deadline_tells_what_went_wrong_until_then():
    progress = Progress()
    progress.warning = "503"
    with pytest.raises(DeadlineError, match=r"^the deadline of 1e-09 s has passed; the latest warning was: 503$"):
        async with progress.until(1e-9):
            await asyncio.Event().wait()


@pytest.mark.parametrize("deadline", [None, 60.0])
async def test_a_timeout_of_the_disk_is_not_the_deadline(deadline):
    """Network file systems have such an error."""
    with pytest.raises(TimeoutError, match="Connection timed out"):
        async with Progress().until(deadline):
            raise TimeoutError(110, "Connection timed out")
