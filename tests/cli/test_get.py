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
from aiotofupilot.sandbox.faults import json as json_fault, stall

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


@pytest.mark.parametrize(
    ("arguments", "request_of", "is_station"),
    [
        (["get", "users", "current"], lambda session: session.users.current(), False),
        (["get", "stations", "current"], lambda session: session.stations.current(), True),
        (["whoami"], lambda session: session.whoami(), False),
        (["whoami"], lambda session: session.whoami(), True),
    ],
)
def test_the_owner_of_the_key(sandbox, capfd, monkeypatch, arguments, request_of, is_station):
    key = sandbox.station_key if is_station else sandbox.api_key
    monkeypatch.setenv("TOFUPILOT_API_KEY", key)
    assert run(arguments) == 0
    assert json.loads(capfd.readouterr().out) == read(sandbox, request_of, key)


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["runs", "x"], 4, "404 NOT_FOUND: Not found; runs has no 'x'"),
        (["units", "SN/0042 rev ?#%"], 4, "404 NOT_FOUND: Not found; units has no 'SN/0042 rev ?#%'"),
        (["units", ".."], 2, "serial_number must be a text that an address can hold, so not '', '.' or '..', got '..'"),
        (["parts", ""], 2, "number must be a text that an address can hold, so not '', '.' or '..', got ''"),
        (
            ["stations", "current"],
            3,
            (
                "403 FORBIDDEN: Only stations can read the current station; only the key of a station has a current "
                "station: 'aiotofupilot get users current' is for that of a user"
            ),
        ),
        (
            ["users", "x"],
            2,
            (
                "users cannot be read one by one: 'aiotofupilot users' has all of them, and 'aiotofupilot get users "
                "current' the one whose key is used"
            ),
        ),
        (["run", "x"], 2, f"no such listing: run; there are {', '.join(NAMES)}"),
        (["runs"], 2, 'Command "get" parameter ITEM_ID requires an argument. See --help.'),
        (["runs", "x", "y"], 2, "no such argument: y; see --help"),
        (["units", "--", "-x"], 4, "404 NOT_FOUND: Not found; units has no '-x'"),
        (["runs", "x", "--format", "csv"], 2, 'Invalid value "csv" for --format. Choose from: "tree", "json". See'),
        (["runs", "x", "--until", "now"], 2, "--until is for --sandbox"),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_a_failure_is_one_line(capfd, arguments, code, line):
    assert run(["get", *arguments]) == code
    told, errors = capfd.readouterr()
    assert errors.startswith(f"aiotofupilot: {line}")
    assert (told, errors.count("\n")) == ("", 1)


def test_a_terminal_gets_a_tree_without_secrets(sandbox, on_terminal):
    """Lines of parts are cut where the terminal ends."""
    station = first(sandbox, "stations")
    with on_terminal(48) as shown:
        assert run(["get", "stations", station]) == 0
    *lines, _ = shown.lines
    assert lines[0] == f"id{' ' * 17}{station}"
    assert not [line for line in lines if "api key" in line]
    (parts,) = [at for at, line in enumerate(lines) if line.startswith("procedures (")]
    assert lines[parts + 1].startswith("  ")
    assert max(map(len, lines[parts:])) == 48


@pytest.mark.parametrize(("form", "shown_as"), [("json", r"\u001b[31m"), ("tree", "\N{REPLACEMENT CHARACTER}[31m")])
def test_nothing_steers_a_terminal(sandbox, on_terminal, form, shown_as):
    user = {"id": "u", "name": "\x1b[31mAda", "email": "ada@example.com", "image": None, "banned": False}
    sandbox.faults.always(json_fault(user))
    with on_terminal() as shown:
        assert run(["get", "users", "current", "--format", form]) == 0
    assert f"{shown_as}Ada" in shown.screen
    assert "\x1b[31m" not in shown.screen


def test_a_deadline(start, sandbox):
    sandbox.faults.always(stall(3600))
    process = start("get", "runs", "x", "--deadline", "0.1")
    assert process.communicate(timeout=20) == (b"", b"aiotofupilot: the deadline of 0.1 s has passed\n")
    assert process.returncode == 4


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
