"""`.ci/mutants.py` draws the same mutants again, and tells those that are caught from those that survive."""

import json
import runpy
import sys
from textwrap import dedent
from types import SimpleNamespace

import pytest
from fakes.guides import ROOT

SOURCE = '''
"""A docstring of 1 line."""
from typing import TYPE_CHECKING

__all__ = ["a", "b"] + ["c"]

if TYPE_CHECKING:
    from x import y; assert 1 < 2

LIMIT: Annotated[int, Bounds(1)] = 100


def larger(é: Literal[3], right=7, *, how="full") -> bool:
    """Tell 5 from 6."""
    log.info(f"{é + 8} " + how)
    if not how and é < right:
        self.seen += é - right
    for _ in é:
        continue
    return é is True


def nothing() -> None:
    return call(
        -1,
    )
'''
EXPECTED = {
    ("number", "1", "(0)"),
    ("number", "1", "(2)"),
    ("default", "100", "(99)"),
    ("default", "100", "(101)"),
    ("default", "7", "(6)"),
    ("default", "7", "(8)"),
    ("default", '"full"', "'fullX'"),
    ("deletion", 'log.info(f"{é + 8} " + how)', "pass"),
    ("and/or", "not how and é < right", "(not how or é < right)"),
    ("not", "not how", "(how)"),
    ("comparison", "é < right", "(é <= right)"),
    ("arithmetic", "self.seen += é - right", "self.seen -= é - right"),
    ("arithmetic", "é - right", "(é + right)"),
    ("loop", "continue", "break"),
    ("return", "return é is True", "return None"),
    ("comparison", "é is True", "(é is not True)"),
    ("boolean", "True", "(False)"),
}


@pytest.fixture(scope="module")
def mutants():
    return runpy.run_path(str(ROOT / ".ci" / "mutants.py"))


def test_code_is_changed_and_text_is_not(mutants):
    """So is no annotation, but the arguments of a call in it, no block for type checkers, and not ``__all__``."""
    source = SOURCE.encode()
    found = [*mutants["mutants_of"]("shard.py", source)]
    assert {(mutant.operator, mutant.before, mutant.after) for mutant in found} == EXPECTED
    for mutant in found:
        changed = mutant.apply(source)
        assert changed != source
        compile(changed, "shard.py", "exec")


def test_the_same_seed_draws_the_same_mutants(mutants, tmp_path):
    for name in ("_http.py", "session.py", "shard.py"):
        (tmp_path / name).write_text(SOURCE, encoding="utf-8")

    def draw(seed):
        return {part: list(map(str, drawn)) for part, drawn in mutants["sample"](tmp_path, seed, quota=5).items()}

    first = draw(1)
    assert first == draw(1)
    assert first != draw(2)
    assert {part: len(drawn) for part, drawn in first.items()} == {"http": 5, "values": 5}
    assert len({mutant.split()[1] for mutant in first["values"]}) == 5, "the operators take turns"


def test_the_tests_that_bear_the_name_of_a_module_come_first(mutants, tmp_path):
    for name in ("test_shard.py", "test_session.py", "paging/test_a.py", "paging/deep/test_window.py"):
        path = tmp_path / "tests" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()

    def named(file):
        return mutants["tests_of"](tmp_path / "tests", file)

    assert named("_paging/window.py") == ["tests/paging/deep/test_window.py", "tests/paging/test_a.py"]
    assert named("_session.py") == ["tests/test_session.py"]
    assert named("untested.py") == ["tests/test_session.py", "tests/test_shard.py"]


CHECKOUT = {
    "aiotofupilot/__init__.py": "",
    "aiotofupilot/shard.py": """
        def parts():
            return 2

        def unused(flag=True):
            return flag
        """,
    "pytest.ini": """
        [pytest]
        addopts = --disable-plugin-autoload
        """,  # to load the plugins takes longer than the tests
    "tests/conftest.py": """
        def pytest_addoption(parser):
            parser.addoption("--hypothesis-profile")
        """,
    "tests/test_shard.py": """
        import subprocess, sys

        from aiotofupilot import shard

        def test_parts():
            program = "from aiotofupilot.shard import parts; print(parts())"
            assert subprocess.run([sys.executable, "-c", program], capture_output=True).stdout.decode() == "2\\n"
        """,
}


@pytest.fixture
def checkout(tmp_path):
    """A small checkout, with the environment of these tests."""
    for name, text in CHECKOUT.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(dedent(text), encoding="utf-8")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def test_a_mutant_is_caught_or_survives(mutants, checkout, tmp_path, capsys):
    """A program that a test starts imports the mutant too. The checkout stays as it is."""
    output = tmp_path / "mutants.json"
    mutants["main"]([str(checkout), "--seed", "0", "--quota", "2", "--json", str(output)])

    outcomes = json.loads(output.read_text())["values"]
    caught = {outcome["mutant"]["line"]: outcome["caught_by"] for outcome in outcomes}
    assert caught == {3: "tests/test_shard.py::test_parts", 5: None}
    assert (checkout / "aiotofupilot" / "shard.py").read_text() == dedent(CHECKOUT["aiotofupilot/shard.py"])
    printed = capsys.readouterr().out.splitlines()
    assert "SURVIVED: shard.py:5 default: True -> (False)" in printed
    assert printed[-1].split() == ["all", "2", "1", "0", "1", "50%"]


def test_tests_that_fail_without_a_mutant_are_refused(mutants, tmp_path):
    copy = SimpleNamespace(folder=tmp_path, run=lambda _tests: "tests/test_shard.py::test_parts")
    with pytest.raises(SystemExit, match=r"without a mutant, tests/test_shard\.py::test_parts fails"):
        mutants["try_unchanged"](frozenset({"tests/test_shard.py"}), copy)


@pytest.mark.parametrize("unchanged", [None, "a limit"])
def test_a_limit_catches_a_mutant_unless_the_tests_reach_it_without_one(mutants, checkout, unchanged, capsys):
    copy = SimpleNamespace(folder=checkout, run=lambda _tests: unchanged, try_mutant=lambda _mutant: "a limit")
    (outcome,) = mutants["try_mutants"]([SimpleNamespace(file="shard.py")], [copy])
    assert outcome.caught_by == (None if unchanged else "a limit")
    assert ("reach a limit" in capsys.readouterr().out) is bool(unchanged)


def test_a_program_that_takes_too_long_is_ended(mutants, checkout, tmp_path_factory, monkeypatch):
    copy = mutants["Copy"](checkout, tmp_path_factory.mktemp("copy"))
    monkeypatch.setitem(copy.run.__globals__, "WALL_SECONDS", 0.01)
    assert copy.run(["tests"]) == "a limit"
