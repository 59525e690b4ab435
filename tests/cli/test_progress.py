"""Who sees how far a listing is, and the bar, as a terminal gets it.

- Where standard error is not a terminal, a command writes a line each minute.
"""

import asyncio
import io
import logging
import re
import sys

import pytest

from aiotofupilot.cli.progress import Progress

LIBRARY_LOG = logging.getLogger("aiotofupilot")


@pytest.fixture
def show(terminal, monkeypatch):
    """Show a bar on a terminal for as long as it is used, and return all that the terminal got."""

    def show(use, *, columns=80, total=None):
        with terminal(columns) as shown, open(shown.tty, "w", closefd=False) as stream:
            monkeypatch.setattr(sys, "stderr", stream)
            with Progress("procedures", total) as bar:
                use(bar)
        return shown.screen

    return show


def warn(bar, text):
    bar.handle(logging.LogRecord("aiotofupilot", logging.WARNING, __file__, 1, text, None, None))


@pytest.mark.parametrize(("total", "count"), [(None, "1,300 procedures"), (2000, "1,300 of 2,000 procedures")])
def test_a_bar_shows_the_count(show, total, count):
    def use(bar):
        bar.advance(1000)
        bar.advance(300)

    screen = show(use, total=total)
    assert count in screen
    assert ("65%" in screen) == (total is not None)


def text_of(screen):
    """Return what is on the terminal, without what steers it and without the line ends that a narrow one needs."""
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[[?\d;]*[A-Za-z]", " ", screen))


def test_a_warning_shows_until_more_arrives(show):
    """An attempt that failed is told below the count, and forgotten when it was made up for."""

    def use(bar):
        bar.advance(1)
        warn(bar, "attempt 1 failed [red]\x07")
        bar._bars.refresh()
        bar.advance(1)

    screen = show(use)
    assert "attempt 1 failed [red]\N{REPLACEMENT CHARACTER}" in screen
    assert "failed" not in screen.rpartition("2 procedures")[2]


LINE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ "


@pytest.fixture
def pass_a_minute(monkeypatch):
    """Let what sleeps for a minute go on."""
    passed, turn = asyncio.Queue(), asyncio.sleep

    async def sleep(seconds):
        assert seconds == 60
        await passed.get()

    async def pass_a_minute():
        passed.put_nowait(None)
        for _ in range(3):
            await turn(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return pass_a_minute


async def test_a_log_gets_a_line_each_minute(capsys, pass_a_minute):
    """Such as that of cron, or of a pipe."""
    progress = Progress("procedures", 300)
    async with progress.reporting():
        await pass_a_minute()
        progress.advance(100)
        warn(progress, "attempt 1 failed")
        await pass_a_minute()
        progress.note("users", 2)
    async with Progress().reporting():
        await pass_a_minute()
    first, second, third = capsys.readouterr().err.splitlines()
    assert re.fullmatch(rf"{LINE}0 of 300 procedures", first)
    assert re.fullmatch(rf"{LINE}100 of 300 procedures; attempt 1 failed", second)
    assert re.fullmatch(rf"{LINE}nothing received yet", third)


async def test_a_terminal_gets_no_lines(capsys, monkeypatch, pass_a_minute):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    async with Progress("procedures").reporting():
        await pass_a_minute()
    assert capsys.readouterr().err == ""


REASON = "next in 0.25 s: no connection to https://tofupilot.example: Name or service not known (os error -2)"


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_every_warning_is_whole_on_a_terminal_of_any_width(show, columns):
    """It is shown below the count, from which it takes nothing."""

    def use(bar):
        bar.advance(1000)
        for attempt in (1, 2, 3):
            warn(bar, f"attempt {attempt} failed, {REASON}")
            bar._bars.refresh()

    screen = show(use, columns=columns)
    text = text_of(screen)
    for attempt in (1, 2, 3):
        assert f"attempt {attempt} failed, {REASON}" in text
    assert "1,000 procedures"[: columns - 10] in text.partition("attempt 1 failed")[0]
    assert text_of(screen.rpartition("\x1b[2K")[2]).strip() == ""


def test_nothing_is_left(show):
    """At the end, and while a row is written, the bar's line is erased and the cursor visible."""
    erased, cursor_on, cursor_off = "\x1b[2K", "\x1b[?25h", "\x1b[?25l"

    def use(bar):
        bar.advance(1)
        with bar.aside():
            sys.stderr.write("ROW")
            sys.stderr.flush()

    before, _, after = show(use).partition("ROW")
    for part in (before, after):
        assert part.rindex(erased) > part.rindex("procedures")
        assert part.rindex(cursor_on) > part.rindex(cursor_off)


def watch(progress):
    progress.advance(3)
    with progress.aside():
        LIBRARY_LOG.warning("attempt 1 failed")


def test_nothing_shows_in_a_pipe(monkeypatch):
    """Where standard error is no terminal, it stays empty: counts, warnings of the library and all."""
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Progress("procedures", to_standard_output=True) as progress:
        watch(progress)
    assert stderr.getvalue() == ""
    assert progress not in LIBRARY_LOG.handlers


@pytest.mark.parametrize(("name", "bar"), [("xterm-256color", True), ("dumb", False)])
def test_a_terminal_shows_a_bar(terminal, monkeypatch, name, bar):
    """A terminal does, unless it cannot move its cursor."""
    monkeypatch.setenv("TERM", name)
    with terminal() as shown, open(shown.tty, "w", closefd=False) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with Progress("procedures", to_standard_output=True) as progress:
            watch(progress)
            assert progress.is_shown == bar
    assert bool(shown.screen) == bar
    assert progress not in LIBRARY_LOG.handlers


def test_a_first_failure_is_told_where_there_is_no_bar(terminal, monkeypatch):
    """It may be a mistyped address. What fails after it, or after something has arrived, is not news."""
    monkeypatch.setenv("TERM", "dumb")
    with terminal() as shown, open(shown.tty, "w", closefd=False) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with Progress("procedures", to_standard_output=True) as progress:
            LIBRARY_LOG.warning("attempt 1 failed: no such host")
            LIBRARY_LOG.warning("attempt 2 failed: no such host")
            progress.advance(1)
            LIBRARY_LOG.warning("attempt 3 failed: no such host")
    assert shown.screen == "aiotofupilot: attempt 1 failed: no such host\n"
