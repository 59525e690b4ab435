"""A disk that fails at any call that writing a file makes, or a process that is killed there."""

from functools import cache
from types import SimpleNamespace

import pytest
from fakes.budget import NIGHTLY
from fakes.disks import every_call

from aiotofupilot import cli
from aiotofupilot.cli import run
from aiotofupilot.sandbox.faults import status

LISTING = ["procedures", "-n", "4", "--page-size", "3"]


@pytest.fixture(autouse=True)
def _typed_once(monkeypatch):
    """The same command is parsed once, and not for each call of the disk: nothing about it changes meanwhile."""
    parsed = cache(cli.command_line().parse_args)
    once = SimpleNamespace(parse_args=lambda arguments: parsed(tuple(arguments)))
    monkeypatch.setattr(cli, "command_line", lambda: once)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("is_killed", [False, True], ids=["fails", "killed"])
@pytest.mark.parametrize(
    ("ending", "before"),
    [
        ("csv", "part"),
        ("csv", "empty"),
        ("parquet", "file"),
        *NIGHTLY * [("json", ""), ("json", "file"), ("parquet", "")],
    ],
)
def test_a_run_completes_the_file_of_another_one(sandbox, tmp_path, capfd, is_killed, ending, before):
    """The place holds the whole file, or what it held before. In the end, nothing else is there."""
    output, procedures = tmp_path / "folder" / f"list.{ending}", sandbox.procedures[:]
    command, old = [*LISTING, "-o", str(output)], b"of yesterday"
    assert run([*LISTING, "-o", str(tmp_path / output.name)]) == 0
    whole = (tmp_path / output.name).read_bytes()
    for disk in every_call(output.parent, is_killed=is_killed):
        if before == "file":
            output.write_bytes(old)
        elif before == "part":
            sandbox.faults.on(lambda request: "cursor" in request.query).next(status(418))
            assert run(command) == 4
        elif before == "empty":
            sandbox.procedures.clear()
        capfd.readouterr()
        code = None
        with disk:
            code = run([*command, *["--resume"] * (before == "part")])
        place = files(output.parent).get(output.name)
        if code == 0:
            assert place == whole or before == "empty", disk.calls
            assert disk.error or list(files(output.parent)) == [output.name], disk.calls
        elif code is not None:
            assert code == 4, disk.calls
            assert f"aiotofupilot: cannot write {output}" in capfd.readouterr().err, disk.calls
            assert place == (old if before == "file" else None), disk.calls
        sandbox.procedures[:] = procedures
        if place != whole:
            assert place in (None, old) or before == "empty", disk.calls
            capfd.readouterr()
            assert run([*command, *["--resume"] * (place is None)]) == 0, disk.calls
            assert before != "part" or "was begun at" in capfd.readouterr().err, disk.calls
        else:
            assert run(command) == 0  # which removes what may be left beside it
        assert files(output.parent) == {output.name: whole}, disk.calls
