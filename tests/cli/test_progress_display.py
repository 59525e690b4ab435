"""Who sees how far a listing is."""

import io
import logging
import sys

import pytest

from aiotofupilot.cli.output.bar import Bar
from aiotofupilot.cli.output.progress_display import progress_shown

LIBRARY_LOG = logging.getLogger("aiotofupilot")


def use(progress):
    progress.advance(3)
    with progress.aside():
        LIBRARY_LOG.warning("attempt 1 failed")


def test_nothing_shows_in_a_pipe(monkeypatch):
    """Where standard error is no terminal, it stays empty: counts, warnings of the library and all."""
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_shown("procedures", to_standard_output=True, total=None) as progress:
        use(progress)
    assert stderr.getvalue() == ""
    assert progress not in LIBRARY_LOG.handlers


@pytest.mark.parametrize(("name", "bar"), [("xterm-256color", True), ("dumb", False)])
def test_a_terminal_shows_a_bar(terminal, monkeypatch, name, bar):
    """A terminal does, unless it cannot move its cursor."""
    monkeypatch.setenv("TERM", name)
    with terminal() as shown, open(shown.tty, "w", closefd=False) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with progress_shown("procedures", to_standard_output=True, total=None) as progress:
            use(progress)
            assert isinstance(progress, Bar) == bar
    assert bool(shown.screen) == bar
    assert progress not in LIBRARY_LOG.handlers


def test_a_first_failure_is_told_where_there_is_no_bar(terminal, monkeypatch):
    """It may be a mistyped address. What fails after it is no news."""
    monkeypatch.setenv("TERM", "dumb")
    with terminal() as shown, open(shown.tty, "w", closefd=False) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with progress_shown("procedures", to_standard_output=True, total=None):
            LIBRARY_LOG.warning("attempt 1 failed: no such host")
            LIBRARY_LOG.warning("attempt 2 failed: no such host")
    assert "aiotofupilot: attempt 1 failed: no such host" in shown.screen
    assert "attempt 2" not in shown.screen
