"""How far a listing is, on standard error and only for someone who watches."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .progress import Progress
from .terminal import is_pipe, is_terminal

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["progress_shown"]


@contextmanager
def progress_shown(name: str, *, to_standard_output: bool, total: int | None, begun: int = 0) -> Generator[Progress]:
    """Show progress during a block, if standard error is a terminal, and nobody else can be expected to write there.

    Args:
        name: What the items are called.
        to_standard_output: Whether the listing goes there. If that is a pipe, its reader may write to the terminal.
        total: At most this many items will arrive; None: nobody knows.
        begun: How many of them are there already.
    """
    library_log = logging.getLogger("aiotofupilot")
    # rich would take FORCE_COLOR, which continuous integration likes to set, for a terminal.
    is_seen = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
    if is_seen and not (to_standard_output and is_pipe(sys.stdout)):
        from .bar import Bar  # noqa: PLC0415 - a tenth of a second that nobody pays for in a pipe

        progress: Progress = Bar(name, total, begun)
    else:
        progress = Progress()
    library_log.addHandler(progress)
    try:
        with progress.shown():
            yield progress
    finally:
        library_log.removeHandler(progress)
