"""`.ci/surface.py` sees what breaks programs, and nothing else."""

import shutil
import subprocess
import sys

import pytest
from fakes.guides import ROOT

CHANGES = {
    "a method is removed": ("_paging/paginator.py", "async def first(", "async def foremost(", "Paginator.first"),
    "a filter is renamed": (
        "listings/procedures.py",
        "    search_query: Annotated",
        "    search: Annotated",
        "list(search_query)",
    ),
    "an option's default changes": ("listings/_shared.py", 'Default("ignore")', 'Default("raise")', "list(on_drift)"),
    "a filter of several listings is gone": (
        "listings/_shared.py",
        "    serial_numbers:",
        "    serials:",
        "Logs.list(serial_numbers)",
    ),
    "a default changes": ("_session.py", "timeout: float | None = 30.0", "timeout: float | None = 9.0", "(timeout)"),
    "a name is no longer exported": ("__init__.py", '    "WalkStats",\n', "", "aiotofupilot.WalkStats"),
    "a field is renamed": ("models/items.py", "created_by_user:", "creator:", "Procedure.created_by_user"),
    "a fault is renamed": ("sandbox/faults.py", "def cut(", "def cut_off(", "sandbox.faults.cut"),
    "a builder is renamed": ("testing/builders.py", "def make_run(", "def build_run(", "testing.make_run"),
}

HARMLESS = {
    "an internal constructor changes": ("_paging/walk.py", "def __init__(self, fetch:", "def __init__(self, ask:"),
    "a private module changes": ("_http/throttle.py", "class ", "class Other"),
    "a filter joins": (
        "listings/procedures.py",
        "    search_query: Annotated",
        '    team: Annotated[str | None, "A team."]\n    search_query: Annotated',
    ),
    "a docstring changes": ("_paging/paginator.py", "Return all items.", "Return every item."),
}


def git(folder, *arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607 - our own


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A repository in which this version is the last release."""
    repository = tmp_path_factory.mktemp("released")
    copy(repository)
    git(repository, "init", "--quiet")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "Release")
    for tag in ("v0.0.9", "v0.0.10", "nightly"):
        git(repository, "tag", tag)
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Go on")
    return repository


def copy(folder):
    shutil.copytree(ROOT / "aiotofupilot", folder / "aiotofupilot", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "aiotofupilot" / "_version.py").write_text('__version__ = "0.1.0"\n', encoding="utf-8")


@pytest.fixture
def version(tmp_path):
    """The version of now, to be changed."""
    copy(tmp_path)
    return tmp_path


def change(folder, file, old, new):
    path = folder / "aiotofupilot" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def compare(repository, folder):
    command = [sys.executable, ROOT / ".ci" / "surface.py", repository, folder]
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own


@pytest.fixture(scope="module")
def broken(released, tmp_path_factory):
    """What is said of a version with all of the changes that break programs."""
    folder = tmp_path_factory.mktemp("broken")
    copy(folder)
    for file, old, new, _ in CHANGES.values():
        change(folder, file, old, new)
    return compare(released, folder)


@pytest.mark.parametrize("named", [named for *_, named in CHANGES.values()], ids=CHANGES)
def test_a_change_that_breaks_programs_is_named(broken, named):
    assert broken.returncode == 1, broken.stderr
    assert named in broken.stdout
    assert "breaking changes since v0.0.10" in broken.stdout


def test_other_changes_are_free(released, version):
    for file, old, new in HARMLESS.values():
        change(version, file, old, new)
    ran = compare(released, version)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 breaking changes since v0.0.10" in ran.stdout


@pytest.mark.parametrize(("number", "code"), [("0.1.1", 1), ("0.2.0", 0), ("1.0.0", 0)])
def test_a_version_may_break_where_its_number_says_so(released, version, number, code):
    change(version, *CHANGES["a method is removed"][:3])
    change(version, "_version.py", '"0.1.0"', f'"{number}"')
    ran = compare(released, version)
    assert ran.returncode == code
    assert ("which the version allows" in ran.stdout) is (code == 0)


def test_a_release_is_compared_with_the_one_before(released, version, tmp_path_factory):
    """Its own tag is there when the workflow checks it."""
    repository = tmp_path_factory.mktemp("tagged") / "repository"
    git(released, "clone", "--quiet", ".", repository)
    git(repository, "tag", "v0.1.0")
    change(version, *CHANGES["a method is removed"][:3])
    ran = compare(repository, version)
    assert ran.returncode == 1
    assert "breaking changes since v0.0.10" in ran.stdout


def test_without_a_release_nothing_can_break(tmp_path, version):
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    ran = compare(repository, version)
    assert ran.returncode == 0
    assert ran.stdout == "surface: there is no release yet, so nothing can break\n"
