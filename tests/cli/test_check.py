"""``--receipt`` writes a receipt, and ``check`` says what it proves. The check is a program of its own, too.

- The check of a receipt is a short program that needs only Python.
"""

import ast
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from aiotofupilot.cli import check as check_module, run

PROGRAM = Path(check_module.__file__)
RESYNC = ["--on-drift", "resync", "--page-size", "40"]


@pytest.fixture
def receipt(tmp_path):
    return tmp_path / "receipt.jsonl"


def checked(receipt, capfd):
    """Return what the command says about a receipt, and its exit code."""
    capfd.readouterr()
    code = run(["check", str(receipt)])
    said, errors = capfd.readouterr()
    assert errors == ""
    return said, code


def test_killed_again_and_again(killed, sandbox, tmp_path, receipt, capfd):
    """The file is whole, and its receipt is exact."""
    output = tmp_path / "list.jsonl"
    options = ["--page-size", 2, "--concurrency", 4, "--on-drift", "resync", "--receipt", receipt]
    for _ in killed("procedures", *options, "--output", output, "--resume", seed="receipt"):
        assert not output.exists()
    assert checked(receipt, capfd) == ("exact: 250 items\n", 0)
    ids = [json.loads(line)["id"] for line in output.read_text().splitlines()]
    assert ids == [procedure.id for procedure in sandbox.procedures]
    resumes = [json.loads(line) for line in receipt.read_text().splitlines() if '"line":"resume"' in line]
    assert len(resumes) >= 2


class TestAlone:
    """The check needs Python and nothing else, so that anybody can read it and run it elsewhere."""

    def test_it_is_short(self):
        assert len(PROGRAM.read_text().splitlines()) <= 135

    def test_it_imports_the_standard_library_only(self):
        imports = [node for node in ast.walk(ast.parse(PROGRAM.read_text())) if isinstance(node, ast.Import)]
        froms = [node for node in ast.walk(ast.parse(PROGRAM.read_text())) if isinstance(node, ast.ImportFrom)]
        assert not [node for node in froms if node.level]
        names = {alias.name for node in imports for alias in node.names} | {node.module for node in froms}
        assert names
        assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names

    def test_it_takes_the_file_as_its_argument(self, receipt, monkeypatch, capsys):
        receipt.touch()
        monkeypatch.setattr(sys, "argv", [str(PROGRAM), str(receipt)])
        with pytest.raises(SystemExit, match=r"^5$"):
            runpy.run_path(str(PROGRAM), run_name="__main__")
        assert capsys.readouterr().out.startswith("not proven: line 0: there is no end")

    @pytest.mark.usefixtures("sandbox")
    def test_it_says_what_the_command_says(self, receipt, capfd):
        """For Python alone, without installed packages and without this one."""
        assert run(["procedures", *RESYNC, "--receipt", str(receipt)]) == 0
        whole = receipt.read_bytes()
        for content, code in ((whole, 0), (whole[:-1], 5), (whole[1:], 6), (None, 2)):
            if content is None:
                receipt.unlink()
            else:
                receipt.write_bytes(content)
            capfd.readouterr()
            assert run(["check", str(receipt)]) == code
            ours = capfd.readouterr()
            said = subprocess.run(  # noqa: S603 - our own
                [sys.executable, "-I", "-S", PROGRAM, receipt], capture_output=True, text=True, check=False
            )
            assert (said.stdout, said.stderr, said.returncode) == (*ours, code)
