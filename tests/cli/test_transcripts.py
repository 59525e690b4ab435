"""Sessions at a shell: each file in ``transcripts`` is what a user types, and what comes.

A line that begins with ``$`` is typed into a shell, in an empty folder, where the environment leads to a sandbox. What
follows is all that is written: standard output, and then standard error with the exit code in brackets before each
line. A code other than 0 is shown in any case. The command runs in this process. ``on-terminal 60`` before it gives it
a terminal of 60 columns, and shows what stands there in the end. A pipe behind it leads to a shell. A line that begins
with ``>>>`` is Python, for the sandbox, and one that begins with ``#`` says what comes.

``REWRITE_TRANSCRIPTS=1 pytest tests/cli/test_transcripts.py`` writes the files anew. Read the differences then.

- `get` and notebooks show an item in lines that cannot steer a terminal and show no secret.
"""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from attrs import evolve
from fakes import faults

from aiotofupilot import __version__
from aiotofupilot.cli import run

UNSTEADY = {
    re.escape(__version__): "VERSION",
    r"(?<=127\.0\.0\.1:)\d+": "PORT",
    r"(?<=attempts in )[\d.]+(?= s)": "N",
    r"(?<=begun at )[\d: -]+Z": "TIME",
    r", attempt \d+": "",
    r"Expires=\d+&Signature=\w+": "SIGNED",
    r"\r": r"\\r",
    r"(?m) +$": "",
}
"""What differs from run to run, and what a text file does not keep."""


class Session:
    """Somebody at a shell."""

    def __init__(self, sandbox, capfd, on_terminal, monkeypatch):
        self._sandbox, self._capfd, self._on_terminal, self._monkeypatch = sandbox, capfd, on_terminal, monkeypatch
        self._names = vars(faults) | {"sandbox": sandbox, "requests": self.requests, "evolve": evolve}

    def requests(self, is_shown=lambda _: True):
        """Print the requests since the last time."""
        for request in filter(is_shown, list(self._sandbox.requests)):
            print(request)  # noqa: T201 - it is what comes
        self._sandbox.requests.clear()

    def command(self, line):
        """Run the command, and return what the last process wrote, and its exit code."""
        own, _, shell = line.partition(" | ")
        words = shlex.split(os.path.expandvars(own))
        with self._monkeypatch.context() as patch:
            while "=" in words[0]:
                patch.setenv(*words.pop(0).split("=", 1))
            if words[0] == "on-terminal":
                with self._on_terminal(int(words[1])) as shown:
                    code = run(words[3:])
                return self.shell(shell or "cat", "\n".join(shown.lines).rstrip("\n"))[0], "", code
            code = run(words[1:])
        out, err = self._capfd.readouterr()
        return (self.shell(shell, out)[0], err, code) if shell else (out, err, code)

    def shell(self, line, stdin=""):
        """Let a shell do something, and return the same."""
        pipes = {"input": stdin.encode(), "capture_output": True}
        done = subprocess.run(["/bin/sh", "-c", line], **pipes, check=False)  # noqa: S603 - our own
        return done.stdout.decode(), done.stderr.decode(), done.returncode

    def said(self, line):
        """Return what follows a line."""
        prompt, _, typed = line.partition(" ")
        out, err, code = "", "", 0
        if prompt == ">>>":
            exec(compile(f"{typed}\n", "transcript", "single"), self._names)  # noqa: S102 - our own
            out, err = self._capfd.readouterr()
        elif prompt == "$":
            is_own = re.match(r"(\w+=\S* )*(on-terminal \d+ )?aiotofupilot ", f"{typed} ")
            out, err, code = self.command(typed) if is_own else self.shell(typed)
        errors = [f"[{code}] {line}" for line in err.removesuffix("\n").split("\n")] if err or code else []
        text = "".join(f"{line}\n" for line in [*(out and out.removesuffix("\n").split("\n")), *errors])
        for unsteady, shown in UNSTEADY.items():
            text = re.sub(unsteady, shown, text)
        return text.replace(f"{Path.cwd()}", "FOLDER")


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("transcripts/*.txt")), ids=lambda path: path.stem)
def test_a_session(path, sandbox, capfd, on_terminal, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C")  # so the shell sorts by bytes
    monkeypatch.setattr("aiotofupilot._clock.Clock.uniform", lambda *_: 0.0)  # nothing waits before it tries again
    session = Session(sandbox, capfd, on_terminal, monkeypatch)
    text = path.read_text("utf-8")
    typed = re.findall(r"^(?:\$|>>>|#) .*\n", text, re.MULTILINE)
    now = re.sub(r"\n(?=# )", "\n\n", "".join(line + session.said(line[:-1]) for line in typed))
    if "REWRITE_TRANSCRIPTS" in os.environ:
        path.write_text(now, "utf-8")
    assert now == text
