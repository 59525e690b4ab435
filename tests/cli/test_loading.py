"""What the command loads before it knows that there is something to ask for: help and a wrong option come at once."""

import subprocess
import sys

import pytest

HEAVY = {"aiohttp", "cattrs", "dlt", "duckdb", "multidict", "opentelemetry", "pyarrow", "tenacity", "yarl"}

PROGRAM = """
import sys
from aiotofupilot.cli import run
code = run(sys.argv[1:])
print("loaded", *sys.modules, file=sys.stderr)
sys.exit(code)
"""


def loaded(*arguments):
    """Return the code with which the command ends, and the modules that it has loaded."""
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    _, _, names = done.stderr.rpartition("loaded ")
    return done.returncode, set(names.split())


@pytest.mark.parametrize(
    "arguments",
    [[], ["--help"], ["--version"], ["runs", "--help"], ["mirror", "--help"], ["sandbox", "--help"]],
    ids=" ".join,
)
def test_help_loads_no_http(arguments):
    code, modules = loaded(*arguments)
    assert code == 0
    assert "cyclopts" in modules
    assert modules & HEAVY == set()


@pytest.mark.parametrize(
    "arguments", [["runs", "--serch", "x"], ["runs", "-n", "few"], ["mirror"], ["sandbox", "--port", "x"]], ids=" ".join
)
def test_a_wrong_option_loads_neither_http_nor_rich(arguments):
    """A line is all that there is to say."""
    code, modules = loaded(*arguments)
    assert code == 2
    assert "cyclopts" in modules
    assert modules & (HEAVY | {"rich.console"}) == set()


def test_a_command_without_a_listing_loads_no_listing():
    """So the listings' help and options cost nothing where nobody asks for them."""
    for arguments in (["--version"], ["mirror", "--help"], ["sandbox", "--help"]):
        _, modules = loaded(*arguments)
        assert not [name for name in modules if name.startswith(("aiotofupilot.listings.", "aiotofupilot._paging"))]
        assert "asyncio" not in modules
