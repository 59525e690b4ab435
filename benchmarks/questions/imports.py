"""What starting costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.measure import Sample, compare

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.bench import Bench
    from benchmarks.measure import Row

__all__ = ["IMPORTS", "imports"]

IMPORTS = {
    "aiohttp": "import aiohttp",
    "httpx": "import httpx",
    "tofupilot": "from tofupilot.v2 import TofuPilot",
    "aiotofupilot": "from aiotofupilot import TofuPilotSession",
}

_SCRIPT = """
import json
from time import perf_counter, process_time
wall, cpu = perf_counter(), process_time()
{statement}
print(json.dumps({{"wall": perf_counter() - wall, "cpu": process_time() - cpu}}))
"""


def imports(bench: Bench) -> Iterable[Row]:
    """What starting costs, by the clock and in CPU, when the bytecode is compiled already."""
    with TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "DISABLE_TELEMETRY": "true"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(statement: str, _: int) -> Sample:
            command = [sys.executable, "-c", _SCRIPT.format(statement=statement)]
            printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
            sample: Sample = json.loads(printed)
            return sample

        statements = {name: statement for name, statement in IMPORTS.items() if find_spec(name)}
        for statement in statements.values():
            run(statement, 0)  # compiles
        runs = {name: partial(run, statement) for name, statement in statements.items()}
        samples = bench.by_turns("import", runs, rounds=21)
    titles = {name: f"`{statement}`" for name, statement in statements.items()}
    imported = partial(compare, samples=samples, titles=titles, floor="aiohttp", official="tofupilot")
    yield from imported("import, ms by the clock", figure=lambda sample: sample["wall"] * 1000)
    yield from imported("import, CPU ms", figure=lambda sample: sample["cpu"] * 1000)
