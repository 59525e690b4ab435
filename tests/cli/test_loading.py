"""What the command loads before it knows that there is something to ask for: help and a wrong option come at once."""

import json
import subprocess
import sys

HEAVY = {"aiohttp", "cattrs", "dlt", "duckdb", "msgspec", "multidict", "opentelemetry", "pyarrow", "tenacity", "yarl"}

PROGRAM = """
import json, sys
from aiotofupilot.cli import run
codes = [run(arguments) for arguments in json.loads(sys.argv[1])]
print("loaded", json.dumps([codes, [*sys.modules]]), file=sys.stderr)
"""


def loaded(*commands):
    """Return the codes with which commands end in one process, and the modules that it has loaded."""
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", PROGRAM, json.dumps(commands)], capture_output=True, text=True, timeout=60, check=False
    )
    codes, names = json.loads(done.stderr.rpartition("loaded ")[2])
    return set(codes), set(names)


def test_help_loads_no_http():
    named = ("runs", "download", "get", "whoami", "mirror", "sandbox")
    codes, modules = loaded(["--help"], *([name, "--help"] for name in named))
    assert codes == {0}
    assert "cyclopts" in modules
    assert modules & HEAVY == set()


def test_a_wrong_option_loads_neither_http_nor_rich():
    """A line is all that there is to say."""
    codes, modules = loaded(
        *(
            ["runs", "--serch", "x"],
            ["runs", "-n", "few"],
            ["mirror"],
            ["download"],
            ["get"],
            ["sandbox", "--port", "x"],
        )
    )
    assert codes == {2}
    assert "cyclopts" in modules
    assert modules & (HEAVY | {"rich.console"}) == set()


def test_a_command_without_a_listing_loads_no_listing():
    """So the listings' help and options cost nothing where nobody asks for them."""
    codes, modules = loaded(["--version"], ["sandbox", "--help"])
    assert codes == {0}
    assert not [name for name in modules if name.startswith(("aiotofupilot.listings.", "aiotofupilot._paging"))]
    assert modules & (HEAVY | {"asyncio"}) == set()
