"""The contracts between the rooms of the package can fail. Each of them is broken on purpose here."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
]

BROKEN = {
    "Imports point down; every room has its layer": [
        ("_wire/query.py", "from aiotofupilot import _session"),
        ("_paging/window.py", "from aiotofupilot._http import transport"),
        ("_http/throttle.py", "from aiotofupilot._paging import window"),
        ("models/page.py", "from aiotofupilot import errors"),
        ("listings/_query.py", "from aiotofupilot import sandbox"),
        ("listings/_base.py", "from aiotofupilot import arrow"),
        ("arrow/columns.py", "from aiotofupilot.dlt import rows"),
        ("settings.py", "from aiotofupilot._http import proxy"),
        ("_wire/codec.py", "from aiotofupilot import listings"),
        ("checkpoint.py", "from aiotofupilot import watermark"),
        ("errors.py", "from aiotofupilot import shard"),
        ("_otel.py", "from aiotofupilot import checkpoint"),
        ("clock.py", "from aiotofupilot._otel import instruments"),
        ("newcomer.py", ""),
    ],
    "Paging knows no HTTP and no bytes": [
        ("_paging/window.py", "from aiotofupilot._http import transport"),
        ("_paging/walk.py", "from aiotofupilot._wire import codec"),
        ("_paging/plan.py", "from aiotofupilot.listings import _base"),
    ],
    "A walk knows neither what is new nor how long the listing is, and what it stands on knows no walk": [
        ("_paging/walk.py", "from aiotofupilot._paging.news import seen"),
        ("_paging/window.py", "from aiotofupilot._paging import count"),
        ("_paging/news/created.py", "from aiotofupilot._paging import shards"),
        ("_paging/shards.py", "from aiotofupilot._paging import paginator"),
        ("_paging/count.py", "from aiotofupilot._paging.news import seen"),
        ("_paging/continuity/anchored.py", "from aiotofupilot._paging import walk"),
        ("_paging/continuity/memory.py", "from aiotofupilot._paging import window"),
        ("_paging/unreadable/isolation.py", "from aiotofupilot._paging.continuity import memory"),
    ],
    "HTTP knows no paging": [
        ("_http/throttle.py", "from aiotofupilot._paging import window"),
        ("_http/retry.py", "from aiotofupilot.listings import _query"),
    ],
    "The command uses public names only": [
        ("cli/server.py", "from aiotofupilot._http.proxy import resolve_proxy"),
        ("cli/formats.py", "from aiotofupilot._wire.codec import to_wire"),
        ("cli/listing.py", "from aiotofupilot._session import TofuPilotSession"),
        ("cli/app.py", "from aiotofupilot._version import __version__"),
        ("cli/filter_options.py", "from aiotofupilot import _documentation"),
        ("cli/resume.py", "import aiotofupilot._arguments"),
        ("cli/tables.py", "from aiotofupilot._paging.walk import Walk"),
        ("cli/app.py", "from aiotofupilot._documentation import internal"),
        ("cli/output.py", "from aiotofupilot._otel import instruments"),
        ("__main__.py", "from aiotofupilot import _lazy"),
    ],
    (
        "aiohttp and its family are HTTP's; the sandbox serves with them, mocks stand in for them, "
        "and settings parse addresses"
    ): [
        ("_session.py", "import aiohttp"),
        ("_wire/response.py", "from multidict import CIMultiDict"),
        ("listings/_base.py", "from yarl import URL"),
        ("cli/server.py", "import yarl"),
    ],
    "cattrs is the codec's": [
        ("_wire/times.py", "import cattrs"),
        ("models/page.py", "from cattrs import Converter"),
    ],
    "msgspec is the wire's, and the command and Arrow write JSON with it": [
        ("models/page.py", "import msgspec"),
        ("cli/listing.py", "import msgspec"),
    ],
    "tenacity is the retries'": [("_http/throttle.py", "import tenacity"), ("_session.py", "import tenacity")],
    "OpenTelemetry has one module": [
        ("_http/retry.py", "from opentelemetry import trace"),
        ("_paging/walk.py", "import opentelemetry"),
    ],
    "pyarrow is the Arrow room's, and the dlt room's, which builds on it": [
        ("_wire/codec.py", "import pyarrow"),
        ("cli/listing.py", "import pyarrow.parquet"),
    ],
    "dlt and DuckDB are the dlt room's": [("cli/mirror.py", "import duckdb"), ("arrow/streaming.py", "import dlt")],
    "cyclopts and rich are the command line's": [
        ("_session.py", "import rich"),
        ("testing/serving.py", "import cyclopts"),
        ("listings/_base.py", "import cyclopts"),
    ],
    "The sandbox knows the models and what listings take, and nothing else of the client": [
        ("sandbox/paging.py", "from aiotofupilot._wire import codec"),
        ("sandbox/wire.py", "from aiotofupilot.errors import DecodeError"),
    ],
    "The client never imports its sandbox": [("_session.py", "from aiotofupilot import sandbox")],
}


def test_each_contract_is_broken_here():
    """A contract that cannot be broken checks nothing."""
    assert sorted(BROKEN) == sorted(CONTRACTS)


def verdicts(folder):
    """Whether each contract is kept by the package in a folder."""
    linter = Path(sys.executable).parent / "lint-imports"
    run = subprocess.run(  # noqa: S603
        [linter, "--no-logo", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "300"},
    )
    lines = [line.rsplit(" ", 1) for line in run.stdout.splitlines() if line.endswith((" KEPT", " BROKEN"))]
    assert len(lines) == len(CONTRACTS), run.stdout + run.stderr
    return dict(lines)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package, whose files a test may change."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "aiotofupilot", folder / "aiotofupilot", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_every_contract_is_kept_as_it_stands(copy):
    assert set(verdicts(copy).values()) == {"KEPT"}


@pytest.mark.parametrize(
    ("contract", "path", "line"),
    [pytest.param(name, *case, id=f"{case[0]}: {case[1]}") for name, cases in BROKEN.items() for case in cases],
)
def test_an_import_that_a_contract_forbids_breaks_it(copy, contract, path, line):
    module = copy / "aiotofupilot" / path
    before = module.read_text("utf-8") if module.exists() else None
    try:
        module.write_text(f"{before or ''}\n{line}\n", "utf-8")
        assert verdicts(copy)[contract] == "BROKEN"
    finally:
        module.unlink() if before is None else module.write_text(before, "utf-8")
