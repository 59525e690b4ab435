"""What a terminal is and may be shown."""

import io
import os
import sys
from pathlib import Path

import pytest

from aiotofupilot.cli.terminal import counted, is_pipe, is_terminal, say, visible


@pytest.mark.parametrize("text", ["", "Überprüfung: 山田 花子", "👩‍🔧 final test", "a\N{NO-BREAK SPACE}b"])
def test_text_is_shown_as_it_is(text):
    """Letters, signs and composed emoji of every script are kept."""
    assert visible(text) == text


@pytest.mark.parametrize(
    "text",
    ["\x1b[2J", "\x9b31m", "\x07", "\r", "\n", "\x00", "\x7f", "\N{LINE SEPARATOR}", "\N{RIGHT-TO-LEFT OVERRIDE}"],
)
def test_nothing_steers_the_terminal(text):
    """Control characters, line ends and overrides of the text's direction show that something was there."""
    assert visible(text)[0] == "\N{REPLACEMENT CHARACTER}"
    assert visible(text).isprintable()


def test_a_pipe_and_a_closed_stream_are_no_terminals(terminal):
    """Only a terminal is one."""
    assert not is_terminal(None)
    assert not is_terminal(io.StringIO())
    with terminal() as shown, open(shown.tty, "w", closefd=False) as stream:
        assert is_terminal(stream)


def test_say_writes_one_line(capsys):
    """Whatever is said takes one line of standard error."""
    say("a\nb")
    assert capsys.readouterr() == ("", "a\N{REPLACEMENT CHARACTER}b\n")


def test_say_nothing_to_a_closed_stream(monkeypatch, capsys):
    """With standard error closed, nothing is said anywhere else."""
    monkeypatch.setattr(sys, "stderr", None)
    say("a")
    assert capsys.readouterr().out == ""


def test_a_pipe_is_one():
    """A file is none, nor is a closed stream."""
    reading, writing = os.pipe()
    with open(reading), open(writing, "w") as pipe:  # noqa: PTH123 - descriptors
        assert is_pipe(pipe)
    with Path(os.devnull).open() as device:
        assert not is_pipe(device)
    assert not is_pipe(None)


def test_counted():
    """One is one, and many have a comma."""
    assert [counted(items) for items in (0, 1, 1300)] == ["0 procedures", "1 procedure", "1,300 procedures"]
