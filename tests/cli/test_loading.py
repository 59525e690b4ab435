"""What the command loads before it knows that there is something to ask for: help and a wrong option come at once."""

import json
import subprocess
import sys

import pytest

HEAVY = {"aiohttp", "cattrs", "dlt", "duckdb", "msgspec", "multidict", "opentelemetry", "pyarrow", "tenacity", "yarl"}

NO_LISTING = [["--version"], ["sandbox", "--help"]]
WRONG = [
    ["runs", "--serch", "x"],
    ["runs", "-n", "few"],
    ["mirror"],
    ["mirror", "line.duckdb", "nothing"],
    ["download"],
    ["sandbox", "--port", "x"],
]
ONE = [["whoami", "--help"]]
HELP = [["--help"], *([name, "--help"] for name in ("runs", "download", "mirror"))]

PROGRAM = """
import json, os, sys
from aiotofupilot.cli import run
for commands in json.loads(sys.argv[1]):
    if os.fork() == 0:
        codes = [run(arguments) for arguments in commands]
        print("loaded", json.dumps([codes, [*sys.modules]]), file=sys.stderr, flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def loaded():
    """Return, for each group of commands, the codes with which they end and the modules that are loaded then.

    The process of each group forks from one that has loaded the command.
    """
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", PROGRAM, json.dumps([NO_LISTING, WRONG, HELP, ONE])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = [json.loads(line[len("loaded ") :]) for line in done.stderr.splitlines() if line.startswith("loaded ")]
    return [({*codes}, {*names}) for codes, names in told]


def test_help_loads_no_http(loaded):
    _, _, (codes, modules), _ = loaded
    assert codes == {0}
    assert "cyclopts" in modules
    assert modules & HEAVY == set()


def test_a_wrong_option_loads_neither_http_nor_rich(loaded):
    """A line is all that there is to say."""
    _, (codes, modules), _, _ = loaded
    assert codes == {2}
    assert "cyclopts" in modules
    assert modules & (HEAVY | {"rich.console"}) == set()


def test_a_command_without_a_listing_loads_no_listing(loaded):
    """So the listings' help and options cost nothing where nobody asks for them."""
    (codes, modules), _, _, _ = loaded
    assert codes == {0}
    assert not [name for name in modules if name.startswith(("aiotofupilot.listings.", "aiotofupilot._paging"))]
    assert modules & (HEAVY | {"asyncio"}) == set()


def test_help_about_one_item_loads_no_event_loop(loaded):
    *_, (codes, modules) = loaded
    assert codes == {0}
    assert "aiotofupilot.cli.whoami" in modules
    assert modules & (HEAVY | {"asyncio"}) == set()
