"""Another listing is a model, a declaration, and what the sandbox answers. Everything else follows from these.

``twelfth_listing.patch`` adds a listing that TofuPilot does not have, to a copy of the package.

- Type checkers, `help()`, the command and the mirror know another listing from its declaration.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.budget import NIGHTLY
from fakes.guides import ROOT

PATCH = Path(__file__).with_name("twelfth_listing.patch")
SCRIPTS = Path(sys.executable).parent

TYPED = """
from typing import assert_type

from aiotofupilot import Fixture, Paginator, TofuPilotSession
from aiotofupilot.listings import Fixtures


async def its_arguments_are_checked(session: TofuPilotSession) -> None:
    assert_type(session.fixtures, Fixtures)
    assert_type(session.fixtures.list(kinds=["bed"], cycles_min=2, on_drift="resync"), Paginator[Fixture])
    assert_type((await session.fixtures.list()).data, list[Fixture])
    session.fixtures.list(kinds=["box"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    session.fixtures.list(kind=["bed"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
"""

USED = """
import asyncio, pydoc, sys

from aiotofupilot import TofuPilotSession
from aiotofupilot.cli import run
from aiotofupilot.listings import Fixtures
from aiotofupilot.sandbox import Sandbox

async def listed():
    async with Sandbox(3, runs=5) as sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        listing = session.fixtures.list(cycles_min=100, sort_order="asc", limit=20, concurrency=4, on_drift="resync")
        names = [fixture.name async for fixture in listing]
        assert names == [f"Fixture {number}" for number in range(1, 150)]
        assert await listing.count() == 149
        parts = [await session.list(shard).collect() for shard in await listing.shards(3)]
        assert [fixture.name for part in parts for fixture in part] == names
        assert await session.fixtures.list(is_mounted=True, kinds=["clamp"]).count() == 50
        async with session.fixtures.list().since(None) as news:
            assert len([fixture async for fixture in news]) == 150

asyncio.run(listed())
print(pydoc.plaintext.document(Fixtures.list))
for arguments in (
    ["--help"],
    ["fixtures", "--help"],
    ["fixtures", "--sandbox", "-n", "2", "--kinds", "bed", "--is-mounted"],
    ["fixtures", "--sandbox", "-n", "2", "--format", "csv"],
    ["mirror", sys.argv[1], "fixtures", "--sandbox"],
):
    sys.stdout.flush()
    assert run(arguments) == 0, arguments
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the package with the listing, and with what Python has compiled of the package."""
    folder = tmp_path_factory.mktemp("twelfth")
    shutil.copytree(ROOT / "aiotofupilot", folder / "aiotofupilot")
    subprocess.run(["git", "apply", "-C1", PATCH], cwd=folder, check=True)  # noqa: S603, S607 - our own
    return folder


def run(tree, *command):
    """Run a command in the copy, and return what it prints."""
    environment = os.environ | {"PYTHONPATH": str(tree), "MYPYPATH": str(tree), "COLUMNS": "100"}
    done = subprocess.run(command, cwd=tree, env=environment, check=False, capture_output=True, text=True)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_changes_four_files():
    """None of them is a register that names the listing for the command, the mirror, or the package."""
    files = re.findall(r"^\+\+\+ b/(.+)$", PATCH.read_text("utf-8"), re.MULTILINE)
    assert files == [
        "aiotofupilot/listings/__init__.py",
        "aiotofupilot/listings/fixtures.py",
        "aiotofupilot/models/items.py",
        "aiotofupilot/sandbox/resources.py",
    ]


def test_type_checkers_know_its_arguments_and_its_items(tree):
    (tree / "typed.py").write_text(TYPED, "utf-8")
    # Of what the package imports, these types need nothing. To read it takes most of the time.
    alone = ("--no-site-packages", "--disable-error-code=import-not-found", "--follow-imports=silent")
    checked = ("typed.py", "aiotofupilot/listings/fixtures.py")
    assert "Success" in run(tree, SCRIPTS / "mypy", "--strict", "--cache-dir", os.devnull, *alone, *checked)
    if NIGHTLY:
        (tree / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', "utf-8")
        assert "0 errors" in run(tree, SCRIPTS / "pyright", "--pythonpath", sys.executable, "typed.py")


def test_it_is_documented_listed_written_and_mirrored(tree, tmp_path):
    told = run(tree, sys.executable, "-W", "error", "-c", USED, tmp_path / "line.duckdb")
    assert "cycles_min: Only fixtures that have held this many units or more, 0 or more." in told
    assert "is_mounted: Whether fixtures in the store are left out. If None, ``False``." in told
    assert re.search(r"fixtures +List fixtures, the latest created first\.", told)
    assert re.search(r"--kinds CHOICE\.\.\. +What the fixtures are\. \[choices: bed, clamp\]", told)
    assert "--cycles-min is about units, and not about runs." in told
    assert re.search(r"ID +NAME +KIND +CREATED +CYCLES", told)
    assert "id,name,kind,created_at,station.id,station.name,cycles" in told
    assert re.search(r"fixtures +150 +0 +0 +150", told)
