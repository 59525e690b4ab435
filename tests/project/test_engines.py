"""The recipes for engines that list shards on many workers count what is listed.

They run as they stand, on the engines themselves, in the profile nightly. Only `.ci/run nightly` installs these,
because they are large.
"""

import os
import re
import subprocess
import sys
from collections import Counter

import pytest
from fakes.budget import NIGHTLY
from fakes.guides import blocks

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve


@pytest.fixture(scope="module")
def sandbox():
    with serve(Sandbox(procedures=20, runs=1000)) as sandbox:
        yield sandbox


@pytest.fixture
def expected(sandbox, monkeypatch):
    """How many runs of each outcome the recipes are to find; and a sandbox that they find by their environment."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
    counts = Counter(run.outcome for run in sandbox.runs)
    return {outcome: counts[outcome] for outcome in ("FAIL", "PASS")}


def recipe(engine):
    """Return the program for an engine. All of them begin with the same lines, which the guide has once."""
    (head,), (block,) = blocks("python engine"), blocks(f"python {engine}")
    return head.text + block.text


def counted(text):
    """Read the numbers behind the outcomes in what a recipe prints."""
    return {outcome: int(count) for outcome, count in re.findall(r"(FAIL|PASS)\W+(?:count\(\)\W+)?(\d+)", text)}


ENGINES = {
    "dask": ("dask", ["-W", "error"], {}),
    "ray": ("ray", [], {"RAY_USAGE_STATS_ENABLED": "0"}),
    "spark": ("pyspark", [], {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}),
}
"""The package of each engine, how Python runs its recipe, and what is set for it."""


@pytest.mark.skipif(not NIGHTLY, reason="an engine takes half a minute")
@pytest.mark.parametrize("engine", ENGINES)
def test_the_engine_itself_counts_on_processes_of_its_own(engine, expected, tmp_path):
    package, options, own = ENGINES[engine]
    pytest.importorskip(package, reason="only `.ci/run nightly` installs it")
    program = tmp_path / "program.py"
    program.write_text(recipe(engine), encoding="utf-8")
    environment = os.environ | {"DASK_TEMPORARY_DIRECTORY": str(tmp_path)} | own
    environment.pop("PYTHONDEVMODE", None)  # asyncio would tell which of Dask's callbacks took long on this machine
    ran = subprocess.run(  # noqa: S603 - the README's own text
        [sys.executable, *options, program],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=170,
    )
    assert ran.returncode == 0, ran.stderr
    assert counted(ran.stdout) == expected
    if options:
        assert ran.stderr == ""
