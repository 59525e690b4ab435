"""Who does not use a database does not pay for one."""

import subprocess
import sys

import pytest

HEAVY = {"dlt", "duckdb", "pyarrow"}


@pytest.mark.parametrize(
    "program",
    [
        "import aiotofupilot; aiotofupilot.TofuPilotSession('key')",
        "from aiotofupilot.cli import run; run(['--help'])",
        "from aiotofupilot.cli import run; run(['mirror', '--help'])",
        "from aiotofupilot.cli import run; run(['mirror', 'line.duckdb', 'nothing'])",
    ],
)
def test_nothing_of_the_extra_is_loaded_before_it_is_used(program):
    ran = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert not HEAVY & set(ran.stdout.split())
