"""The command as a process: what a pipe, a signal, a closed stream and a changing terminal see of it.

- Ctrl-C and SIGTERM end a command at once; it says in one line what is wrong, what is written and how to go on, and
  its exit code says the same.
"""

import asyncio
import inspect
import json
import os
import re
import signal
import threading
from contextlib import contextmanager
from fcntl import F_SETPIPE_SZ, fcntl
from types import SimpleNamespace

import pytest
from rich.cells import cell_len

from aiotofupilot import cli
from aiotofupilot.cli import run
from aiotofupilot.cli.messages import StoppedError
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import stall


@pytest.fixture
def asked(sandbox):
    """Return an event that happens when the sandbox has been asked so many times."""

    def asked(times):
        event = threading.Event()
        sandbox.before_response.append(lambda *_: event.set() if len(sandbox.requests) == times else None)
        return event

    return asked


def test_jsonl_in_a_pipe_has_no_progress_beside_it(start, terminal):
    """The sandbox's procedures are lines of JSON. Who reads them, such as jq or a pager, may write to the terminal."""
    with terminal() as shown:
        out, _ = start("procedures", "--sandbox", "--format", "jsonl", stderr=shown.tty).communicate(timeout=30)
    assert len({json.loads(line)["id"] for line in out.splitlines()}) == 250
    assert len(out.splitlines()) == 250
    assert shown.screen == ""


@pytest.mark.parametrize("arguments", [["--sandbox"], ["--help"]])
def test_a_command_ends_quietly_when_its_reader_has_left(start, arguments):
    read, write = os.pipe()
    os.close(read)
    process = start("procedures", *arguments, stdout=write)
    os.close(write)
    assert (process.wait(30), process.stderr.read()) == (0, b"")


@contextmanager
def small_pipe(*, blocking):
    """A pipe that holds less than a page: its reader, and the descriptor of its writing end."""
    reading, writing = os.pipe()
    fcntl(writing, F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, blocking)
    with open(reading, "rb", buffering=0) as reader:  # noqa: PTH123 - a descriptor
        yield reader, writing


def ids(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


def test_a_pipe_that_takes_little_at_a_time(start):
    """Every line arrives, also where Python runs unbuffered and the pipe does not block, and if signals come meanwhile.

    A signal that stops the process interrupts a write to a full pipe. Nothing that Python's development mode warns of
    happens: no open socket, loop or file is left behind.
    """
    with small_pipe(blocking=False) as (reader, writing):
        python = {"PYTHONUNBUFFERED": "1", "PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error"}
        process = start("procedures", "--sandbox", "--format", "jsonl", stdout=writing, env=os.environ | python)
        os.close(writing)
        read = b""
        while data := reader.read(5000):
            read += data
            process.send_signal(signal.SIGSTOP)
            process.send_signal(signal.SIGCONT)
    told = process.stderr.read().decode().splitlines()
    assert (process.wait(30), [line for line in told if not line.startswith("Executing <")]) == (0, [])
    assert ids(read) == [procedure.id for procedure in Sandbox(250).procedures]


@pytest.mark.usefixtures("unmeasured")  # which would meet the same limit
def test_a_disk_that_is_full_within_a_page_counts_the_whole_pages(start, sandbox, tmp_path, capfd):
    """The line counts the pages that are whole, and what it goes on with is the next of them."""
    with (tmp_path / "list.jsonl").open("wb") as file:
        process = start("procedures", "--format", "jsonl", stdout=file.fileno(), largest_file=40960)
    _, errors = process.communicate(60)
    assert process.returncode == 4
    told = re.fullmatch(
        rb"aiotofupilot: cannot write standard output: File too large; "
        rb"(\d+) procedures written, and a part of the next page, continue with --cursor (\S+)\n",
        errors,
    )
    written = (tmp_path / "list.jsonl").read_bytes()
    whole = written.splitlines()[: int(told[1])]
    assert int(told[1]) == 100
    assert written.count(b"\n") > 100
    assert run(["procedures", "--format", "jsonl", "--cursor", told[2].decode()]) == 0
    rest = capfd.readouterr().out
    assert ids(b"\n".join(whole)) + ids(rest) == [procedure.id for procedure in sandbox.procedures]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("written", [0, 100])
def test_interrupt(start, sandbox, asked, tmp_path, number, written):
    """It ends the command at once, and a line tells how to go on. Whoever sent SIGTERM sees that it was the signal."""
    sandbox.faults.on(cursor=98 if written else None).always(stall(600))
    is_asked = asked(2 if written else 1)
    process = start("procedures", "--output", tmp_path / "list.csv")
    assert is_asked.wait(30)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130 if number == signal.SIGINT else -signal.SIGTERM, b"")
    advice = rb", continue with --resume, or elsewhere with --cursor \S+" if written else b""
    assert re.fullmatch(rb"aiotofupilot: interrupted; %d procedures written%b\n" % (written, advice), err)
    assert bool([*tmp_path.iterdir()]) == bool(written)
    assert not (tmp_path / "list.csv").exists()


def test_interrupt_while_a_pipe_is_full(start, sandbox):
    """A reader that pauses, such as a pager, cannot hold Ctrl-C up. The pages that are whole are counted."""
    with small_pipe(blocking=True) as (reader, writing):
        process = start("procedures", "--format", "jsonl", stdout=writing)
        os.close(writing)
        read = b""
        while read.count(b"\n") < 130:
            read += reader.read(1000)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        read += reader.readall()
    assert re.fullmatch(
        rb"aiotofupilot: interrupted; 100 procedures written, and a part of the next page, "
        rb"continue with --cursor procedures\.\w+:100@\S+\n",
        process.stderr.read(),
    )
    assert 130 < read.count(b"\n") < 200


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_interrupt_on_a_terminal(start, sandbox, terminal, number, code):
    """The bar is erased, and the cursor is visible at the beginning of a line."""
    sandbox.faults.on(cursor=98).always(stall(600))
    with terminal() as shown:
        process = start("procedures", stdout=shown.tty, stderr=shown.tty, stdin=shown.tty, start_new_session=True)
        shown.wait_for("100 procedures")
        process.send_signal(number)
        assert process.wait(20) == code
    assert shown.screen.rindex("\x1b[?25h") > shown.screen.rindex("\x1b[?25l")
    said = "aiotofupilot: interrupted; 100 procedures written, continue with --cursor procedures.3dnEB2f5:100@"
    assert shown.lines[-2].startswith(said)
    assert shown.lines[-1] == ""


class EndError(Exception):
    """What ends the process in its place."""


@pytest.fixture
def working(monkeypatch):
    """Let a coroutine function be what the command does, and let the process only seem to end."""

    def end(code):
        raise EndError(code)

    def working(work):
        parsed = work, inspect.signature(work).bind(), {}
        monkeypatch.setattr(
            cli, "command_line", lambda: SimpleNamespace(parse_args=lambda _: parsed, resolved_commands=dict)
        )
        monkeypatch.setattr(os, "_exit", end)

    return working


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (KeyboardInterrupt(), ""),
        (
            StoppedError(asyncio.CancelledError(), "3 procedures written"),
            "aiotofupilot: interrupted; 3 procedures written\n",
        ),
    ],
    ids=["nothing written", "something written"],
)
def test_interrupt_in_this_process(working, monkeypatch, capsys, watched, reason, told):
    """The process ends with code 130 before its event loop is closed, which might wait for a thread."""

    async def interrupted():
        raise reason

    working(interrupted)
    monkeypatch.setattr(cli, "is_terminal", lambda _: watched)
    with pytest.raises(EndError, match="130"):
        run([])
    assert capsys.readouterr() == ("", ("\n" if watched else "") + told)


def test_termination_in_this_process(working, monkeypatch):
    """The work is cancelled. The signal then ends the process; where it cannot, as in a container, the code says it."""
    signals = []

    async def endless():
        signal.raise_signal(signal.SIGTERM)
        monkeypatch.setattr(signal, "raise_signal", signals.append)
        await asyncio.Event().wait()

    working(endless)
    with pytest.raises(EndError, match="143"):
        run([])
    assert signals == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_what_does_not_end(working, first, second):
    """Of whichever kind they are, and without waiting for the event loop."""
    reached = []

    def end(*_):
        raise EndError("at once")

    async def stuck():
        signal.raise_signal(first)
        try:
            await asyncio.Event().wait()
        finally:
            reached.append("cancelled")
            signal.raise_signal(second)
            reached.append("still there")

    working(stuck)
    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(EndError, match="at once" if signal.SIGTERM in (first, second) else "130"):
            run([])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert reached == ["cancelled"]


@pytest.mark.parametrize("error", [ValueError("x"), TypeError("x"), ModuleNotFoundError("x", name="x")], ids=repr)
def test_a_fault_of_this_package_keeps_its_traceback(working, error):
    """It names no parameter that an option gave, or a module that no extra installs."""

    async def fail():
        raise error

    working(fail)
    with pytest.raises(type(error), match="x"):
        run([])


def test_a_command_that_has_ended_takes_no_signal(working):
    async def nothing():
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL

    working(nothing)
    assert run([]) == 0
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_ctrl_c_stays_ignored_where_it_is(working):
    """A shell script lets what it runs in the background ignore it."""
    ignored = []

    async def work():
        signal.raise_signal(signal.SIGINT)
        ignored.append(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)

    working(work)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run([]) == 0
    finally:
        signal.signal(signal.SIGINT, before)
    assert ignored == [True]


@pytest.mark.parametrize(
    ("closed", "code", "lines", "told"),
    [
        (["stdout"], 2, 0, b"aiotofupilot: standard output is closed: use --output FILE\n"),
        (["stdin", "stderr"], 0, 251, b""),
    ],
)
def test_a_command_works_with_a_closed_stream(start, closed, code, lines, told):
    """A command that is started with a stream closed does what it can, without a traceback."""
    process = start("procedures", "--sandbox", closed=closed)
    out, errors = process.communicate(30)
    assert (process.returncode, out.count(b"\n"), errors) == (code, lines, told)


def widths(screen):
    """How many cells each line took that was written over, the bar's among them."""
    return [cell_len(re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", line)) for line in re.split(r"[\r\n]", screen)]


def test_a_terminal_that_shrinks_is_not_littered(start, terminal, sandbox):
    """The bar's line is no wider than the terminal is now, so that the next one erases it whole."""
    sandbox.faults.always(stall(600))
    with terminal(80) as shown:
        process = start("procedures", stdin=shown.tty, stdout=shown.tty, stderr=shown.tty)
        shown.wait_until(lambda screen: max(widths(screen)) > 20)
        shown.resize(20)
        shown.wait_until(lambda screen: 10 < widths(screen)[-1] <= 20)
        before = len(shown.screen)
        shown.wait_until(lambda screen: len(widths(screen[before:])) >= 5)
        assert max(widths(shown.screen[before:])) <= 20
        shown.resize(80)
        shown.wait_until(lambda screen: widths(screen)[-1] > 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
