"""The log records of requests. Each has a sentence and fields."""

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
    """Warn that an attempt has failed, and say when the next one is made.

    The record has its facts as attributes too: ``tofupilot_listing``, such as ``runs``; ``tofupilot_cursor``, where the
    page begins; ``tofupilot_attempt``, from 1 on; ``tofupilot_duration`` and ``tofupilot_wait``, in seconds;
    ``tofupilot_error``, the name of the error's class; and ``tofupilot_status``, None without an answer. It does not
    have the filters of the listing.

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
    """Log an answer at the debug level, whatever its status.

    The record has ``tofupilot_status`` and ``tofupilot_bytes`` as attributes.

    Args:
        url: The address that was asked, without the key.
        status: Status code.
        size: The size of the decompressed body, in bytes.
    """
    fields = {"tofupilot_status": status, "tofupilot_bytes": size}
    _log.debug("GET %s: %d, %d bytes", url, status, size, extra=fields)


def log_exposed(path: str) -> None:
    """Warn that other users can read the file with the key.

    This is not a Python warning, because a change of the program does not help, and some programs turn warnings into
    errors.

    Args:
        path: The file.
    """
    _log.warning("%s can be read by others: chmod 600 %s", path, path)


def _place(target: str) -> tuple[str, int]:
    """Return the listing and the cursor that a request asks for. The listing is the end of the path."""
    parts = urlsplit(target)
    (cursor,) = parse_qs(parts.query).get("cursor", ["0"])
    return parts.path.rpartition("/")[2], int(cursor)
