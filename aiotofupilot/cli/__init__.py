"""The command line, which writes listings as a table, JSON, CSV, Parquet or a workbook.

`run` runs a command in an event loop, handles Ctrl-C and SIGTERM, and returns the exit code. `listing` has the command
of each listing. `options` makes its options from the listing's declaration. `output` writes to standard output, or to a
file that another run can complete. `formats` write items, `xlsx` makes a workbook, `progress` shows progress, and
`messages` writes lines that cannot control a terminal. `whoami` shows whom the key belongs to, `download` fetches
attachments, `mirror` keeps a database, `check` reads a receipt, `doctor` examines how a server lists, and `sandbox`
runs a made-up server.
"""

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

from .messages import EXPECTED, ExitCode, StoppedError, UnbufferedStream, complain, explained, is_terminal, say

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from rich.console import Console

__all__ = ["run"]

_USAGE = {
    "download": "Usage: aiotofupilot download [OPTIONS] FOLDER [LISTING]",
    "mirror": "Usage: aiotofupilot mirror [OPTIONS] DATABASE [LISTING...]",
}
"""Usage lines in place of cyclopts' own, which call the listings ``ARGS``."""


def command_line() -> App:
    """Return the command line. A command is loaded on first use, because making its options takes time."""
    app = App(
        name="aiotofupilot",
        help="Stream TofuPilot's listings to the terminal, a pipe or a file.",
        help_format="plaintext",
        help_epilogue="Exit codes: 0 done, 2 wrong usage, 3 key refused (401, 403), 4 other failure of server, network "
        "or disk, 5 not proven, 6 wrong, 7 unexpected, 130 interrupted, 143 ended by SIGTERM.",
        version_format="plaintext",
        version=f"aiotofupilot {__version__}",
        default_parameter=Parameter(negative=()),
        error_console=cast("Console", object()),  # errors are raised, but without a console cyclopts would load rich
        print_error=False,
        exit_on_error=False,
    )
    for name in NAMES:
        app.command(f"{__package__}.listing:{name}", name=name)
    for name in ("check", "doctor", "download", "mirror", "sandbox", "whoami"):
        app.command(f"{__package__}.{name}:{name}", name=name, usage=_USAGE.get(name))
    app.register_install_completion_command(add_to_startup=False)  # pyright: ignore[reportUnknownMemberType]
    return app


def run(arguments: Sequence[str]) -> ExitCode:
    """Run a command, and return its exit code."""
    try:
        # Text bypasses the buffers of the standard streams, so that nothing is left in them at the end.
        with (
            nullcontext() if sys.stdout is None else redirect_stdout(cast("TextIO", UnbufferedStream(sys.stdout)))
        ):  # help is text
            app = command_line()
            if arguments[:1] in ([], ["--help"], ["-h"]):
                app.resolved_commands()  # otherwise cyclopts lists commands without their help
            command, bound, _ = app.parse_args(arguments)
            work = command(*bound.args, **bound.kwargs)
        if inspect.iscoroutine(work):
            work = _do(work)
        if work is not None:  # the command has its own exit code
            return ExitCode(work)
    except (SystemExit, BrokenPipeError):  # rich raises SystemExit while it shows the help
        pass  # the reader has closed the pipe
    except EXPECTED as error:
        code, line = explained(error)
        complain(line)
        return code
    except ModuleNotFoundError as error:
        if error.name not in ("duckdb", "pyarrow", "xlsxwriter"):  # the modules that extras install
            raise
        complain(str(error))
        return ExitCode.USAGE
    except (TypeError, ValueError) as error:
        if (parameter := getattr(error, "parameter", None)) is None:  # with a parameter, an option is out of bounds
            raise
        from .options import option  # noqa: PLC0415 - the command has loaded it

        complain(f"wrong {option(parameter)}: {error}")
        return ExitCode.USAGE
    return ExitCode.DONE


def _do(work: Coroutine[Any, Any, object]) -> object:
    """Run the work of a command. After Ctrl-C or SIGTERM, end the process as soon as the work has stopped.

    The first signal cancels the work, and a second one of either kind ends the process at once. asyncio handles Ctrl-C,
    unless the process ignores it, as a background job of a script does. Service managers, ``docker stop`` and
    ``timeout`` send SIGTERM.
    """
    import asyncio  # noqa: PLC0415 - a wrong command need not wait for it

    signals: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    async def cancellable() -> object:
        loop, task = asyncio.get_running_loop(), cast("asyncio.Task[None]", asyncio.current_task())

        def terminate(number: int, _frame: object) -> None:
            for each, handler in handlers.items():
                signal.signal(each, handler)
            if task.cancelling():  # Ctrl-C came before
                signal.raise_signal(number)
            signals.append(number)
            loop.call_soon_threadsafe(task.cancel)

        signal.signal(signal.SIGTERM, terminate)
        return await work

    with asyncio.Runner() as runner:
        try:
            return runner.run(cancellable())
        except (asyncio.CancelledError, KeyboardInterrupt, StoppedError) as error:
            _leave(error, is_terminated=bool(signals))
            raise
        finally:
            signal.signal(signal.SIGTERM, handlers[signal.SIGTERM])


def _leave(error: BaseException, *, is_terminated: bool) -> None:
    """End the process if a signal has ended its work.

    A normal exit would wait for all threads, and one may be stuck in a name lookup or a full pipe.
    """
    code, line = explained(error) if isinstance(error, EXPECTED) else (ExitCode.INTERRUPTED, "")
    if code != ExitCode.INTERRUPTED:
        return
    if is_terminated:
        code = ExitCode.TERMINATED
    elif is_terminal(sys.stderr):
        say("")  # after the terminal's ^C
    if line:
        complain(line)
    if is_terminated:
        signal.raise_signal(signal.SIGTERM)  # so the sender sees that the signal ended the process
    os._exit(code)  # even in a container's first process, which the signal alone does not end
