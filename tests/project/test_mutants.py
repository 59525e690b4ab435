"""`.ci/mutants.py` tells the mutants that are caught from those that survive."""

import json
import runpy
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from fakes.guides import ROOT

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
def mutants():
    return runpy.run_path(str(ROOT / ".ci" / "mutants.py"))


@pytest.fixture
def checkout(tmp_path):
    """A small checkout, with the environment of these tests."""
    for name, text in CHECKOUT.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(dedent(text), encoding="utf-8")
    commands = tmp_path / ".venv" / "bin"
    (commands / "__pycache__").mkdir(parents=True)  # as pip leaves it where it compiles a script
    for name in ("lib", "pyvenv.cfg"):
        (tmp_path / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    for command in filter(Path.is_file, Path(sys.executable).parent.iterdir()):
        (commands / command.name).symlink_to(command)
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
