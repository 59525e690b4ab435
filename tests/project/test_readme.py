"""README.md tells the truth: its commands, its Python and its tables of parameters.

A ``python`` block runs as it stands, with ``TOFUPILOT_API_KEY`` and ``TOFUPILOT_URL`` set to a sandbox. It may await at
the top level, and use ``session``, an open session, without making one. If it makes an ``app``, a FastAPI service, that
is started, and each of its own GET routes has to answer 200.

A table whose first heading is a callable in backticks, such as ``| `RetryPolicy` | default | meaning |``, lists exactly
that callable's parameters, in order, with their defaults as Python writes them; ``required`` where there is none.
"""

import ast
import asyncio
import inspect
import re
import subprocess
import threading
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import httpx
import pytest
from fastapi.routing import APIRoute

import aiotofupilot
from aiotofupilot import TofuPilotSession
from aiotofupilot.sandbox import Sandbox

ROOT = Path(__file__).parents[2]


class Block(NamedTuple):
    """A fenced block of README.md."""

    language: str
    heading: str
    line: int
    """Line of README.md on which its content begins, from 1."""
    text: str

    def __str__(self):
        return f"{self.heading}:{self.line}"


def read_blocks(markdown):
    """Yield the fenced blocks of a Markdown text."""
    heading, language, first, lines = "", None, 0, []
    for number, line in enumerate(markdown.splitlines(), 1):
        if language is not None and line == "```":
            yield Block(language, heading, first, "\n".join(lines) + "\n")
            language = None
        elif language is not None:
            lines.append(line)
        elif line.startswith("```"):
            language, first, lines = line[3:].strip(), number + 1, []
        elif line.startswith("#"):
            heading = line.lstrip("# ")


def read_tables(markdown):
    """Yield the tables of a Markdown text as lists of rows, the heading first; cells without their backticks."""
    for table in re.findall(r"(?:^\|.*\|\n)+", markdown, re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", line.strip("|\n")) for line in table.splitlines()]
        yield [[cell.strip() for cell in row] for row in rows if not set("".join(row)) <= set("-: ")]


README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = list(read_blocks(README))
COMMANDS = [block.text.rstrip("\n") for block in BLOCKS if block.language == "sh" and block.text.count("\n") == 1]
SIGNATURES = [table for table in read_tables(README) if re.fullmatch(r"`[\w.]+`", table[0][0])]


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox in a thread of its own, so that a block may run an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    sandbox = Sandbox(procedures=250)
    asyncio.run_coroutine_threadsafe(sandbox.start(), loop).result()
    yield sandbox
    asyncio.run_coroutine_threadsafe(sandbox.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "python"], ids=str)
def test_a_python_block_runs(block, sandbox, monkeypatch, tmp_path):
    """A Python block of the README runs as it stands and asks the sandbox for procedures."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
    monkeypatch.chdir(tmp_path)
    sandbox.requests.clear()
    source = "\n" * (block.line - 1) + block.text  # a traceback shows the README's own line numbers
    code = compile(source, ROOT / "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    session = TofuPilotSession()
    names = {"__name__": "__main__", "session": session}
    with asyncio.Runner() as runner:
        try:
            block_run = eval(code, names)  # noqa: S307 - the README's own text
            if inspect.iscoroutine(block_run):
                runner.run(block_run)
            if "app" in names:
                runner.run(serve(names["app"]))
        finally:
            runner.run(session.close())
    assert sandbox.requests


async def serve(app):
    """Start a service and ask it for each of its own pages."""
    pages = [route.path for route in app.routes if isinstance(route, APIRoute) and "GET" in route.methods]
    assert pages
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app") as client,
    ):
        for page in pages:
            answer = await client.get(page)
            assert answer.status_code == 200, answer.text
            assert answer.json()


@pytest.mark.parametrize("table", SIGNATURES, ids=lambda table: table[0][0].strip("`"))
def test_a_table_of_parameters_is_the_signature(table):
    """A table headed by a callable lists its parameters in order, with their defaults."""
    names = {name: getattr(aiotofupilot, name) for name in aiotofupilot.__all__}
    surface = SimpleNamespace(**names, session=TofuPilotSession("key"))
    signature = inspect.signature(attrgetter(table[0][0].strip("`"))(surface))
    written = {row[0].strip("`"): row[1].strip("`") for row in table[1:]}
    assert list(written) == list(signature.parameters)
    for name, parameter in signature.parameters.items():
        if parameter.default is parameter.empty:
            assert written[name] == "required"
        else:
            assert eval(written[name], vars(surface)) == parameter.default  # noqa: S307 - the README's own text


def test_the_options_have_their_tables():
    """The two calls that every user makes have a table of their parameters."""
    assert {"`TofuPilotSession`", "`session.procedures.list`"} <= {table[0][0] for table in SIGNATURES}


def test_the_commands_are_the_ones_that_ci_runs():
    """The one-line sh blocks are two, the main command and the tests', and .ci/run takes them from here."""
    program = [ROOT / ".ci" / "run", "commands"]
    extracted = subprocess.run(program, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert extracted.stdout.splitlines() == COMMANDS
    assert COMMANDS == [
        "python3 -m venv .venv && .venv/bin/pip install '.[cli]' && .venv/bin/aiotofupilot procedures --sandbox",
        "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest",
    ]


def test_the_tests_that_are_named_exist():
    """Each promise names the test that holds it; ``::test_...`` alone is of the file named before."""
    named = re.findall(r"`(tests/[\w/.]+)?(?:::([\w:]+))?`", README)
    path, promises = None, 0
    for file, name in named:
        path = ROOT / file if file else path
        if file or name:
            defined = re.findall(r"(?:def|class) (\w+)", path.read_text(encoding="utf-8"))
            assert not name or set(name.split("::")) <= set(defined), name
            promises += 1
    assert promises > 20
