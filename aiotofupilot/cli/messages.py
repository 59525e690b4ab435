"""What people are told, in lines that cannot steer a terminal: also what went wrong, and the exit code that it has."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from difflib import SequenceMatcher
from enum import IntEnum
from math import ceil
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from attrs import define
from cyclopts import CycloptsError, MissingArgumentError, UnknownOptionError, UnusedCliTokensError

import aiotofupilot
from aiotofupilot._part import naming, write_all
from aiotofupilot.errors import CONTROLS, visible

if TYPE_CHECKING:
    from io import RawIOBase

STANDARD_OUTPUT = "standard output"
"""What is said to be full where no file is. What standard error does not take is not told."""


def visible_json(document: bytes) -> bytes:
    """Return a JSON document for a terminal. It is shown in one line, and it has the same value."""
    return CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", document.decode()).encode()


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether one of the standard streams is a terminal. Python has None for a closed one."""
    return stream is not None and stream.isatty()


def raw(stream: IO[Any]) -> RawIOBase:
    """Return the unbuffered stream below one of the standard streams. It always says how many bytes it took."""
    binary = getattr(stream, "buffer", stream)
    return cast("RawIOBase", getattr(binary, "raw", binary))


def put(stream: TextIO | None, text: str) -> None:
    """Write text to one of the standard streams, at once and whole, unless that is closed.

    Python's own `print` loses text where Python runs unbuffered and the stream does not block.
    """
    if stream is not None:
        with naming(STANDARD_OUTPUT):
            stream.flush()
            write_all(raw(stream), text.encode(stream.encoding, "backslashreplace"))


def say(line: str) -> None:
    """Write one line to standard error, at once and whole. If that takes nothing more, nobody is told."""
    with suppress(OSError):
        put(sys.stderr, f"{visible(line)}\n")


def complain(message: str) -> None:
    """Say something about the command, as `say` does."""
    say(f"aiotofupilot: {message}")


class Whole:
    """A standard stream for those who print: what they write is `put` there.

    If there is an error of some kinds, such as that a terminal is gone, the text is not shown, and nobody is told.
    """

    def __init__(self, stream: TextIO, *suppressed: type[Exception]) -> None:
        self._stream = stream
        self._suppressed = suppressed

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write some text at once."""
        with suppress(*self._suppressed):
            put(self._stream, text)
        return len(text)


class ExitCode(IntEnum):
    """How a command ended, for the shell."""

    DONE = 0
    USAGE = 2
    """The command cannot be carried out as it was given; nothing was asked."""
    REFUSED = 3
    """401 or 403: the key."""
    FAILED = 4
    """The server, the network, the disk, or another program that uses the file."""
    NOT_PROVEN = 5  # by a receipt, which may be right
    WRONG = 6  # a receipt
    UNEXPECTED = 7  # something that `doctor` found
    INTERRUPTED = 130  # Ctrl-C
    TERMINATED = 143  # SIGTERM


class UsageError(Exception):
    """The command cannot be carried out as it was given."""


class FailedError(Exception):
    """The command has not done all that was asked for. Run again, it can do the rest."""


class DeadlineError(FailedError):
    """The time that the command was given is over, after some seconds. ``warning`` is as in `Progress`."""

    def __init__(self, seconds: float, warning: str = "") -> None:
        super().__init__(_with_warning(f"the deadline of {seconds:g} s has passed", warning))


@define
class StoppedError(Exception):
    """A command ended early, with something done, or because it was interrupted."""

    reason: BaseException
    """An error that is `EXPECTED`, or a cancellation, which is Ctrl-C or SIGTERM."""
    left: str
    """What is done, and how to go on, in words."""


EXPECTED = (CycloptsError, UsageError, FailedError, StoppedError, aiotofupilot.TofuPilotError, OSError)
"""What `explained` explains. Anything else is a fault of this package, and its traceback is what helps."""

_ADDRESS = "check the address in TOFUPILOT_URL or --base-url"

_HINTS: dict[type[BaseException], str] = {
    aiotofupilot.BadRequestError: "the server does not accept these options",
    aiotofupilot.RateLimitedError: "try again later",
    aiotofupilot.ServerError: "try again later",
    aiotofupilot.APIError: _ADDRESS,
    aiotofupilot.RedirectError: _ADDRESS,
    aiotofupilot.TransportError: f"{_ADDRESS}, and the network",
    aiotofupilot.DriftError: "items came or went: run it again, or with --on-drift ignore, which may skip some",
    aiotofupilot.DecodeError: f"{_ADDRESS}, or get a newer aiotofupilot",
    aiotofupilot.TofuPilotError: "get a newer aiotofupilot, or report this",
}
"""By the nearest kind of an error that has no hint of its own, such as about the key."""

_PARAMETER = re.compile(
    r"(\b(?:api_key|base_url|allow_insecure_http|on_drift|ca_cert)\b(?! in )|^proxy\b|\bproxy(?==))"
    r'(?:=(?:True\b|"(\w+)")?)?'
)
"""A parameter for which the command has an option, as messages name it, perhaps with a value. The login's file has
members of the same names, which stay.
"""


def explained(error: BaseException) -> tuple[ExitCode, str]:
    """Return the exit code and the line for one of the errors that are `EXPECTED`."""
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
        case _:  # a cancellation, and so Ctrl-C or SIGTERM
            code, line = ExitCode.INTERRUPTED, _with_warning("interrupted", *error.args)
    return code, line


def _with_warning(line: str, warning: str = "") -> str:
    return f"{line}; the latest warning was: {warning}" if warning else line


def _misunderstood(error: CycloptsError) -> str:
    match error:
        case UnusedCliTokensError():
            return f"no such argument: {' '.join(error.unused_tokens or ())}; see --help"
        case UnknownOptionError() if error.token.keyword == "--limit":
            # In the library it is the size of a page, and in many commands a number of items. cyclopts says --timeout.
            advice = "-n or --max-items limits all items, and --page-size those of a request. See --help."
            return f"{str(error).partition(' Did you mean')[0]} {advice}"
        case MissingArgumentError() if error.argument and error.argument.name == "--procedure-id":
            return "--procedure-id ID is missing: 'aiotofupilot procedures --format jsonl' shows the IDs. See --help."
        case _:
            return f"{_GUESS.sub(_if_near, str(error))} See --help."


_GUESS = re.compile(r'(?P<wrong>[\w-]+)"?\.(?P<guess> Did you mean "?(?P<right>[\w-]+)"?\?)')
"""How cyclopts ends what it says of a wrong name. It takes almost any name for one that may be meant."""

_NEAR = 0.75
"""How similar a wrong name must be to the right one, unless it is its beginning."""


def _if_near(guess: re.Match[str]) -> str:
    """Return what cyclopts says of a wrong name, without a guess that is far-fetched."""
    wrong, right = guess["wrong"].strip("-").lower(), guess["right"].strip("-")
    is_near = right.startswith(wrong) or SequenceMatcher(None, wrong, right).ratio() >= _NEAR
    return guess[0] if is_near else guess[0].removesuffix(guess["guess"])


def _in_options(message: str) -> str:
    """Return a message of the library with options and commands in the place of parameters and calls."""

    def as_option(named: re.Match[str]) -> str:
        return f"--{named[1].replace('_', '-')}" + (f" {named[2]}" if named[2] else "")

    message = re.sub(r"session\.(\w+)\.list\(\)", r"'aiotofupilot \1'", _PARAMETER.sub(as_option, message))
    message = re.sub(r"session\.(\w+)\.current\(\)", r"'aiotofupilot get \1 current'", message)
    # A key on the command line is discouraged.
    return message.replace(
        "pass --api-key", "log in with TofuPilot's own command, or try --sandbox, which needs no key"
    )


def _with_hint(error: aiotofupilot.TofuPilotError) -> str:
    line = _in_options(str(error))
    if error.hint or "--on-drift" in line:  # the error says itself what to do
        return line
    if error.position is not None:
        hint = f"only the item at position {error.position} cannot be read: --on-unreadable skip leaves it out"
    elif isinstance(error, aiotofupilot.RateLimitedError | aiotofupilot.ServerError) and error.retry_after:
        hint = f"try again in {ceil(error.retry_after):,} s"
    else:
        hint = next(_HINTS[kind] for kind in type(error).__mro__ if kind in _HINTS)
    if error.item_id is not None:
        hint += f"; if others can be read, --on-unreadable skip leaves out {error.item_id}"
    return f"{line}; {hint}"
