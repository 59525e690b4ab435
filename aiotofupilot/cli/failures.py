"""What went wrong, in one plain line that says what to do next, and the exit code that goes with it."""

from __future__ import annotations

from enum import IntEnum
from math import ceil
from typing import TYPE_CHECKING

from cyclopts import CycloptsError, UnknownOptionError, UnusedCliTokensError

from aiotofupilot.errors import (
    APIError,
    BadRequestError,
    CertificateError,
    ConfigurationError,
    ConnectionFailedError,
    DecodeError,
    DriftError,
    ForbiddenError,
    NotFoundError,
    ProxyError,
    RateLimitedError,
    RedirectError,
    RequestTimeoutError,
    ServerError,
    TofuPilotError,
    UnauthorizedError,
)

if TYPE_CHECKING:
    from .output.journal import Mark

__all__ = [
    "EXPECTED",
    "DeadlineError",
    "ExitCode",
    "MirrorStoppedError",
    "StoppedError",
    "UsageError",
    "explained",
]


class ExitCode(IntEnum):
    """What the shell gets to know."""

    DONE = 0
    USAGE = 2
    """The command cannot be carried out as it was given; nothing was asked."""
    REFUSED = 3
    """401 or 403: the key."""
    FAILED = 4
    """Everything else: the server, the network, the disk."""
    INTERRUPTED = 130
    """Ctrl-C."""
    TERMINATED = 143
    """SIGTERM."""


class UsageError(Exception):
    """The command cannot be carried out as it was given."""


class DeadlineError(Exception):
    """The time that the command was given is over.

    Attributes:
        seconds: How long that was.
        failure: The latest warning about an attempt, if nothing has arrived after it; empty: there is none.
    """

    def __init__(self, seconds: float, failure: str = "") -> None:
        cause = f"; the latest warning was: {failure}" if failure else ""
        super().__init__(f"the deadline of {seconds:g} s has passed{cause}")
        self.seconds = seconds
        self.failure = failure


class StoppedError(Exception):
    """A listing ended early, after something was written, or because it was interrupted.

    Attributes:
        reason: Why: an error that is `EXPECTED`, or a cancellation, which is Ctrl-C or SIGTERM.
        mark: How much was written.
        written: The same in words.
        can_resume: Whether ``--resume`` can go on with the file.
        is_kept: Whether what was written is still there, so that another run can resume after it.
        left_out: Which items were left out because they could not be read, in words; empty: none.
    """

    def __init__(
        self,
        reason: BaseException,
        mark: Mark,
        *,
        written: str,
        can_resume: bool,
        is_kept: bool = True,
        left_out: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.mark = mark
        self.written = written
        self.can_resume = can_resume
        self.is_kept = is_kept
        self.left_out = left_out


class MirrorStoppedError(Exception):
    """A mirror was not brought up to date to its end.

    Attributes:
        reason: Why, as for `StoppedError`.
        place: The listing that it was at; or ``end``, after all of them.
    """

    def __init__(self, reason: BaseException, place: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


EXPECTED = (CycloptsError, UsageError, DeadlineError, StoppedError, MirrorStoppedError, TofuPilotError, OSError)
"""What `explained` explains. Anything else is a fault of this package, and its traceback is what helps."""

_ADDRESS = "check the address in TOFUPILOT_URL or --base-url"

_LIMIT = "At most so many in all is -n or --max-items; so many per request is --page-size. See --help."
"""What is said about --limit. In the library it is the size of a page, and in many commands the number of items."""

_ADVICE: dict[type[BaseException], str] = {
    UnauthorizedError: "check the key in TOFUPILOT_API_KEY, and that it is of this server",
    ForbiddenError: "use the key of a user: a station's key may not list everything",
    BadRequestError: "the server does not accept these options",
    NotFoundError: _ADDRESS,
    RateLimitedError: "try again later",
    ServerError: "try again later",
    APIError: _ADDRESS,
    CertificateError: _ADDRESS,
    ProxyError: "check the proxy",
    ConnectionFailedError: f"{_ADDRESS}, and the network",
    RequestTimeoutError: f"{_ADDRESS}, and the network",
    RedirectError: _ADDRESS,
    DriftError: "items came or went meanwhile: run it again, or with --on-drift resync",
    DecodeError: f"{_ADDRESS}, or get a newer aiotofupilot",
    TofuPilotError: "get a newer aiotofupilot, or report this",
}
"""By the error's nearest kind."""

_IN_OPTIONS = {
    "pass api_key=": "log in with TofuPilot's own command, or try --sandbox, which needs no key",
    "pass allow_insecure_http=True": "give --allow-insecure-http",
    "key in api_key ": "key in --api-key ",
    "key given as api_key": "key given with --api-key",
    "base_url must ": "--base-url must ",
    "base_url is ": "--base-url is ",
    'on_drift="ignore"': "--on-drift ignore",
    "pass ca_cert=": "give --ca-cert",
    "ca_cert is ": "--ca-cert is ",
    "ca_cert cannot ": "--ca-cert cannot ",
    "proxy must ": "--proxy must ",
    "proxy would ": "--proxy would ",
    "proxy=": "--proxy",
}
"""What the command has for what the library tells a program to do, and for its parameters."""


def explained(error: BaseException) -> tuple[ExitCode, str]:
    """Return the exit code and the line for one of the errors that are `EXPECTED`."""
    code = ExitCode.FAILED
    match error:
        case CycloptsError():
            code, line = ExitCode.USAGE, _misunderstood(error)
        case UsageError():
            code, line = ExitCode.USAGE, str(error)
        case ConfigurationError():
            code, line = ExitCode.USAGE, _in_options(str(error))
        case UnauthorizedError() | ForbiddenError():
            code, line = ExitCode.REFUSED, _with_advice(error)
        case TofuPilotError():
            line = _with_advice(error)
        case DeadlineError():
            line = str(error)
        case StoppedError() | MirrorStoppedError():
            code, reason = explained(error.reason)
            line = f"{reason}; {_what_is_left(error)}"
        case _ if not isinstance(error, Exception):  # a cancellation, and so Ctrl-C or SIGTERM
            code, line = ExitCode.INTERRUPTED, "interrupted"
        case _:
            line = f"cannot write: {getattr(error, 'strerror', None) or error}"
    return code, line


def _misunderstood(error: CycloptsError) -> str:
    match error:
        case UnusedCliTokensError():
            return f"no such argument: {' '.join(error.unused_tokens or ())}; see --help"
        case UnknownOptionError() if error.token.keyword == "--limit":
            return f"{str(error).partition(' Did you mean')[0]} {_LIMIT}"  # cyclopts suggests --timeout
        case _:
            return f"{error} See --help."


def _in_options(complaint: str) -> str:
    for in_python, in_options in _IN_OPTIONS.items():
        complaint = complaint.replace(in_python, in_options)
    return complaint


def _with_advice(error: TofuPilotError) -> str:
    attempts = f" (after {error.attempts} attempts)" if error.attempts > 1 else ""
    line = f"{_in_options(str(error))}{attempts}"
    # The error itself may say what to do.
    if error.hint or (isinstance(error, DriftError) and "--on-drift" in line):
        return line
    return f"{line}; {_what_to_do(error)}"


def _what_to_do(error: TofuPilotError) -> str:
    if error.position is not None:
        return f"only the item at position {error.position} cannot be read: --on-unreadable skip leaves it out"
    if isinstance(error, RateLimitedError | ServerError) and error.retry_after:
        return f"try again in {ceil(error.retry_after):,} s"
    return next(_ADVICE[kind] for kind in type(error).__mro__ if kind in _ADVICE)


def _what_is_left(stopped: StoppedError | MirrorStoppedError) -> str:
    if isinstance(stopped, MirrorStoppedError):
        return f"it had come to the {stopped.place}, run it again to go on"
    left = f"{stopped.written} {_what_became_of_them(stopped)}"
    return f"{left}; {stopped.left_out}" if stopped.left_out else left


def _what_became_of_them(stopped: StoppedError) -> str:
    if not stopped.mark.items:
        return "written"
    if not stopped.is_kept:
        return "written and removed again, because --resume cannot go on with a json file"
    cursor = f"--cursor {stopped.mark.checkpoint}"
    return f"written, go on with {f'--resume, or elsewhere with {cursor}' if stopped.can_resume else cursor}"
