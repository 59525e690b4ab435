"""What a terminal is and may be shown."""

import io
import os
import select
from pathlib import Path

import pytest

from aiotofupilot.cli.messages import UnbufferedStream, is_terminal, put, say, visible


@pytest.mark.parametrize("text", ["", "Überprüfung: 山田 花子", "👩‍🔧 final test", "a\N{NO-BREAK SPACE}b"])
def test_text_is_shown_as_it_is(text):
    """Letters, signs and composed emoji of every script are kept."""
    assert visible(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J",
        "\x9b31m",
        "\x07",
        "\r",
        "\n",
        "\x00",
        "\x7f",
        "\N{LINE SEPARATOR}",
        "\N{RIGHT-TO-LEFT OVERRIDE}",
        "\N{LEFT-TO-RIGHT MARK}",
        "\N{RIGHT-TO-LEFT MARK}",
        "\N{ARABIC LETTER MARK}",
        "\N{POP DIRECTIONAL ISOLATE}",
        "\N{ACTIVATE SYMMETRIC SWAPPING}",
        "\N{INTERLINEAR ANNOTATION SEPARATOR}",
    ],
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


def test_what_is_put_is_whole(tmp_path):
    """It goes behind what was printed before, and what an encoding does not have is spelled out."""
    with (tmp_path / "file").open("w", encoding="ascii") as file:
        file.write("before ")
        put(file, "\N{LATIN SMALL LETTER U WITH DIAERESIS}\n")
        assert (tmp_path / "file").read_text() == "before \\xfc\n"
    put(None, "nobody")


def test_a_stream_that_would_block_is_waited_for(monkeypatch):
    """Nothing is lost while the reader of a pipe pauses."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    read = []
    monkeypatch.setattr(select, "select", lambda *_: read.append(os.read(reading, 1_000_000)))
    with open(reading, "rb", buffering=0) as reader:  # noqa: PTH123 - a descriptor
        with open(writing, "w") as pipe:  # noqa: PTH123 - likewise
            put(pipe, "x" * 1_000_000)
        read.append(reader.readall())
    assert len(read) > 2
    assert b"".join(read) == b"x" * 1_000_000


def test_a_whole_stream_is_the_stream(terminal):
    """It has the encoding, the descriptor and the isatty() of the stream."""
    with terminal() as shown, open(shown.tty, "w", closefd=False) as stream:
        whole = UnbufferedStream(stream)
        assert (whole.fileno(), whole.encoding, whole.isatty()) == (shown.tty, stream.encoding, True)
        assert whole.write("a\n") == 2
    assert shown.screen == "a\n"


def test_a_best_effort_ends_with_its_stream():
    """After the first failed write, text for the terminal is dropped. `UnbufferedStream` raises the error."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        stream = io.TextIOWrapper(full, write_through=True)
        best_effort = UnbufferedStream(stream, OSError)
        assert [best_effort.write("abc"), best_effort.write("de")] == [3, 2]
        with pytest.raises(OSError, match="No space left"):
            UnbufferedStream(stream).write("abc")
        stream.detach()
