"""A command as a process: its event loop, Ctrl-C, SIGTERM, a closed pipe, and its exit code."""

from __future__ import annotations

import inspect
import os
import signal
import sys
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from typing import TYPE_CHECKING, TextIO, cast

from .app import app_for
from .failures import EXPECTED, DeadlineError, ExitCode, MirrorStoppedError, StoppedError, explained
from .output.terminal import Whole, is_terminal, say
from .termination import Termination

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

__all__ = ["run"]


def run(arguments: Sequence[str]) -> ExitCode:
    """Run the command that the arguments ask for, and return its exit code.

    Ctrl-C, SIGTERM and a deadline end the process here and now.
    """
    # All that is written goes past the buffers of the standard streams, so that nothing is left in them in the end.
    try:
        with nullcontext() if sys.stdout is None else redirect_stdout(cast("TextIO", Whole(sys.stdout))):  # for help
            command, bound, _ = app_for(arguments).parse_args(arguments)
            work = command(*bound.args, **bound.kwargs)
        if inspect.iscoroutine(work):
            import asyncio  # noqa: PLC0415 - help and a wrong option need not wait for it

            termination = Termination()
            with asyncio.Runner() as runner, _leaving_at_once(termination):
                runner.run(termination.ending(work))
    except SystemExit:
        pass  # from rich, when the reader of the help has enough
    except BrokenPipeError:
        pass  # the reader has enough
    except EXPECTED as error:
        code, line = explained(error)
        _tell(f"aiotofupilot: {line}")
        return code
    return ExitCode.DONE


def _tell(line: str) -> None:
    """Say why the command ends. If standard error takes nothing more, the exit code is all that is left to tell it."""
    with suppress(OSError):
        say(line)


@contextmanager
def _leaving_at_once(termination: Termination) -> Generator[None]:
    """End the process when Ctrl-C, SIGTERM or the deadline has ended a block.

    A thread may be stuck in a name lookup or a full pipe. Closing the event loop would wait for it, and so would
    Python's own exit.
    """
    try:
        yield
    except (KeyboardInterrupt, StoppedError, MirrorStoppedError, DeadlineError) as error:
        code, line = (ExitCode.INTERRUPTED, "") if isinstance(error, KeyboardInterrupt) else explained(error)
        reason = error.reason if isinstance(error, StoppedError | MirrorStoppedError) else error
        if code != ExitCode.INTERRUPTED and not isinstance(reason, DeadlineError):
            raise
        if code == ExitCode.INTERRUPTED and termination.has_come:
            code = ExitCode.TERMINATED
        if code == ExitCode.INTERRUPTED and is_terminal(sys.stderr):
            _tell("")  # after the terminal's ^C
        if line:
            _tell(f"aiotofupilot: {line}")
        if code == ExitCode.TERMINATED:
            signal.raise_signal(signal.SIGTERM)  # so the sender sees that the signal ended the process
        os._exit(code)  # and in a container's first process, which the signal alone does not end
