"""The command as a process: what the shell, a pipe, a terminal and Ctrl-C see of it."""

import asyncio
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.cells import cell_len

from aiotofupilot.cli import process as process_module, run
from aiotofupilot.cli.failures import StoppedError
from aiotofupilot.cli.output.journal import Mark
from aiotofupilot.sandbox.faults import stall, status


@pytest.fixture
def asked(sandbox):
    """Return an event that happens when the sandbox has been asked so many times."""

    def asked(times):
        event = threading.Event()
        sandbox.before_response.append(lambda *_: event.set() if len(sandbox.requests) == times else None)
        return event

    return asked


def test_jsonl_in_a_pipe(start):
    """The sandbox's procedures are lines of JSON, with nothing beside them."""
    out, err = start("procedures", "--sandbox", "--format", "jsonl").communicate(timeout=30)
    assert len({json.loads(line)["id"] for line in out.splitlines()}) == 250
    assert err == b""


def test_table_in_a_pipe(start):
    """A header and a row each, however narrow the terminal from which it was started."""
    process = start("procedures", "--sandbox", env=os.environ | {"COLUMNS": "40"})
    out, err = process.communicate(timeout=30)
    assert len(out.splitlines()) == 251
    assert "REPOSITORY" in out.decode().splitlines()[0]
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_table_on_a_terminal(start, terminal, columns):
    """Rows fit, all are there, the bar that was shown meanwhile is gone, and the last line counts them."""
    with terminal(columns) as shown:
        process = start("procedures", "--sandbox", stdout=shown.tty, stderr=shown.tty)
        assert process.wait(30) == 0
    assert "━" in shown.screen
    *lines, after = shown.lines
    assert max(map(cell_len, lines)) <= columns
    assert sum("NAME" in line for line in lines) == 1
    assert sum("2025-" in line or "2026-" in line for line in lines) == 250
    assert lines[-1] == "250 procedures"
    assert after == ""


def test_progress_beside_a_file(start, terminal, tmp_path):
    """A bar on the terminal, which is gone in the end, and clean lines in the file."""
    output = tmp_path / "list"
    with terminal() as shown, output.open("wb") as file:
        assert start("procedures", "--sandbox", "--format", "jsonl", stdout=file, stderr=shown.tty).wait(30) == 0
    assert len([json.loads(line) for line in output.read_text().splitlines()]) == 250
    assert "procedures" in shown.screen
    assert not any(shown.lines)


def test_no_progress_beside_a_pipe(start, terminal):
    """What reads the pipe, such as jq or a pager, may write to the same terminal."""
    with terminal() as shown:
        out, _ = start("procedures", "--sandbox", "--format", "jsonl", stderr=shown.tty).communicate(timeout=30)
    assert len(out.splitlines()) == 250
    assert shown.screen == ""


def test_a_file_is_confirmed_on_a_terminal(start, terminal, tmp_path):
    """Who watches is told how much is where."""
    with terminal() as shown:
        assert start("procedures", "--sandbox", "--output", tmp_path / "x.csv", stderr=shown.tty).wait(30) == 0
    assert "━" in shown.screen
    assert shown.screen.endswith(f"250 procedures in {tmp_path / 'x.csv'}\n")


@pytest.mark.parametrize(
    ("key", "code", "line"),
    [("wrong", 3, "401 UNAUTHORIZED: Unauthorized; http://127.0.0.1:"), ("sandbox-station-key", 3, "403 FORBIDDEN: ")],
)
def test_a_refused_key(start, sandbox, key, code, line):
    """One line, no traceback, no output, the key not shown, and a code of its own."""
    process = start("procedures", "--format", "csv", env=os.environ | {"TOFUPILOT_API_KEY": key})
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, b"")
    assert err.decode().startswith(f"aiotofupilot: {line}")
    assert err.count(b"\n") == 1
    assert key not in err.decode()


def test_another_failure(start, sandbox, tmp_path):
    """What a server cannot answer ends with a line and another code; no file is left."""
    sandbox.faults.always(status(404))
    process = start("procedures", "--output", tmp_path / "list.csv")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (4, b"")
    assert err.decode().startswith("aiotofupilot: 404")
    assert not list(tmp_path.iterdir())


def test_a_deadline_that_passes_before_anything_came(start, sandbox, tmp_path):
    """One line, a code, no file; and nothing is waited for, such as the sandbox's answer in an hour."""
    sandbox.faults.always(stall(3600))
    process = start("procedures", "--deadline", "0.2", "--output", tmp_path / "list.csv")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (4, b"", b"aiotofupilot: the deadline of 0.2 s has passed\n")
    assert not list(tmp_path.iterdir())


def test_a_full_disk(start):
    """What cannot be written is a failure with a reason."""
    with Path("/dev/full").open("wb") as full:
        process = start("procedures", "--sandbox", stdout=full)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (4, b"aiotofupilot: cannot write: No space left on device\n")


def test_closed_pipe(start):
    """With a reader that has left already, or leaves after a line, the command ends at once, content and silent."""
    process = start("procedures", "--sandbox")
    assert process.stdout.readline().startswith(b"ID ")
    process.stdout.close()
    assert (process.wait(30), process.stderr.read()) == (0, b"")


def test_closed_pipe_while_the_server_is_slow(start, sandbox):
    """The reader's leaving is noticed while a page is awaited."""
    sandbox.faults.on(cursor=100).always(stall(600))
    process = start("procedures")
    assert process.stdout.readline().startswith(b"ID ")
    process.stdout.close()
    assert (process.wait(20), process.stderr.read()) == (0, b"")


def test_closed_pipe_of_help(start):
    """Help ends as quietly."""
    read, write = os.pipe()
    os.close(read)
    process = start("procedures", "--help", stdout=write)
    os.close(write)
    assert (process.wait(30), process.stderr.read()) == (0, b"")


def test_interrupt(start, sandbox, asked, tmp_path):
    """Ctrl-C while a page is awaited ends the command at once, and tells how to go on."""
    sandbox.faults.on(cursor=100).always(stall(600))
    asked_twice = asked(2)
    process = start("procedures", "--output", tmp_path / "list.csv")
    assert asked_twice.wait(30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, b"")
    assert err.startswith(b"aiotofupilot: interrupted; 100 procedures written, go on with --resume, or elsewhere ")
    assert err.count(b"\n") == 1
    assert not (tmp_path / "list.csv").exists()


def test_interrupt_before_anything_is_written(start, sandbox, asked, tmp_path):
    """One line says so, and there is no file."""
    sandbox.faults.always(stall(600))
    asked_once = asked(1)
    process = start("procedures", "--output", tmp_path / "list.csv")
    assert asked_once.wait(30)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == (b"", b"aiotofupilot: interrupted; 0 procedures written\n")
    assert process.returncode == 130
    assert not list(tmp_path.iterdir())


def test_interrupt_while_a_pipe_is_full(start, sandbox):
    """A reader that pauses, such as a pager, cannot hold Ctrl-C up. The rows that are whole are counted."""
    process = start("procedures", pipesize=4096)  # a page is larger, even with what the reader has taken
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    told = re.fullmatch(
        rb"aiotofupilot: interrupted; (\d+) procedures written, go on with --cursor procedures\.\w+:0\+(\d+)@\S+\n",
        process.stderr.read(),
    )
    assert told
    assert int(told[1]) == int(told[2]) == process.stdout.read().count(b"\n")  # after the line that was read


def test_interrupt_on_a_terminal(start, sandbox, terminal):
    """Ctrl-C at a terminal erases the bar, and leaves the cursor visible at the beginning of a line."""
    sandbox.faults.on(cursor=100).always(stall(600))
    with terminal() as shown:
        process = start("procedures", stdout=shown.tty, stderr=shown.tty, stdin=shown.tty, start_new_session=True)
        shown.wait_for("100 procedures")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert shown.screen.rindex("\x1b[?25h") > shown.screen.rindex("\x1b[?25l")
    said = "aiotofupilot: interrupted; 100 procedures written, go on with --cursor procedures.3dnEB2f5:100@"
    assert shown.lines[-2].startswith(said)
    assert shown.lines[-1] == ""


def test_termination(start, sandbox, asked, tmp_path):
    """SIGTERM ends the command as Ctrl-C does. Whoever sent it sees that it was the signal."""
    sandbox.faults.on(cursor=100).always(stall(600))
    asked_twice = asked(2)
    process = start("procedures", "--output", tmp_path / "list.csv")
    assert asked_twice.wait(30)
    process.terminate()
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (-signal.SIGTERM, b"")
    assert err.startswith(b"aiotofupilot: interrupted; 100 procedures written, go on with --resume, or elsewhere ")
    assert err.count(b"\n") == 1


def test_termination_on_a_terminal(start, sandbox, terminal):
    """The bar is erased, and the cursor is visible again."""
    sandbox.faults.on(cursor=100).always(stall(600))
    with terminal() as shown:
        process = start("procedures", stdout=shown.tty, stderr=shown.tty, stdin=shown.tty, start_new_session=True)
        shown.wait_for("100 procedures")
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM
    assert shown.screen.rindex("\x1b[?25h") > shown.screen.rindex("\x1b[?25l")
    assert shown.lines[-2].startswith("aiotofupilot: interrupted; 100 procedures written, go on with --cursor ")
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
        monkeypatch.setattr(process_module, "app_for", lambda _: SimpleNamespace(parse_args=lambda _: parsed))
        monkeypatch.setattr(os, "_exit", end)

    return working


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (KeyboardInterrupt(), ""),
        (
            StoppedError(
                asyncio.CancelledError(), Mark(items=3, checkpoint="3"), written="3 procedures", can_resume=False
            ),
            "aiotofupilot: interrupted; 3 procedures written, go on with --cursor 3\n",
        ),
    ],
    ids=["nothing written", "something written"],
)
def test_interrupt_in_this_process(working, monkeypatch, capsys, watched, reason, told):
    """The process ends with code 130 before its event loop is closed, which might wait for a thread."""

    async def interrupted():
        raise reason

    working(interrupted)
    monkeypatch.setattr(process_module, "is_terminal", lambda _: watched)
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


def test_ctrl_c_of_work_that_says_nothing(working, capsys):
    """Such as of a sandbox: the code is all there is."""

    async def endless():
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()

    working(endless)
    with pytest.raises(EndError, match="130"):
        run([])
    assert capsys.readouterr() == ("", "")


def test_a_command_that_has_ended_takes_no_signal(working):
    async def nothing():
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL

    working(nothing)
    assert run([]) == 0
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_development_mode(start):
    """Nothing that Python's development mode warns of happens: no open socket, loop or file is left behind."""
    process = start("procedures", "--sandbox", env=os.environ | {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error"})
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert [line for line in err.decode().splitlines() if not line.startswith("Executing <")] == []


@pytest.mark.parametrize(
    ("closed", "code", "told"),
    [
        (">&-", 2, (0, "aiotofupilot: standard output is closed: use --output FILE\n")),
        ("2>&-", 0, (251, "")),
        ("<&-", 0, (251, "")),
    ],
)
def test_closed_stream(closed, code, told):
    """A command that is started with a stream closed does what it can, without a traceback."""
    command = [sys.executable, "-m", "aiotofupilot", "procedures", "--sandbox"]
    done = subprocess.run(  # noqa: S603 - our own
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *command],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, (done.stdout.count("\n"), done.stderr)) == (code, told)


def widths(screen):
    """How many cells each line took that was written over, the bar's among them."""
    return [cell_len(re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", line)) for line in re.split(r"[\r\n]", screen)]


def test_a_terminal_that_shrinks_is_not_littered(start, terminal, sandbox):
    """The bar's line is as wide as the terminal is now, so that the next one erases it whole."""
    sandbox.faults.always(stall(600))
    with terminal(80) as shown:
        process = start("procedures", stdin=shown.tty, stdout=shown.tty, stderr=shown.tty)
        shown.wait_until(lambda screen: 78 in widths(screen))
        shown.resize(45)
        shown.wait_until(lambda screen: 43 in widths(screen))
        before = len(shown.screen)
        shown.wait_until(lambda screen: widths(screen[before:]).count(43) >= 5)
        assert max(widths(shown.screen[before:])) == 43
        shown.resize(100)
        shown.wait_until(lambda screen: 98 in widths(screen))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


@pytest.mark.parametrize("piped", [False, True])
def test_a_first_failure_is_told_at_once_and_whole(start, terminal, sandbox, piped):
    """A mistyped address costs several attempts. What is wrong with it is on the terminal before the second of them."""
    sandbox.faults.next(status(503, message="the database is down for an hour"), stall(600))
    with terminal(45) as shown:
        process = start("procedures", stdin=shown.tty, stdout=subprocess.PIPE if piped else shown.tty, stderr=shown.tty)
        shown.wait_for("aiotofupilot: procedures at cursor 0: attempt 1 failed after ")
        shown.wait_for("503 SERVICE_UNAVAILABLE: the database is down for an hour\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert len([line for line in shown.lines if "attempt 1 failed" in line]) == 1


def test_a_failure_after_items_have_arrived_is_no_news(start, terminal, sandbox):
    sandbox.faults.on(cursor=100).next(status(503))
    with terminal() as shown:
        process = start("procedures", stdin=shown.tty, stdout=shown.tty, stderr=shown.tty)
        assert process.wait(20) == 0
    assert not any(line.startswith("aiotofupilot:") for line in shown.lines)
    assert "250 procedures" in shown.lines
