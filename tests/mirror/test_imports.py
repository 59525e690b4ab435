"""Who does not use a database does not pay for one."""

import subprocess
import sys

HEAVY = {"dlt", "duckdb", "pyarrow"}


PROGRAM = """
import sys
import aiotofupilot
from aiotofupilot.cli import run

aiotofupilot.TofuPilotSession("key")
for arguments in (["--help"], ["mirror", "--help"], ["mirror", "line.duckdb", "nothing"]):
    run(arguments)
print(*sys.modules)
"""


def test_nothing_of_the_extra_is_loaded_before_it_is_used():
    ran = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
    )
    assert not HEAVY & set(ran.stdout.split())
