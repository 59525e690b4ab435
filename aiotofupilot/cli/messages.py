"""Messages for people, in lines that cannot control a terminal, and the exit codes of errors."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from enum import IntEnum
from math import ceil
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from attrs import define
from cyclopts import CycloptsError, MissingArgumentError, UnknownOptionError, UnusedCliTokensError

import aiotofupilot
from aiotofupilot._part import naming, write_all
from aiotofupilot.errors import CONTROLS, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from io import RawIOBase

STANDARD_OUTPUT = "standard output"
"""The name of the output in errors when no file is written."""


def visible_json(document: bytes) -> bytes:
    """Return a JSON document for a terminal, in one line and with the same value."""
    return CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", document.decode()).encode()


def aligned(rows: Iterable[Sequence[str]], numbers: Collection[str]) -> str:
    """Return rows as lines of equal columns. The first row has the headings. Columns in ``numbers`` are flush right."""
    columns = [
        [f"{cell:{'>' if cells[0] in numbers else ''}{max(map(len, cells))}}" for cell in cells]
        for cells in zip(*rows, strict=True)
    ]
    return "".join(" ".join(cells).rstrip() + "\n" for cells in zip(*columns, strict=True))


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal. A closed standard stream is None."""
    return stream is not None and stream.isatty()


def raw(stream: IO[Any]) -> RawIOBase:
    """Return the unbuffered stream below a standard stream. It always says how many bytes it took."""
    binary = getattr(stream, "buffer", stream)
    return cast("RawIOBase", getattr(binary, "raw", binary))


def put(stream: TextIO | None, text: str) -> None:
    """Write a whole text to a stream before returning, unless the stream is closed.

    `print` loses text if Python runs unbuffered and the stream is non-blocking.
    """
    if stream is not None:
        with naming(STANDARD_OUTPUT):
            stream.flush()
            write_all(raw(stream), text.encode(stream.encoding, "backslashreplace"))


def say(line: str) -> None:
    """Write one line to standard error. Errors of writing are ignored."""
    with suppress(OSError):
        put(sys.stderr, f"{visible(line)}\n")


def complain(message: str) -> None:
    """Write a message of the command to standard error."""
    say(f"aiotofupilot: {message}")


class UnbufferedStream:
    """A standard stream that writes by `put`. If `put` raises a suppressed error, the text is dropped."""

    def __init__(self, stream: TextIO, *suppressed: type[Exception]) -> None:
        self._stream = stream
        self._suppressed = suppressed

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a whole text before returning."""
        with suppress(*self._suppressed):
            put(self._stream, text)
        return len(text)


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    USAGE = 2
    """The command cannot be carried out as given; nothing was requested."""
    REFUSED = 3
    """401 or 403: the key was refused."""
    FAILED = 4
    """The server, the network or the disk failed, or another program uses the file."""
    NOT_PROVEN = 5  # a receipt does not prove its walk, which may still be exact
    WRONG = 6  # a receipt is wrong
    UNEXPECTED = 7  # `doctor` found something that the package does not expect
    INTERRUPTED = 130  # Ctrl-C
    TERMINATED = 143  # SIGTERM


class UsageError(Exception):
    """The command cannot be carried out as given."""


class FailedError(Exception):
    """The command is incomplete. Another run can do the rest."""


@define
class StoppedError(Exception):
    """A command ended early after some work, or was interrupted."""

    reason: BaseException
    """An `EXPECTED` error, or a cancellation by Ctrl-C or SIGTERM."""
    left: str
    """The finished work, and how to continue, in words."""


EXPECTED = (CycloptsError, UsageError, FailedError, StoppedError, aiotofupilot.TofuPilotError, OSError)
"""The errors that `explained` explains. Others are faults of this package, and need a traceback."""

_ADDRESS = "check the address in TOFUPILOT_URL or --base-url"

_HINTS: dict[type[BaseException], str] = {
    aiotofupilot.BadRequestError: "the server does not accept these options",
    aiotofupilot.RateLimitedError: "try again later",
    aiotofupilot.ServerError: "try again later",
    aiotofupilot.APIError: _ADDRESS,
    aiotofupilot.RedirectError: _ADDRESS,
    aiotofupilot.TransportError: f"{_ADDRESS}, and the network",
    aiotofupilot.DriftError: "items were added or removed: run it again, or use --on-drift ignore, which may skip some",
    aiotofupilot.DecodeError: f"{_ADDRESS}, or get a newer aiotofupilot",
    aiotofupilot.TofuPilotError: "get a newer aiotofupilot, or report this",
}
"""Hints for errors that have no hint, by class. The nearest base class counts."""

_PARAMETER = re.compile(
    r"(\b(?:api_key|base_url|allow_insecure_http|on_drift|ca_cert)\b(?! in )|^proxy\b|\bproxy(?==))"
    r'(?:=(?:True\b|"(\w+)")?)?'
)
"""A parameter that has an option, as a message names it, perhaps with a value. It matches no member of the login's file
with the same name."""


def explained(error: BaseException) -> tuple[ExitCode, str]:
    """Return the exit code and the line for an `EXPECTED` error."""
    code = ExitCode.FAILED
    match error:
        case CycloptsError():
            code, line = ExitCode.USAGE, _misunderstood(error)
        case UsageError():
            code, line = ExitCode.USAGE, str(error)
        case aiotofupilot.ConfigurationError():
            code, line = ExitCode.USAGE, _in_options(str(error))
        case aiotofupilot.UnauthorizedError() | aiotofupilot.ForbiddenError():
            code, line = ExitCode.REFUSED, _with_hint(error)
        case aiotofupilot.TofuPilotError():
            line = _with_hint(error)
        case FailedError():
            line = str(error)
        case StoppedError():
            code, reason = explained(error.reason)
            line = f"{reason}; {error.left}"
        case OSError():
            name = f" {error.filename}" if error.filename else ""
            line = f"cannot write{name}: {error.strerror or error}"
        case _:  # a cancellation, which only Ctrl-C and SIGTERM cause
            code = ExitCode.INTERRUPTED
            line = "; the latest warning was: ".join(filter(None, ("interrupted", *error.args)))
    return code, line


def _misunderstood(error: CycloptsError) -> str:
    match error:
        case UnusedCliTokensError():
            return f"no such argument: {' '.join(error.unused_tokens or ())}; see --help"
        case UnknownOptionError() if error.token.keyword == "--limit":
            # In the library, ``limit`` is the size of a page. Elsewhere, it is often a number of items. cyclopts would
            # suggest --timeout.
            advice = "-n or --max-items limits all items, and --page-size those of a request. See --help."
            return f"{str(error).partition(' Did you mean')[0]} {advice}"
        case MissingArgumentError() if error.argument and error.argument.name == "--procedure-id":
            return "--procedure-id ID is missing: 'aiotofupilot procedures --format jsonl' shows the IDs. See --help."
        case _:
            return f"{error} See --help."


def _in_options(message: str) -> str:
    """Replace the names of parameters and calls by those of options and commands."""

    def as_option(named: re.Match[str]) -> str:
        return f"--{named[1].replace('_', '-')}" + (f" {named[2]}" if named[2] else "")

    message = re.sub(r"session\.(\w+)\.list\(\)", r"'aiotofupilot \1'", _PARAMETER.sub(as_option, message))
    # A key on the command line is discouraged.
    return message.replace(
        "pass --api-key", "log in with TofuPilot's own command, or try --sandbox, which needs no key"
    )


def _with_hint(error: aiotofupilot.TofuPilotError) -> str:
    line = _in_options(str(error))
    if error.hint or "--on-drift" in line:  # the error already says what to do
        return line
    if error.position is not None:
        hint = f"only the item at position {error.position} cannot be read: use --on-unreadable skip to leave it out"
    elif isinstance(error, aiotofupilot.RateLimitedError | aiotofupilot.ServerError) and error.retry_after:
        hint = f"try again in {ceil(error.retry_after):,} s"
    else:
        hint = next(_HINTS[kind] for kind in type(error).__mro__ if kind in _HINTS)
    if error.item_id is not None:
        hint += f"; if others can be read, use --on-unreadable skip to leave out {error.item_id}"
    return f"{line}; {hint}"
