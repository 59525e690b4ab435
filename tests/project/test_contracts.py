"""The contracts between the modules of the package can fail. Each of them is broken on purpose here."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
]

BROKEN = {
    "Imports point down; every entry of the package has its layer": [
        ("_wire/times.py", "from aiotofupilot import _session"),
        ("_http/throttle.py", "from aiotofupilot._paging import window"),
        ("models/page.py", "from aiotofupilot import errors"),
        ("listings/_base.py", "from aiotofupilot import sandbox"),
        ("errors.py", "if TYPE_CHECKING:\n    from aiotofupilot.settings import Settings"),
        ("newcomer.py", ""),
    ],
    "No modules import one another in a circle": [
        ("_http/outage.py", "from aiotofupilot._http import throttle"),
        ("_http/outage.py", "if TYPE_CHECKING:\n    from aiotofupilot._http.throttle import Throttle"),
    ],
    "Paging knows no HTTP and no bytes": [
        ("_paging/window.py", "from aiotofupilot._http import transport"),
        ("_paging/walk.py", "from aiotofupilot._wire import codec"),
        ("_paging/source.py", "from aiotofupilot.listings import _base"),
    ],
    "A walk knows neither what is new nor how long the listing is, and what it stands on knows no walk": [
        ("_paging/walk.py", "from aiotofupilot._paging import by_creation"),
        ("_paging/count.py", "from aiotofupilot._paging import incremental"),
        ("_paging/retrieval.py", "from aiotofupilot._paging import details"),
        ("_paging/source.py", "from aiotofupilot._paging import tasks"),
        ("_paging/newcomer.py", ""),
    ],
    "HTTP knows no paging": [
        ("_http/throttle.py", "from aiotofupilot._paging import window"),
        ("_http/retry.py", "from aiotofupilot.listings import _base"),
    ],
    "Listings and Arrow know no HTTP; a session puts them together": [
        ("listings/_base.py", "from aiotofupilot._http.client import Connection"),
        ("arrow/rows.py", "from aiotofupilot import TofuPilotSession"),
    ],
    "The command uses public names only, and opens its files as downloads do": [
        ("cli/options.py", "from aiotofupilot._http.proxy import resolve_proxy"),
        ("cli/formats.py", "from aiotofupilot._wire.codec import to_wire"),
        ("cli/formats.py", "from aiotofupilot._paging.walk import Walk"),
        ("__main__.py", "from aiotofupilot import _public"),
    ],
    (
        "aiohttp and its family are HTTP's and the attachments'; the sandbox serves with them, mocks stand in for "
        "them, and settings parse addresses"
    ): [
        ("_session.py", "import multidict"),
        ("_wire/response.py", "from multidict import CIMultiDict"),
        ("cli/options.py", "import yarl"),
    ],
    "cattrs is the codec's": [
        ("_wire/times.py", "import cattrs"),
        ("models/page.py", "from cattrs import Converter"),
    ],
    "msgspec is the wire's, and the command, Arrow and receipts write JSON with it": [
        ("models/page.py", "import msgspec"),
        ("cli/listing.py", "import msgspec"),
    ],
    "tenacity is the retries'": [("_http/throttle.py", "import tenacity"), ("_session.py", "import tenacity")],
    "OpenTelemetry has one module": [
        ("_http/retry.py", "from opentelemetry import trace"),
        ("_paging/walk.py", "import opentelemetry"),
    ],
    "pyarrow is Arrow's, and of the mirror and of dlt, which build on it": [
        ("_wire/codec.py", "import pyarrow"),
        ("cli/listing.py", "import pyarrow.parquet"),
    ],
    "dlt has one module": [("mirror/database.py", "import dlt"), ("arrow/streaming.py", "import dlt")],
    "DuckDB is the mirror's database": [("cli/mirror.py", "import duckdb"), ("mirror/update.py", "import duckdb")],
    "cyclopts and rich are the command line's": [
        ("_session.py", "import rich"),
        ("testing/serving.py", "import cyclopts"),
        ("listings/_base.py", "import cyclopts"),
    ],
    "xlsxwriter has one module": [("cli/formats.py", "import xlsxwriter")],
    "The sandbox knows the models, what listings take and how durations are written, and nothing else of the client": [
        ("sandbox/paging.py", "from aiotofupilot._wire import codec"),
        ("sandbox/rest.py", "from aiotofupilot.errors import DecodeError"),
    ],
    "The client never imports its sandbox": [("_session.py", "from aiotofupilot import sandbox")],
}


def test_each_contract_is_broken_here():
    """A contract that cannot be broken checks nothing."""
    assert sorted(BROKEN) == sorted(CONTRACTS)


def test_each_case_is_about_modules_that_are_there():
    """A line in a module that is no more breaks a contract by chance, if at all."""
    for name, line in chain.from_iterable(BROKEN.values()):
        assert (ROOT / "aiotofupilot" / name).is_file() or Path(name).name == "newcomer.py", name
        for package, member in re.findall(r"from (aiotofupilot[\w.]*) import (\w+)", line):
            found = import_module(package)
            assert hasattr(found, member) or find_spec(f"{package}.{member}"), line


LINT = """
import io, json, sys
from contextlib import redirect_stdout
from pathlib import Path

from importlinter.cli import lint_imports

told = []
for cases in json.load(sys.stdin):
    modules = {name: Path("aiotofupilot", name) for name, _ in cases}
    before = {module: module.read_text("utf-8") for module in modules.values() if module.exists()}
    ends = []
    for name, line in cases:
        with modules[name].open("a+", encoding="utf-8") as module:
            print(line, file=module)
            module.seek(0)
            ends.append(len(module.readlines()))
    with redirect_stdout(io.StringIO()) as out:
        lint_imports(no_logo=True, cache_dir="cache")
    told.append((ends, out.getvalue()))
    for module in modules.values():
        module.write_text(before[module], "utf-8") if module in before else module.unlink()
json.dump(told, sys.stdout)
"""
"""A program that says what import-linter says with some lines at the ends of modules, and on which lines these are."""


def lint(folder, rounds):
    """Return what import-linter says of each round of cases: the lines of the cases, the verdicts, and the reasons."""
    run = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", LINT],
        input=json.dumps([[case for _, *case in cases] for cases in rounds]),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "300"},
    )
    assert run.returncode == 0, run.stderr
    for ends, said in json.loads(run.stdout):
        verdicts = re.findall(r"^(.*) (KEPT|BROKEN)(?: \(\d+ ignored imports\))?$", said, re.MULTILINE)
        reasons = re.split(r"^(.*)\n-+\n", said, flags=re.MULTILINE)
        yield ends, dict(verdicts), dict(zip(reasons[1::2], reasons[2::2], strict=True))


def test_an_import_that_a_contract_forbids_breaks_it(tmp_path):
    """Of circles and of modules without a layer, import-linter names no line, so that these cases are tried apart."""
    shutil.copytree(ROOT / "aiotofupilot", tmp_path / "aiotofupilot", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    broken = [(contract, *case) for contract, cases in BROKEN.items() for case in cases]
    apart = [case for case in broken if "circle" in case[0] or not case[2]]
    named = [case for case in broken if case not in apart]

    (_, as_it_stands, _), *others, (ends, _, reasons) = lint(tmp_path, [[], *([case] for case in apart), named])

    assert as_it_stands == dict.fromkeys(CONTRACTS, "KEPT")
    for case, (_, verdicts, _) in zip(apart, others, strict=True):
        assert verdicts[case[0]] == "BROKEN", case
    for (contract, name, line), end in zip(named, ends, strict=True):
        module = f"aiotofupilot.{name[:-3].replace('/', '.')}"
        assert re.search(rf"{re.escape(module)} -> \S+ \([^)]*\bl\.{end}\b", reasons[contract]), (contract, name, line)
