"""The command in processes of their own, which fork from one that has loaded it: to load it takes most of their time.

Such a process ends as any other: Python tidies up, and signals reach it. What Python does only when it starts, such as
to read its variables, it has done before. Tests of that start ``python -m aiotofupilot``.

The programs in tests/clients, which ask with the official SDK, are started in the same way, and so are those of the
tests that a blocking session is in.
"""

import gc
import json
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryFile

CLIENTS = Path(__file__).parents[1] / "clients"
LOADED = tuple(f"aiotofupilot.{name}" for name in ("_wire", "arrow", "cli", "listings", "mirror", "sandbox"))
LOADED_LATE = ("cyclopts.completion", "cyclopts.config", "cyclopts.help", "rich.console", "rich.progress", "rich.table")
"""What almost every command loads, and not before it runs."""


class Command:
    """A process, with those parts of `subprocess.Popen` that tests of the command use."""

    stdin = None

    def __init__(self, origin, arguments, *, stdin=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options):
        self.returncode = None
        self._state, state = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.stdout, out = _pipe() if stdout == subprocess.PIPE else (None, os.dup(stdout))
        self.stderr, err = _pipe() if stderr == subprocess.PIPE else (None, os.dup(stderr))
        # os.environ: readline, which pytest may have loaded, sets COLUMNS where Python does not see it.
        wanted = {"arguments": arguments, "environment": dict(os.environ), "folder": str(Path.cwd())} | options
        socket.send_fds(origin, [json.dumps(wanted).encode()], [stdin, out, err, state.fileno()])
        state.close()
        os.close(out)
        os.close(err)
        self.pid = json.loads(self._state.recv(100))

    def send_signal(self, number):
        """Send it without asking for the end first: another thread may wait for that, and the socket serves one."""
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has ended, and nobody has said so yet
                os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def poll(self):
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout):
        if self.returncode is None:
            self._state.settimeout(timeout)
            try:
                self.returncode = json.loads(self._state.recv(100))
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired("aiotofupilot", timeout) from None
            self._state.close()
        return self.returncode

    def communicate(self, timeout):
        with ThreadPoolExecutor(2) as pool:
            out, err = pool.map(lambda stream: stream and stream.read(), (self.stdout, self.stderr))
        self.wait(timeout)
        return out, err


def _pipe():
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb"), writing


class Origin:
    """The process that has loaded the command, the official SDK, or what a blocking session needs."""

    def __init__(self, loads="command", *options):
        self._socket, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = [sys.executable, *options, "-P", __file__, str(there.fileno()), loads]
        self._process = subprocess.Popen(program, pass_fds=[there.fileno()], start_new_session=True)  # noqa: S603 - our own
        there.close()
        self.start = partial(Command, self._socket)

    def close(self):
        self._socket.close()
        assert self._process.wait(20) == 0


class OfficialSDK:
    """Runs the programs in tests/clients."""

    def __init__(self):
        self._origin = Origin("sdk")
        self.close = self._origin.close

    def run(self, program, *arguments, asked=None):
        """Run one with a JSON document on stdin. Return what it wrote to stdout and stderr, and its exit code."""
        with TemporaryFile() as stdin:
            stdin.write(json.dumps(asked).encode())
            stdin.seek(0)
            command = self._origin.start([program, *arguments], stdin=stdin.fileno())
        out, err = command.communicate(60)
        command.stdout.close()
        command.stderr.close()
        return out, err.decode(), command.returncode

    def ask(self, program, *arguments, asked=None):
        """Return the JSON document that a program writes."""
        out, err, code = self.run(program, *arguments, asked=asked)
        assert "beyond this machine" not in err
        assert code == 0, err
        return json.loads(out)


class Children:
    """The processes that have been forked. Each has a socket, which is told its ID, and how it ends."""

    def __init__(self):
        self._tellers = {}
        signal.signal(signal.SIGCHLD, lambda *_: self.reap())

    def fork(self, state):
        """Fork, and return whether this is the new process."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        child = os.fork()
        if child:
            self._tellers[child] = socket.socket(fileno=state)
            self._tellers[child].send(json.dumps(child).encode())
        else:
            os.close(state)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for teller in self._tellers.values():
                teller.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return not child

    def reap(self, options=os.WNOHANG):
        """Tell how processes have ended, which also counts the time that they took."""
        with suppress(ChildProcessError):  # all have ended
            while (ended := os.waitpid(-1, options))[0]:
                with self._tellers.pop(ended[0]) as teller, suppress(BrokenPipeError):  # of a test that failed
                    teller.send(json.dumps(os.waitstatus_to_exitcode(ended[1])).encode())


def asked_for():
    """Fork for each process that is asked for. Return in it, with what it is to be; at the end, exit."""
    asked = socket.socket(fileno=int(sys.argv[1]))
    children = Children()
    while True:
        wanted, descriptors, _, _ = socket.recv_fds(asked, 1_000_000, 4)
        if not wanted:
            children.reap(0)
            os._exit(0)
        *streams, state = descriptors
        if children.fork(state):
            asked.close()
            return json.loads(wanted), streams
        for descriptor in streams:
            os.close(descriptor)


def become(streams, *, arguments, environment, folder, start_new_session=False, largest_file=None, closed=()):
    """Take over what the process is started with.

    It can write at most so many bytes into a file, as on a full disk. Of the standard streams, some are closed.
    """
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
    sys.stderr.reconfigure(line_buffering=True)
    for name in closed:
        os.close(("stdin", "stdout", "stderr").index(name))
        setattr(sys, name, None)
    if start_new_session:
        os.setsid()
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments


def load(package):
    """Load all of a package."""
    for module in walk_packages(import_module(package).__path__, f"{package}."):
        import_module(module.name)


if __name__ == "__main__":
    loads = sys.argv[2]
    if loads == "command":
        for package in LOADED:
            load(package)
        for module in LOADED_LATE:
            import_module(module)
    elif loads == "blocking":
        load("aiotofupilot._http")
        import_module("aiotofupilot.blocking")
    else:
        sys.path.insert(0, str(CLIENTS))
        import_module("official_sdk")  # it keeps the SDK on this machine
        load("tofupilot.v2")
        import_module("httpcore")  # which httpx loads with its first client
    gc.collect()
    gc.freeze()
    wanted, streams = asked_for()
    become(streams, **wanted)
    if loads == "command":
        runpy.run_module("aiotofupilot", run_name="__main__", alter_sys=True)
    elif loads == "blocking":
        exec(sys.argv.pop(1))  # noqa: S102 - a program of a test, as `python -c` runs it
    else:
        program = sys.argv.pop(1)
        runpy.run_path(str(CLIENTS / program), run_name="__main__")
