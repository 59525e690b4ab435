"""The command as its users have it: an environment, pipes and a terminal; and a server to ask."""

import asyncio
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from contextlib import contextmanager
from fcntl import ioctl
from itertools import count
from random import Random

import pytest
from fakes.budget import KILLS
from fakes.command import Origin

from aiotofupilot.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    """No key, address, login or terminal setting of the machine reaches a test."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("COLUMNS", "FORCE_COLOR", "TOFUPILOT_API_KEY", "TOFUPILOT_URL", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    # In development mode, asyncio logs what took long, which is the machine's affair; one test sets it.
    monkeypatch.delenv("PYTHONDEVMODE", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def sandbox(monkeypatch):
    """A sandbox in a thread of its own, which the environment leads to."""
    sandbox, loop = Sandbox(250), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(sandbox.start(), loop).result(10)
    monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
    yield sandbox
    asyncio.run_coroutine_threadsafe(sandbox.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="session")
def origin():
    """Return the process that others fork from, which has noted its coverage from its start if they are to."""
    origins = {}

    def origin():
        measured = any(name.startswith("COVERAGE_") for name in os.environ)
        return origins.get(measured) or origins.setdefault(measured, Origin())

    yield origin
    for process in origins.values():
        process.close()


@pytest.fixture
def start(origin):
    """Start the command in a process of its own. It loads the command itself where `env` says how Python starts."""
    started = []

    def start(*arguments, env=None, **options):
        arguments = [*map(str, arguments)]
        if env is None:
            process = origin().start(arguments, **options)
        else:
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            process = subprocess.Popen([sys.executable, "-m", "aiotofupilot", *arguments], env=env, **pipes | options)  # noqa: S603 - our own
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(10)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()


@pytest.fixture
def killed(start, sandbox, unmeasured):
    """Yield after each kill -9 of a command, before a response or while it is taken in. At last, it succeeds."""

    def killed(*arguments, seed, requests=(8, 20)):
        random = Random(seed)  # noqa: S311 - picks times
        for kills in count():
            fatal, process = len(sandbox.requests) + random.randint(*requests), []
            hooks = random.choice([sandbox.before_response, sandbox.after_response])

            def kill(*_, fatal=fatal, process=process):
                if process and len(sandbox.requests) >= fatal:  # the first request may come before `start` returns
                    process[0].kill()

            if kills < KILLS:
                hooks.append(kill)
            process.append(start(*arguments))
            code = process[0].wait(60)
            if code == 0:
                assert kills >= 2
                return
            hooks.remove(kill)
            assert code == -9, process[0].stderr.read()
            yield

    return killed


@pytest.fixture
def unmeasured(monkeypatch):
    """No process that the test starts notes its coverage: a file that is noted in part would be a warning."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)


class Terminal:
    """A terminal: `tty` is what a process gets, and `screen` what it has written there."""

    def __init__(self, columns):
        self._master, self.tty = pty.openpty()
        self.resize(columns)
        self._written = bytearray()
        self._arrived = threading.Condition()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # every process has closed it
                return
            with self._arrived:
                self._written += data
                self._arrived.notify_all()

    @property
    def screen(self):
        # What is read so far may end within a character.
        return bytes(self._written).decode(errors="replace").replace("\r\n", "\n")

    @property
    def lines(self):
        """The lines as they stand when all is written, of what moves the cursor up, erases a line or begins another."""
        lines, row = [""], 0
        for step in re.split(r"(\n|\r|\x1b\[1A|\x1b\[2K|\x1b\[[?\d;]*[A-Za-z])", self.screen):
            if step == "\n":
                row += 1
                lines += [""] * (row == len(lines))
            elif step == "\x1b[1A":
                row -= 1
            elif step in ("\r", "\x1b[2K"):
                lines[row] = ""  # rich returns only to write the whole line anew
            elif not step.startswith("\x1b"):
                lines[row] += step
        return lines

    def wait_for(self, text):
        self.wait_until(lambda screen: text in screen)

    def wait_until(self, is_shown):
        with self._arrived:
            assert self._arrived.wait_for(lambda: is_shown(self.screen), 20), self.screen

    def resize(self, columns):
        ioctl(self.tty, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def type(self, text):
        os.write(self._master, text.encode())

    def close(self):
        os.close(self.tty)
        self._thread.join(20)
        os.close(self._master)


@pytest.fixture
def terminal():
    """Open a terminal of so many columns for a block; what it shows is complete when the block has ended."""

    @contextmanager
    def terminal(columns=80):
        terminal = Terminal(columns)
        try:
            yield terminal
        finally:
            terminal.close()

    return terminal


@pytest.fixture
def on_terminal(terminal, monkeypatch):
    """Let this process have a terminal of so many columns for a block, as standard output, standard error or both."""

    @contextmanager
    def on_terminal(columns=80, *, streams=("stdout", "stderr")):
        with (
            terminal(columns) as shown,
            open(shown.tty, "w", closefd=False) as stream,
            monkeypatch.context() as patch,
        ):
            patch.setenv("COLUMNS", str(columns))
            for name in streams:
                patch.setattr(sys, name, stream)
            yield shown

    return on_terminal
