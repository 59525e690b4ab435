"""What went wrong, in one plain line that says what to do next, and the exit code that goes with it."""

from __future__ import annotations

import re
from enum import IntEnum
from math import ceil

from cyclopts import CycloptsError, UnknownOptionError, UnusedCliTokensError

import aiotofupilot


class ExitCode(IntEnum):
    """How a command ended, for the shell."""

    DONE = 0
    USAGE = 2
    """The command cannot be carried out as it was given; nothing was asked."""
    REFUSED = 3
    """401 or 403: the key."""
    FAILED = 4
    """Everything else: the server, the network, the disk, or another program that uses the file."""
    INTERRUPTED = 130
    """Ctrl-C."""
    TERMINATED = 143
    """SIGTERM."""


class UsageError(Exception):
    """The command cannot be carried out as it was given."""


class FailedError(Exception):
    """What was asked for is not done, or not all of it. Run again, the same command can do the rest."""


class DeadlineError(Exception):
    """The time that the command was given is over, after some seconds. ``failure`` is as in `Progress`."""

    def __init__(self, seconds: float, failure: str = "") -> None:
        super().__init__("; ".join(filter(None, (f"the deadline of {seconds:g} s has passed", failure))))


class StoppedError(Exception):
    """A command ended early, with something done, or because it was interrupted.

    Attributes:
        reason: Why: an error that is `EXPECTED`, or a cancellation, which is Ctrl-C or SIGTERM.
        left: What is done, and how to go on, in words.
    """

    def __init__(self, reason: BaseException, left: str) -> None:
        super().__init__(reason, left)
        self.reason = reason
        self.left = left


EXPECTED = (
    *(CycloptsError, UsageError, FailedError, DeadlineError, StoppedError),
    *(aiotofupilot.TofuPilotError, OSError),
)
"""What `explained` explains. Anything else is a fault of this package, and its traceback is what helps."""

_ADDRESS = "check the address in TOFUPILOT_URL or --base-url"

_LIMIT = "At most so many in all is -n or --max-items; so many per request is --page-size. See --help."
"""What is said about --limit. In the library it is the size of a page, and in many commands the number of items."""

_HINTS: dict[type[BaseException], str] = {
    aiotofupilot.UnauthorizedError: "check the key in TOFUPILOT_API_KEY, and that it is of this server",
    aiotofupilot.ForbiddenError: "use the key of a user: a station's key may not list everything",
    aiotofupilot.BadRequestError: "the server does not accept these options",
    aiotofupilot.RateLimitedError: "try again later",
    aiotofupilot.ServerError: "try again later",
    aiotofupilot.APIError: _ADDRESS,
    aiotofupilot.CertificateError: _ADDRESS,
    aiotofupilot.ProxyError: "check the proxy",
    aiotofupilot.ConnectionFailedError: f"{_ADDRESS}, and the network",
    aiotofupilot.RequestTimeoutError: f"{_ADDRESS}, and the network",
    aiotofupilot.RedirectError: _ADDRESS,
    aiotofupilot.DriftError: "items came or went meanwhile: run it again, or with --on-drift resync",
    aiotofupilot.DecodeError: f"{_ADDRESS}, or get a newer aiotofupilot",
    aiotofupilot.TofuPilotError: "get a newer aiotofupilot, or report this",
}
"""By the error's nearest kind."""

_PARAMETER = re.compile(
    r"(\b(?:api_key|base_url|allow_insecure_http|on_drift|ca_cert)\b(?! in )|^proxy\b|\bproxy(?==))"
    r'(?:=(?:True\b|"(\w+)")?)?'
)
"""A parameter for which the command has an option, as messages name it, perhaps with a value. The login's file has
members of the same names, which stay.
"""

_COMMANDS = (
    (r"session\.(\w+)\.list\(\)", r"'aiotofupilot \1'"),
    (r"session\.(\w+)\.current\(\)", r"'aiotofupilot get \1 current'"),
)
"""Calls that messages advise, and the commands that do the same."""


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
        case DeadlineError() | FailedError():
            line = str(error)
        case StoppedError():
            code, reason = explained(error.reason)
            line = f"{reason}; {error.left}"
        case OSError():
            name = f" {error.filename}" if error.filename else ""
            line = f"cannot write{name}: {error.strerror or error}"
        case _:  # a cancellation, and so Ctrl-C or SIGTERM
            code, line = ExitCode.INTERRUPTED, "; ".join(("interrupted", *error.args))
    return code, line


def _misunderstood(error: CycloptsError) -> str:
    match error:
        case UnusedCliTokensError():
            return f"no such argument: {' '.join(error.unused_tokens or ())}; see --help"
        case UnknownOptionError() if error.token.keyword == "--limit":
            return f"{str(error).partition(' Did you mean')[0]} {_LIMIT}"  # cyclopts suggests --timeout
        case _:
            return f"{error} See --help."


def _in_options(message: str) -> str:
    """Return a message of the library, which speaks of parameters, with the options of the command instead."""
    message = _PARAMETER.sub(
        lambda named: f"--{named[1].replace('_', '-')}{f' {named[2]}' if named[2] else ''}", message
    )
    for call, command in _COMMANDS:
        message = re.sub(call, command, message)
    # A key on the command line is discouraged.
    return message.replace(
        "pass --api-key", "log in with TofuPilot's own command, or try --sandbox, which needs no key"
    )


def _with_hint(error: aiotofupilot.TofuPilotError) -> str:
    line = _in_options(str(error))
    # The error itself may say what to do.
    if error.hint or (isinstance(error, aiotofupilot.DriftError) and "--on-drift" in line):
        return line
    line = f"{line}; {_what_to_do(error)}"
    if error.item_id is not None:
        line += f"; if others can be read, --on-unreadable skip leaves out {error.item_id}"
    return line


def _what_to_do(error: aiotofupilot.TofuPilotError) -> str:
    if error.position is not None:
        return f"only the item at position {error.position} cannot be read: --on-unreadable skip leaves it out"
    if isinstance(error, aiotofupilot.RateLimitedError | aiotofupilot.ServerError) and error.retry_after:
        return f"try again in {ceil(error.retry_after):,} s"
    return next(_HINTS[kind] for kind in type(error).__mro__ if kind in _HINTS)
