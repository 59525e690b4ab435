"""What is told to the log, in a sentence and in fields."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from aiotofupilot.errors import APIError

if TYPE_CHECKING:
    from aiotofupilot.errors import TofuPilotError

__all__ = ["log_answer", "log_exposed", "log_retry"]

_log = logging.getLogger("aiotofupilot")


def log_retry(target: str, *, attempt: int, took: float, wait: float, error: TofuPilotError) -> None:
    """Warn that an attempt has failed, and say when there is another.

    The record has its facts as attributes too: ``tofupilot_listing``, such as ``runs``; ``tofupilot_cursor``, where the
    page begins; ``tofupilot_attempt``, from 1 on; ``tofupilot_duration`` and ``tofupilot_wait``, in seconds;
    ``tofupilot_error``, the name of the error's class; and ``tofupilot_status``, None without an answer. The text of a
    search is not among them.

    Args:
        target: Path and query of the request.
        attempt: The number of the attempt that failed, from 1 on.
        took: Seconds that the attempt took.
        wait: Seconds until the next attempt.
        error: How the attempt failed.
    """
    listing, cursor = _place(target)
    _log.warning(
        "%s at cursor %d: attempt %d failed after %.2f s, next in %.2f s: %s",
        listing,
        cursor,
        attempt,
        took,
        wait,
        error,
        extra={
            "tofupilot_listing": listing,
            "tofupilot_cursor": cursor,
            "tofupilot_attempt": attempt,
            "tofupilot_duration": took,
            "tofupilot_wait": wait,
            "tofupilot_error": type(error).__name__,
            "tofupilot_status": error.status if isinstance(error, APIError) else None,
        },
    )


def log_answer(url: str, *, status: int, size: int) -> None:
    """Tell of an answer, whatever it says, at the level of debugging.

    The record has ``tofupilot_status`` and ``tofupilot_bytes`` as attributes.

    Args:
        url: What was asked, without the key.
        status: Status code.
        size: Bytes of the body, decompressed.
    """
    fields = {"tofupilot_status": status, "tofupilot_bytes": size}
    _log.debug("GET %s: %d, %d bytes", url, status, size, extra=fields)


def log_exposed(path: str) -> None:
    """Warn of a key in a file that others can read.

    It is no Python warning, because no change of the program helps, and a program may have warnings as errors.

    Args:
        path: The file.
    """
    _log.warning("%s can be read by others: chmod 600 %s", path, path)


def _place(target: str) -> tuple[str, int]:
    """Return the listing that a request asks for, which is the end of its path, and the cursor."""
    parts = urlsplit(target)
    (cursor,) = parse_qs(parts.query).get("cursor", ["0"])
    return parts.path.rpartition("/")[2], int(cursor)
