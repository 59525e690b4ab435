"""README.md and the guides tell the truth: their commands, their Python, their links and their tables.

A ``python`` block runs as it stands, with ``TOFUPILOT_API_KEY`` and ``TOFUPILOT_URL`` set to a sandbox. It may await at
the top level, and use ``session``, an open session, without making one.

A ``python program`` block is a whole file, and runs as one, where every warning is an error.

- Clients are compared by measured figures, and dlt's loses the rows of a plain loop.
"""

import ast
import asyncio
import inspect
import pty
import re
import shutil
import subprocess
import sys

import pytest
from fakes.guides import BLOCKS, COOKBOOK, FRONT, GUIDES, MAP, POLICIES, ROOT, TABLES, blocks, read, read_tables
from fakes.wire_listings import MODELS

import aiotofupilot
from aiotofupilot import (
    TofuPilotSession,
    arrow,
    blocking,
    dlt,
    doctor,
    mirror,
    models,
    sandbox as sandbox_package,
    testing,
)
from aiotofupilot.cli import run
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve

COMMANDS = [block.text.rstrip("\n") for block in blocks("sh") if block.guide == FRONT and block.text.count("\n") == 1]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
MOST_LINES, MOST_WORDS = 130, 800
"""What a front page may have, so that it is read in a minute or two."""
LASTING = re.compile("^(?:from|import) (?:logging|opentelemetry)", re.MULTILINE)
"""What a program sets up for its whole process."""


@pytest.fixture(scope="module")
def sandbox():
    with serve(Sandbox(procedures=120, runs=300)) as sandbox:
        yield sandbox


@pytest.fixture
def environment(sandbox, monkeypatch, tmp_path):
    """A sandbox that a program finds by its environment, and an empty folder to run in."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
    monkeypatch.chdir(tmp_path)
    sandbox.requests.clear()
    return sandbox


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_python_block_runs(block, environment):
    """A Python block runs as it stands and asks the sandbox for something."""
    code = compile(block.numbered, block.guide, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    session = TofuPilotSession()
    with asyncio.Runner() as runner:
        try:
            block_run = eval(code, {"__name__": "__main__", "session": session})  # noqa: S307 - the guide's own text
            if inspect.iscoroutine(block_run):
                runner.run(block_run)
        finally:
            runner.run(session.close())
    assert environment.requests


PROGRAMS = blocks("python program")


@pytest.mark.parametrize("block", [block for block in PROGRAMS if not LASTING.search(block.text)], ids=str)
def test_a_program_runs(block, environment, capfd):
    """A program runs as it is copied into a file, and asks a server for something."""
    exec(compile(block.numbered, block.guide, "exec", dont_inherit=True), {"__name__": "__main__"})  # noqa: S102 - the guide's own text
    assert "Traceback" not in capfd.readouterr().err
    assert environment.requests or "Sandbox(" in block.text


@pytest.mark.parametrize("block", [block for block in PROGRAMS if LASTING.search(block.text)], ids=str)
def test_a_program_that_sets_up_its_process_runs(block, environment, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(block.numbered, encoding="utf-8")
    command = [sys.executable, "-X", "dev", "-W", "error", program]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - the guide's own text
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr  # of a warning that nobody could be told of
    assert environment.requests


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.parametrize("block", blocks("js"))
def test_a_program_in_another_language_runs(block, environment):
    """It finds the sandbox by its environment, as a program in Python does."""
    command = ["node", "--input-type=module", "--eval", block.text]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - the guide's own text, by the node that is found
    assert told.stdout == "2 2\n"
    assert environment.requests.statuses == {200: 1}


def test_no_block_escapes_the_tests():
    """A block is of a language that a test runs, or one that nothing can run."""
    engines = {"python engine", "python dask", "python ray", "python spark"}  # see test_engines.py
    assert {block.language for block in BLOCKS} <= {
        "python",
        "python program",
        "python test",
        "sh",
        "js",
        "sql",
        "text",
        "toml",
        *engines,
        "python cell",  # see test_notebook.py
        "python service",  # see test_cookbook_service.py
        "python streaming",  # see test_cookbook_streaming.py
    }
    assert len(blocks("js")) == 1
    assert len(blocks("python")) >= 5
    assert len(blocks("python program")) >= 3


def test_every_recipe_is_a_whole_program():
    """Whoever copies it into a file can run it; a cell of a notebook is no file."""
    found = [block for block in BLOCKS if block.guide.is_relative_to(COOKBOOK) and block.language.startswith("python")]
    assert len(found) >= 8
    assert [block for block in found if block.language == "python"] == []


PACKAGE = ROOT / "aiotofupilot"
IN_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
OF_A_FAMILY = {name for name in models.__all__ if name not in {model.__name__ for model in MODELS.values()}}
"""Classes of what is in an item. A guide names two of them, and says that there are more."""
INSIDE_THE_SANDBOX = {"Factory"}
"""What it consists of."""
HELD = [
    *(aiotofupilot.Paginator, aiotofupilot.Walk, aiotofupilot.IncrementalWalk, aiotofupilot.FollowedListing),
    *(aiotofupilot.Details, aiotofupilot.DetailsWalk, aiotofupilot.IncrementalDetailsWalk),
    *(
        aiotofupilot.Page,
        aiotofupilot.PageMeta,
        aiotofupilot.WalkStats,
        aiotofupilot.TofuPilotError,
        mirror.MirrorResult,
    ),
]
"""Classes of what a listing gives to its user."""


def test_every_public_name_is_in_a_guide():
    """Nobody uses what no guide names. A family of names, such as the builders, is named by some of its members."""
    code = "\n".join(part for guide in GUIDES for part in IN_CODE.findall(read(guide)))
    names = {
        name
        for package in (aiotofupilot, arrow, blocking, dlt, doctor, mirror, sandbox_package, testing)
        for name in package.__all__
    }
    names -= OF_A_FAMILY | INSIDE_THE_SANDBOX | {name for name in testing.__all__ if name.startswith("make_")}
    attributes = {name for kind in HELD for name in dir(kind) if name[0] != "_" and not hasattr(BaseException, name)}
    assert sorted(name for name in names | attributes if not re.search(rf"\b{name}\b", code)) == []


def test_every_listing_has_its_row():
    """The table of listings has all of them."""
    (table,) = [table for table in TABLES if table[0][0] == "listing"]
    session = TofuPilotSession("key")
    listings = {name for name in dir(session) if name[0] != "_" and hasattr(getattr(session, name), "list")}
    assert {row[0].strip("`") for row in table[1:]} == listings


def test_the_commands_are_the_ones_that_ci_runs():
    """The one-line sh blocks are two, the main command and the tests', and .ci/run takes them from here."""
    program = [ROOT / ".ci" / "run", "commands"]
    extracted = subprocess.run(program, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert extracted.stdout.splitlines() == COMMANDS
    assert COMMANDS == [
        "python3 -m venv .venv && .venv/bin/pip install '.[cli]' && .venv/bin/aiotofupilot procedures -n 3 --sandbox",
        "python3 -m venv .venv && .venv/bin/pip install --no-compile -e '.[dev]' && .venv/bin/python -m pytest -n auto",
    ]


def test_the_output_is_that_of_the_command(monkeypatch):
    """The front page shows what its command prints on a terminal of 80 columns, at one moment."""
    (shown,) = [block.text.splitlines() for block in blocks("text") if block.guide == FRONT]
    arguments = [*COMMANDS[0].rpartition(".venv/bin/aiotofupilot ")[2].split(), "--until", "2026-02-04T04:05Z"]
    monkeypatch.setenv("COLUMNS", "80")
    master, tty = pty.openpty()
    with open(master, "rb", buffering=0) as terminal, open(tty, "w") as stream:  # noqa: PTH123 - descriptors
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            assert run(arguments) == 0
        printed = terminal.read(65536).decode().splitlines()
    assert len(shown) == 4
    assert printed == shown


def test_the_front_page_is_short():
    """Nobody reads a long one."""
    text = read(FRONT)
    assert text.count("\n") <= MOST_LINES
    assert len([word for word in text.split() if word.strip("|-:")]) <= MOST_WORDS  # without the lines of tables


def test_the_front_page_says_what_clients_lose_as_it_was_measured():
    """The column with the most changes, and its heading; the four loops lose the same."""
    _, kept, *_ = read_tables(ROOT / "aiotofupilot" / "guides" / "pagination.md")
    compared, *_ = read_tables(FRONT)
    last = {row[0]: row[-1] for row in kept}
    assert last.pop("created and removed per request") == "10 and 20"
    assert "with 10 created and 20 removed per request" in compared[0][0]
    (_, loops), (_, ours) = compared[1:]
    assert ours == last["**aiotofupilot**"]
    assert {figures for client, figures in last.items() if "aiotofupilot" not in client} == {loops}


NOT_OURS = {
    "429",
    "$.data[…]",
    "asyncio.run() cannot be called from a running event loop",
    "'Page' object is not iterable",
    "ClientResponse.__init__() missing 1 required keyword-only argument: 'stream_writer'",
}
"""These are of the server, of the data, of Python and of aiohttp."""
TROUBLES = read(ROOT / "aiotofupilot" / "guides" / "troubleshooting.md")
MESSAGES = re.findall(r"^(?:###|\|) `(.+?)`(?: \| .+)?$", TROUBLES, re.MULTILINE)  # those of the log are in a table


def test_each_message_of_the_troubleshooting_is_one_of_the_package():
    """What differs in a message is left out there. A literal in the source may go over several lines."""
    told = [re.sub(r'"\n\s+f?"', "", path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    lines = "\n".join(told).replace("\\'", "'")
    assert len(MESSAGES) > 20
    for message in set(MESSAGES) - NOT_OURS:
        pattern = ".+".join(map(re.escape, message.split("…")))
        assert re.search(pattern, lines), message


@pytest.mark.parametrize("guide", [*GUIDES, *POLICIES], ids=lambda guide: str(guide.relative_to(ROOT)))
def test_every_link_leads_somewhere(guide):
    """Links into the project are relative, because it has no address of its own, and lead to files and headings."""
    targets = LINK.findall(re.sub(r"^```.*?^```$", "", read(guide), flags=re.MULTILINE | re.DOTALL))
    for target in targets:
        if target.startswith("https://"):
            assert "aiotofupilot" not in target
            continue
        file = guide.parent / target.partition("#")[0] if target[0] != "#" else guide
        if anchor := target.partition("#")[2]:
            headings = re.findall(r"^#+ (.+)$", read(file), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert file.is_file(), target


def test_every_guide_is_linked_from_the_front_page_or_the_map():
    """A guide that nothing leads to is not read."""
    linked = {page.parent / target for page in (FRONT, MAP) for target in LINK.findall(read(page))}
    assert {*GUIDES[1:], *POLICIES} <= {path.resolve() for path in linked}


def test_every_guide_installs_from_a_checkout():
    """The package is on no index, where its name could be a stranger's, and only the front page says so."""
    installed = re.findall(r"pip install ([^`\n]+)", "".join(map(read, [*GUIDES, *POLICIES])))
    assert len(installed) > 8
    assert all(re.match(r"(--no-compile )?(-e )?('\.\[[a-z,]+\]'|\. )", what) for what in installed), installed
    assert [guide for guide in [*GUIDES, *POLICIES] if "package index" in read(guide)] == [FRONT]
