"""Paths that stand for open files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiotofupilot.cli.output.descriptors import descriptor, is_standard_output


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/dev/stdout", 1),
        ("/dev/stderr", 2),
        ("/dev/fd/7", 7),
        ("/proc/self/fd/12", 12),
        ("/proc/thread-self/fd/1", 1),
        (f"/proc/{os.getpid()}/fd/1", 1),
        ("/dev/../dev/fd/../fd/3", 3),
    ],
)
def test_spellings(path, number):
    """Each spelling is understood, and so is a link to it."""
    assert descriptor(Path(path)).number == number
    assert is_standard_output(Path(path)) == (number == 1)


def test_no_path():
    """Without a path, standard output is meant."""
    assert is_standard_output(None)


def test_links(tmp_path, monkeypatch):
    """Links to it, absolute and relative, one behind the other, are followed."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.symlink_to("/dev/stdout")
    second.symlink_to("first")
    assert is_standard_output(second)
    monkeypatch.chdir(tmp_path)
    assert is_standard_output(Path("second"))


@pytest.mark.parametrize("path", ["/dev/null", "/dev/fd", "/dev/fd/x", "/", ".", "list.csv", "/none/1", "1"])
def test_other_paths(path):
    """Everything else stands for itself."""
    assert descriptor(Path(path)) is None
    assert not is_standard_output(Path(path))


def test_a_loop(tmp_path):
    """Links that lead round in circles lead to no open file."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert descriptor(loop) is None


def test_it_shares_the_position(tmp_path):
    """What is written goes behind what is there."""
    path = tmp_path / "log"
    with path.open("wb", buffering=0) as file:
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - it takes no keyword
        file.write(b"old\n")
        opened = descriptor(Path(f"/dev/fd/{file.fileno()}")).open()
        os.write(opened, b"new\n")
        os.close(opened)
        file.write(b"newer\n")
    assert path.read_bytes() == b"old\nnew\nnewer\n"


def test_another_process(tmp_path):
    """What another process has open is added to, and not emptied."""
    path = tmp_path / "log"
    path.write_bytes(b"old\n")
    program = "import sys; sys.stdin.read()"
    with (
        path.open("ab") as file,
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=file) as other,  # noqa: S603 - our own
    ):
        link = descriptor(Path(f"/proc/{other.pid}/fd/1"))
        assert link.number is None
        opened = link.open()
        os.write(opened, b"new\n")
        os.close(opened)
        other.stdin.close()
    assert path.read_bytes() == b"old\nnew\n"


def test_what_cannot_be_written(tmp_path):
    """A number is bad if it is closed, open only for reading, or was opened by this process for itself."""
    with (tmp_path / "file").open("w") as closed:
        path = Path(f"/dev/fd/{closed.fileno()}")
    with pytest.raises(OSError, match="Bad file descriptor"):
        descriptor(path).open()
    with (tmp_path / "file").open() as readable, pytest.raises(OSError, match="Bad file descriptor"):
        os.set_inheritable(readable.fileno(), True)  # noqa: FBT003 - it takes no keyword
        descriptor(Path(f"/dev/fd/{readable.fileno()}")).open()
    with (tmp_path / "file").open("w") as own, pytest.raises(OSError, match="Bad file descriptor"):
        descriptor(Path(f"/dev/fd/{own.fileno()}")).open()
