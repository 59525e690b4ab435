"""The command as a process, and what reaches its output: all of it, once, and where it belongs."""

import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from attrs import evolve
from rich.cells import cell_len

from aiotofupilot.cli import run
from aiotofupilot.sandbox.faults import stall, status

# Other tests measure the same lines. A measurement would make the processes slower, and meet their full disks.
pytestmark = pytest.mark.usefixtures("unmeasured")

COMMAND = [sys.executable, "-m", "aiotofupilot"]
EVIL = "\x1b]0;title\x07 \x9b31m \x7f \N{RIGHT-TO-LEFT OVERRIDE}\N{LEFT-TO-RIGHT MARK}\N{ARABIC LETTER MARK} end"


def ids(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


def listed(sandbox):
    return [procedure.id for procedure in sandbox.procedures]


def shell(script, *arguments, **options):
    """Run the command with redirections, which a script of the shell adds to `"$@"`."""
    command = ["/bin/sh", "-c", script, "sh", *COMMAND, *map(str, arguments)]
    defaults = {"capture_output": True, "timeout": 60, "check": False, "env": os.environ}
    return subprocess.run(command, **defaults | options)  # noqa: PLW1510, S603 - our own, and a default


@contextmanager
def small_pipe(*, blocking):
    """A pipe that holds less than a page: its reader, and the descriptor of its writing end."""

    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, blocking)
    with open(reading, "rb", buffering=0) as reader:  # noqa: PTH123 - a descriptor
        yield reader, writing


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("blocking", [True, False], ids=["blocking", "not blocking"])
def test_a_pipe_that_takes_little_at_a_time(start, sandbox, unbuffered, blocking):
    """Every line arrives, however Python buffers and whether the pipe blocks or not."""
    with small_pipe(blocking=blocking) as (reader, writing):
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        process = start("procedures", "--format", "jsonl", stdout=writing, env=environment)
        os.close(writing)
        read = b""
        while data := reader.read(1000):
            read += data
    assert (process.wait(30), process.stderr.read()) == (0, b"")
    assert ids(read) == listed(sandbox)


def test_stopped_and_continued(start, sandbox):
    """A signal that interrupts a write to a full pipe costs nothing of it."""
    with small_pipe(blocking=True) as (reader, writing):
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        process = start("procedures", "--format", "jsonl", stdout=writing, env=environment)
        os.close(writing)
        read = b""
        while data := reader.read(5000):
            read += data
            process.send_signal(signal.SIGSTOP)
            process.send_signal(signal.SIGCONT)
    assert process.wait(30) == 0
    assert ids(read) == listed(sandbox)


@pytest.fixture
def full_disk():
    """Run the command where no file may be larger than so many blocks of 512 bytes."""

    def full_disk(blocks, redirection, *arguments, **options):
        return shell(f'ulimit -f {blocks}; exec "$@" {redirection}', *arguments, **options)

    return full_disk


@pytest.mark.parametrize(
    ("unbuffered", "on_drift", "to"),
    [
        ("", "ignore", "> list.jsonl"),
        ("1", "resync", "> list.jsonl"),
        ("", "resync", "--output /dev/stdout >> list.jsonl"),
        ("1", "ignore", "--output /dev/stdout >> list.jsonl"),
    ],
)
def test_a_full_disk_in_the_middle_of_a_page(sandbox, full_disk, tmp_path, unbuffered, on_drift, to):
    """The count is of the lines that are whole, and what the advice goes on with is the next of them."""
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    options = ["--format", "jsonl", "--on-drift", on_drift]
    done = full_disk(80, to, "procedures", *options, cwd=tmp_path, env=environment)
    assert done.returncode == 4
    told = re.fullmatch(
        rb"aiotofupilot: cannot write: File too large; (\d+) procedures written, go on with --cursor (\S+)\n",
        done.stderr,
    )
    *whole, torn = (tmp_path / "list.jsonl").read_bytes().split(b"\n")
    assert int(told[1]) == len(whole)
    assert len(whole) % 100
    assert torn
    rest = shell('exec "$@"', "procedures", *options, "--cursor", told[2].decode())
    assert ids(b"\n".join(whole)) + ids(rest.stdout) == listed(sandbox)


def test_a_full_disk_within_the_header(sandbox, full_disk, tmp_path):
    """Where no item is whole, none is counted, and there is no advice."""
    done = full_disk(0, "> list.csv", "procedures", "--format", "csv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (4, b"aiotofupilot: cannot write: File too large\n")


def test_interrupted_in_the_middle_of_a_page(start, sandbox):
    """Ctrl-C while a reader pauses counts what is whole of the page, to go on with the next."""
    with small_pipe(blocking=True) as (reader, writing):
        process = start("procedures", "--format", "jsonl", stdout=writing)
        os.close(writing)
        read = b""
        while read.count(b"\n") < 130:
            read += reader.read(1000)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        read += reader.readall()
    told = re.fullmatch(
        r"aiotofupilot: interrupted; (\d+) procedures written, go on with --cursor (\S+)\n",
        process.stderr.read().decode(),
    )
    whole = read.split(b"\n")[:-1]
    assert int(told[1]) == len(whole)
    rest = shell('exec "$@"', "procedures", "--format", "jsonl", "--cursor", told[2])
    assert ids(b"\n".join(whole)) + ids(rest.stdout) == listed(sandbox)


@pytest.mark.parametrize(
    ("path", "redirection"),
    [("/dev/stdout", ">>"), ("/dev/stdout", ">"), ("/dev/fd/1", ">>"), ("/proc/self/fd/1", ">"), ("link", ">>")],
)
def test_output_into_standard_output(sandbox, tmp_path, path, redirection):
    """It is a device: what the shell redirects to is written into, and never replaced."""
    (tmp_path / "link").symlink_to("/dev/stdout")
    log = tmp_path / "log"
    log.write_bytes(b"old\n")
    inode = log.stat().st_ino
    script = f'{{ echo before; "$@"; echo after; }} {redirection} log'
    done = shell(script, "procedures", "--output", path, "--format", "jsonl", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = log.read_bytes().splitlines()
    if redirection == ">>":
        assert lines.pop(0) == b"old"
    assert (lines[0], lines[-1]) == (b"before", b"after")
    assert ids(b"\n".join(lines[1:-1])) == listed(sandbox)
    assert log.stat().st_ino == inode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "log"]


@pytest.mark.parametrize(("path", "redirection"), [("/dev/stderr", "2>>"), ("/dev/fd/5", "5>>")])
def test_output_into_another_stream(sandbox, tmp_path, path, redirection):
    """So it is with every stream that the shell has opened."""
    log = tmp_path / "log"
    log.write_bytes(b"old\n")
    done = shell(f'"$@" {redirection} log', "procedures", "--output", path, "--format", "jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    first, *lines = log.read_bytes().splitlines()
    assert first == b"old"
    assert ids(b"\n".join(lines)) == listed(sandbox)


@pytest.mark.parametrize(("path", "redirection"), [("/dev/stdout", ">&-"), ("/dev/fd/5", "5>&-"), ("/dev/fd/0", "<&-")])
def test_output_into_a_closed_stream(sandbox, path, redirection):
    """It is wrong usage, and nothing is asked."""
    done = shell(f'exec "$@" {redirection}', "procedures", "--output", path)
    assert (done.returncode, done.stderr.decode()) == (2, f"aiotofupilot: cannot write {path}: Bad file descriptor\n")
    assert not sandbox.requests


def test_output_into_a_pipe_shows_no_progress(start, terminal, sandbox):
    """A reader of /dev/stdout may write to the terminal like any other reader of a pipe."""
    with terminal() as shown:
        process = start("procedures", "--output", "/dev/stdout", "--format", "jsonl", stderr=shown.tty)
        assert ids(process.communicate(timeout=30)[0]) == listed(sandbox)
    assert shown.screen == ""


def test_a_table_into_standard_output_fits_the_terminal(start, terminal):
    """By whatever name standard output goes."""
    with terminal(40) as shown:
        process = start("procedures", "--sandbox", "--output", "/dev/stdout", stdout=shown.tty, stderr=shown.tty)
        assert process.wait(30) == 0
    assert max(map(cell_len, shown.lines)) <= 40
    assert shown.lines[-2] == "250 procedures in /dev/stdout"


def test_resume_needs_a_file(sandbox):
    """An open stream cannot be gone on with."""
    done = shell('exec "$@" > /dev/null', "procedures", "--output", "/dev/stdout", "--resume")
    assert (done.returncode, done.stderr) == (
        2,
        b"aiotofupilot: --resume needs a file, and /dev/stdout is a device\n",
    )


def test_a_failed_json_file(capfd, sandbox, tmp_path):
    """Nothing of it is left, so that there is nothing to go on behind."""
    sandbox.faults.on(cursor=200).next(status(418))
    assert run(["procedures", "--output", str(tmp_path / "x.json")]) == 4
    errors = capfd.readouterr().err
    assert errors.endswith(
        "; 200 procedures written and removed again, because --resume cannot go on with a json file\n"
    )
    assert "--cursor" not in errors
    assert not list(tmp_path.iterdir())


def test_a_failed_json_on_standard_output(capfd, sandbox):
    """What is written there stays, and so does the advice."""
    sandbox.faults.on(cursor=200).next(status(418))
    assert run(["procedures", "--format", "json"]) == 4
    assert "; 200 procedures written, go on with --cursor procedures.3dnEB2f5:200@" in capfd.readouterr().err


def test_another_key(capfd, sandbox, tmp_path):
    """A file that one account's key began cannot be resumed with another's. Neither key is shown or kept."""
    output = tmp_path / "list.csv"
    sandbox.faults.on(cursor=200).next(status(418))
    assert run(["procedures", "--output", str(output)]) == 4
    kept = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    assert not any(sandbox.api_key.encode() in content for content in kept)
    capfd.readouterr()
    assert run(["procedures", "--output", str(output), "--resume", "--api-key", "s3cr3t"]) == 2
    errors = capfd.readouterr().err
    assert "list.csv.part was begun with another API key: give the same again" in errors
    assert "s3cr3t" not in errors
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == kept
    assert run(["procedures", "--output", str(output), "--resume", "--api-key", f"Bearer {sandbox.api_key}"]) == 0


def test_a_named_pipe_is_left_while_standard_output_is_closed(start, sandbox, tmp_path):
    """The command ends as content and silent as with standard output open."""
    sandbox.faults.on(cursor=100).always(stall(600))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    command = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "procedures", "--output", str(fifo)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ) as process:  # noqa: S603 - our own
        with fifo.open("rb") as reader:
            assert reader.readline().startswith(b"ID ")
        assert (process.wait(30), process.stderr.read()) == (0, b"")


def test_a_loop_of_links(capfd, tmp_path):
    """It is wrong usage."""
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    assert run(["procedures", "--sandbox", "--output", str(loop)]) == 2
    assert capfd.readouterr().err == f"aiotofupilot: cannot write {loop}: Too many levels of symbolic links\n"


@pytest.mark.parametrize("items", [2**63 - 1, 2**64, 10**30])
def test_a_large_number_of_items(start, sandbox, tmp_path, terminal, items):
    """Any number may be the most that is wanted, even where a file and a bar note it."""
    output = tmp_path / "list.jsonl"
    arguments = ["procedures", "--output", output, "--max-items", items]
    sandbox.faults.on(cursor=200).next(status(418))
    with terminal() as shown:
        assert start(*arguments, stderr=shown.tty).wait(30) == 4
    assert "200 procedures written, go on with --resume" in shown.screen.replace("\n", " ")
    process = start(*arguments, "--resume")
    assert process.wait(30) == 0
    assert process.stderr.read().startswith(f"{output} was begun at ".encode())
    assert ids(output.read_bytes()) == listed(sandbox)


def test_a_terminal_that_goes_away(start, sandbox, tmp_path):
    """The bar is a courtesy: without its terminal, the file is written all the same."""
    output = tmp_path / "list.jsonl"
    shown, tty = pty.openpty()
    sandbox.before_response.append(lambda *_: os.close(shown) if len(sandbox.requests) == 2 else None)
    process = start("procedures", "--output", output, stderr=tty, stdout=tty)
    os.close(tty)
    assert process.wait(30) == 0
    assert ids(output.read_bytes()) == listed(sandbox)


def test_standard_output_goes_away(start, sandbox):
    """If the listing goes to a terminal that goes away, the command fails and says why."""
    shown, tty = pty.openpty()
    sandbox.before_response.append(lambda *_: os.close(shown) if len(sandbox.requests) == 2 else None)
    process = start("procedures", stdout=tty)
    os.close(tty)
    assert process.wait(30) == 4
    assert process.stderr.read().startswith(b"aiotofupilot: cannot write: Input/output error; ")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["procedures", "--help"], []])
def test_help_without_room(arguments):
    """Help that cannot be written is a failure, told in a line."""
    done = shell('exec "$@" > /dev/full', *arguments)
    assert (done.returncode, done.stderr) == (4, b"aiotofupilot: cannot write: No space left on device\n")


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_help_in_a_pipe_that_takes_little_at_a_time(start, unbuffered):
    """All of it arrives."""
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    whole = start("procedures", "--help").communicate(timeout=30)[0]
    with small_pipe(blocking=False) as (reader, writing):
        os.write(writing, bytes(4000))
        process = start("procedures", "--help", stdout=writing, env=environment)
        os.close(writing)
        read = b""
        while data := reader.read(100):
            read += data
    assert (process.wait(30), process.stderr.read()) == (0, b"")
    assert read == bytes(4000) + whole


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("closed", ["2> /dev/full", "2>&-"])
def test_an_error_that_cannot_be_told(sandbox, closed, unbuffered):
    """The exit code is what it would have been."""
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered, "TOFUPILOT_API_KEY": "wrong"}
    done = shell(f'exec "$@" {closed}', "procedures", env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")


class TestNamesThatSteer:
    """What a server says that would steer a terminal."""

    @pytest.fixture(autouse=True)
    def _evil(self, sandbox):
        sandbox.procedures[:] = [evolve(procedure, name=EVIL) for procedure in sandbox.procedures[:3]]

    @pytest.mark.parametrize(
        ("form", "to"),
        [*((form, []) for form in ("table", "csv", "jsonl", "json")), ("csv", ["--output", "/dev/stdout"])],
    )
    def test_on_a_terminal(self, start, terminal, form, to):
        """None of it reaches a terminal in any format, by whatever name the terminal is called."""
        with terminal(200) as shown:
            process = start("procedures", "--format", form, *to, stdout=shown.tty)
            assert (process.wait(30), process.stderr.read()) == (0, b"")
        assert shown.screen.count("title") == 3
        assert all(line.isprintable() for line in re.split("\r?\n", shown.screen))

    @pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
    def test_in_a_pipe(self, start, form):
        """Programs get it as it is."""
        out, _ = start("procedures", "--format", form).communicate(timeout=30)
        assert out.decode().count(EVIL if form == "csv" else json.dumps(EVIL, ensure_ascii=False)[1:-1]) == 3

    def test_json_stands_for_the_same(self, start, terminal):
        """What a terminal shows of JSON is JSON, of the same value."""
        with terminal(200) as shown:
            assert start("procedures", "--format", "jsonl", stdout=shown.tty).wait(30) == 0
        assert [json.loads(line)["name"] for line in shown.screen.splitlines()] == [EVIL] * 3


def test_a_name_with_a_line_end(start, terminal, sandbox, tmp_path):
    """A file may be called anything; on the terminal, its name takes one line."""
    output = tmp_path / "a\nb\x1b[2J.csv"
    with terminal(200) as shown:
        assert start("procedures", "--output", output, stderr=shown.tty).wait(30) == 0
    assert shown.lines[-2].endswith("a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}[2J.csv")
    assert output.read_bytes().count(b"\r\n") == 251
    assert [path.name for path in tmp_path.iterdir()] == [output.name]
