"""The command line as a whole, and a command as a process: its event loop, Ctrl-C, SIGTERM and its exit code."""

from __future__ import annotations

import inspect
import os
import signal
import sys
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO, cast

from cyclopts import App, Parameter

from aiotofupilot import __version__
from aiotofupilot.listings import NAMES

from .failures import EXPECTED, DeadlineError, ExitCode, StoppedError, explained
from .get import get, whoami
from .sandbox import sandbox
from .terminal import Whole, is_terminal, say

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from rich.console import Console

_EXIT_CODES = (
    "Exit codes: 0 done, 2 wrong usage, 3 key refused (401, 403), 4 other failure of server, network or disk, "
    "130 interrupted, 143 ended by SIGTERM."
)

_USAGE = {
    "download": "Usage: aiotofupilot download [OPTIONS] FOLDER [LISTING]",
    "mirror": "Usage: aiotofupilot mirror [OPTIONS] DATABASE [LISTING...]",
}
"""cyclopts would call the listings ``ARGS``."""

_NO_CONSOLE = cast("Console", object())
"""Nothing is printed on the console for errors, because they are raised. Without this one, cyclopts would load rich."""

_ALL = ("", "--help", "-h", "--install-completion")
"""What needs every command: the help of the whole command, and a shell that learns to complete the options."""


def app_for(arguments: Sequence[str]) -> App:
    """Return the command line, ready for some arguments.

    It takes some time to load a listing and to read its options. So only the listing that is asked for is loaded, and
    all of them for `_ALL`. The completion is offered only where no listing is asked for.
    """
    app = App(
        name="aiotofupilot",
        help="Stream TofuPilot's listings to the terminal, a pipe or a file.",
        help_format="plaintext",
        help_epilogue=_EXIT_CODES,
        version_format="plaintext",
        version=f"aiotofupilot {__version__}",
        default_parameter=Parameter(negative=()),
        error_console=_NO_CONSOLE,
        print_error=False,
        exit_on_error=False,
    )
    wanted = next(iter(arguments), "")
    names = (*NAMES, *_USAGE)
    for name in (wanted,) if wanted in names else names:
        if wanted in (name, *_ALL):
            app.command(_made(name), name=name, usage=_USAGE.get(name))
        else:
            app.command(App(name=name))  # it may be suggested
    for command in (get, whoami, sandbox):
        app.command(command)
    if wanted not in NAMES:
        app.register_install_completion_command(add_to_startup=False)  # pyright: ignore[reportUnknownMemberType]
    return app


def _made(name: str) -> Callable[..., Any]:
    """Return a command that has the options of listings."""
    match name:
        case "download":
            from .download import download  # noqa: PLC0415 - see `app_for`

            return download
        case "mirror":
            from .mirror import mirror  # noqa: PLC0415 - likewise

            return mirror
        case _:
            from .listing_command import listing_command  # noqa: PLC0415 - likewise

            return listing_command(name)


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
            _do(work)
    except SystemExit:
        pass  # from rich, when the reader of the help has closed the pipe
    except BrokenPipeError:
        pass  # the reader has closed the pipe
    except EXPECTED as error:
        code, line = explained(error)
        say(f"aiotofupilot: {line}")
        return code
    return ExitCode.DONE


def _do(work: Coroutine[Any, Any, None]) -> None:
    """Do the work of a command. Ctrl-C, SIGTERM and a deadline end the process here and now.

    The first signal cancels the work, and another one ends the process, whatever it is doing. Service managers,
    ``docker stop`` and ``timeout`` send SIGTERM.
    """
    import asyncio  # noqa: PLC0415 - help and a wrong option need not wait for it

    signals: list[int] = []
    handlers = {signal.SIGTERM: signal.getsignal(signal.SIGTERM)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # scripts ignore it in the background
        handlers[signal.SIGINT] = signal.default_int_handler

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def cancel(number: int, _frame: object) -> None:
        restore()
        signals.append(number)
        loop.call_soon_threadsafe(task.cancel)

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(work)
        for number in handlers:
            signal.signal(number, cancel)
        try:
            loop.run_until_complete(task)
        except (asyncio.CancelledError, KeyboardInterrupt, StoppedError, DeadlineError) as error:
            _leave(error, is_terminated=signal.SIGTERM in signals)
            raise
        finally:
            restore()


def _leave(error: BaseException, *, is_terminated: bool) -> None:
    """End the process if a signal or the deadline has ended its work.

    A thread may be stuck in a name lookup or a full pipe. Closing the event loop would wait for it, and so would
    Python's own exit.
    """
    code, line = explained(error) if isinstance(error, EXPECTED) else (ExitCode.INTERRUPTED, "")
    reason = error.reason if isinstance(error, StoppedError) else error
    if code != ExitCode.INTERRUPTED and not isinstance(reason, DeadlineError):
        return
    if code == ExitCode.INTERRUPTED and is_terminated:
        code = ExitCode.TERMINATED
    if code == ExitCode.INTERRUPTED and is_terminal(sys.stderr):
        say("")  # after the terminal's ^C
    if line:
        say(f"aiotofupilot: {line}")
    if code == ExitCode.TERMINATED:
        signal.raise_signal(signal.SIGTERM)  # so the sender sees that the signal ended the process
    os._exit(code)  # and in a container's first process, which the signal alone does not end
