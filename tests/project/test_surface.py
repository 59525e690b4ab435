"""`.ci/surface.py` sees what breaks programs, and nothing else."""

import re
import runpy
import shutil
import subprocess
import sys

import pytest
from fakes.guides import ROOT

CHANGES = {
    "a method is removed": ("_paging/paginator.py", "async def first(", "async def foremost(", "Paginator.first"),
    "a filter is renamed": (
        "listings/stations.py",
        "    search_query: Annotated",
        "    search: Annotated",
        "list(search_query)",
    ),
    "an option's default changes": (
        "listings/_arguments.py",
        'Default("raise")',
        'Default("skip")',
        "list(on_unreadable)",
    ),
    "a filter of several listings is gone": (
        "listings/_arguments.py",
        "    serial_numbers:",
        "    serials:",
        "Logs.list(serial_numbers)",
    ),
    "a default changes": (
        "_session.py",
        "timeout: float | None = 30.0",
        "timeout: float | None = 9.0",
        "(timeout)",
    ),
    "a name is no longer exported": ("stats.py", ', "WalkStats"]', "]", "aiotofupilot.WalkStats"),
    "a field is renamed": ("models/items.py", "created_by_user:", "creator:", "Procedure.created_by_user"),
    "a fault is renamed": ("sandbox/faults.py", "def cut(", "def cut_off(", "sandbox.faults.cut"),
    "a builder is renamed": ("testing/builders.py", "def make_run(", "def build_run(", "testing.make_run"),
}

HARMLESS = {
    "an internal constructor changes": ("_paging/walk.py", "fetch: Fetch[Any], plan", "ask: Fetch[Any], plan"),
    "a private module changes": ("_http/throttle.py", "class ", "class Other"),
    "a filter joins": (
        "listings/units.py",
        "    search_query: Annotated",
        '    team: Annotated[str | None, "A team."]\n    search_query: Annotated',
    ),
    "a docstring changes": ("_paging/paginator.py", "Return all items.", "Return every item."),
}


SMALL = {
    "__init__.py": '__all__ = ["Walk"]\n\n\nclass Walk:\n    def first(self): ...\n',
    "_version.py": '__version__ = "0.1.0"\n',
    "listings/__init__.py": "",
}
"""A package of one class."""

main = runpy.run_path(str(ROOT / ".ci" / "surface.py"))["main"]


def git(folder, *arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607 - our own


def write_small(folder):
    for name, text in SMALL.items():
        path = folder / "aiotofupilot" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def copy(folder):
    shutil.copytree(ROOT / "aiotofupilot", folder / "aiotofupilot", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "aiotofupilot" / "_version.py").write_text('__version__ = "0.1.0"\n', encoding="utf-8")


def release(repository):
    """Make a repository in which the version that is there is the last release."""
    git(repository, "init", "--quiet")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "Release")
    for tag in ("v0.0.9", "v0.0.10", "nightly"):
        git(repository, "tag", tag)
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Go on")
    return repository


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A repository in which this version is the last release."""
    repository = tmp_path_factory.mktemp("released")
    copy(repository)
    return release(repository)


@pytest.fixture
def small(tmp_path):
    """A repository in which the small package is the last release."""
    repository = tmp_path / "repository"
    write_small(repository)
    return release(repository)


@pytest.fixture
def changed(tmp_path):
    """The small package of now, which lacks a method."""
    folder = tmp_path / "changed"
    write_small(folder)
    change(folder, "__init__.py", "def first(", "def foremost(")
    return folder


def change(folder, file, old, new):
    path = folder / "aiotofupilot" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_each_change_that_breaks_programs_is_named_and_no_other(released, tmp_path, capsys):
    copy(tmp_path)
    for file, old, new, *_ in (*CHANGES.values(), *HARMLESS.values()):
        change(tmp_path, file, old, new)
    assert main(released, tmp_path) == 1
    said = capsys.readouterr().out
    assert "breaking changes since v0.0.10" in said
    changed = [named for *_, named in CHANGES.values()]
    assert [named for named in changed if named not in said] == []
    words = {re.findall(r"\w+", named)[-1] for named in changed}  # the last one is named everywhere that it changes
    assert [line for line in said.splitlines() if line[0] == "-" and not words & {*re.findall(r"\w+", line)}] == []


@pytest.mark.parametrize(("number", "code"), [("0.1.1", 1), ("0.2.0", 0), ("1.0.0", 0)])
def test_a_version_may_break_where_its_number_says_so(small, changed, capsys, number, code):
    change(changed, "_version.py", '"0.1.0"', f'"{number}"')
    assert main(small, changed) == code
    said = capsys.readouterr().out
    assert "1 breaking changes since v0.0.10" in said
    assert ("which the version allows" in said) is (code == 0)


def test_a_release_is_compared_with_the_one_before(small, changed, capsys, tmp_path):
    """Its own tag is there when the workflow checks it."""
    repository = tmp_path / "tagged"
    git(small, "clone", "--quiet", ".", repository)
    git(repository, "tag", "v0.1.0")
    assert main(repository, changed) == 1
    assert "breaking changes since v0.0.10" in capsys.readouterr().out


def test_without_a_release_nothing_can_break(tmp_path, changed):
    """The script is a program that is given two folders."""
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    command = [sys.executable, ROOT / ".ci" / "surface.py", repository, changed]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own
    assert ran.returncode == 0
    assert ran.stdout == "surface: there is no release yet, so nothing can break\n"
