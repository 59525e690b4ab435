"""A command as a process: its event loop, Ctrl-C, a closed pipe, and its exit code."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .commands import app
from .failures import EXPECTED, ExitCode, StoppedError, explained
from .terminal import is_terminal, say

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

__all__ = ["run"]


def run(arguments: Sequence[str]) -> ExitCode:
    """Run the command that the arguments ask for, and return its exit code. Ctrl-C ends the process here and now."""
    try:
        command, bound, _ = app.parse_args(arguments)
        work = command(*bound.args, **bound.kwargs)
        if inspect.iscoroutine(work):
            with asyncio.Runner() as runner, _leaving_on_interrupt():
                runner.run(work)
    except SystemExit:
        pass  # rich's, when whoever read the help has enough
    except BrokenPipeError:
        # Whoever read has enough. What is still buffered must not be written when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except EXPECTED as error:
        code, line = explained(error)
        say(f"aiotofupilot: {line}")
        return code
    return ExitCode.DONE


@contextmanager
def _leaving_on_interrupt() -> Generator[None]:
    """End the process when Ctrl-C has ended a block.

    A thread may be stuck in a name lookup or a full pipe. Closing the event loop would wait for it, and so would
    Python's own exit.
    """
    try:
        yield
    except (KeyboardInterrupt, StoppedError) as error:
        code, line = (ExitCode.INTERRUPTED, "") if isinstance(error, KeyboardInterrupt) else explained(error)
        if code != ExitCode.INTERRUPTED:
            raise
        if is_terminal(sys.stderr):
            say("")  # behind the terminal's ^C
        if line:
            say(f"aiotofupilot: {line}")
        os._exit(code)
